//! A token in its compact form (RFC 7515 §7.1): read, and verified.

use super::error::TokenError;
use super::issuer_keys::{IssuerKeys, SignatureAlgorithm};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// How long a token may be.
const LONGEST_TOKEN: usize = 16 * 1024;

/// A token, of which nothing is believed yet.
pub(crate) struct SignedToken<'t> {
    header: TokenHeader,
    algorithm: SignatureAlgorithm,
    message: &'t [u8],
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// The header. A member that is there twice is refused; `jku`, `jwk`, `x5u` and `x5c`, by which a token
/// would bring its own key, are not read (RFC 8725 §3.10).
#[derive(Deserialize)]
struct TokenHeader {
    alg: String,
    kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<Value>,
}

/// A member that is there, also if it is null.
fn present<'de, D: Deserializer<'de>>(member: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(member).map(Some)
}

impl<'t> SignedToken<'t> {
    /// Reads a token that is signed by one of these algorithms.
    pub(crate) fn read(
        token: &'t [u8],
        allowed: &[SignatureAlgorithm],
    ) -> Result<Self, TokenError> {
        let malformed = || TokenError::Malformed;
        // Before anything is decoded: whoever sends it is nobody yet.
        if token.len() > LONGEST_TOKEN {
            return Err(TokenError::Malformed);
        }
        // RFC 7516 §9: five parts would be an encrypted token, which nobody here can read.
        let mut dots = memchr::memchr_iter(b'.', token);
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(TokenError::Malformed);
        };
        let part = |part: Option<&[u8]>| {
            // RFC 7515 §2: without padding, line breaks and other characters.
            let decoded = BASE64URL_NOPAD.decode(part.unwrap_or_default());
            decoded.map_err(|_| TokenError::Malformed)
        };
        let header = part(token.get(..first))?;
        let header: TokenHeader = serde_json::from_slice(&header).map_err(|_| malformed())?;
        let algorithm = SignatureAlgorithm::named(&header.alg);
        let algorithm = algorithm.filter(|it| allowed.contains(it));
        let algorithm = algorithm.ok_or(TokenError::Algorithm)?;
        // RFC 7515 §4.1.11: what is critical must be understood.
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        Ok(Self {
            header,
            algorithm,
            message: token.get(..second).ok_or_else(malformed)?,
            payload: part(token.get(first + 1..second))?,
            signature: part(token.get(second + 1..))?,
        })
    }

    /// The key that it names.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// Its claims, if one of the keys has signed them.
    pub(crate) fn verify(&self, keys: &IssuerKeys) -> Result<Value, TokenError> {
        let algorithm = (self.header.alg.as_str(), self.algorithm);
        keys.verify((self.key_id(), algorithm), self.message, &self.signature)?;
        // Read only now: until then it is anybody's text.
        self.unverified()
    }

    /// Its claims, whoever has made them.
    pub(crate) fn unverified(&self) -> Result<Value, TokenError> {
        serde_json::from_slice(&self.payload).map_err(|_| TokenError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Result<(), TokenError> {
        let token = format!("{}.e30.AA", BASE64URL_NOPAD.encode(header.as_bytes()));
        SignedToken::read(token.as_bytes(), &[SignatureAlgorithm::Es256]).map(|_| ())
    }

    #[test]
    fn what_a_token_calls_critical_is_not_understood() {
        assert!(read(r#"{"alg":"ES256","kid":"a"}"#).is_ok());
        for critical in [r#"["b64"]"#, "[]", "null", r#""b64""#] {
            let header = format!(r#"{{"alg":"ES256","crit":{critical}}}"#);
            assert!(
                matches!(read(&header), Err(TokenError::Critical)),
                "{header}"
            );
        }
    }
}
