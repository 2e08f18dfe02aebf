//! A proof that comes with the request itself, in a header of it.

use super::Factor;
use http::HeaderName;

/// How a program that can send a code in a header is asked for it, and sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inline {
    /// The scheme of the `WWW-Authenticate` that asks for it (RFC 9110 §11.6.1).
    pub challenge: String,
    /// The header that brings it.
    pub header: HeaderName,
    /// What is in it.
    pub factor: Factor,
}
