//! How a browser shows that nobody was signed in to the session that it brings along to a login.
//!
//! An application that sets its session's cookie with every answer takes values that we do not know, and
//! sends on whoever is signed in by one. So there a login with an unknown cookie is believed only with
//! this proof: the application set that value for a browser that had brought nothing, or showed the
//! login page to it. The proof is tied to the value, and follows it through rotations.

use super::CarriedLines;
use crate::domain::SessionId;
use crate::seal::{Keys, Purpose};
use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;

/// The cookie that holds the proof; it is set beside the application's own, and read at a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestCookie {
    name: String,
    attributes: &'static str,
}

impl GuestCookie {
    /// What its name has behind that of the browser key's cookie.
    pub const SUFFIX: &str = "-guest";

    /// Beside the browser key's cookie of this name.
    pub fn beside(browser_key: &str) -> Self {
        let secure = browser_key.starts_with("__Host-");
        Self {
            name: format!("{browser_key}{}", Self::SUFFIX),
            attributes: if secure {
                "; Path=/; HttpOnly; SameSite=Lax; Secure"
            } else {
                "; Path=/; HttpOnly; SameSite=Lax"
            },
        }
    }

    /// The `Set-Cookie` value that proves it of a session.
    pub fn set(&self, session: &SessionId, keys: &Keys) -> String {
        let proof = keys.mac(Purpose::Guest, &[session.as_bytes()]);
        let proof = BASE64URL_NOPAD.encode(&proof);
        format!("{}={proof}{}", self.name, self.attributes)
    }

    /// Whether a request carries the proof of a session, under any secret that is still read.
    pub fn proves(&self, carried: &CarriedLines, session: &SessionId, keys: &Keys) -> bool {
        let mut cookies = carried.cookies_named(&self.name);
        let (Some(sent), None) = (cookies.next(), cookies.next()) else {
            return false;
        };
        let Ok(sent) = BASE64URL_NOPAD.decode(sent) else {
            return false;
        };
        let parts: [&[u8]; 1] = [session.as_bytes()];
        let made = [
            Some(keys.mac(Purpose::Guest, &parts)),
            keys.previous_mac(Purpose::Guest, &parts),
        ];
        made.iter()
            .flatten()
            .any(|made| bool::from(made[..].ct_eq(&sent)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Secret;
    use crate::identity::CredentialNames;
    use http::HeaderMap;

    #[test]
    fn the_proof_is_of_one_session_alone() {
        let keys = Keys::derive(&Secret::new((0..32).collect()), None).unwrap();
        let cookie = GuestCookie::beside("__Host-stepgate");
        let (one, other) = (SessionId::new([1; 32]), SessionId::new([2; 32]));
        let set = cookie.set(&one, &keys);
        assert!(set.starts_with("__Host-stepgate-guest=") && set.ends_with("; Secure"));
        let pair = set.split(';').next().unwrap();
        let proves = |line: String, session| {
            let headers = HeaderMap::from_iter([(http::header::COOKIE, line.parse().unwrap())]);
            let carried = CarriedLines::of(&headers, "/", &CredentialNames::default());
            cookie.proves(&carried, session, &keys)
        };
        assert!(proves(format!("a=b; {pair}"), &one));
        assert!(!proves(pair.to_owned(), &other));
        assert!(!proves(format!("{pair}; {pair}"), &one), "two are none");
        for broken in ["__Host-stepgate-guest=", "__Host-stepgate-guest=x", "a=b"] {
            assert!(!proves(broken.to_owned(), &one), "{broken}");
        }
    }
}
