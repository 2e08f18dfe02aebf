//! The source that names the subject of every request, and what may be asked of it.
//!
//! What it says comes before what is remembered of a session: it voids what another subject has earned.
//! Where it says nothing, a session is whose login was observed ([`Learn`](super::Learn)).

mod asserted;
mod basic;
mod jwt;
mod reader;
mod records;
mod whoami;

pub use asserted::{Asserted, AssertedHeaders};
pub use basic::{Basic, BasicError, Codes};
pub use jwt::{Jwt, TokenPlace};
pub use reader::SubjectError;
pub(crate) use reader::{AnsweredBy, SourceReader};
pub use records::{RecordError, Records};
pub use whoami::{
    AnswerField, AnswerPlace, NobodySigns, SharedAsker, UrlTemplate, UrlTemplateError, Whoami,
    WhoamiAnswers, WhoamiError, WhoamiRule, valid_selector,
};
pub(crate) use whoami::{AskedRequest, Asker, Question};

use super::SessionOptions;
use crate::domain::{Secret, announces_form};
use http::{HeaderMap, HeaderName};

/// What names the subject of every request. There is one of them at most: of several it could not be told
/// which is right.
#[derive(Clone, Debug)]
pub enum Source {
    /// The user of `Authorization: Basic`, once the application has taken the password.
    Basic(Basic),
    /// Headers of a trusted proxy.
    Headers(AssertedHeaders),
    /// A signed token that requests carry.
    Jwt(Jwt),
    /// The application's own sessions in its Redis.
    Records(Records),
    /// The application itself, which is asked.
    Whoami(Whoami),
}

impl Source {
    /// What a trusted proxy asserts in the headers of a request from it.
    fn asserted(&self, headers: &HeaderMap) -> Option<Asserted> {
        match self {
            Self::Headers(names) => names.read(headers),
            Self::Basic(_) | Self::Jwt(_) | Self::Records(_) | Self::Whoami(_) => None,
        }
    }

    /// The headers by which a trusted proxy says who somebody is: nobody else's get through.
    fn identity_headers(&self) -> Vec<&HeaderName> {
        match self {
            Self::Headers(names) => names.all().collect(),
            Self::Basic(_) | Self::Jwt(_) | Self::Records(_) | Self::Whoami(_) => Vec::new(),
        }
    }

    /// The header of its own that carries the credential which it reads.
    pub fn own_header(&self) -> Option<&HeaderName> {
        match self {
            Self::Jwt(jwt) => jwt.header(),
            Self::Basic(_) | Self::Headers(_) | Self::Records(_) | Self::Whoami(_) => None,
        }
    }

    /// Whether it names addresses of people, to which codes can be sent.
    pub fn names_addresses(&self) -> bool {
        match self {
            Self::Headers(names) => names.email.is_some(),
            Self::Records(records) => records.email.is_some(),
            Self::Whoami(whoami) => whoami.rules.iter().any(|rule| rule.email.is_some()),
            Self::Basic(_) | Self::Jwt(_) => false,
        }
    }

    /// Whether it says which groups people are in.
    pub fn names_groups(&self) -> bool {
        match self {
            Self::Headers(names) => names.groups.is_some(),
            Self::Jwt(jwt) => jwt.groups.is_some(),
            Self::Records(records) => records.groups.is_some(),
            Self::Whoami(whoami) => whoami.rules.iter().any(|rule| rule.groups.is_some()),
            Self::Basic(_) => false,
        }
    }

    /// Whether somebody else keeps what it says, so that it may change while the credentials stay the same, also
    /// while a request is under way.
    fn may_change(&self) -> bool {
        match self {
            Self::Records(_) | Self::Whoami(_) => true,
            Self::Basic(_) | Self::Headers(_) | Self::Jwt(_) => false,
        }
    }
}

impl SessionOptions {
    /// What a trusted proxy asserts in the headers of a request from it.
    pub fn asserted(&self, headers: &HeaderMap) -> Option<Asserted> {
        self.source.as_ref()?.asserted(headers)
    }

    /// The headers by which a trusted proxy says who somebody is.
    pub fn identity_headers(&self) -> Vec<&HeaderName> {
        let source = self.source.as_ref();
        source.map(Source::identity_headers).unwrap_or_default()
    }

    /// Whether a one-time code may stand behind a password.
    pub fn takes_codes(&self) -> bool {
        matches!(&self.source, Some(Source::Basic(basic)) if basic.codes == Codes::Appended)
    }

    /// Takes the one-time code from behind a password, where one may stand there: the session, and what the application
    /// gets, are those of the plain password.
    pub(crate) fn take_code(&self, headers: &mut HeaderMap) -> Option<Secret<String>> {
        self.takes_codes().then(|| basic::take_code(headers))?
    }

    /// Whether the body of a guarded request must be read for keys: for those that the settings name, and, where
    /// what names the subject does not look at the body, for a second token in a form (RFC 6750 §2.2).
    pub(crate) fn reads_keys(&self, headers: &HeaderMap) -> bool {
        let names_others = match &self.source {
            Some(Source::Basic(_) | Source::Jwt(_) | Source::Records(_) | Source::Whoami(_)) => {
                true
            }
            // Behind such a proxy nobody is known by anything else.
            Some(Source::Headers(_)) | None => false,
        };
        self.key_names.reads_body() || (names_others && announces_form(headers))
    }

    /// Whether somebody else keeps whose a request is; see [`Source`].
    pub(crate) fn subject_may_change(&self) -> bool {
        self.source.as_ref().is_some_and(Source::may_change)
    }

    /// Whether the application is asked about requests, so that what it said is kept.
    pub(crate) fn asks_application(&self) -> bool {
        match &self.source {
            Some(Source::Basic(_) | Source::Whoami(_)) => true,
            Some(Source::Headers(_) | Source::Jwt(_) | Source::Records(_)) | None => false,
        }
    }

    /// The questions by which the application names its user.
    pub fn whoami(&self) -> Option<&Whoami> {
        match &self.source {
            Some(Source::Whoami(whoami)) => Some(whoami),
            Some(Source::Basic(_) | Source::Headers(_) | Source::Jwt(_) | Source::Records(_))
            | None => None,
        }
    }
}
