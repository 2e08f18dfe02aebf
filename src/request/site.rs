//! How clients see us: our prefix and origins, and the application's login page.

use crate::domain::{CookieName, CookiePath, LocalPath, Origin, RequestPath};
use crate::locale::{Locale, Texts};
use crate::request::brand::Brand;
use crate::request::remembered::RememberedCookies;
use http::HeaderValue;
use std::borrow::Cow;
use std::sync::Arc;

/// Where a page stands.
#[derive(Clone, Debug)]
pub struct Site {
    /// The language it is written in.
    pub locale: Locale,
    /// The reserved prefix without its last slash, such as `/.stepup`.
    pub prefix: String,
    /// The host as the person knows it, such as `app.example.com`.
    pub host: String,
    /// Where it is shown again if it is asked for again; `None` if that would do something.
    pub here: Option<LocalPath>,
    /// What it shows of the site.
    pub brand: Arc<Brand>,
    /// Whether it is the prompt in a dialog of a page of the application.
    pub dialog: bool,
}

impl Site {
    /// Keeps the form of the page over the next request: what is added to the address of that.
    pub(crate) fn query(&self) -> &'static str {
        if self.dialog { "?dialog=1" } else { "" }
    }

    /// What the site is called.
    pub(crate) fn name(&self) -> &str {
        self.brand.name.as_deref().unwrap_or(&self.host)
    }

    /// The texts of its pages.
    pub(crate) fn texts(&self) -> &Texts {
        self.brand.wording.of(self.locale)
    }
}

/// What our own answers and pages are made by.
#[derive(Clone, Debug)]
pub struct SiteOptions {
    /// The reserved prefix, with slashes around it: `/.stepup/`.
    pub prefix: String,
    /// What our pages show of the site.
    pub brand: Arc<Brand>,
    /// What browsers remember for their people.
    pub remembered: RememberedCookies,
    /// The origin that people see, where the proxy cannot tell: `https://app.example.com`.
    pub public_origin: Option<Origin>,
    /// Other origins whose pages may read our answers.
    pub cors_origins: Vec<Origin>,
    /// Where people log in; a path of the application. `{path}` stands for where they were going.
    pub login_page: Option<String>,
    /// The cookies that hold the application's session.
    pub session_cookies: Vec<CookieName>,
    /// Whether people are known by passwords of HTTP, and are asked for one.
    pub takes_passwords: bool,
    /// Whether a one-time code may stand behind them.
    pub takes_codes: bool,
    /// Whether a request may bring a code in a header: not where another proxy forwards, which would send it on.
    pub takes_inline: bool,
}

impl SiteOptions {
    /// Whether a path is ours under any reading; then it never reaches the application.
    pub(crate) fn is_own(&self, path: &RequestPath<'_>) -> bool {
        let begins_with = |reading: &str, prefix: &str| {
            let bare = prefix.trim_end_matches('/').as_bytes();
            let head = reading.as_bytes().get(..bare.len());
            let next = reading.as_bytes().get(bare.len());
            // In any case of the letters: some applications do not tell them apart.
            head.is_some_and(|head| head.eq_ignore_ascii_case(bare))
                && matches!(next, None | Some(b'/'))
        };
        path.readings().any(|reading| {
            begins_with(reading, &self.prefix)
                || self
                    .cookie_paths()
                    .filter_map(|path| path.above(reading))
                    .any(|above| {
                        let rest = reading.get(above.len()..).unwrap_or_default();
                        begins_with(rest, self.last_segment())
                    })
        })
    }

