//! Keys, and what they are for: keyed hashes of what clients carry, and sealed tokens and secrets.
//!
//! One secret file is the root. Every purpose has keys of its own (HKDF-SHA256, RFC 5869), so that
//! what is made for one purpose opens nothing in another. With two secrets at once, the first makes
//! and the second still reads, which allows rotation.

use crate::domain::Secret;
use crate::entropy::Entropy;
use ring::{aead, hkdf, hmac};
use std::fmt;

/// How many bytes of randomness a secret must have.
pub const SECRET_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 4;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Purpose {
    /// Ties a form of ours to the browser key.
    AntiForgery,
    /// The keys that sign assertions for the application.
    Assertion,
    /// What a request for approval says, and what was said about it, at rest.
    Approval,
    /// The hash of a browser key.
    BrowserKey,
    /// The hash of a code that an operator hands out.
    BootstrapCode,
    /// A challenge token.
    Challenge,
    /// The hash of a code that was sent.
    Code,
    /// The hash under which attempts are counted.
    Counter,
    /// What a program asks its owner to approve, and what names it.
    Device,
    /// What a person is to prove before it is enrolled.
    Enrollment,
    /// Form fields carried through the prompt page.
    Form,
    /// That nobody was signed in to a session.
    Guest,
    /// The state of a passkey's ceremony.
    Passkey,
    /// The hash of a recovery code.
    RecoveryCode,
    /// The hash of the credentials of a session.
    Session,
    /// What a person names one of their own sessions by.
    SessionHandle,
    /// A sign-in under way at the identity provider, and what names it and its proof.
    SignIn,
    /// A TOTP secret at rest.
    Totp,
}

impl Purpose {
    const ALL: [Self; 18] = [
        Self::AntiForgery,
        Self::Assertion,
        Self::Approval,
        Self::BrowserKey,
        Self::BootstrapCode,
        Self::Challenge,
        Self::Code,
        Self::Counter,
        Self::Device,
        Self::Enrollment,
        Self::Form,
        Self::Guest,
        Self::Passkey,
        Self::RecoveryCode,
        Self::Session,
        Self::SessionHandle,
        Self::SignIn,
        Self::Totp,
    ];

    // The labels are part of what is stored: changing one forgets every session or secret.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::AntiForgery => b"stepgate/1 anti-forgery",
            Self::Assertion => b"stepgate/1 assertion",
            Self::Approval => b"stepgate/1 approval",
            Self::BrowserKey => b"stepgate/1 browser-key",
            Self::BootstrapCode => b"stepgate/1 bootstrap-code",
            Self::Challenge => b"stepgate/1 challenge",
            Self::Code => b"stepgate/1 code",
            Self::Counter => b"stepgate/1 counter",
            Self::Device => b"stepgate/1 device",
            Self::Enrollment => b"stepgate/1 enrollment",
            Self::Form => b"stepgate/1 form",
            Self::Guest => b"stepgate/1 guest",
            Self::Passkey => b"stepgate/1 passkey",
            Self::RecoveryCode => b"stepgate/1 recovery-code",
            Self::Session => b"stepgate/1 session",
            Self::SessionHandle => b"stepgate/1 session-handle",
            Self::SignIn => b"stepgate/1 sign-in",
            Self::Totp => b"stepgate/1 totp",
        }
    }
}

/// Why a secret cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakSecret {
    /// All its bytes are alike, or nearly so.
    #[error("the secret is not random; make one with `openssl rand -hex 32`")]
    Monotonous,
    /// It is too short.
    #[error(
        "the secret has {0} bytes; at least {SECRET_BYTES} are needed, such as from `openssl rand -hex 32`"
    )]
    Short(usize),
}

/// All keys, derived from one secret, or from two during a rotation.
#[derive(Clone)]
pub struct Keys {
    current: KeySet,
    previous: Option<KeySet>,
}

impl Keys {
    /// Derives all keys. `current` makes and reads; `previous` only reads.
    pub fn derive(
        current: &Secret<Vec<u8>>,
        previous: Option<&Secret<Vec<u8>>>,
    ) -> Result<Self, WeakSecret> {
        Ok(Self {
            current: KeySet::derive(current)?,
            previous: previous.map(KeySet::derive).transpose()?,
        })
    }

