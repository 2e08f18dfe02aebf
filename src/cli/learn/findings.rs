//! What a recording shows.

use super::exchange::FieldPlace;

/// What was found.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) logins: Vec<FoundLogin>,
    pub(super) logouts: Vec<FoundLogout>,
    pub(super) cookies: Vec<FoundCookie>,
    pub(super) login_page: Option<String>,
    pub(super) whoami: Option<FoundWhoami>,
    /// Whether people are known by `Authorization`: `Bearer` or `Basic`.
    pub(super) authorization: Option<&'static str>,
    pub(super) basic: Option<FoundBasic>,
    pub(super) token: Option<FoundToken>,
    /// What deserves a look.
    pub(super) notes: Vec<String>,
}

impl Findings {
    /// Whether anything tells who people are.
    pub(super) fn names_people(&self) -> bool {
        !self.logins.is_empty() || self.basic.is_some() || self.token.is_some()
    }

    /// Whether the settings are to read the token: neither is there a cookie, beside which it would not count, nor
    /// does the application name people itself.
    pub(super) fn reads_token(&self) -> bool {
        self.cookies.is_empty() && self.whoami.is_none() && self.basic.is_none()
    }
}

/// A place that is shown to who brings a password of HTTP.
pub(super) struct FoundBasic {
    pub(super) path: String,
    /// Places in the recording.
    pub(super) taken: Vec<usize>,
    pub(super) refused: Vec<usize>,
}

/// A signed token.
pub(super) struct FoundToken {
    /// Its place in the recording.
    pub(super) at: usize,
    pub(super) algorithm: String,
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
    /// The pointer of the claim that names the user.
    pub(super) subject: String,
}

/// A request that logs somebody in.
pub(super) struct FoundLogin {
    pub(super) method: String,
    pub(super) path: String,
    /// What tells it from other requests to the path.
    pub(super) tests: Vec<(FieldPlace, Option<String>)>,
    /// Where the name stands; `None` where only the application knows it.
    pub(super) subject: Option<FieldPlace>,
    /// Who was typed, there or in the step before. It is not printed.
    pub(super) typed: Option<String>,
    /// Where the answer repeats it.
    pub(super) named_in_answer: Option<String>,
    /// Places in the recording.
    pub(super) right: Vec<usize>,
    pub(super) wrong: Vec<usize>,
    /// Whether a provider or a link led to it, rather than a password.
    pub(super) is_callback: bool,
}

/// A request that logs somebody out.
pub(super) struct FoundLogout {
    pub(super) method: String,
    pub(super) path: String,
    /// What tells it from other requests to the path.
    pub(super) tests: Vec<(FieldPlace, Option<String>)>,
    /// Whether the answer takes the session's cookie away or replaces it.
    pub(super) ends_cookie: bool,
}

/// A cookie by which the application knows people.
pub(super) struct FoundCookie {
    pub(super) name: String,
    /// The path that it is set with, where that is not `/`.
    pub(super) path: Option<String>,
    /// Whether the login gives it a new value.
    pub(super) by_login: bool,
    /// Whether a later answer takes it away.
    pub(super) deleted: bool,
    /// Whether it gets a new value with most answers.
    pub(super) rolls: bool,
}

/// A question that the application answers with the name.
pub(super) struct FoundWhoami {
    pub(super) path: String,
    pub(super) subject: NamePlace,
    pub(super) email: Option<String>,
    /// Whether the recording has the same question of nobody, answered without the name.
    pub(super) asked_of_nobody: bool,
}

/// Where the name stands in the answer.
pub(super) enum NamePlace {
    Css(String),
    Json(String),
}
