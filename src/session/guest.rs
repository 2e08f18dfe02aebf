//! How a browser shows that nobody was signed in to the session that it brings along to a login.
//!
//! An application may know people by sessions that we do not: from before we came, by a login that it did
//! not declare, by a value of its cookie that we forgot. It sends on whoever is signed in by one, whatever is
//! typed. So a login within an unknown session is believed only with this proof: the application set the
//! cookie for a browser that had brought nothing, or showed the login page to it. The proof is of one value
//! and one time, from which on it counts for a while.

use super::CarriedLines;
use crate::domain::{SessionId, Timestamp};
use crate::request::headers::GUEST_SUFFIX;
use crate::seal::{Keys, Purpose};
use data_encoding::BASE64URL_NOPAD;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// The cookie that holds the proof; it is set beside the application's own, and read at a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestCookie {
    name: String,
    attributes: &'static str,
}

impl GuestCookie {
    /// How long a proof counts: nobody looks longer at a login page before they log in.
    pub const LIFE: Duration = Duration::from_hours(24);

    /// Beside the browser key's cookie of this name.
    pub fn beside(browser_key: &str) -> Self {
        // `__Host-` and `__Secure-` alike are for https alone.
        let secure = browser_key.starts_with("__");
        Self {
            name: format!("{browser_key}{GUEST_SUFFIX}"),
            attributes: if secure {
                "; Path=/; HttpOnly; SameSite=Lax; Secure"
            } else {
                "; Path=/; HttpOnly; SameSite=Lax"
            },
        }
    }

    /// The `Set-Cookie` value that proves it of a session, as of the time `at`.
    pub fn set(&self, session: &SessionId, at: Timestamp, keys: &Keys) -> String {
        let at = at.as_millis().to_be_bytes();
        let mut proof = at.to_vec();
        proof.extend(keys.mac(Purpose::Guest, &[session.as_bytes(), &at]));
        let proof = BASE64URL_NOPAD.encode(&proof);
        format!("{}={proof}{}", self.name, self.attributes)
    }

    /// The `Set-Cookie` value that takes it from a browser: somebody has logged in.
    pub fn drop(&self) -> String {
        format!("{}={}; Max-Age=0", self.name, self.attributes)
    }

    /// Whether a request carries the cookie, whatever it proves.
    pub fn is_carried(&self, carried: &CarriedLines) -> bool {
        carried.cookies_named(&self.name).next().is_some()
    }

    /// As of when a request proves it of a session, under any secret that is still read.
    pub fn proven(
        &self,
        carried: &CarriedLines,
        session: &SessionId,
        keys: &Keys,
    ) -> Option<Timestamp> {
        let mut cookies = carried.cookies_named(&self.name);
        let (Some(sent), None) = (cookies.next(), cookies.next()) else {
            return None;
        };
        let sent = BASE64URL_NOPAD.decode(sent).ok()?;
        let (at, proof) = sent.split_first_chunk::<8>()?;
        let parts: [&[u8]; 2] = [session.as_bytes(), at];
        let made = [
            Some(keys.mac(Purpose::Guest, &parts)),
            keys.previous_mac(Purpose::Guest, &parts),
        ];
        let mut made = made.iter().flatten();
        made.any(|made| bool::from(made[..].ct_eq(proof)))
            .then(|| Timestamp::from_millis(u64::from_be_bytes(*at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Secret;
    use crate::session::CredentialNames;
    use http::HeaderMap;

    #[test]
    fn the_proof_is_of_one_session_alone() {
        let keys = Keys::derive(&Secret::new((0..32).collect()), None).unwrap();
        let cookie = GuestCookie::beside("__Host-stepgate");
        let (one, other) = (SessionId::new([1; 32]), SessionId::new([2; 32]));
        let at = Timestamp::from_millis(5);
        let set = cookie.set(&one, at, &keys);
        assert!(set.starts_with("__Host-stepgate-guest=") && set.ends_with("; Secure"));
        let pair = set.split(';').next().unwrap();
        let proves = |line: String, session| {
            let headers = HeaderMap::from_iter([(http::header::COOKIE, line.parse().unwrap())]);
            let carried = CarriedLines::of(&headers, "/", &CredentialNames::default());
            cookie.proven(&carried, session, &keys)
        };
        let proof = pair.split('=').nth(1).unwrap();
        let mut later = BASE64URL_NOPAD.decode(proof.as_bytes()).unwrap();
        later[7] += 1;
        let later = format!("__Host-stepgate-guest={}", BASE64URL_NOPAD.encode(&later));
        assert_eq!(proves(format!("a=b; {pair}"), &one), Some(at));
        assert_eq!(proves(pair.to_owned(), &other), None);
        assert_eq!(
            proves(format!("{pair}; {pair}"), &one),
            None,
            "two are none"
        );
        for broken in [
            &later,
            "__Host-stepgate-guest=",
            "__Host-stepgate-guest=x",
            "a=b",
        ] {
            assert_eq!(proves(broken.to_owned(), &one), None, "{broken}");
        }
    }
}
