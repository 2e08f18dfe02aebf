//! The sources that name a session's subject, and their precedence.
//!
//! What a trusted proxy asserts with a request, or the application says when it is asked, comes first: it
//! voids what is remembered of another subject. Without it a session is whose login was observed.

mod asserted;
mod error;
mod jwt;
mod whoami;

pub use asserted::{Asserted, AssertedHeaders};
pub use error::SubjectError;
pub(crate) use jwt::TokenReader;
pub use jwt::{
    ClaimTest, IssuerKeys, IssuerKeysError, Jwt, KeyPlace, Keyring, KeyringOptions,
    SignatureAlgorithm, TokenError, TokenPlace,
};
pub use whoami::{
    AnswerField, AnswerPlace, NobodySigns, SharedAsker, UrlTemplate, UrlTemplateError, Whoami,
    WhoamiAnswers, WhoamiError, WhoamiRule, valid_selector,
};
pub(crate) use whoami::{AskedRequest, Asker, Question, WhoamiAnswer};

use super::{Caller, Credentials, Learn, SessionKey, SessionOptions};
use crate::domain::{Reason, Session, SessionId, SessionState, StoredSession, Timestamp};
use crate::seal::{Keys, Purpose};
use http::HeaderMap;
use std::time::Duration;

/// Something that names the subject of a session.
#[derive(Clone, Debug)]
pub enum Source {
    /// Headers of a trusted proxy, with every request.
    Headers(AssertedHeaders),
    /// A signed token that requests carry.
    Jwt(Jwt),
    /// The logins and logouts that the application answers.
    Learn(Learn),
    /// The application itself, which is asked.
    Whoami(Whoami),
}

impl SessionOptions {
    /// What a trusted proxy asserts in the headers of a request from it.
    pub fn asserted(&self, headers: &HeaderMap) -> Option<Asserted> {
        self.sources.iter().find_map(|source| match source {
            Source::Headers(names) => names.read(headers),
            Source::Jwt(_) | Source::Learn(_) | Source::Whoami(_) => None,
        })
    }

    /// The headers in which a trusted proxy names subjects.
    pub fn asserted_headers(&self) -> Option<&AssertedHeaders> {
        self.sources.iter().find_map(|source| match source {
            Source::Headers(names) => Some(names),
            Source::Jwt(_) | Source::Learn(_) | Source::Whoami(_) => None,
        })
    }

    /// The tokens that name subjects.
    pub fn jwt(&self) -> Option<&Jwt> {
        self.sources.iter().find_map(|source| match source {
            Source::Jwt(jwt) => Some(jwt),
            Source::Headers(_) | Source::Learn(_) | Source::Whoami(_) => None,
        })
    }

    /// The logins and logouts to watch.
    pub fn learn(&self) -> Option<&Learn> {
        self.sources.iter().find_map(|source| match source {
            Source::Learn(learn) => Some(learn),
            Source::Headers(_) | Source::Jwt(_) | Source::Whoami(_) => None,
        })
    }

    /// The questions by which the application names its user.
    pub fn whoami(&self) -> Option<&Whoami> {
        self.sources.iter().find_map(|source| match source {
            Source::Whoami(whoami) => Some(whoami),
            Source::Headers(_) | Source::Jwt(_) | Source::Learn(_) => None,
        })
    }

    /// The session of a request: now, and under the secret before a rotation.
    pub fn identify(
        &self,
        credentials: &Credentials,
        asserted: Option<&Asserted>,
        keys: &Keys,
    ) -> (Option<SessionId>, Option<SessionId>) {
        match (self.key, asserted) {
            (SessionKey::Credential, None) => {
                (credentials.session(keys), credentials.earlier_session(keys))
            }
            // A proxy that authenticates each request may need no credential that reaches us.
            (SessionKey::Credential, Some(_)) if !credentials.is_empty() => {
                (credentials.session(keys), credentials.earlier_session(keys))
            }
            (SessionKey::Credential | SessionKey::Subject, Some(asserted)) => {
                // What may name somebody else beside the cookie counts as ever: only cookies change.
                let beside = credentials.without_cookies();
                let subject = asserted.subject.as_str().as_bytes();
                let parts = [&[b"subject", subject][..], &beside.parts()].concat();
                let earlier = keys
                    .previous_mac(Purpose::Session, &parts)
                    .map(SessionId::new);
                (
                    Some(SessionId::new(keys.mac(Purpose::Session, &parts))),
                    earlier,
                )
            }
            (SessionKey::Subject, None) => (None, None),
        }
    }
}

/// The session of a caller: as it is remembered, unless a trusted proxy asserts another subject,
/// which voids everything that was remembered.
pub fn session_of(
    remembered: Option<StoredSession>,
    caller: &Caller,
    now: Timestamp,
) -> SessionState {
    let asserted = caller.asserted.as_ref().map(|asserted| &asserted.subject);
    let is_kept = |session: &StoredSession| {
        session.revoked || asserted.is_none() || session.owner.subject() == asserted
    };
    match (remembered.filter(is_kept), asserted) {
        (Some(session), _) => match session.known() {
            Ok(session) => SessionState::Known(session),
            Err(session) => SessionState::Disputed(session),
        },
        (None, Some(subject)) => SessionState::Known(Session {
            owner: subject.clone(),
            authenticated_at: None,
            browser_key: None,
            created_at: now,
            seen_at: now,
            revoked: false,
        }),
        (None, None) => SessionState::Unknown,
    }
}

/// Tells whether a session has lasted, or was idle, longer than the settings allow.
pub fn over_limits<O>(
    session: &Session<O>,
    options: &SessionOptions,
    now: Timestamp,
) -> Option<Reason> {
    let began = session.authenticated_at.unwrap_or(session.created_at);
    let over = |limit: Option<Duration>, since: Timestamp| {
        limit.is_some_and(|limit| now.since(since) >= limit)
    };
    if session.revoked {
        Some(Reason::SessionRevoked)
    } else if over(options.lifetime, began) || over(options.idle, session.seen_at) {
        Some(Reason::SessionTimedOut)
    } else {
        None
    }
}
