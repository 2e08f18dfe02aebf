//! A sign-in under way, as it is kept in the store until its answer comes: sealed, and taken once.

use crate::domain::{
    BrowserKeyHash, ByteReader, ByteWriter, KeptName, Secret, StatedPurpose, Timestamp,
};
use crate::entropy::Entropy;
use crate::seal::{Keys, Purpose};

/// A sign-in under way at the identity provider.
#[derive(Clone, Debug)]
pub struct SignInAttempt {
    /// The token of the challenge that it answers.
    pub challenge: Secret<String>,
    /// The phrase that was typed for it.
    pub confirm: Option<String>,
    /// Why it is wanted.
    pub purpose: Option<StatedPurpose>,
    /// The sealed form that the prompt page carried.
    pub carried: Option<Secret<String>>,
    /// The browser in which it began.
    pub(super) browser_key: Option<BrowserKeyHash>,
    /// Whether the session was that browser's.
    pub(super) in_own_session: bool,
    /// What the ID token must repeat.
    pub(super) nonce: String,
    /// What the code challenge is the hash of (RFC 7636 §4.1).
    pub(super) code_verifier: Secret<String>,
    /// When it began: nobody who signed in before counts.
    pub(super) begun_at: Timestamp,
}

impl SignInAttempt {
    /// What it is kept under. The store learns no `state` by which it could be answered.
    pub(super) fn name(state: &str, keys: &Keys) -> KeptName {
        kept_name(&[b"attempt", state.as_bytes()], keys)
    }

    pub(super) fn seal(&self, state: &str, keys: &Keys, entropy: &Entropy) -> Vec<u8> {
        let carried = self.carried.as_ref().map(|form| form.expose().as_bytes());
        let (browser_key, purpose) = (self.browser_key.as_ref(), self.purpose.as_ref());
        let mut out = ByteWriter::default();
        out.text(self.challenge.expose())
            .optional_bytes(self.confirm.as_ref().map(String::as_bytes))
            .optional_bytes(purpose.map(|text| text.as_str().as_bytes()))
            .optional_bytes(carried)
            .optional_array(browser_key.map(|key| key.as_bytes().as_slice()))
            .flag(self.in_own_session)
            .text(&self.nonce)
            .text(self.code_verifier.expose())
            .time(self.begun_at);
        keys.seal(Purpose::SignIn, state.as_bytes(), out.as_bytes(), entropy)
    }

    pub(super) fn open(state: &str, sealed: &[u8], keys: &Keys) -> Option<Self> {
        let plain = keys.open(Purpose::SignIn, state.as_bytes(), sealed)?;
        read(&mut ByteReader::new(plain.expose()))
    }
}

/// What a value about sign-ins is kept under.
pub(super) fn kept_name(parts: &[&[u8]], keys: &Keys) -> KeptName {
    KeptName::new(keys.mac(Purpose::SignIn, parts))
}

fn read(plain: &mut ByteReader<'_>) -> Option<SignInAttempt> {
    let secret = |text: &str| Secret::new(text.to_owned());
    let attempt = SignInAttempt {
        challenge: secret(plain.text()?),
        confirm: plain.optional(|plain| plain.text().map(str::to_owned))?,
        purpose: plain.optional(|plain| StatedPurpose::of(plain.text()?))?,
        carried: plain.optional(|plain| plain.text().map(secret))?,
        browser_key: plain.optional(|plain| plain.array().map(BrowserKeyHash::new))?,
        in_own_session: plain.flag()?,
        nonce: plain.text()?.to_owned(),
        code_verifier: secret(plain.text()?),
        begun_at: plain.time()?,
    };
    plain.end()?;
    Some(attempt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::tests::{keys, now};
    use proptest::prelude::{any, prop};

    fn attempt() -> SignInAttempt {
        SignInAttempt {
            challenge: Secret::new("token".to_owned()),
            confirm: Some("DELETE".to_owned()),
            purpose: StatedPurpose::of("ticket 7"),
            carried: None,
            browser_key: Some(BrowserKeyHash::new([3; 32])),
            in_own_session: true,
            nonce: "nonce".to_owned(),
            code_verifier: Secret::new("verifier".to_owned()),
            begun_at: now(),
        }
    }

    #[test]
    fn an_attempt_opens_by_its_own_state_alone() {
        let (keys, entropy) = (keys(), Entropy::system());
        let sealed = attempt().seal("state", &keys, &entropy);
        let opened = SignInAttempt::open("state", &sealed, &keys).unwrap();
        assert_eq!(format!("{opened:?}"), format!("{:?}", attempt()));
        assert_eq!(opened.code_verifier.expose(), "verifier");
        assert!(SignInAttempt::open("stat", &sealed, &keys).is_none());
        let names = ["state", "stat"].map(|state| SignInAttempt::name(state, &keys));
        assert_ne!(names[0], names[1]);
    }

    proptest::proptest! {
        #[test]
        fn opening_is_total(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&mut ByteReader::new(&bytes));
            assert!(SignInAttempt::open("state", &bytes, &keys()).is_none());
        }
    }
}
