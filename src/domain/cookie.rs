//! Cookies of the application: what a name in the settings stands for, and where browsers send it.

use std::fmt;

/// The name of a session's cookie in the settings, and where browsers send it.
///
/// `sid` stands for itself and for the chunks that frameworks cut a long value into; `app_session_*` for
/// every name that begins so. What a name stands for is one family: each member that a request carries is a
/// credential of its own, and all of them together make the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieName {
    text: String,
    ending: NameEnding,
    /// The `Path` that the application sets it with, if that is known.
    pub path: Option<CookiePath>,
}

/// What may follow the text of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameEnding {
    /// Anything: the settings write a `*`.
    Anything,
    /// Nothing, or what marks a chunk.
    Chunk,
}

/// Why a text names no cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CookieNameError {
    /// RFC 6265 §4.1.1: a cookie's name is a token.
    #[error("is not the name of a cookie")]
    NoToken,
    /// A `*` in another place than at the end.
    #[error("has a `*` that is not its end")]
    StarWithin,
    /// Too little before the `*`.
    #[error("stands for nearly every cookie")]
    TooShort,
}

impl CookieName {
    /// Reads a name, or the beginning of names with a `*` behind it.
    pub fn parse(written: &str) -> Result<Self, CookieNameError> {
        let (text, ending) = match written.strip_suffix('*') {
            Some(begin) => (begin, NameEnding::Anything),
            None => (written, NameEnding::Chunk),
        };
        let words = text.bytes().filter(u8::is_ascii_alphanumeric).count();
        if text.contains('*') {
            Err(CookieNameError::StarWithin)
        } else if ending == NameEnding::Anything && words < SHORTEST {
            Err(CookieNameError::TooShort)
        } else if http::HeaderName::from_bytes(text.as_bytes()).is_err() {
            Err(CookieNameError::NoToken)
        } else {
            let text = text.to_owned();
            let path = None;
            Ok(Self { text, ending, path })
        }
    }

    /// The same, where the application sets it with this `Path`.
    #[must_use]
    pub fn on_path(self, path: Option<CookiePath>) -> Self {
        Self { path, ..self }
    }

    /// The one name that it certainly stands for, if it is no pattern.
    pub fn only(&self) -> Option<&str> {
        (self.ending == NameEnding::Chunk).then_some(&*self.text)
    }

    /// Whether it stands for `name`, as a browser sends it.
    pub fn covers(&self, name: &[u8]) -> bool {
        let rest = name.strip_prefix(self.text.as_bytes());
        rest.is_some_and(|rest| match self.ending {
            NameEnding::Anything => rest.iter().copied().all(may_follow),
            NameEnding::Chunk => rest.is_empty() || is_chunk(rest),
        })
    }

    /// Whether another name stands for the same cookies, on whatever path.
    pub fn is_like(&self, other: &Self) -> bool {
        (&self.text, self.ending) == (&other.text, other.ending)
    }

    /// What every name that it stands for begins with.
    pub fn begin(&self) -> &str {
        &self.text
    }

    /// The text that every name of the family begins with.
    pub(crate) fn text(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// What may follow it.
    pub(crate) fn ending(&self) -> NameEnding {
        self.ending
    }
}

impl fmt::Display for CookieName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match self.ending {
            NameEnding::Anything => f.write_str("*"),
            NameEnding::Chunk => Ok(()),
        }
    }
}

/// Where a browser sends a cookie: a path whose segments are texts, or anything where the settings write
/// `{name}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookiePath(Vec<Option<String>>);

impl CookiePath {
    /// Reads a path between slashes, such as `/api/` or `/user/{name}/`. `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix('/')?;
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        if inner.is_empty() {
            return Some(Self(Vec::new()));
        }
        let segments = inner.split('/').map(|segment| {
            let name = segment
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            match name {
                Some(name) if is_name(name) => Some(None),
                None if is_plain_segment(segment) => Some(Some(segment.to_owned())),
                Some(_) | None => None,
            }
        });
        segments.collect::<Option<_>>().map(Self)
    }

    /// The path itself that `path` lies on or below, with its last slash: of `/user/{name}/` and
    /// `/user/alice/files` it is `/user/alice/` (RFC 6265 §5.1.4), in any letter case.
    pub fn above<'p>(&self, path: &'p str) -> Option<&'p str> {
        let mut at = 0;
        for wanted in &self.0 {
            let rest = path.get(at..)?.strip_prefix('/')?;
            let segment = rest.split('/').next().filter(|text| !text.is_empty())?;
            let is_other = |wanted: &String| !wanted.eq_ignore_ascii_case(segment);
            if wanted.as_ref().is_some_and(is_other) {
                return None;
            }
            at += 1 + segment.len();
        }
        // The path alone, without a slash behind it, is below as well.
        path.get(..=at).or_else(|| path.get(..at))
    }

    /// Whether it is this `Path` of a `Set-Cookie` line.
    pub fn is(&self, path: &str) -> bool {
        self.above(path)
            .is_some_and(|above| above.len() >= path.len())
    }

    /// How many segments it has.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// Whether everything below `path` is below this one as well.
    pub fn holds(&self, path: &str) -> bool {
        self.above(path).is_some()
    }
}

