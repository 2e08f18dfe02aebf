//! What may be written in `verification.upstream_login`.

use crate::yaml::Span;
use serde::Deserialize;

/// `verification.upstream_login`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawUpstreamLogin {
    pub(super) login: Option<String>,
    pub(super) page: Option<String>,
    pub(super) user_field: Option<String>,
    pub(super) password_field: Option<String>,
    pub(super) csrf: Option<RawCsrf>,
    pub(super) deadline: Option<Span>,
    pub(super) at_once: Option<u64>,
}

/// `verification.upstream_login.csrf`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCsrf {
    pub(super) cookie: Option<String>,
    pub(super) header: Option<String>,
}
