//! The credentials that make a session: what the application reads, by the bytes that came.
//!
//! Two things are kept apart. A session is known by the very bytes of its credentials, since what one
//! application unescapes is another value, or none at all, to the next; in any other spelling it is a
//! session that nobody has proved anything in. But where it matters that a session has ended, or whose it
//! is, all spellings that some application takes for the same are looked at ([`Credentials::spellings`]), and
//! for the former every part of a value as well ([`CredentialNames::all_sessions`]).

mod fragments;
mod keys;
mod lines;
mod pairs;
mod spelling;

pub use keys::{COMMON_HEADERS, KeyNames};
pub use lines::CarriedLines;

use crate::domain::SessionId;
use crate::seal::{Keys, Purpose};
use fragments::fragments;
use http::header::{HeaderMap, SET_COOKIE};
use pairs::places;
use spelling::{readings, reduced, reduced_authorization, same_value, split_scheme};
use std::borrow::Cow;

/// Which cookies make a session. `Authorization` always counts where a client sends it, and so do keys
/// ([`KeyNames`]): a request with a cookie and some other credential is a different session, never
/// somebody else's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CredentialNames {
    /// The application's session cookies.
    pub cookies: Vec<String>,
}

/// The credentials of one request: the cookies in the order of the settings, `Authorization`, and keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    cookies: Vec<Option<Vec<u8>>>,
    authorization: Option<Vec<u8>>,
    /// Names and values, by name.
    keys: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A credential that is there twice, or where only some parsers find it: the application may read
/// another one, or none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request carries {0} more than once, or as only some parsers read it")]
pub struct DoubledCredential(pub String);

impl CredentialNames {
    /// Reads the credentials of a request.
    ///
    /// Each may be there once, where every parser finds it. A cookie's name counts wherever some parser
    /// may find it (see `pairs`); its value is what stands between `=` and the next `;`, byte for byte.
    pub fn read(&self, lines: &CarriedLines) -> Result<Credentials, DoubledCredential> {
        let mut cookies = vec![None; self.cookies.len()];
        for (name, slot) in self.cookies.iter().zip(&mut cookies) {
            let doubled = || DoubledCredential(format!("the cookie `{name}`"));
            let mut found = places(lines.cookies(), name);
            *slot = match (found.next(), found.next()) {
                (None, _) => None,
                (Some(only), None) if only.is_plain => Some(only.value.to_vec()),
                (Some(_), _) => return Err(doubled()),
            };
            // Without the cookie beside it, only some applications see a session in it.
            let is_same = |value| {
                slot.as_deref()
                    .is_some_and(|cookie| same_value(cookie, value))
            };
            if !lines.in_path(name).all(is_same) {
                return Err(doubled());
            }
        }
        let authorization = match lines.authorization() {
            [] => None,
            [line] => Some(line.as_bytes().to_vec()),
            [..] => return Err(DoubledCredential("`Authorization`".to_owned())),
        };
        let mut keys: Vec<(Vec<u8>, Vec<u8>)> = Vec::with_capacity(lines.keys().len());
        for key in lines.keys() {
            if !key.is_plain || keys.iter().any(|(name, _)| *name == key.name) {
                let name = String::from_utf8_lossy(&key.name);
                return Err(DoubledCredential(format!("the key `{name}`")));
            }
            keys.push((key.name.clone(), key.value.clone()));
        }
        Ok(Credentials {
            cookies,
            authorization,
            keys,
        })
    }

    /// Every session that some application may find in a request, also in a part of a value: none of them
    /// may be revoked.
    pub fn all_sessions(&self, lines: &CarriedLines, keys: &Keys) -> Vec<SessionId> {
        if let Ok(credentials) = self.read(lines) {
            let mut found = credentials.sessions_alone(keys);
            found.extend(credentials.sessions(keys));
            found.extend(credentials.spellings(keys));
            found.extend(credentials.fragments(keys));
            found
        } else {
            let mut found = self.sessions_in_doubt(lines, keys);
            let doubted = self.doubted(lines);
            found.extend(doubted.iter().flat_map(|alone| alone.fragments(keys)));
            found
        }
    }

    /// The sessions that some application may find in a request that carries a credential twice.
    pub fn sessions_in_doubt(&self, lines: &CarriedLines, keys: &Keys) -> Vec<SessionId> {
        let mut found = Vec::new();
        for alone in self.doubted(lines) {
            found.extend(alone.sessions(keys));
            found.extend(alone.spellings(keys));
        }
        found
    }