/// What follows in names that vary: bytes of a token that no parser ends a name at. `JupyterHub` escapes a
/// user's name.
pub(crate) const fn may_follow(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'.' | b'-' | b'%' | b'~' | b'!')
}

/// The end of the name of a chunk, as frameworks write it: `C1` (ASP.NET Core), `.0` (Auth.js, Supabase), `_0`
/// (oauth2-proxy, `mod_auth_openidc`) and `1` (WIF); `mod_auth_openidc` counts them in `_chunks`.
fn is_chunk(rest: &[u8]) -> bool {
    chunk_lengths(rest).any(|length| length == rest.len())
}

/// How long such an end of `name` may be.
pub(crate) fn chunk_lengths(name: &[u8]) -> impl Iterator<Item = usize> {
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let digits = digits.count();
    // A longer number is a name of its own, such as that of a user or a time.
    let most = if digits > MOST_DIGITS { 0 } else { digits };
    let separated = digits.min(most);
    let before = name.get(..name.len() - separated).unwrap_or_default();
    let is_separated = separated > 0
        && matches!(
            before.last(),
            Some(b'C' | b'c' | b'.' | b'_' | b'-' | b' ' | b'[' | b'+')
        );
    let listed = name
        .get(name.len().saturating_sub(CHUNKS.len())..)
        .is_some_and(|end| end.eq_ignore_ascii_case(CHUNKS));
    (1..=most)
        .chain(is_separated.then_some(separated + 1))
        .chain(listed.then_some(CHUNKS.len()))
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(is_word)
}

fn is_plain_segment(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !matches!(text, "" | "." | "..") && text.bytes().all(is_plain)
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The end of the name of a cookie that tells how many chunks there are (`mod_auth_openidc`).
const CHUNKS: &[u8] = b"_chunks";
/// More digits are no number of a chunk.
const MOST_DIGITS: usize = 3;
/// How many letters and digits stand before a `*` at least.
const SHORTEST: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_itself_and_its_chunks() {
        for (written, name, covers) in [
            ("sid", "sid", true),
            ("sid", "sid.0", true),
            ("sid", "sid_12", true),
            ("sid", "sidC3", true),
            ("sid", "sid1", true),
            ("sid", "sid_chunks", true),
            ("sid", "sid1234", false),
            ("sid", "sidX1", false),
            ("sid", "sid.sig", false),
            ("sid", "Sid", false),
            ("sid", "my_sid", false),
            ("app_*", "app_", true),
            ("app_*", "app_x.y-z", true),
            ("app_*", "app_x y", false),
            ("app_*", "app", false),
        ] {
            let found = CookieName::parse(written).unwrap();
            assert_eq!(found.covers(name.as_bytes()), covers, "{written} {name}");
            assert_eq!(found.to_string(), written);
        }
    }

    #[test]
    fn a_star_stands_at_the_end_of_a_name() {
        use CookieNameError::{NoToken, StarWithin, TooShort};
        for (written, error) in [
            ("*", TooShort),
            ("ab*", TooShort),
            ("__a*", TooShort),
            ("app_*_x", StarWithin),
            ("app**", StarWithin),
            ("*sid", StarWithin),
            ("a b", NoToken),
            ("", NoToken),
            ("/^app/", NoToken),
        ] {
            assert_eq!(CookieName::parse(written), Err(error), "{written}");
        }
    }

    #[test]
    fn a_path_is_that_of_a_cookie_or_stands_for_several() {
        for bad in [
            "", "api", "/a//b/", "/a b/", "/{}/", "/{a b}/", "/x{a}/", "/../", "/a?b/",
        ] {
            assert_eq!(CookiePath::parse(bad), None, "{bad}");
        }
        for (written, path, above) in [
            ("/", "/x", Some("/")),
            ("/api/", "/api/x/y", Some("/api/")),
            ("/api", "/api", Some("/api")),
            ("/api/", "/apis", None),
            ("/api/", "/", None),
            ("/user/{name}/", "/user/bob/x", Some("/user/bob/")),
            ("/user/{name}/", "/user/", None),
            (
                "/user/{name}/lab/",
                "/user/bob/lab/x",
                Some("/user/bob/lab/"),
            ),
            ("/user/{name}/lab/", "/user/bob/other/", None),
        ] {
            let read = CookiePath::parse(written).unwrap();
            assert_eq!(read.above(path), above, "{written} {path}");
        }
    }
}
