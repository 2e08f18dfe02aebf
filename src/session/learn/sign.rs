//! The signs by which an application's answer shows that a login succeeded.

use crate::domain::{CookieName, ValueTest, WholeRegex, answer_shows, only_line};
use crate::session::answer_token::AnswerToken;
use crate::session::credentials::set_cookies;
use http::{HeaderMap, header};
/// One sign of a success.
#[derive(Clone, Debug)]
pub enum Sign {
    /// The body matches, as far as it was read.
    Body(regex::Regex),
    /// The response sets this cookie.
    Cookie(CookieName),
    /// The JSON of the body passes this test at this pointer.
    Json(String, ValueTest),
    /// The `Location` matches as a whole.
    Location(WholeRegex),
    /// The body does not match, as far as it was read.
    NotBody(regex::Regex),
    /// The status is one of these.
    Status(Vec<u16>),
    /// The answer holds the token that clients carry from then on.
    Token(AnswerToken),
}

impl Sign {
    /// Whether an answer shows it. `body` is what was read of it.
    pub fn is_shown(&self, status: u16, headers: &HeaderMap, body: Option<&[u8]>) -> bool {
        let text = || body.map(String::from_utf8_lossy);
        match self {
            Self::Body(regex) => text().is_some_and(|text| regex.is_match(&text)),
            // A body that was not read may hold the words of a failure.
            Self::NotBody(regex) => !text().is_none_or(|text| regex.is_match(&text)),
            Self::Cookie(name) => sets_cookie(headers, name),
            Self::Json(pointer, test) => body.is_some_and(|body| answer_shows(body, pointer, test)),
            // Of two lines clients take one or the other, or none: what cannot be told is no sign.
            Self::Location(regex) => only_line(headers, &header::LOCATION)
                .and_then(|location| location.to_str().ok())
                .is_some_and(|location| regex.is_match(location)),
            Self::Status(statuses) => statuses.contains(&status),
            Self::Token(token) => token.line(headers, body).is_some(),
        }
    }

    /// The field of `success` that asks for it.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Body(_) => "body",
            Self::Cookie(_) => "cookie",
            Self::Json(..) => "json",
            Self::Location(_) => "location",
            Self::NotBody(_) => "not_body",
            Self::Status(_) => "status",
            Self::Token(_) => "token",
        }
    }

    /// Whether many applications show it to whoever is signed in already as well.
    pub const fn is_weak(&self) -> bool {
        match self {
            Self::Json(_, ValueTest::Absent)
            | Self::Cookie(_)
            | Self::NotBody(_)
            | Self::Status(_) => true,
            Self::Body(_) | Self::Json(..) | Self::Location(_) | Self::Token(_) => false,
        }
    }
}

fn sets_cookie(headers: &HeaderMap, name: &CookieName) -> bool {
    let mut set = set_cookies(headers);
    // A cookie without a value is being deleted, as failed logins do.
    set.any(|cookie| name.covers(cookie.name.as_bytes()) && cookie.value.is_some())
}