    /// Each credential of a request alone, wherever it may be read.
    fn doubted(&self, lines: &CarriedLines) -> Vec<Credentials> {
        let mut found = Vec::new();
        let none = Credentials {
            cookies: vec![None; self.cookies.len()],
            authorization: None,
            keys: Vec::new(),
        };
        let mut add = |change: &dyn Fn(&mut Credentials)| {
            let mut alone = none.clone();
            change(&mut alone);
            found.push(alone);
        };
        for (at, name) in self.cookies.iter().enumerate() {
            let carried = places(lines.cookies(), name).map(|place| place.value);
            for value in carried.chain(lines.in_path(name)) {
                add(&|alone| {
                    if let Some(slot) = alone.cookies.get_mut(at) {
                        *slot = Some(value.to_vec());
                    }
                });
            }
        }
        for line in lines.authorization() {
            add(&|alone| alone.authorization = Some(line.as_bytes().to_vec()));
        }
        for key in lines.keys() {
            add(&|alone| alone.keys = vec![(key.name.clone(), key.value.clone())]);
        }
        found
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
                *slot = value.map(<[u8]>::to_vec);
            }
        }
        after
    }

    /// Tells whether a response sets or deletes any session cookie.
    pub fn set_by(&self, response: &HeaderMap) -> bool {
        set_cookies(response).any(|(name, _)| self.cookies.iter().any(|own| own == name))
    }
}

/// Which credential of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Cookie(usize),
    Authorization,
    Key(usize),
}

