//! The credentials that make a session, read the way the least careful application reads them.

use crate::domain::SessionId;
use crate::seal::{Keys, Purpose};
use http::header::{AUTHORIZATION, COOKIE, GetAll, HeaderMap, HeaderValue, SET_COOKIE};
use std::borrow::Cow;

/// Which credentials make a session. `Authorization` always counts where a client sends it: a
/// request with a cookie and some other credential is a different session, never somebody else's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CredentialNames {
    /// The application's session cookies.
    pub cookies: Vec<String>,
}

/// The credentials of one request: the cookies in the order of the settings, and `Authorization`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    cookies: Vec<Option<Vec<u8>>>,
    authorization: Option<Vec<u8>>,
}

/// What of a request holds credentials, kept while the request goes its way.
#[derive(Clone, Default)]
pub struct CarriedLines {
    cookies: Lines,
    authorization: Lines,
    /// The path, where it holds a session's cookie (`;jsessionid=` of servlets).
    path: Option<Box<[u8]>>,
}

/// Nearly every request has one line or none, which costs no allocation.
#[derive(Clone, Default)]
enum Lines {
    #[default]
    None,
    One(HeaderValue),
    Many(Vec<HeaderValue>),
}

impl CarriedLines {
    /// Keeps the lines of a request, and its path if that holds any of the session's cookies.
    pub fn of(headers: &HeaderMap, path: &str, names: &CredentialNames) -> Self {
        let may_hold = path.contains(';')
            && (names.cookies.iter()).any(|name| in_path(path.as_bytes(), name).next().is_some());
        Self {
            cookies: Lines::of(&headers.get_all(COOKIE)),
            authorization: Lines::of(&headers.get_all(AUTHORIZATION)),
            path: may_hold.then(|| path.as_bytes().into()),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        matches!(
            (&self.cookies, &self.authorization, &self.path),
            (Lines::None, Lines::None, None)
        )
    }

    /// The one cookie line, if that is all there is.
    pub fn only_cookies(&self) -> Option<&[u8]> {
        match (&self.cookies, &self.authorization, &self.path) {
            (Lines::One(line), Lines::None, None) => Some(line.as_bytes()),
            (Lines::None | Lines::One(_) | Lines::Many(_), _, _) => None,
        }
    }

    /// The values under the name of a session's cookie in the path.
    fn in_path<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let path = self.path.as_deref().into_iter();
        path.flat_map(move |path| in_path(path, name))
    }

    /// The values of all cookies of exactly this name (RFC 6265 §5.4).
    ///
    /// Bytes, since one that is no text in some other cookie must hide none of them.
    pub(super) fn cookies_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.cookies
            .as_slice()
            .iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| {
                let at = pair.iter().position(|byte| *byte == b'=')?;
                Some((
                    pair.get(..at)?.trim_ascii(),
                    pair.get(at + 1..)?.trim_ascii(),
                ))
            })
            .filter(move |(key, _)| *key == name.as_bytes())
            .map(|(_, value)| value)
    }
}

impl std::fmt::Debug for CarriedLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CarriedLines([secret])")
    }
}

impl Lines {
    fn of(lines: &GetAll<'_, HeaderValue>) -> Self {
        let mut lines = lines.iter();
        match (lines.next(), lines.next()) {
            (None, _) => Self::None,
            (Some(one), None) => Self::One(one.clone()),
            (Some(one), Some(two)) => {
                Self::Many([one, two].into_iter().chain(lines).cloned().collect())
            }
        }
    }

    fn as_slice(&self) -> &[HeaderValue] {
        match self {
            Self::None => &[],
            Self::One(line) => std::slice::from_ref(line),
            Self::Many(lines) => lines,
        }
    }
}

/// A credential that is there twice: the application may read the other one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request carries {0} more than once")]
pub struct DoubledCredential(pub String);

impl CredentialNames {
    /// Reads the credentials of a request.
    ///
    /// A name counts as there in every spelling that some application takes for it: letter case
    /// folded, `.`, blank and `[` as `_` and escapes decoded (PHP), between commas (RFC 2965).
    pub fn read(&self, lines: &CarriedLines) -> Result<Credentials, DoubledCredential> {
        let mut cookies = vec![None; self.cookies.len()];
        for (name, slot) in self.cookies.iter().zip(&mut cookies) {
            let mut values = lines.cookies_named(name);
            *slot = values.next().map(|value| decode(value).into_owned());
            let doubled = || Err(DoubledCredential(format!("the cookie `{name}`")));
            if values.next().is_some()
                || loose_count(lines.cookies.as_slice(), name) > usize::from(slot.is_some())
            {
                return doubled();
            }
            // Without the cookie beside it, only some applications see a session in it.
            if lines
                .in_path(name)
                .any(|value| slot.as_deref() != Some(&decode(value)))
            {
                return doubled();
            }
        }
        let authorization = match &lines.authorization {
            Lines::None => None,
            Lines::One(line) => Some(one_spelling(line.as_bytes())),
            Lines::Many(_) => return Err(DoubledCredential("`Authorization`".to_owned())),
        };
        Ok(Credentials {
            cookies,
            authorization,
        })
    }

