//! The JSON of `enroll`.

use super::rfc3339;
use crate::domain::{CredentialEntry, Factor};
use serde::{Deserialize, Serialize};

/// The answer to `GET enroll`.
#[derive(Debug, Serialize)]
pub struct EnrolledResponse {
    /// What is set up.
    pub enrolled: Vec<EnrolledView>,
}

/// One thing that is set up; nothing of it is secret.
#[derive(Debug, Serialize)]
pub struct EnrolledView {
    /// The word of the factor.
    pub factor: &'static str,
    /// Names it among those of its factor; empty for what an operator set.
    pub id: String,
    /// What the person calls it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// When it was set up, if that is known.
    pub added_at: Option<String>,
    /// When it last proved who they are.
    pub used_at: Option<String>,
}

/// `POST enroll/remove`.
#[derive(Debug, Deserialize)]
pub struct RemoveRequest {
    /// The word of the factor.
    pub factor: String,
    /// Which one of them.
    #[serde(default)]
    pub id: String,
    /// Whether to remove also the last one that does not rest on a mailbox.
    #[serde(default)]
    pub sure: bool,
}

/// The answer to `POST enroll/remove`.
#[derive(Debug, Serialize)]
pub struct RemoveResponse {
    /// Whether it is gone by this call.
    pub removed: bool,
    /// Whether it is still there because it is the last one that does not rest on a mailbox: repeat with `sure`.
    pub last: bool,
}

impl EnrolledView {
    /// What may be told of it.
    pub fn of((factor, entry): &(Factor, Option<CredentialEntry>)) -> Self {
        let entry = entry.as_ref();
        Self {
            factor: factor.as_str(),
            id: entry.map(CredentialEntry::id_text).unwrap_or_default(),
            name: entry.map(|entry| entry.name.clone()).unwrap_or_default(),
            added_at: entry.map(|entry| rfc3339(entry.added_at)),
            used_at: entry.and_then(|entry| entry.used_at).map(rfc3339),
        }
    }
}
