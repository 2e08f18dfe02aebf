//! The JSON of `enroll/passkeys`.

use super::fields::answer;
use crate::verification::AnswerValue;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `POST enroll/passkeys`: a passkey that the browser made.
#[derive(Debug, JsonSchema, Deserialize)]
pub struct AddPasskeyRequest {
    /// An object of `state`, from the options, and `credential`, `RegistrationResponseJSON`.
    #[serde(deserialize_with = "answer")]
    #[schemars(schema_with = "super::fields::answer_schema")]
    pub answer: AnswerValue,
    /// What the person calls it.
    #[serde(default)]
    pub name: String,
}

/// `POST enroll/passkeys/rename`.
#[derive(Debug, JsonSchema, Deserialize)]
pub struct RenameRequest {
    /// Which one, as `GET enroll` tells it.
    pub id: String,
    /// What the person calls it from now on.
    pub name: String,
}

/// The answer to both.
#[derive(Clone, Copy, Debug, JsonSchema, Serialize)]
pub struct ChangedResponse {
    /// Always: what cannot be done is refused.
    pub changed: bool,
}