    /// What a path of ours asks for, behind our prefix; `None` if it is none, in its very spelling.
    pub(crate) fn endpoint<'p>(&self, path: &'p str) -> Option<&'p str> {
        let below = |cookie: &CookiePath| {
            let rest = path.get(cookie.above(path)?.len()..)?;
            rest.strip_prefix(self.last_segment())
        };
        path.strip_prefix(&*self.prefix)
            .or_else(|| self.cookie_paths().find_map(below))
    }

    /// Our prefix for who asked for `path`: below the path of the session's cookies, where browsers bring
    /// them along.
    pub(crate) fn prefix_for(&self, path: &str) -> Cow<'_, str> {
        let above = self.cookie_paths().filter_map(|cookie| cookie.above(path));
        // The deepest is reached by the cookies of all paths above it, too.
        match above.max_by_key(|above| above.len()) {
            Some(above) if above.ends_with('/') => {
                Cow::Owned(format!("{above}{}", self.last_segment()))
            }
            Some(above) => Cow::Owned(format!("{above}/{}", self.last_segment())),
            None => Cow::Borrowed(&self.prefix),
        }
    }

    /// Whether browsers bring a cookie of this `Path` to our endpoints (RFC 6265 §5.1.4).
    pub(crate) fn is_reached_from(&self, cookie_path: &str) -> bool {
        let prefix = self.prefix_for(cookie_path);
        let rest = prefix.strip_prefix(cookie_path.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.starts_with('/'))
    }

    /// The paths of cookies that browsers do not bring to the prefix itself.
    fn cookie_paths(&self) -> impl Iterator<Item = &CookiePath> {
        let paths = self.session_cookies.iter();
        let paths = paths.filter_map(|name| name.path.as_ref());
        paths.filter(|path| path.above(&self.prefix).is_none())
    }

    /// The prefix without what stands before its last segment: `.stepup/`.
    fn last_segment(&self) -> &str {
        let bare = self.prefix.trim_end_matches('/');
        let at = bare.rfind('/').map_or(0, |at| at + 1);
        self.prefix.get(at..).unwrap_or_default()
    }

    /// Whether the pages of `origin` may read our answers.
    pub(crate) fn lists(&self, origin: &HeaderValue) -> bool {
        self.cors_origins
            .iter()
            .any(|listed| listed.as_str().as_bytes() == origin.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Accept;

    fn site(paths: &[&str]) -> SiteOptions {
        let names = paths.iter().map(|path| {
            let name = CookieName::parse("token").unwrap();
            name.on_path(CookiePath::parse(path))
        });
        SiteOptions {
            prefix: "/.stepup/".to_owned(),
            brand: Arc::default(),
            remembered: RememberedCookies::beside("stepgate"),
            public_origin: None,
            cors_origins: Vec::new(),
            login_page: None,
            session_cookies: names.collect(),
            takes_passwords: false,
            takes_codes: false,
            takes_inline: true,
        }
    }

    #[test]
    fn our_endpoints_are_where_the_cookies_come_along() {
        let site = site(&["/", "/api/", "/user/{name}/"]);
        for (path, prefix) in [
            ("/", "/.stepup/"),
            ("/apis", "/.stepup/"),
            ("/user", "/.stepup/"),
            ("/api", "/api/.stepup/"),
            ("/api/x", "/api/.stepup/"),
            ("/user/alice/files/1", "/user/alice/.stepup/"),
            ("/user/alice/.stepup/verify", "/user/alice/.stepup/"),
        ] {
            assert_eq!(site.prefix_for(path), prefix, "{path}");
        }
        for (path, is_reached) in [
            ("/", true),
            ("/api", true),
            ("/app", false),
            ("/user/", false),
        ] {
            assert_eq!(site.is_reached_from(path), is_reached, "{path}");
        }
        for (path, is_own, endpoint) in [
            ("/.stepup/verify", true, Some("verify")),
            ("/api/.stepup/verify", true, Some("verify")),
            ("/API/.stepup/verify", true, Some("verify")),
            ("/api/.STEPUP/verify", true, None),
            ("/api/.stepup", true, None),
            ("/api//.stepup/x", true, None),
            ("/user/bob/.stepup/verify/send", true, Some("verify/send")),
            ("/user/.stepup/verify", false, None),
            ("/other/.stepup/verify", false, None),
            ("/api/.stepups/verify", false, None),
        ] {
            let read = RequestPath::parse(path, &Accept::default()).unwrap();
            assert_eq!(site.is_own(&read), is_own, "{path}");
            assert_eq!(site.endpoint(path), endpoint, "{path}");
        }
    }

    #[test]
    fn a_prefix_that_the_cookies_come_to_is_the_only_one() {
        let site = SiteOptions {
            prefix: "/api/own/".to_owned(),
            ..site(&["/api/", "/app/"])
        };
        assert_eq!(site.prefix_for("/api/x"), "/api/own/");
        assert_eq!(site.prefix_for("/app/x"), "/app/own/");
        assert_eq!(site.endpoint("/app/own/lock"), Some("lock"));
        assert_eq!(site.endpoint("/api/own/lock"), Some("lock"));
    }
}
