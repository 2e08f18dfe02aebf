//! The keys of assertions: derived from the secrets, so that sidecars that share these agree without a word.

use crate::domain::Secret;
use crate::entropy::Entropy;
use data_encoding::BASE64URL_NOPAD;
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToSec1Point;
use ring::digest::{SHA256, digest};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use serde_json::{Value, json};

/// The algorithm of assertions (RFC 7518 §3.4, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl SigningAlgorithm {
    /// Its name in the registry of JOSE.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }
}

/// A key that signs assertions.
#[derive(Debug)]
pub(super) struct SigningKey {
    pair: Pair,
    /// Its JWK thumbprint (RFC 7638).
    pub(super) id: String,
    /// As applications see it.
    pub(super) public: Value,
}

#[derive(Debug)]
enum Pair {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
}

impl SigningKey {
    /// Derives a key from `seed`, which is asked for pseudo-random bytes by number: not every 32 bytes are a key.
    pub(super) fn derive(
        algorithm: SigningAlgorithm,
        entropy: &Entropy,
        seed: impl Fn(u8) -> Secret<[u8; 32]>,
    ) -> Option<Self> {
        let (pair, members) = match algorithm {
            SigningAlgorithm::EdDsa => {
                // RFC 8032 §5.1.5: any 32 bytes are a private key.
                let pair = Ed25519KeyPair::from_seed_unchecked(seed(0).expose()).ok()?;
                let x = BASE64URL_NOPAD.encode(pair.public_key().as_ref());
                let members = json!({ "crv": "Ed25519", "kty": "OKP", "x": x });
                (Pair::EdDsa(pair), members)
            }
            SigningAlgorithm::Es256 => {
                // FIPS 186-5 A.2.2, rejection sampling: one in 2^32 seeds is above the order of the group.
                let key = |number| {
                    let seed = seed(number);
                    let public = SecretKey::from_slice(seed.expose()).ok()?.public_key();
                    Some((seed, public.to_uncompressed_point()))
                };
                let (private, public) = (0..=u8::MAX).find_map(key)?;
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    private.expose(),
                    &public,
                    entropy.source(),
                );
                let coordinates = public.get(1..)?.split_at_checked(32)?;
                let (x, y) = (
                    BASE64URL_NOPAD.encode(coordinates.0),
                    BASE64URL_NOPAD.encode(coordinates.1),
                );
                let members = json!({ "crv": "P-256", "kty": "EC", "x": x, "y": y });
                (Pair::Es256(pair.ok()?), members)
            }
        };
        // RFC 7638 §3: the required members in the order of their names, without blanks. So serde_json writes them.
        let id = BASE64URL_NOPAD.encode(digest(&SHA256, members.to_string().as_bytes()).as_ref());
        let mut public = members;
        for (name, value) in [("alg", algorithm.as_str()), ("kid", &id), ("use", "sig")] {
            public
                .as_object_mut()?
                .insert(name.to_owned(), value.into());
        }
        Some(Self { pair, id, public })
    }

    /// The signature of `message`, as JWS has it (RFC 7518 §3.4: not ASN.1). `None` if ring fails, which has no
    /// reason to.
    pub(super) fn sign(&self, message: &[u8], entropy: &Entropy) -> Option<Vec<u8>> {
        match &self.pair {
            Pair::EdDsa(pair) => Some(pair.sign(message).as_ref().to_vec()),
            Pair::Es256(pair) => {
                let signature = pair.sign(entropy.source(), message).ok()?;
                Some(signature.as_ref().to_vec())
            }
        }
    }
}
