//! Our own second key on its way: a cookie for browsers, a header for API clients.

use super::CarriedLines;
use crate::domain::Secret;
use http::HeaderMap;
use std::time::Duration;

/// How the browser key is kept by browsers, and how it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserKeyCookie {
    name: &'static str,
    attributes: String,
}

impl BrowserKeyCookie {
    /// The header in which API clients carry it.
    pub const HEADER: &str = "step-up-key";

    /// RFC 6265bis §4.1.3.2: the `__Host-` prefix keeps other hosts and plain http from setting it;
    /// on plain http browsers would refuse it, so it goes without.
    pub fn new(secure: bool, keep: Duration) -> Self {
        let keep = keep.as_secs();
        let common = format!("; Path=/; Max-Age={keep}; HttpOnly; SameSite=Lax");
        if secure {
            Self {
                name: "__Host-stepgate",
                attributes: format!("{common}; Secure"),
            }
        } else {
            Self {
                name: "stepgate",
                attributes: common,
            }
        }
    }

    /// The same for all hosts of a domain, which the `__Host-` prefix does not allow: any of them may then set
    /// one in its place, which is worth nothing, and gets it with its own requests.
    #[must_use]
    pub fn for_domain(self, domain: &str) -> Self {
        let name = match self.name {
            "__Host-stepgate" => "__Secure-stepgate",
            plain => plain,
        };
        let attributes = format!("{}; Domain={domain}", self.attributes);
        Self { name, attributes }
    }

    /// The cookie's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The `Set-Cookie` value that hands `key` to a browser.
    pub fn set(&self, key: &Secret<String>) -> String {
        format!("{}={}{}", self.name, key.expose(), self.attributes)
    }

    /// What a request carries: one cookie or one header, or both alike; several are none.
    pub fn read<'r>(&'r self, lines: &'r CarriedLines, headers: &'r HeaderMap) -> Option<&'r str> {
        let mut cookies = lines.cookies_named(self.name);
        let mut sent = headers.get_all(Self::HEADER).iter();
        let cookie = cookies
            .next()
            .map(|value| std::str::from_utf8(value).unwrap_or_default());
        let header = sent.next().map(|line| line.to_str().unwrap_or_default());
        if cookies.next().is_some() || sent.next().is_some() {
            return None;
        }
        match (cookie, header) {
            (Some(one), None) | (None, Some(one)) => Some(one),
            (Some(cookie), Some(header)) if cookie == header => Some(cookie),
            (Some(_), Some(_)) | (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::CredentialNames;

    fn read(lines: &[(&'static str, &str)]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let cookie = BrowserKeyCookie::new(true, Duration::from_mins(1));
        let lines = CarriedLines::of(&headers, "/", &CredentialNames::default());
        cookie.read(&lines, &headers).map(str::to_owned)
    }

    const ONE: &str = "AAAAAAAAAAAAAAAAAAAAAA";
    const TWO: &str = "BBBBBBBBBBBBBBBBBBBBBA";

    #[test]
    fn one_key_is_read_from_cookie_or_header() {
        let cookie = format!("a=b; __Host-stepgate={ONE}");
        assert_eq!(read(&[("cookie", &cookie)]), Some(ONE.to_owned()));
        assert_eq!(read(&[("step-up-key", ONE)]), Some(ONE.to_owned()));
        assert_eq!(
            read(&[("cookie", &cookie), ("step-up-key", ONE)]),
            Some(ONE.to_owned())
        );
    }

    #[test]
    fn two_keys_are_no_key() {
        let both = format!("__Host-stepgate={ONE}; __Host-stepgate={TWO}");
        assert_eq!(read(&[("cookie", &both)]), None);
        let cookie = format!("__Host-stepgate={ONE}");
        assert_eq!(read(&[("cookie", &cookie), ("step-up-key", TWO)]), None);
        assert_eq!(read(&[("step-up-key", ONE), ("step-up-key", ONE)]), None);
    }

    #[test]
    fn the_cookie_has_the_host_prefix_exactly_when_it_can() {
        let key = Secret::new(ONE.to_owned());
        let day = Duration::from_hours(24);
        let secure = BrowserKeyCookie::new(true, day).set(&key);
        assert_eq!(
            secure,
            format!("__Host-stepgate={ONE}; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax; Secure")
        );
        let plain = BrowserKeyCookie::new(false, day);
        let of_all = plain.clone().for_domain("example.test").set(&key);
        assert!(of_all.starts_with("stepgate=") && of_all.ends_with("; Domain=example.test"));
        let plain = plain.set(&key);
        assert!(plain.starts_with("stepgate=") && !plain.contains("Secure"));
        let of_all = BrowserKeyCookie::new(true, day).for_domain("example.test");
        assert_eq!(of_all.name(), "__Secure-stepgate");
        assert!(of_all.set(&key).ends_with("; Secure; Domain=example.test"));
    }
}
