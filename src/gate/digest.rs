//! The digest that binds a grant to a request.

use crate::domain::RequestDigest;
use ring::digest::{SHA256, digest as sha};

/// SHA-256 over the canonical text of what is bound.
pub fn digest(parts: &[u8]) -> RequestDigest {
    let mut bytes = [0; RequestDigest::LEN];
    bytes.copy_from_slice(sha(&SHA256, parts).as_ref());
    RequestDigest::new(bytes)
}
