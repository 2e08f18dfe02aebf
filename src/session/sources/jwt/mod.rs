//! Signed tokens (JWT, RFC 7519) that name the subject of every request.
//!
//! A token says who somebody is, and not that they have just logged in: the issuer makes a new one every few minutes
//! without anybody typing a password. Only a claim that is about the login itself (`auth_time` of `OpenID`
//! Connect) makes a session fresh. What is checked is what RFC 8725 asks for.

mod error;
mod issuer_keys;
mod keyring;
mod reader;
mod rules;
mod signed;

pub use error::TokenError;
pub use issuer_keys::{IssuerKeys, IssuerKeysError, SignatureAlgorithm};
pub use keyring::{KeyPlace, Keyring, KeyringOptions};
pub(crate) use reader::TokenReader;
pub use rules::{ClaimTest, Jwt, TokenPlace};
