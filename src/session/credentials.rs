//! The credentials that make a session: what the application reads, by the bytes that came.
//!
//! Two things are kept apart. A session is known by the very bytes of its credentials, since what one
//! application unescapes is another value, or none at all, to the next; in any other spelling it is a
//! session that nobody has proved anything in. But where it matters that a session has ended, or whose it
//! is, all spellings that some application takes for the same are looked at ([`Credentials::spellings`]), and
//! for the former every part of a value as well ([`CredentialNames::all_sessions`]).

mod family;
mod fragments;
mod keys;
mod lines;
mod pairs;
mod set_cookie;
mod spelling;
mod subprotocol;
mod values;

pub use keys::{COMMON_HEADERS, KeyNames, NamedKeys};
pub use lines::CarriedLines;
pub use set_cookie::CookieScope;
pub(crate) use set_cookie::{cookie_text, only_set_cookie, set_cookies};
pub use values::Credentials;

use crate::domain::{CookieName, CookieNameError, SessionId};
use crate::seal::Keys;
use family::folded;
use http::HeaderMap;
use pairs::{Place, places};
use set_cookie::SetCookie;
use spelling::same_value;
pub(crate) use values::CredentialKind;

/// Which cookies make a session. `Authorization` always counts where a client sends it, and so do keys
/// ([`KeyNames`]): a request with a cookie and some other credential is a different session, never
/// somebody else's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CredentialNames {
    /// The application's session cookies.
    pub cookies: Vec<CookieName>,
}

/// Whether a cookie that was read under `name` is one of `cookie`.
pub(crate) fn is_called(name: &[u8], cookie: &CookieName) -> bool {
    pairs::called(name, cookie).is_some()
}

/// A credential that is there twice, or where only some parsers find it: the application may read
/// another one, or none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request carries {0} more than once, or as only some parsers read it")]
pub struct DoubledCredential(pub String);

impl CredentialNames {
    /// Of these cookies, on whatever path.
    pub fn of(cookies: &[&str]) -> Result<Self, CookieNameError> {
        let cookies = cookies.iter().map(|name| CookieName::parse(name));
        let cookies = cookies.collect::<Result<_, _>>()?;
        Ok(Self { cookies })
    }

    /// Reads the credentials of a request.
    ///
    /// Each may be there once, where every parser finds it. A cookie's name counts wherever some parser
    /// may find it (see `pairs`); its value is what stands between `=` and the next `;`, byte for byte.
    pub fn read(&self, lines: &CarriedLines) -> Result<Credentials, DoubledCredential> {
        let mut cookies: Vec<Place<'_>> = Vec::new();
        for name in &self.cookies {
            let doubled = || DoubledCredential(format!("the cookie `{name}`"));
            for place in places(lines.cookies(), name) {
                let same = cookies.iter().find(|other| other.name == place.name);
                // Two names of the settings may stand for one cookie.
                let is_seen = same.is_some_and(|other| std::ptr::eq(other.value, place.value));
                if !place.is_plain || (same.is_some() && !is_seen) {
                    return Err(doubled());
                }
                if !is_seen {
                    cookies.push(place);
                }
            }
            // Without the cookie beside it, only some applications see a session in it.
            let is_beside = |(name, value): (Vec<u8>, &[u8])| {
                let mut cookies = cookies.iter();
                cookies.any(|cookie| cookie.name == name && same_value(cookie.value, value))
            };
            if !lines.in_path(name).all(is_beside) {
                return Err(doubled());
            }
        }
        // Only now: whoever is refused costs no copies.
        let mut all = Credentials::default();
        for cookie in cookies {
            all.add(CredentialKind::Cookie, cookie.name, cookie.value.to_vec());
        }
        match lines.authorization() {
            [] => {}
            [line] => all.add(
                CredentialKind::Authorization,
                Vec::new(),
                line.as_bytes().to_vec(),
            ),
            [..] => return Err(DoubledCredential("`Authorization`".to_owned())),
        }
        for key in lines.keys() {
            if !key.is_plain || all.has(CredentialKind::Key, &key.name) {
                let name = String::from_utf8_lossy(&key.name);
                return Err(DoubledCredential(format!("the key `{name}`")));
            }
            all.add(CredentialKind::Key, key.name.clone(), key.value.clone());
        }
        Ok(all)
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
        for name in &self.cookies {
            let carried = places(lines.cookies(), name).map(|place| (place.name, place.value));
            let all = carried.chain(lines.in_path(name));
            found.extend(
                all.map(|(name, value)| Credentials::one(CredentialKind::Cookie, name, value)),
            );
        }
        let authorization = lines.authorization().iter();
        found.extend(authorization.map(|line| {
            Credentials::one(CredentialKind::Authorization, Vec::new(), line.as_bytes())
        }));
        let keys = lines.keys().iter();
        found.extend(
            keys.map(|key| Credentials::one(CredentialKind::Key, key.name.clone(), &key.value)),
        );
        found
    }