    /// The sessions that some application may find in a request that carries a credential twice.
    pub fn sessions_in_doubt(&self, lines: &CarriedLines, keys: &Keys) -> Vec<SessionId> {
        let alone = |at: usize, value: &[u8]| {
            let mut cookies = vec![None; self.cookies.len()];
            if let Some(slot) = cookies.get_mut(at) {
                *slot = Some(decode(value).into_owned());
            }
            Credentials {
                cookies,
                authorization: None,
            }
            .sessions(keys)
        };
        let names = self.cookies.iter().enumerate();
        names
            .flat_map(|(at, name)| {
                let named = lines.cookies_named(name);
                // Also under the spellings that only some applications take for the name.
                let loosely = loose_pairs(lines.cookies.as_slice(), name).filter_map(|pair| {
                    let at = pair.iter().position(|byte| *byte == b'=')?;
                    Some(pair.get(at + 1..)?.trim_ascii())
                });
                named
                    .chain(loosely)
                    .chain(lines.in_path(name))
                    .flat_map(move |value| alone(at, value))
            })
            .collect()
    }

    /// Whether a request carries any of the session's cookies.
    pub fn found_in(&self, lines: &CarriedLines) -> bool {
        self.cookies
            .iter()
            .any(|name| lines.cookies_named(name).next().is_some())
    }

    /// What a client carries after a response: its credentials, with the session cookies that the
    /// response sets in place of the old ones. The last one set under a name counts.
    pub fn after(&self, before: &Credentials, response: &HeaderMap) -> Credentials {
        let mut after = before.clone();
        for (name, value) in set_cookies(response) {
            if let Some(at) = self.cookies.iter().position(|own| own == name)
                && let Some(slot) = after.cookies.get_mut(at)
            {
                *slot = value.map(|value| decode(value.as_bytes()).into_owned());
            }
        }
        after
    }

    /// Tells whether a response sets or deletes any session cookie.
    pub fn set_by(&self, response: &HeaderMap) -> bool {
        set_cookies(response).any(|(name, _)| self.cookies.iter().any(|own| own == name))
    }
}

impl Credentials {
    /// The session these credentials make; `None` if there are none.
    pub fn session(&self, keys: &Keys) -> Option<SessionId> {
        let parts = self.parts()?;
        Some(SessionId::new(keys.mac(Purpose::Session, &parts)))
    }

    /// The sessions that each credential would make alone, where there are several: whoever adds
    /// a credential to an ended session must not make a new session of it.
    pub fn sessions_alone(&self, keys: &Keys) -> Vec<SessionId> {
        let mut alone = self.cookies_alone(keys);
        if self.are_several() {
            let authorization = Self {
                cookies: vec![None; self.cookies.len()],
                authorization: self.authorization.clone(),
            };
            alone.extend(authorization.sessions(keys));
        }
        alone
    }

    fn are_several(&self) -> bool {
        self.cookies.iter().flatten().count() + usize::from(self.authorization.is_some()) > 1
    }

    /// Those of its cookies, which are revoked with a session of several credentials. `Authorization`
    /// is not: it was there before the login, and everybody may send the same.
    pub fn cookies_alone(&self, keys: &Keys) -> Vec<SessionId> {
        if !self.are_several() {
            return Vec::new();
        }
        let cookies = (0..self.cookies.len()).map(|only| Self {
            cookies: self
                .cookies
                .iter()
                .enumerate()
                // An empty one is nobody's: whoever has it revoked must not hit all who carry it.
                .map(|(at, value)| value.clone().filter(|it| at == only && !it.is_empty()))
                .collect(),
            authorization: None,
        });
        cookies.flat_map(|alone| alone.sessions(keys)).collect()
    }

    /// The session these credentials make, under each secret that is still read.
    pub fn sessions(&self, keys: &Keys) -> impl Iterator<Item = SessionId> + use<> {
        let both = [self.session(keys), self.earlier_session(keys)];
        both.into_iter().flatten()
    }

    /// The same under the secret before the rotation, if one is under way.
    pub fn earlier_session(&self, keys: &Keys) -> Option<SessionId> {
        if !keys.has_previous() {
            return None;
        }
        let parts = self.parts()?;
        keys.previous_mac(Purpose::Session, &parts)
            .map(SessionId::new)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.authorization.is_none() && self.cookies.iter().all(Option::is_none)
    }

