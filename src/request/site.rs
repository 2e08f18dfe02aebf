//! How clients see us: our prefix and origins, and the application's login page.

use crate::domain::{Origin, RequestPath};
use crate::locale::Locale;
use http::HeaderValue;

/// Where a page stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The language it is written in.
    pub locale: Locale,
    /// The reserved prefix without its last slash, such as `/.stepup`.
    pub prefix: String,
    /// The host as the person knows it, such as `app.example.com`.
    pub host: String,
}

/// What our own answers and pages are made by.
#[derive(Clone, Debug)]
pub struct SiteOptions {
    /// The reserved prefix, with slashes around it: `/.stepup/`.
    pub prefix: String,
    /// The origin that people see, where the proxy cannot tell: `https://app.example.com`.
    pub public_origin: Option<Origin>,
    /// Other origins whose pages may read our answers.
    pub cors_origins: Vec<Origin>,
    /// Where people log in; a path of the application. `{path}` stands for where they were going.
    pub login_page: Option<String>,
    /// The cookies that hold the application's session.
    pub session_cookies: Vec<String>,
}

impl SiteOptions {
    /// Whether a path is ours under any reading; then it never reaches the application.
    pub(crate) fn is_own(&self, path: &RequestPath<'_>) -> bool {
        let bare = self.prefix.trim_end_matches('/').as_bytes();
        path.readings().any(|reading| {
            let head = reading.as_bytes().get(..bare.len());
            let next = reading.as_bytes().get(bare.len());
            // In any case of the letters: some applications do not tell them apart.
            head.is_some_and(|head| head.eq_ignore_ascii_case(bare))
                && matches!(next, None | Some(b'/'))
        })
    }

    /// Whether the pages of `origin` may read our answers.
    pub(crate) fn lists(&self, origin: &HeaderValue) -> bool {
        self.cors_origins
            .iter()
            .any(|listed| listed.as_str().as_bytes() == origin.as_bytes())
    }
}
