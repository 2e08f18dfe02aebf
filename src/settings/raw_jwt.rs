//! `session.jwt`, as it is written.

use crate::yaml::{OneOrMore, Span};
use serde::Deserialize;

/// `session.jwt`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawJwt {
    pub(super) keys: Option<RawKeys>,
    pub(super) cookie: Option<String>,
    pub(super) header: Option<String>,
    pub(super) algorithms: Option<OneOrMore<String>>,
    pub(super) issuer: Option<OneOrMore<String>>,
    pub(super) audience: Option<OneOrMore<String>>,
    pub(super) leeway: Option<Span>,
    pub(super) subject: Option<String>,
    pub(super) email: Option<String>,
    pub(super) authenticated_at: Option<String>,
}

/// `session.jwt.keys`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKeys {
    pub(super) url: Option<String>,
    pub(super) ca: Option<String>,
    pub(super) file: Option<String>,
    pub(super) refresh: Option<Span>,
    pub(super) retry: Option<Span>,
    pub(super) deadline: Option<Span>,
}
