//! What may be written under `verification.oidc`.

use super::raw_source::RawSource;
use crate::yaml::{OneOrMore, Span};
use serde::Deserialize;

/// `verification.oidc`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOidc {
    pub(super) issuer: Option<String>,
    pub(super) name: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<RawSource>,
    pub(super) client_auth: Option<RawClientAuth>,
    pub(super) scopes: Option<OneOrMore<String>>,
    pub(super) subject: Option<String>,
    pub(super) subjects: Option<String>,
    pub(super) login_hint: Option<bool>,
    pub(super) algorithms: Option<OneOrMore<String>>,
    pub(super) leeway: Option<Span>,
    pub(super) refresh: Option<Span>,
    pub(super) retry: Option<Span>,
    pub(super) deadline: Option<Span>,
    pub(super) ca: Option<String>,
}

/// `verification.oidc.client_auth`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawClientAuth {
    Basic,
    Post,
}
