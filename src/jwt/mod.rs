//! Signed tokens (JWT, RFC 7519): the keys of their issuers, and what those have signed.
//!
//! What is checked is what RFC 8725 asks for. What a token's claims mean is for whoever takes it.

mod claims;
mod discovery;
mod error;
mod issuer_keys;
mod keyring;
mod signed;

pub use claims::ClaimTest;
pub(crate) use claims::{date, end_of};
pub use discovery::{Discovery, ProviderMetadata};
pub use error::TokenError;
pub use issuer_keys::{IssuerKeys, IssuerKeysError, SignatureAlgorithm};
pub use keyring::{KeyPlace, Keyring, KeyringOptions};
pub(crate) use signed::SignedToken;