impl Which {
    /// The form that all spellings of a value share.
    fn reduced(self, value: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Authorization => Cow::Owned(reduced_authorization(value)),
            Self::Cookie(_) | Self::Key(_) => reduced(value),
        }
    }

    /// Every value that some application may read, in that form.
    fn readings(self, value: &[u8]) -> Vec<Vec<u8>> {
        match self {
            Self::Authorization => vec![reduced_authorization(value)],
            Self::Cookie(_) | Self::Key(_) => readings(value),
        }
    }

    /// The parts of a value that some application may read as all of it, in that form.
    fn fragments(self, value: &[u8]) -> Vec<Vec<u8>> {
        match self {
            Self::Authorization => {
                let (scheme, rest) = split_scheme(value);
                let parts = fragments(rest).into_iter();
                let lines = parts.map(|part| [scheme, &part].join(&b' '));
                lines.map(|line| reduced_authorization(&line)).collect()
            }
            Self::Cookie(_) | Self::Key(_) => fragments(value),
        }
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
        let mut alone = Vec::new();
        if self.are_several() {
            for (which, value) in self.values() {
                // An empty cookie is nobody's: whoever has it revoked must not hit all who carry it.
                if !(matches!(which, Which::Cookie(_)) && value.is_empty()) {
                    alone.extend(self.only(which, value.to_vec()).sessions(keys));
                }
            }
        }
        alone
    }

    /// The sessions that these credentials would make to applications that read them otherwise, all
    /// together and each alone. Empty for values without escapes, capitals and separators.
    pub fn spellings(&self, keys: &Keys) -> Vec<SessionId> {
        let mut found = self.sessions_with(Which::readings, keys);
        found.extend(self.reduced_session(keys));
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The same for parts of their values ([`fragments`]). They are many: for looking up what is in memory.
    fn fragments(&self, keys: &Keys) -> Vec<SessionId> {
        self.sessions_with(Which::fragments, keys)
    }

    /// The sessions with one of the credentials read otherwise, together with the others and alone.
    fn sessions_with(
        &self,
        otherwise: fn(Which, &[u8]) -> Vec<Vec<u8>>,
        keys: &Keys,
    ) -> Vec<SessionId> {
        let mut found = Vec::new();
        for (which, value) in self.values() {
            // What is read as it came is known to who asks, alone and with the others.
            for reading in otherwise(which, value).into_iter().filter(|it| it != value) {
                if self.are_several() {
                    let others = self.map(|at, other| {
                        let other = if at == which { &reading } else { other };
                        at.reduced(other).into_owned()
                    });
                    found.extend(others.sessions(keys));
                }
                if !reading.is_empty() {
                    found.extend(self.only(which, reading).sessions(keys));
                }
            }
        }
        found
    }

    /// The session that all spellings of these credentials share, if it is not the one they make as
    /// they are. Nobody's evidence is filed under it.
    pub fn reduced_session(&self, keys: &Keys) -> Option<SessionId> {
        let reduced = self.map(|which, value| which.reduced(value).into_owned());
        (reduced != *self).then(|| reduced.session(keys))?
    }

    /// What is revoked with a session: its cookies, each alone, and all that its spellings share.
    ///
    /// `Authorization` and keys beside a cookie are not: they were there before the login, and everybody
    /// may send the same.
    pub fn cookies_alone(&self, keys: &Keys) -> Vec<SessionId> {
        let mut parts: Vec<SessionId> = self.reduced_session(keys).into_iter().collect();
        if self.are_several() {
            for (which, value) in self.values() {
                if matches!(which, Which::Cookie(_)) && !value.is_empty() {
                    let alone = self.only(which, value.to_vec());
                    parts.extend(alone.sessions(keys));
                    parts.extend(alone.reduced_session(keys));
                }
            }
        }
        parts
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
        self.values().next().is_none()
    }

    fn are_several(&self) -> bool {
        self.values().nth(1).is_some()
    }

    fn values(&self) -> impl Iterator<Item = (Which, &[u8])> {
        let cookies = self.cookies.iter().enumerate();
        let cookies =
            cookies.filter_map(|(at, value)| Some((Which::Cookie(at), value.as_deref()?)));
        let authorization = self.authorization.as_deref();
        let keys = self.keys.iter().enumerate();
        cookies
            .chain(authorization.map(|value| (Which::Authorization, value)))
            .chain(keys.map(|(at, (_, value))| (Which::Key(at), &**value)))
    }

    /// The same credentials with other values.
    fn map(&self, value: impl Fn(Which, &[u8]) -> Vec<u8>) -> Self {
        let cookies = self.cookies.iter().enumerate();
        let keys = self.keys.iter().enumerate();
        Self {
            cookies: cookies
                .map(|(at, old)| Some(value(Which::Cookie(at), old.as_deref()?)))
                .collect(),
            authorization: (self.authorization.as_deref())
                .map(|old| value(Which::Authorization, old)),
            keys: keys
                .map(|(at, (name, old))| (name.clone(), value(Which::Key(at), old)))
                .collect(),
        }
    }

    /// One of the credentials and no other, with this value.
    fn only(&self, which: Which, value: Vec<u8>) -> Self {
        let mut alone = Self {
            cookies: vec![None; self.cookies.len()],
            authorization: None,
            keys: Vec::new(),
        };
        match which {
            Which::Cookie(at) => {
                if let Some(slot) = alone.cookies.get_mut(at) {
                    *slot = Some(value);
                }
            }
            Which::Authorization => alone.authorization = Some(value),
            Which::Key(at) => {
                let name = self.keys.get(at).map(|(name, _)| name.clone());
                alone.keys.extend(name.map(|name| (name, value)));
            }
        }
        alone
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
        for (name, value) in &self.keys {
            parts.extend([&b"#"[..], name, value]);
        }
        Some(parts)
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials([secret])")
    }
}

/// The cookies a response sets: name, and value or `None` where it is deleted.
///
/// RFC 6265 §5.2: the value is what stands between `=` and `;` without the blanks around it, with its
/// quotes and escapes; that is what a browser sends back.
pub(super) fn set_cookies(response: &HeaderMap) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
    response.get_all(SET_COOKIE).iter().filter_map(|line| {
        let mut parts = line.as_bytes().split(|byte| *byte == b';');
        let (name, value) = split_once(parts.next()?)?;
        let ended = parts.any(|attribute| {
            let (key, value) = split_once(attribute).unwrap_or((attribute, b""));
            let value = || std::str::from_utf8(trimmed(value)).unwrap_or_default();
            // RFC 6265 §5.2.2; 1970 is how every framework writes "delete this".
            match trimmed(key).to_ascii_lowercase().as_slice() {
                b"max-age" => value().parse::<i64>().is_ok_and(|age| age <= 0),
                b"expires" => value().contains("1970"),
                _ => false,
            }
        });
        let value = trimmed(value);
        Some((
            std::str::from_utf8(trimmed(name)).ok()?,
            (!ended && !value.is_empty() && value != b"\"\"").then_some(value),
        ))
    })
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
mod tests;
