//! `upstream.identity`: what the application is told of who sends its requests.

use serde::Deserialize;

/// `upstream.identity`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIdentity {
    pub(super) assertion: Option<RawAssertion>,
    pub(super) headers: Option<RawPlainHeaders>,
}

/// `upstream.identity.assertion`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAssertion {
    pub(super) header: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) algorithm: Option<RawSigning>,
}

/// `upstream.identity.assertion.algorithm`
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) enum RawSigning {
    EdDSA,
    ES256,
}

/// `upstream.identity.headers`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlainHeaders {
    pub(super) subject: Option<String>,
    pub(super) level: Option<String>,
    pub(super) amr: Option<String>,
    pub(super) auth_time: Option<String>,
}