    /// Whether a request carries any of the session's cookies.
    pub fn found_in(&self, lines: &CarriedLines) -> bool {
        let mut cookies = lines.plain_cookies();
        cookies.any(|(key, _)| self.cookies.iter().any(|name| name.covers(key)))
    }

    /// What a client carries after a response: its credentials, with the session cookies that the
    /// response sets in place of the old ones. Of several under one name the last counts, and a deletion
    /// takes away none that the same response sets for another path or domain.
    pub fn after(
        &self,
        before: &Credentials,
        response: &HeaderMap,
        scope: &CookieScope,
    ) -> Credentials {
        let mut after = before.clone();
        let mut set: Vec<SetCookie<'_>> = Vec::new();
        for cookie in self.counted(response, scope) {
            let name = folded(cookie.name.as_bytes());
            let held = set.iter().position(|other| other.name == cookie.name);
            match (cookie.value, held) {
                // PHP applications delete one under every path that it ever had, beside setting the new one.
                (None, Some(at)) if set.get(at).is_some_and(|held| !held.is_same(&cookie)) => {}
                (value, held) => {
                    after.replace(&name, value);
                    held.map(|at| set.swap_remove(at));
                    set.extend(value.map(|_| cookie));
                }
            }
        }
        after
    }

    /// Tells whether a response sets or deletes any session cookie of the client that asked.
    pub fn set_by(&self, response: &HeaderMap, scope: &CookieScope) -> bool {
        self.counted(response, scope).next().is_some()
    }

    /// The session cookies that a response sets or deletes, as far as the browser sends them with requests
    /// for the same target: one for another path stands beside those that came, and one for a domain that
    /// does not cover the host is ignored (RFC 6265 §5.3 and §5.4).
    fn counted<'r>(
        &'r self,
        response: &'r HeaderMap,
        scope: &'r CookieScope,
    ) -> impl Iterator<Item = SetCookie<'r>> {
        set_cookies(response).filter(|cookie| {
            let mut names = self.cookies.iter();
            names.any(|name| name.covers(cookie.name.as_bytes()) && scope.takes(cookie, name))
        })
    }

    /// A session cookie that a response sets for a path from which it is not sent to our endpoints, so that
    /// nobody can prove anything with it: its name and path.
    pub(in crate::session) fn out_of_reach<'r>(
        &'r self,
        response: &'r HeaderMap,
        scope: &'r CookieScope,
        is_in_reach: impl Fn(&str) -> bool,
    ) -> Option<(&'r str, &'r str)> {
        let names = &self.cookies;
        let is_own = |name: &str| names.iter().any(|own| own.covers(name.as_bytes()));
        let set = set_cookies(response).filter(|set| set.value.is_some() && is_own(set.name));
        let mut places = set.map(|set| (set.name, scope.path_of(&set)));
        places.find(|(_, path)| !is_in_reach(path))
    }
}

#[cfg(test)]
mod tests;
