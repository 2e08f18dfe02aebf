//! Browser keys: our own second cookie, and the token that ties our forms to it.

use crate::domain::{BrowserKeyHash, Secret, SessionId};
use crate::entropy::Entropy;
use crate::seal::{Keys, Purpose};
use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;

/// How many characters a browser key has: 128 bits in base64url.
pub const BROWSER_KEY_LEN: usize = 22;

/// Makes a new browser key, as it stands in the cookie or the `Step-Up-Key` header.
pub fn new_browser_key(entropy: &Entropy) -> Secret<String> {
    Secret::new(BASE64URL_NOPAD.encode(&entropy.bytes::<16>()))
}

/// Hashes what a client presents; `None` if it does not have the form of a browser key.
pub fn hash_browser_key(presented: &str, keys: &Keys) -> Option<BrowserKeyHash> {
    let bytes = well_formed(presented)?;
    Some(BrowserKeyHash::new(
        keys.mac(Purpose::BrowserKey, &[&bytes]),
    ))
}

/// Whether a text has the form of a browser key.
pub fn looks_like_browser_key(presented: &str) -> bool {
    well_formed(presented).is_some()
}

/// What [`hash_browser_key`] was before a rotation of the secret, if one is under way.
pub fn previous_browser_key_hash(presented: &str, keys: &Keys) -> Option<BrowserKeyHash> {
    let bytes = well_formed(presented)?;
    keys.previous_mac(Purpose::BrowserKey, &[&bytes])
        .map(BrowserKeyHash::new)
}

/// The key that a code stands for in a session, where no other is handed out: what the code has earned belongs to who
/// repeats it. Whoever guesses at it guesses at the code, and each wrong guess is counted as an answer.
pub fn key_of_code(code: &Secret<String>, session: SessionId, keys: &Keys) -> BrowserKeyHash {
    let parts: [&[u8]; 3] = [b"code", session.as_bytes(), code.expose().trim().as_bytes()];
    BrowserKeyHash::new(keys.mac(Purpose::BrowserKey, &parts))
}

/// The token that our own forms carry, so that no other site can post them.
pub fn anti_forgery_token(browser_key: &BrowserKeyHash, keys: &Keys) -> String {
    BASE64URL_NOPAD.encode(&keys.mac(Purpose::AntiForgery, &[browser_key.as_bytes()]))
}

/// Whether `token` belongs to the browser key.
pub fn anti_forgery_matches(token: &str, browser_key: &BrowserKeyHash, keys: &Keys) -> bool {
    let Ok(token) = BASE64URL_NOPAD.decode(token.as_bytes()) else {
        return false;
    };
    let parts: [&[u8]; 1] = [browser_key.as_bytes()];
    let current = keys.mac(Purpose::AntiForgery, &parts);
    let previous = keys.previous_mac(Purpose::AntiForgery, &parts);
    // In constant time: how long a comparison takes must not tell how much of a guess is right.
    current.ct_eq(&token).into() || previous.is_some_and(|mac| mac.ct_eq(&token).into())
}

/// Hashes a key that we have just made, and that is therefore well formed.
pub(super) fn hash_of_new(key: &Secret<String>, keys: &Keys) -> BrowserKeyHash {
    let bytes = well_formed(key.expose()).unwrap_or_default();
    BrowserKeyHash::new(keys.mac(Purpose::BrowserKey, &[&bytes]))
}

fn well_formed(presented: &str) -> Option<Vec<u8>> {
    // Ours all have this length; a long one would only cost work.
    if presented.len() != BROWSER_KEY_LEN {
        return None;
    }
    BASE64URL_NOPAD.decode(presented.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::tests::keys;

    #[test]
    fn a_browser_key_is_ours_to_make_and_only_its_hash_is_kept() {
        let (keys, entropy) = (keys(), Entropy::system());
        let (one, two) = (new_browser_key(&entropy), new_browser_key(&entropy));
        assert_eq!(one.expose().len(), BROWSER_KEY_LEN);
        assert_ne!(
            hash_browser_key(one.expose(), &keys),
            hash_browser_key(two.expose(), &keys)
        );
        for presented in ["", "x", "é", &"A".repeat(23), "AAAAAAAAAAAAAAAAAAAAA="] {
            assert_eq!(hash_browser_key(presented, &keys), None, "{presented}");
        }
    }

    #[test]
    fn the_token_of_one_browser_is_useless_in_another() {
        let keys = keys();
        let (mine, other) = (BrowserKeyHash::new([1; 32]), BrowserKeyHash::new([2; 32]));
        let token = anti_forgery_token(&mine, &keys);
        assert!(anti_forgery_matches(&token, &mine, &keys));
        assert!(!anti_forgery_matches(&token, &other, &keys));
        assert!(!anti_forgery_matches("", &mine, &keys));
        assert!(!anti_forgery_matches("ä", &mine, &keys));
    }
}
