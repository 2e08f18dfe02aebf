//! What a response sets and deletes of cookies, as browsers take it (RFC 6265 §5.2 and §5.3).

use super::spelling::undone;
use crate::domain::{Authority, CookieName, hex_byte};
use crate::request::context::RequestContext;
use http::header::{HeaderMap, SET_COOKIE};

/// One line of `Set-Cookie`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetCookie<'r> {
    pub(crate) name: &'r str,
    /// What is between `=` and `;` without the blanks around it, with its quotes and escapes: that is what a
    /// browser sends back. `None` where the cookie is deleted.
    pub(crate) value: Option<&'r [u8]>,
    pub(crate) path: Option<&'r str>,
    domain: Option<&'r str>,
}

/// The cookies that a response sets.
pub(crate) fn set_cookies(response: &HeaderMap) -> impl Iterator<Item = SetCookie<'_>> {
    let lines = response.get_all(SET_COOKIE).iter();
    lines.filter_map(|line| SetCookie::parse(line.as_bytes()))
}

/// The value of the cookie of exactly this name that a response sets; `None` if it sets none, or several.
pub(crate) fn only_set_cookie<'r>(response: &'r HeaderMap, name: &str) -> Option<&'r [u8]> {
    let mut set = set_cookies(response).filter(|set| set.name == name);
    let (only, None) = (set.next()?, set.next()) else {
        return None;
    };
    only.value
}

/// The text of a value, which libraries write percent-encoded (Express) or in quotes (Python's `http.cookies`). `None`
/// if it escapes what none of them does (RFC 3986 §2.3): then the `%` may be one of the text itself.
pub(crate) fn cookie_text(value: &[u8]) -> Option<String> {
    let mut escaped = value.split(|byte| *byte == b'%').skip(1);
    let is_needed = |byte: u8| !byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte);
    let is_sound = escaped.all(|after| after.get(..2).and_then(hex_byte).is_some_and(is_needed));
    is_sound.then(|| String::from_utf8(undone(value)).ok())?
}

impl<'r> SetCookie<'r> {
    fn parse(line: &'r [u8]) -> Option<Self> {
        let mut parts = line.split(|byte| *byte == b';');
        let (name, value) = split_once(parts.next()?)?;
        let value = trimmed(value);
        let mut cookie = Self {
            name: std::str::from_utf8(trimmed(name)).ok()?,
            value: (!value.is_empty() && value != b"\"\"").then_some(value),
            path: None,
            domain: None,
        };
        for attribute in parts {
            let (key, value) = split_once(attribute).unwrap_or((attribute, b""));
            let value = std::str::from_utf8(trimmed(value)).unwrap_or_default();
            // RFC 6265 §5.3: of each attribute the last one counts. 1970 is how every framework writes
            // "delete this".
            let is_over = match trimmed(key).to_ascii_lowercase().as_slice() {
                b"max-age" => value.parse::<i64>().is_ok_and(|age| age <= 0),
                b"expires" => value.contains("1970"),
                b"path" => {
                    cookie.path = value.starts_with('/').then_some(value);
                    false
                }
                b"domain" => {
                    let bare = value.strip_prefix('.').unwrap_or(value);
                    cookie.domain = Some(bare).filter(|domain| !domain.is_empty());
                    false
                }
                _ => false,
            };
            if is_over {
                cookie.value = None;
            }
        }
        Some(cookie)
    }

    /// Whether it is the same cookie to a browser as another of its name (RFC 6265 §5.3, step 11).
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.path, self.domain) == (other.path, other.domain)
    }

    /// Whether a browser takes it from an answer of `host`. One for a domain that does not cover the host is
    /// ignored (RFC 6265 §5.3, step 6).
    fn is_for(&self, host: &str) -> bool {
        let Some(domain) = self.domain else {
            return true;
        };
        let host = host.as_bytes();
        let Some(at) = host.len().checked_sub(domain.len()) else {
            return false;
        };
        let (before, end) = host.split_at_checked(at).unwrap_or_default();
        end.eq_ignore_ascii_case(domain.as_bytes()) && matches!(before.last(), None | Some(b'.'))
    }

    /// The path below which browsers send it, where an answer to a request for `target` sets it (RFC 6265
    /// §5.1.4).
    fn path<'p>(&self, target: &'p str) -> &'p str
    where
        'r: 'p,
    {
        self.path.unwrap_or_else(|| {
            // The directory of the request, without its last slash.
            let end = target.rfind('/').unwrap_or(0);
            target.get(..end.max(1)).unwrap_or("/")
        })
    }
}

