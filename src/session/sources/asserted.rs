//! Who somebody is, by the word of a trusted proxy in front of us.

use crate::domain::{DisplayName, Naming, Subject, Timestamp, only_line};
use http::{HeaderMap, HeaderName};

/// The headers of an authenticating proxy. They count only from a peer in `trusted_proxies`; from
/// anybody else they are removed before anyone reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertedHeaders {
    /// Names the subject.
    pub subject: HeaderName,
    /// Which spellings of a name are one subject.
    pub naming: Naming,
    /// The subject's e-mail address.
    pub email: Option<HeaderName>,
    /// The name by which a page calls the subject.
    pub display: Option<HeaderName>,
    /// When the subject authenticated: seconds since the Unix epoch (`OpenID` Connect `auth_time`).
    pub authenticated_at: Option<HeaderName>,
}

/// What a trusted proxy says of a request, or the application itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// Who it is.
    pub subject: Subject,
    /// The subject's e-mail address.
    pub email: Option<String>,
    /// The name by which a page calls the subject.
    pub display: Option<DisplayName>,
    /// When the subject authenticated. Never a time of last activity.
    pub authenticated_at: Option<Timestamp>,
}

impl Asserted {
    /// Of this subject, and nothing else.
    pub(in crate::session) const fn named(subject: Subject) -> Self {
        Self {
            subject,
            email: None,
            display: None,
            authenticated_at: None,
        }
    }
}

impl AssertedHeaders {
    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &HeaderName> {
        let others = [&self.email, &self.display, &self.authenticated_at];
        let others = others.into_iter().flatten();
        others.chain([&self.subject])
    }

    /// Reads what is asserted. A header that is there twice, empty or unreadable says nothing.
    pub fn read(&self, headers: &HeaderMap) -> Option<Asserted> {
        let subject = self.naming.subject(only(headers, &self.subject)?)?;
        let email = self
            .email
            .as_ref()
            .and_then(|name| only(headers, name))
            .map(str::to_owned);
        let display = self.display.as_ref();
        // No header but this one may be in letters beyond ASCII: it names nobody.
        let display = display
            .and_then(|name| only_line(headers, name))
            .and_then(|line| std::str::from_utf8(line.as_bytes()).ok())
            .and_then(DisplayName::of);
        let seconds = self
            .authenticated_at
            .as_ref()
            .and_then(|name| only(headers, name));
        let authenticated_at = seconds
            .and_then(|seconds| seconds.parse::<u64>().ok())
            .and_then(|seconds| seconds.checked_mul(1000))
            .map(Timestamp::from_millis);
        Some(Asserted {
            subject,
            email,
            display,
            authenticated_at,
        })
    }
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = only_line(headers, name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[(&'static str, &str)]) -> Option<Asserted> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let value = http::HeaderValue::from_bytes(value.as_bytes());
            headers.append(*name, value.unwrap());
        }
        let names = AssertedHeaders {
            subject: HeaderName::from_static("remote-user"),
            naming: Naming::default(),
            email: Some(HeaderName::from_static("remote-email")),
            display: Some(HeaderName::from_static("remote-name")),
            authenticated_at: Some(HeaderName::from_static("x-auth-time")),
        };
        names.read(&headers)
    }

    #[test]
    fn a_subject_and_a_time_are_read() {
        let told = read(&[("remote-user", " Alice"), ("x-auth-time", "1700000000")]).unwrap();
        assert_eq!(told.subject.as_str(), "alice");
        assert_eq!(
            told.authenticated_at,
            Some(Timestamp::from_millis(1_700_000_000_000))
        );
    }

    #[test]
    fn the_name_for_a_page_may_have_any_letters() {
        let called = |name: &str| {
            let told = read(&[("remote-user", "alice"), ("remote-name", name)]);
            told.unwrap().display.map(|name| name.to_string())
        };
        assert_eq!(called("Zoë Łuk").as_deref(), Some("Zoë Łuk"));
        assert_eq!(called(" "), None);
    }

    #[test]
    fn what_is_said_twice_is_not_said() {
        assert_eq!(
            read(&[("remote-user", "alice"), ("remote-user", "bob")]),
            None
        );
        let told = read(&[
            ("remote-user", "a"),
            ("x-auth-time", "1"),
            ("x-auth-time", "2"),
        ])
        .unwrap();
        assert_eq!(told.authenticated_at, None);
    }
}
