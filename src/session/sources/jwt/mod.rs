//! Signed tokens (JWT, RFC 7519) that name the subject of every request.
//!
//! A token says who somebody is, and not that they have just logged in: the issuer makes a new one every few minutes
//! without anybody typing a password. Only a claim that is about the login itself (`auth_time` of `OpenID`
//! Connect) makes a session fresh.

mod reader;
mod rules;

pub(crate) use reader::TokenReader;
pub use rules::{Jwt, TokenPlace};
