//! `client`, as it may be written.

use crate::yaml::OneOrMore;
use serde::Deserialize;

/// `client`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawClient {
    pub(super) inject: Option<bool>,
    pub(super) pages: Option<OneOrMore<String>>,
    pub(super) except: Option<OneOrMore<String>>,
}
