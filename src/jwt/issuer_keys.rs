//! The keys of an issuer (RFC 7517), and what they have signed (RFC 7518 §3).

use super::discovery::ProviderMetadata;
use super::error::TokenError;
use crate::domain::Secret;
use data_encoding::BASE64URL_NOPAD;
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use ring::{hmac, signature::VerificationAlgorithm};
use serde::Deserialize;
use serde_json::Value;

macro_rules! algorithms {
    ($($variant:ident = $word:literal, $kind:ident;)*) => {
        /// An algorithm by which tokens are signed (RFC 7518 §3.1, RFC 8037 §3.1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)] // the word of each is its name in the registry
        pub enum SignatureAlgorithm { $($variant,)* }

        impl SignatureAlgorithm {
            /// All that are known, by their names.
            pub const ALL: &[(&str, Self)] = &[$(($word, Self::$variant),)*];

            /// Whether who can verify can sign as well.
            pub const fn is_symmetric(self) -> bool {
                match self { $(Self::$variant => matches!(KeyKind::$kind, KeyKind::Shared),)* }
            }
        }
    };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    Public,
    Shared,
}

algorithms! {
    EdDsa = "EdDSA", Public;
    Es256 = "ES256", Public;
    Es384 = "ES384", Public;
    Hs256 = "HS256", Shared;
    Hs384 = "HS384", Shared;
    Hs512 = "HS512", Shared;
    Ps256 = "PS256", Public;
    Ps384 = "PS384", Public;
    Ps512 = "PS512", Public;
    Rs256 = "RS256", Public;
    Rs384 = "RS384", Public;
    Rs512 = "RS512", Public;
}

impl SignatureAlgorithm {
    /// That of this name, which `none` is not.
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(known, _)| *known == name).map(|(_, it)| *it)
    }
}

/// The keys of an issuer.
#[derive(Debug)]
pub struct IssuerKeys {
    keys: Vec<IssuerKey>,
    /// What the issuer says of itself, where that is read along with its keys.
    pub(crate) provider: Option<ProviderMetadata>,
}

#[derive(Debug)]
struct IssuerKey {
    id: Option<String>,
    /// The only algorithm that it is for, if it says so.
    algorithm: Option<String>,
    material: KeyMaterial,
}

/// A key. Its own type decides what it can verify: a public key is never taken for a shared secret
/// (RFC 8725 §2.1).
#[derive(Debug)]
enum KeyMaterial {
    Ed25519(Vec<u8>),
    P256(Vec<u8>),
    P384(Vec<u8>),
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Shared(Secret<Vec<u8>>),
}

/// Where keys come from: a secret that whoever fetches it can read is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SharedKeys {
    Refused,
    Taken,
}

/// Why a document holds no keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the message of each variant is its description
pub enum IssuerKeysError {
    #[error("it holds no key that verifies signatures")]
    Empty,
    #[error("it is no set of keys (RFC 7517): expected `{{\"keys\": […]}}`")]
    NoKeySet,
}

#[derive(Deserialize)]
struct WrittenKeys {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct WrittenKey {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
}

impl IssuerKeys {
    /// Reads a set. Keys that are not understood are passed over (RFC 7517 §5).
    pub(crate) fn parse(text: &[u8], shared: SharedKeys) -> Result<Self, IssuerKeysError> {
        let written: WrittenKeys =
            serde_json::from_slice(text).map_err(|_| IssuerKeysError::NoKeySet)?;
        let keys = written.keys.into_iter();
        let keys = keys.filter_map(|key| serde_json::from_value::<WrittenKey>(key).ok());
        let keys = keys.filter_map(|key| IssuerKey::read(key, shared));
        let keys: Vec<_> = keys.collect();
        if keys.is_empty() {
            return Err(IssuerKeysError::Empty);
        }
        Ok(Self {
            keys,
            provider: None,
        })
    }

    /// Whether it has a key of this name; any, if none is named.
    pub(crate) fn knows(&self, id: Option<&str>) -> bool {
        id.is_none() || self.keys.iter().any(|key| key.id.as_deref() == id)
    }

