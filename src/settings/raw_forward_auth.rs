//! `forward_auth`, as it may be written.

use super::raw_listen::RawListen;
use super::raw_source::RawSource;
use crate::yaml::OneOrMore;
use serde::Deserialize;

/// `forward_auth`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawForwardAuth {
    pub(super) listen: Option<OneOrMore<RawListen>>,
    pub(super) secret: Option<RawSource>,
    pub(super) body: Option<bool>,
}