/// Where an answer comes from, as the browser sees it: what it sets there counts.
#[derive(Clone, Debug, Default)]
pub struct CookieScope {
    /// The host that the request names, and the one that people see where a proxy in front changes it.
    hosts: Vec<String>,
    path: String,
}

impl CookieScope {
    /// Of an answer to this request.
    pub(in crate::session) fn of(context: &RequestContext<'_>) -> Self {
        let named = Authority::parse(context.authority());
        let named = named.map(|named| named.bare_host().into_owned());
        // A proxy in front may name itself, or us, as the host; `Domain` names what browsers know.
        let public = context.options.public_origin.as_ref();
        let public = public.map(|origin| origin.host().to_owned());
        Self {
            hosts: named.into_iter().chain(public).collect(),
            path: context.path().to_owned(),
        }
    }

    /// Of an answer of `host` to a request for `path`.
    pub fn new(host: &str, path: &str) -> Self {
        Self {
            hosts: vec![host.to_owned()],
            path: path.to_owned(),
        }
    }

    /// Whether a cookie of this name takes the place of one that the request brought, or will come with the
    /// next.
    pub(super) fn takes(&self, cookie: &SetCookie<'_>, name: &CookieName) -> bool {
        let path = self.path_of(cookie);
        path_matches(&self.path, path)
            && name.path.as_ref().is_none_or(|declared| declared.is(path))
            && (cookie.domain.is_none() || self.hosts.iter().any(|host| cookie.is_for(host)))
    }

    /// The path below which browsers send a cookie.
    pub(super) fn path_of<'p>(&'p self, cookie: &SetCookie<'p>) -> &'p str {
        cookie.path(&self.path)
    }
}

/// Whether a cookie of `path` is sent with requests for `target` (RFC 6265 §5.1.4).
pub(super) fn path_matches(target: &str, path: &str) -> bool {
    target
        .strip_prefix(path)
        .is_some_and(|rest| path.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}

fn split_once(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == b'=')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Without spaces and tabs at the ends.
fn trimmed(text: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let begin = text.iter().take_while(|byte| is_blank(byte)).count();
    let end = text.iter().rev().take_while(|byte| is_blank(byte)).count();
    text.get(begin..text.len() - end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> SetCookie<'_> {
        SetCookie::parse(line.as_bytes()).unwrap()
    }

    #[test]
    fn a_domain_must_cover_the_host() {
        for (line, host, is_for) in [
            ("sid=1", "a.example.test", true),
            ("sid=1; Domain=example.test", "a.example.test", true),
            ("sid=1; domain=.Example.test", "a.example.test", true),
            ("sid=1; Domain=a.example.test", "a.example.test", true),
            ("sid=1; Domain=", "a.example.test", true),
            ("sid=1; Domain=b.example.test", "a.example.test", false),
            ("sid=1; Domain=ample.test", "a.example.test", false),
            ("sid=1; Domain=x.a.example.test", "a.example.test", false),
            (
                "sid=1; Domain=other.test; Domain=example.test",
                "a.example.test",
                true,
            ),
        ] {
            assert_eq!(parsed(line).is_for(host), is_for, "{line} {host}");
        }
    }

    #[test]
    fn a_path_is_the_attribute_or_the_directory() {
        for (line, target, path) in [
            ("sid=1; Path=/app", "/x/y", "/app"),
            ("sid=1", "/x/y", "/x"),
            ("sid=1", "/x/", "/x"),
            ("sid=1", "/x", "/"),
            ("sid=1; Path=app", "/x/y", "/x"),
            ("sid=1; Path=/a; Path=/b", "/x/y", "/b"),
            ("sid=1; Path=/a; Path=", "/x/y", "/x"),
        ] {
            assert_eq!(parsed(line).path(target), path, "{line} {target}");
        }
        for (target, path, matches) in [
            ("/a/b", "/a", true),
            ("/a/b", "/a/", true),
            ("/a", "/a", true),
            ("/a", "/a/", false),
            ("/ab", "/a", false),
            ("/a", "/", true),
        ] {
            assert_eq!(path_matches(target, path), matches, "{target} {path}");
        }
    }

    #[test]
    fn a_deletion_is_told_by_its_age_or_its_emptiness() {
        for line in [
            "sid=x; Max-Age=0",
            "sid=x; max-age=-1; Path=/",
            "sid=; Path=/",
            "sid=\"\"",
            "sid=x; Expires=Thu, 01-Jan-1970 00:00:01 GMT",
        ] {
            assert_eq!(parsed(line).value, None, "{line}");
        }
        assert_eq!(parsed("sid= a b ; Max-Age=5").value, Some(&b"a b"[..]));
    }
}