    /// HMAC-SHA256 over `parts`, each preceded by its length so that no two lists collide.
    pub fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        self.current.mac(purpose, parts)
    }

    /// Whether a rotation of the secret is under way.
    pub fn has_previous(&self) -> bool {
        self.previous.is_some()
    }

    /// What [`Keys::mac`] was before the rotation, if one is under way.
    pub fn previous_mac(&self, purpose: Purpose, parts: &[&[u8]]) -> Option<[u8; 32]> {
        Some(self.previous.as_ref()?.mac(purpose, parts))
    }

    /// Seals `plain` (AES-256-GCM, random nonce). It opens only with the same purpose and `context`.
    pub fn seal(
        &self,
        purpose: Purpose,
        context: &[u8],
        plain: &[u8],
        entropy: &Entropy,
    ) -> Vec<u8> {
        self.current.seal(purpose, context, plain, entropy)
    }

    /// Opens what was sealed for the same purpose and `context`; `None` for anything else.
    pub fn open(&self, purpose: Purpose, context: &[u8], sealed: &[u8]) -> Option<Secret<Vec<u8>>> {
        let (id, rest) = sealed.split_at_checked(KEY_ID_BYTES)?;
        let keys = [Some(&self.current), self.previous.as_ref()];
        keys.into_iter()
            .flatten()
            .find(|keys| keys.id == id)?
            .open(purpose, context, rest)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

#[derive(Clone)]
struct KeySet {
    id: [u8; KEY_ID_BYTES],
    macs: [hmac::Key; Purpose::ALL.len()],
    boxes: [aead::LessSafeKey; Purpose::ALL.len()],
}

impl KeySet {
    fn derive(secret: &Secret<Vec<u8>>) -> Result<Self, WeakSecret> {
        let bytes = secret.expose();
        if bytes.len() < SECRET_BYTES {
            return Err(WeakSecret::Short(bytes.len()));
        }
        let mut distinct = bytes.clone();
        distinct.sort_unstable();
        distinct.dedup();
        // No measure of randomness: it finds placeholders, such as zeros. 32 random bytes, or their
        // hexadecimal digits, have more distinct values but for a negligible chance.
        if distinct.len() < 8 {
            return Err(WeakSecret::Monotonous);
        }
        // RFC 5869 §3.1: a salt need not be secret. This one keeps our keys apart from other uses
        // of the same secret.
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"stepgate/1").extract(bytes);
        let mut id = [0; KEY_ID_BYTES];
        // Names the secret in what it sealed, so that opening needs no trial. Derived like a key:
        // it tells nothing of the secret.
        fill(&root, b"stepgate/1 key id", &mut id);
        Ok(Self {
            id,
            macs: Purpose::ALL.map(|purpose| {
                let mut key = [0; 32];
                fill(&root, &[purpose.label(), b" mac"].concat(), &mut key);
                hmac::Key::new(hmac::HMAC_SHA256, &key)
            }),
            // NIST SP 800-57 part 1, §5.2: one key, one use; so each algorithm has keys of its own.
            boxes: Purpose::ALL.map(|purpose| {
                let mut key = [0; 32];
                fill(&root, &[purpose.label(), b" aead"].concat(), &mut key);
                #[allow(clippy::expect_used)] // the key has the algorithm's length, above
                let key = aead::UnboundKey::new(&aead::AES_256_GCM, &key).expect("32 bytes");
                aead::LessSafeKey::new(key)
            }),
        })
    }

    #[allow(clippy::indexing_slicing)] // a purpose is an index into its own table
    fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.macs[purpose as usize]);
        for part in parts {
            // Each with its length: `ab`, `c` is not `a`, `bc`.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.sign().as_ref());
        bytes
    }

    #[allow(clippy::indexing_slicing, clippy::expect_used)] // sealing fails only beyond 64 GiB
    fn seal(&self, purpose: Purpose, context: &[u8], plain: &[u8], entropy: &Entropy) -> Vec<u8> {
        // NIST SP 800-38D §8.3: with random nonces of 96 bits, one key may seal 2^32 texts.
        let nonce: [u8; aead::NONCE_LEN] = entropy.bytes();
        let mut sealed = Vec::with_capacity(KEY_ID_BYTES + nonce.len() + plain.len() + 16);
        sealed.extend_from_slice(&self.id);
        sealed.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        self.boxes[purpose as usize]
            .seal_in_place_append_tag(
                aead::Nonce::assume_unique_for_key(nonce),
                aead::Aad::from(context),
                &mut body,
            )
            .expect("the text is short");
        sealed.append(&mut body);
        sealed
    }

    #[allow(clippy::indexing_slicing)] // a purpose is an index into its own table
    fn open(&self, purpose: Purpose, context: &[u8], rest: &[u8]) -> Option<Secret<Vec<u8>>> {
        let (nonce, body) = rest.split_at_checked(aead::NONCE_LEN)?;
        let nonce = aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let aad = aead::Aad::from(context);
        let plain = self.boxes[purpose as usize]
            .open_in_place(nonce, aad, &mut body)
            .ok()?;
        Some(Secret::new(plain.to_vec()))
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[allow(clippy::expect_used)] // HKDF fails only for more than 255 blocks
fn fill(root: &hkdf::Prk, label: &[u8], out: &mut [u8]) {
    root.expand(&[label], Length(out.len()))
        .and_then(|okm| okm.fill(out))
        .expect("a few bytes are within HKDF's reach");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(seed: u8) -> Secret<Vec<u8>> {
        Secret::new(
            (0..32u8)
                .map(|i| i.wrapping_mul(7).wrapping_add(seed))
                .collect(),
        )
    }

    fn keys() -> Keys {
        Keys::derive(&secret(1), None).unwrap()
    }

    #[test]
    fn what_is_sealed_for_one_purpose_does_not_open_for_another() {
        let (keys, entropy) = (keys(), Entropy::system());
        let sealed = keys.seal(Purpose::Challenge, b"a", b"text", &entropy);
        assert_eq!(
            keys.open(Purpose::Challenge, b"a", &sealed)
                .unwrap()
                .expose(),
            b"text"
        );
        assert!(keys.open(Purpose::Form, b"a", &sealed).is_none());
        assert!(keys.open(Purpose::Challenge, b"b", &sealed).is_none());
    }

    #[test]
    fn a_changed_bit_opens_nothing() {
        let (keys, entropy) = (keys(), Entropy::system());
        let sealed = keys.seal(Purpose::Totp, b"", b"text", &entropy);
        for at in 0..sealed.len() {
            let mut broken = sealed.clone();
            broken[at] ^= 1;
            assert!(keys.open(Purpose::Totp, b"", &broken).is_none());
        }
    }

    #[test]
    fn the_previous_secret_still_reads() {
        let entropy = Entropy::system();
        let old = keys();
        let sealed = old.seal(Purpose::Totp, b"", b"text", &entropy);
        let new = Keys::derive(&secret(99), Some(&secret(1))).unwrap();
        assert!(new.open(Purpose::Totp, b"", &sealed).is_some());
        assert_eq!(
            new.previous_mac(Purpose::Session, &[b"x"]),
            Some(old.mac(Purpose::Session, &[b"x"]))
        );
    }

    #[test]
    fn lists_of_parts_do_not_collide() {
        let keys = keys();
        assert_ne!(
            keys.mac(Purpose::Session, &[b"ab", b"c"]),
            keys.mac(Purpose::Session, &[b"a", b"bc"])
        );
    }

    #[test]
    fn weak_secrets_are_refused() {
        assert_eq!(
            Keys::derive(&Secret::new(vec![1; 16]), None).unwrap_err(),
            WeakSecret::Short(16)
        );
        assert_eq!(
            Keys::derive(&Secret::new(vec![1; 64]), None).unwrap_err(),
            WeakSecret::Monotonous
        );
    }
}
