//! What may be written under `brand`.

use serde::Deserialize;

/// `brand`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBrand {
    pub(super) name: Option<String>,
    pub(super) support: Option<String>,
    pub(super) credit: Option<bool>,
}
