//! What a challenge says of a proof that comes with the request itself.

use super::ChallengeView;
use crate::domain::{Factor, Inline};
use schemars::JsonSchema;
use serde::Serialize;

/// How a request may bring the proof itself, without a call of `verify`.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct InlineView {
    /// The factor that answers it.
    pub factor: &'static str,
    /// The header that brings its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Whether a code may stand behind the password (RFC 7617), after a comma.
    pub after_password: bool,
}

impl InlineView {
    pub(super) fn of(inline: &Inline) -> Self {
        Self {
            factor: inline.factor.as_str(),
            header: Some(inline.header.to_string()),
            after_password: false,
        }
    }
}

impl ChallengeView {
    /// Says that a code may stand behind the password.
    #[must_use]
    pub fn with_code_after_password(mut self) -> Self {
        let inline = self.inline.get_or_insert(InlineView {
            factor: Factor::Totp.as_str(),
            header: None,
            after_password: true,
        });
        inline.after_password = true;
        self
    }
}
