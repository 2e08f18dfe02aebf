//! Where a secret comes from, as it may be written.

use serde::Deserialize;

/// Where a secret comes from: `{file: …}` or `{env: …}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSource {
    pub(super) file: Option<String>,
    pub(super) env: Option<String>,
}