    fn parts(&self) -> Option<Vec<&[u8]>> {
        if self.is_empty() {
            return None;
        }
        // Present and empty is not the same as absent.
        let mut parts: Vec<&[u8]> = Vec::with_capacity(2 * self.cookies.len() + 2);
        for value in self.cookies.iter().chain([&self.authorization]) {
            match value {
                None => parts.push(b"-"),
                Some(value) => parts.extend([&b"+"[..], value]),
            }
        }
        Some(parts)
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials([secret])")
    }
}

/// The values under the name of a cookie among the parameters of a path.
fn in_path<'p>(path: &'p [u8], name: &'p str) -> impl Iterator<Item = &'p [u8]> {
    let segments = path.split(|byte| *byte == b'/');
    let parameters = segments.flat_map(|segment| segment.split(|byte| *byte == b';').skip(1));
    parameters.filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (key, value) = pair.split_at_checked(at)?;
        is_loosely(key, name.as_bytes()).then(|| value.get(1..).unwrap_or_default())
    })
}

/// How often some application may find a cookie of this name.
fn loose_count(lines: &[HeaderValue], name: &str) -> usize {
    loose_pairs(lines, name).count()
}

/// The pairs that some application may take for a cookie of this name.
fn loose_pairs<'l>(lines: &'l [HeaderValue], name: &'l str) -> impl Iterator<Item = &'l [u8]> {
    lines
        .iter()
        .flat_map(|line| {
            line.as_bytes()
                .split(|byte| matches!(byte, b';' | b',' | b'&'))
        })
        .filter(move |pair| {
            let key = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
            is_loosely(key.trim_ascii(), name.as_bytes())
        })
}

fn is_loosely(key: &[u8], name: &[u8]) -> bool {
    // Nearly all keys differ in length and hold no escape: told apart without decoding.
    let is_plain = |byte: &u8| !matches!(byte, b'%' | b'"' | b'[');
    if key.len() != name.len() && key.iter().all(is_plain) {
        // `a b=1` may be read as the cookie `b` where blanks separate (RFC 2109 readers).
        return key.contains(&b' ')
            && key
                .split(|byte| *byte == b' ')
                .any(|word| is_loosely(word, name));
    }
    let decoded = decode(key);
    let fold = |byte: &u8| match byte.to_ascii_lowercase() {
        b'.' | b' ' | b'[' | b'+' => b'_',
        other => other,
    };
    let decoded = decoded.trim_ascii();
    // PHP: a name ends at NUL, and what follows in brackets is an item of it.
    let end = decoded.iter().position(|byte| matches!(byte, b'[' | 0));
    let (cut, _) = decoded.split_at(end.unwrap_or(decoded.len()));
    [decoded, cut]
        .iter()
        .any(|key| key.iter().map(fold).eq(name.iter().map(fold)))
}

/// One spelling of `Authorization`: whoever writes `bearer` small does not get around a revocation.
fn one_spelling(line: &[u8]) -> Vec<u8> {
    let line = line.trim_ascii();
    let end = line.iter().position(u8::is_ascii_whitespace);
    let (scheme, rest) = line.split_at(end.unwrap_or(line.len()));
    [&scheme.to_ascii_lowercase()[..], rest.trim_ascii()].join(&b' ')
}

/// A name or value as applications read it that undo quotes and escapes. To those that do not, the
/// other spellings are nothing; to us they are all one session.
fn decode(key: &[u8]) -> Cow<'_, [u8]> {
    if !key.iter().any(|byte| matches!(byte, b'%' | b'"')) {
        return Cow::Borrowed(key);
    }
    let mut decoded = Vec::with_capacity(key.len());
    let mut rest = key;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high << 4 | low);
                    rest = after;
                }
                _ => decoded.push(b'%'),
            },
            (b'"', _) => {}
            (byte, _) => decoded.push(*byte),
        }
    }
    Cow::Owned(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// The cookies a response sets: name, and value or `None` where it is deleted.
pub(super) fn set_cookies(response: &HeaderMap) -> impl Iterator<Item = (&str, Option<&str>)> {
    let lines = response.get_all(SET_COOKIE).iter();
    lines.filter_map(|line: &HeaderValue| {
        let line = line.to_str().ok()?;
        let mut parts = line.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let ended = parts.any(|attribute| {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let (key, value) = (key.trim(), value.trim());
            // RFC 6265 §5.2.2; 1970 is how every framework writes "delete this".
            (key.eq_ignore_ascii_case("max-age") && value.parse::<i64>().is_ok_and(|age| age <= 0))
                || (key.eq_ignore_ascii_case("expires") && value.contains("1970"))
        });
        let value = value.trim();
        Some((
            name.trim(),
            (!ended && !value.is_empty() && value != "\"\"").then_some(value),
        ))
    })
}

#[cfg(test)]
mod tests;
