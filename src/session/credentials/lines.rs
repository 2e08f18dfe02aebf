//! What of a request holds credentials, kept while the request goes its way.

use super::CredentialNames;
use super::keys::{Key, KeyNames};
use super::pairs::called;
use crate::domain::{Body, BodyRefusal, CookieName};
use http::header::{AUTHORIZATION, COOKIE, GetAll, HeaderMap, HeaderValue};
use std::borrow::Cow;

/// What of a request holds credentials, kept while the request goes its way.
#[derive(Clone, Default)]
pub struct CarriedLines {
    cookies: Lines,
    authorization: Lines,
    /// The path, where it holds a session's cookie (`;jsessionid=` of servlets).
    path: Option<Box<[u8]>>,
    keys: Vec<Key>,
    /// Whether any of the keys stands in the body.
    in_body: bool,
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
        // Nearly no path does: looked for once, so that the rest of the way costs nothing.
        let may_hold = path.contains(';')
            && (names.cookies.iter()).any(|name| in_path(path.as_bytes(), name).next().is_some());
        Self {
            cookies: Lines::of(&headers.get_all(COOKIE)),
            authorization: Lines::of(&headers.get_all(AUTHORIZATION)),
            path: may_hold.then(|| path.as_bytes().into()),
            keys: Vec::new(),
            in_body: false,
        }
    }

    /// Keeps the keys of a request as well. `hidden` are queries that only some applications find in its
    /// path.
    #[must_use]
    pub fn with_keys<'q>(
        self,
        headers: &HeaderMap,
        query: Option<&'q str>,
        hidden: impl Iterator<Item = &'q str>,
        names: &KeyNames,
    ) -> Self {
        Self {
            keys: names.find(headers, query, hidden),
            ..self
        }
    }

    /// Adds the keys that the body of the request holds.
    pub fn add_body(&mut self, body: &Body<'_>, names: &KeyNames) -> Result<(), BodyRefusal> {
        let found = names.find_in_body(body)?;
        self.in_body |= !found.is_empty();
        self.keys.extend(found);
        Ok(())
    }

    /// Whether they hold a key of which no question to the application tells: one in the body, or in the
    /// subprotocol of a WebSocket, since a question is no handshake.
    pub fn hold_keys_unasked(&self) -> bool {
        self.in_body || self.keys.iter().any(Key::is_of_websocket)
    }

    /// Whether a login that comes with them would be one of several people, as far as anybody can tell:
    /// an application may ignore a key or a token where people log in, and obey it elsewhere.
    pub fn hold_keys(&self) -> bool {
        let is_basic = |line: &HeaderValue| {
            let scheme = line.as_bytes().trim_ascii_start().get(..6);
            scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic "))
        };
        // Basic guards whole sites by one password for everybody, before the login of the application itself.
        !(self.keys.is_empty() && self.authorization().iter().all(is_basic))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
            && matches!(
                (&self.cookies, &self.authorization, &self.path),
                (Lines::None, Lines::None, None)
            )
    }

    /// The one line of cookies and that of `Authorization`, or either, if that is all there is; as bytes that no
    /// other lines have.
    pub fn only_lines(&self) -> Option<Cow<'_, [u8]>> {
        if !self.keys.is_empty() || self.path.is_some() {
            return None;
        }
        match (&self.cookies, &self.authorization) {
            (Lines::One(cookies), Lines::None) => Some(Cow::Borrowed(cookies.as_bytes())),
            (Lines::None | Lines::One(_), Lines::One(authorization)) => {
                let cookies = self.cookies.as_slice().first();
                let cookies = cookies.map_or(&b"\r"[..], HeaderValue::as_bytes);
                // In no value of a header (RFC 9110 §5.5).
                Some([authorization.as_bytes(), cookies].join(&b'\n').into())
            }
            (Lines::None, Lines::None) | (Lines::Many(_), _) | (_, Lines::Many(_)) => None,
        }
    }

    pub(super) fn cookies(&self) -> &[HeaderValue] {
        self.cookies.as_slice()
    }

    pub(super) fn authorization(&self) -> &[HeaderValue] {
        self.authorization.as_slice()
    }

    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The names, in the spelling by which they count, and values of a session's cookie in the path.
    pub(super) fn in_path<'a>(
        &'a self,
        name: &'a CookieName,
    ) -> impl Iterator<Item = (Vec<u8>, &'a [u8])> {
        let path = self.path.as_deref().into_iter();
        path.flat_map(move |path| in_path(path, name))
    }

    /// The values of all cookies of exactly this name (RFC 6265 §5.4).
    pub(in crate::session) fn cookies_named<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = &'a [u8]> {
        let named = self.plain_cookies();
        let named = named.filter(move |(key, _)| *key == name.as_bytes());
        named.map(|(_, value)| value)
    }

    /// Names and values of all cookies, as browsers send them.
    ///
    /// Bytes, since one that is no text in some other cookie must hide none of them.
    pub(super) fn plain_cookies(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let lines = self.cookies().iter();
        lines
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| {
                let at = pair.iter().position(|byte| *byte == b'=')?;
                Some((
                    pair.get(..at)?.trim_ascii(),
                    pair.get(at + 1..)?.trim_ascii(),
                ))
            })
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

/// Names and values of a cookie among the parameters of a path.
fn in_path<'p>(path: &'p [u8], name: &'p CookieName) -> impl Iterator<Item = (Vec<u8>, &'p [u8])> {
    let segments = path.split(|byte| *byte == b'/');
    // RFC 3986 §3.3 allows parameters in every segment, and servlet containers look in each.
    let parameters = segments.flat_map(|segment| segment.split(|byte| *byte == b';').skip(1));
    parameters.filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (key, value) = pair.split_at_checked(at)?;
        Some((called(key, name)?, value.get(1..).unwrap_or_default()))
    })
}