    /// Whether one of the keys has signed `message`. A key that is named must be the one.
    pub(crate) fn verify(
        &self,
        (id, algorithm): (Option<&str>, (&str, SignatureAlgorithm)),
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), TokenError> {
        let (name, algorithm) = algorithm;
        // RFC 8725 §3.1: the key decides, and the token only chooses among what it allows.
        let is_meant = |key: &&IssuerKey| {
            (id.is_none() || key.id.as_deref() == id)
                && key.algorithm.as_deref().is_none_or(|only| only == name)
                && key.material.fits(algorithm)
        };
        let mut meant = self.keys.iter().filter(is_meant).peekable();
        if meant.peek().is_none() {
            return Err(TokenError::UnknownKey);
        }
        let mut verified = meant.map(|key| key.material.verifies(algorithm, message, signature));
        if verified.any(|is_right| is_right) {
            Ok(())
        } else {
            Err(TokenError::Signature)
        }
    }
}

impl IssuerKey {
    fn read(key: WrittenKey, shared: SharedKeys) -> Option<Self> {
        // RFC 7517 §4.2, §4.3: a key that says what it is for is for nothing else.
        let is_for_signatures = key.r#use.as_deref().is_none_or(|it| it == "sig")
            && (key.key_ops.as_ref()).is_none_or(|all| all.iter().any(|one| one == "verify"));
        if !is_for_signatures {
            return None;
        }
        let material = match (key.kty.as_str(), key.crv.as_deref()) {
            ("EC", Some("P-256")) => KeyMaterial::P256(point(&key, 32)?),
            ("EC", Some("P-384")) => KeyMaterial::P384(point(&key, 48)?),
            ("OKP", Some("Ed25519")) => KeyMaterial::Ed25519(decoded(key.x.as_ref())?),
            // Shorter ones than 2,048 bits are refused when they verify (RFC 7518 §3.3).
            ("RSA", _) => KeyMaterial::Rsa {
                n: decoded(key.n.as_ref())?,
                e: decoded(key.e.as_ref())?,
            },
            ("oct", _) if shared == SharedKeys::Taken => {
                KeyMaterial::Shared(Secret::new(decoded(key.k.as_ref())?))
            }
            _ => return None,
        };
        Some(Self {
            id: key.kid,
            algorithm: key.alg,
            material,
        })
    }
}

impl KeyMaterial {
    fn fits(&self, algorithm: SignatureAlgorithm) -> bool {
        use SignatureAlgorithm as A;
        match algorithm {
            A::EdDsa => matches!(self, Self::Ed25519(_)),
            A::Es256 => matches!(self, Self::P256(_)),
            A::Es384 => matches!(self, Self::P384(_)),
            A::Hs256 | A::Hs384 | A::Hs512 => matches!(self, Self::Shared(_)),
            A::Ps256 | A::Ps384 | A::Ps512 | A::Rs256 | A::Rs384 | A::Rs512 => {
                matches!(self, Self::Rsa { .. })
            }
        }
    }

    fn verifies(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        use SignatureAlgorithm as A;
        let by = |how: &'static dyn VerificationAlgorithm, key: &[u8]| {
            // Checked in full each time: a point that is not on the curve verifies nothing.
            let key = UnparsedPublicKey::new(how, key);
            key.verify(message, signature).is_ok()
        };
        match (self, algorithm) {
            (Self::Ed25519(key), A::EdDsa) => by(&signature::ED25519, key),
            (Self::P256(key), A::Es256) => by(&signature::ECDSA_P256_SHA256_FIXED, key),
            (Self::P384(key), A::Es384) => by(&signature::ECDSA_P384_SHA384_FIXED, key),
            (Self::Rsa { n, e }, _) => rsa(algorithm).is_some_and(|how| {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(how, message, signature).is_ok()
            }),
            (Self::Shared(key), _) => shared(algorithm).is_some_and(|(how, shortest)| {
                // RFC 7518 §3.2: a key must be as long as the hash.
                let key = key.expose();
                key.len() >= shortest
                    && hmac::verify(&hmac::Key::new(how, key), message, signature).is_ok()
            }),
            _ => false,
        }
    }
}

fn rsa(algorithm: SignatureAlgorithm) -> Option<&'static RsaParameters> {
    use SignatureAlgorithm as A;
    Some(match algorithm {
        A::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        A::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        A::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        A::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        A::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        A::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        A::EdDsa | A::Es256 | A::Es384 | A::Hs256 | A::Hs384 | A::Hs512 => return None,
    })
}

fn shared(algorithm: SignatureAlgorithm) -> Option<(hmac::Algorithm, usize)> {
    use SignatureAlgorithm as A;
    Some(match algorithm {
        A::Hs256 => (hmac::HMAC_SHA256, 32),
        A::Hs384 => (hmac::HMAC_SHA384, 48),
        A::Hs512 => (hmac::HMAC_SHA512, 64),
        A::EdDsa
        | A::Es256
        | A::Es384
        | A::Ps256
        | A::Ps384
        | A::Ps512
        | A::Rs256
        | A::Rs384
        | A::Rs512 => return None,
    })
}

/// A point of a curve, uncompressed (SEC 1 §2.3.3).
fn point(key: &WrittenKey, size: usize) -> Option<Vec<u8>> {
    let (x, y) = (decoded(key.x.as_ref())?, decoded(key.y.as_ref())?);
    (x.len() == size && y.len() == size).then(|| [&[4], &x[..], &y[..]].concat())
}

fn decoded(text: Option<&String>) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text?.as_bytes()).ok()
}
