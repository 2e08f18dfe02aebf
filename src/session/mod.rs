//! Which session a request belongs to, and whose it is.
//!
//! The application is unchanged, so all of this is learned from what passes: the credentials a
//! client carries ([`credentials`](Credentials)), the logins and logouts the application answers
//! ([`Learn`]), and one [`Source`] that names the subject of every request.

mod answer_token;
mod browser_key;
mod change;
mod confirm;
mod credentials;
pub(crate) mod ending;
mod exchange;
mod forget;
mod guest;
mod identify;
mod learn;
mod live;
mod login;
mod observe;
pub(crate) mod onward;
pub(crate) mod open;
mod probe;
mod recent;
mod rolling;
mod sessions;
pub mod sources;
mod state;
mod unrecognized;
mod upstream_login;

pub use answer_token::{AnswerToken, AnswerTokenPlace};
pub use browser_key::BrowserKeyCookie;
pub(crate) use change::SessionChange;
pub use credentials::{
    COMMON_HEADERS, CarriedLines, CookieScope, CredentialNames, Credentials, DoubledCredential,
    KeyNames, NamedKeys,
};
pub(crate) use credentials::{CredentialKind, set_cookies};
pub use exchange::ExchangeError;
pub use guest::GuestCookie;
pub(crate) use identify::{asserted, identify, provenance};
pub use learn::{Attempt, Candidates, Found, Learn, LoginRoute, Sign, SubjectSource, Unclear};
pub use live::LiveLimit;
pub use login::{
    Answer, Disregarded, KnownSession, LoginVerdict, Named, ObservedLogin, judge_login,
};
pub(crate) use observe::{Watch, is_event_stream};
pub(crate) use probe::ApplicationProbe;
pub use recent::Recent;
pub use rolling::{Rolling, RotatedProofs};
pub(crate) use sessions::Sessions;
pub use sessions::SharedSessions;
pub(crate) use sources::AskedRequest;
pub use sources::{
    AnswerField, AnswerPlace, Asserted, AssertedHeaders, Basic, Codes, Jwt, NobodySigns,
    SharedAsker, Source, SubjectError, TokenPlace, UrlTemplate, UrlTemplateError, Whoami,
    WhoamiAnswers, WhoamiError, WhoamiRule, valid_selector,
};
pub use state::{over_limits, session_of};
pub use upstream_login::{
    LoginFields, TrialError, UpstreamLogin, UpstreamLoginOptions, UpstreamTrial,
};

use crate::domain::{BrowserKeyHash, DisplayName, Naming, SessionId, Timestamp};
use std::time::Duration;

/// Where sessions come from, and how long they last.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// The credentials that make a session.
    pub credentials: CredentialNames,
    /// Headers and parameters of the query that count as credentials beside them.
    pub key_names: KeyNames,
    /// What identifies a session.
    pub key: SessionKey,
    /// What happens when the session's cookie gets another value.
    pub rotation: RotationOptions,
    /// Which spellings of a user's name are one subject.
    pub naming: Naming,
    /// How long a session that is not used is remembered.
    pub remember: Duration,
    /// How long a session lasts after its login, if we enforce that.
    pub lifetime: Option<Duration>,
    /// How long a session lasts without being used, if we enforce that.
    pub idle: Option<Duration>,
    /// Where people log in; a path of the application. `{path}` stands for where they were going.
    pub login_page: Option<String>,
    /// Whether whoever brings nothing is asked for a password of HTTP.
    pub asks_for_password: bool,
    /// What names the subject of every request.
    pub source: Option<Source>,
    /// The logins and logouts that the application answers.
    pub learn: Option<Learn>,
}

impl SessionOptions {
    /// Whether only logins that are seen tell whose a session is.
    pub fn is_learned_alone(&self) -> bool {
        self.source.is_none()
    }

    /// Whether sessions must be looked up even for requests that no route guards.
    pub fn limits_in_force(&self) -> bool {
        self.lifetime.is_some() || self.idle.is_some()
    }
}

/// What happens when a session's cookie gets another value without a declared login.
#[derive(Clone, Copy, Debug)]
pub struct RotationOptions {
    /// What goes along.
    pub proofs: RotatedProofs,
    /// How long the old value stays good for requests under way.
    pub grace: Duration,
}

/// What identifies a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKey {
    /// The credentials that the client carries.
    Credential,
    /// The subject that a trusted proxy asserts, for applications that re-issue the cookie on
    /// every answer; the browser key alone then tells one browser from another.
    Subject,
}

/// Who sends a request, as far as the request itself tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The session, if the request carries a credential.
    pub session: Option<SessionId>,
    /// Whether one of its credentials is a cookie.
    pub has_cookie: bool,
    /// The same under the secret before the rotation, if one is under way.
    pub earlier: Option<SessionId>,
    /// The sessions that single credentials of the request would make: none of them may have ended.
    pub alone: Vec<SessionId>,
    /// What is revoked with the session: single cookies, and what all spellings share.
    pub parts: Vec<SessionId>,
    /// The session of the same credentials in their plainest spelling, where limits are in force.
    pub reduced: Option<SessionId>,
    /// The browser key, if it carries one.
    pub browser_key: Option<BrowserKeyHash>,
    /// What a trusted proxy asserts, or the application says.
    pub asserted: Option<Asserted>,
}

impl Caller {
    /// The groups that a source says the person is in.
    pub fn asserted_groups(&self) -> &[String] {
        let asserted = self.asserted.as_ref();
        asserted.map_or(&[], |asserted| &asserted.groups)
    }

    /// The mail address that a source names.
    pub fn asserted_email(&self) -> Option<&str> {
        self.asserted.as_ref()?.email.as_deref()
    }

    /// When the person logged in, as a source says.
    pub fn asserted_at(&self, now: Timestamp) -> Option<Timestamp> {
        let at = self.asserted.as_ref()?.authenticated_at?;
        // Two clocks are never the same.
        let is_close = at.since(now) <= CLOCK_LEEWAY;
        Some(if is_close { at.min(now) } else { at })
    }

    /// The name by which a source calls the person.
    pub fn display_name(&self) -> Option<&DisplayName> {
        self.asserted.as_ref()?.display.as_ref()
    }
}

/// How far the clock of whoever asserts a time of authentication may be ahead of ours.
const CLOCK_LEEWAY: Duration = Duration::from_mins(1);
