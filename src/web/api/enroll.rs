//! The JSON of `enroll`.

use super::fields::{optional_secret, secret, shown_secret};
use super::rfc3339;
use super::words::FactorWord;
use crate::domain::{CredentialEntry, Factor, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// The answer to `GET enroll`.
#[derive(Debug, JsonSchema, Serialize)]
pub struct EnrolledResponse {
    /// What is set up.
    pub enrolled: Vec<EnrolledView>,
}

/// One thing that is set up; nothing of it is secret.
#[derive(Debug, JsonSchema, Serialize)]
pub struct EnrolledView {
    /// The word of the factor.
    #[schemars(with = "FactorWord")]
    pub factor: &'static str,
    /// Names it among those of its factor; empty for what an operator set.
    pub id: String,
    /// What the person calls it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// When it was set up, if that is known.
    #[schemars(extend("format" = "date-time"))]
    pub added_at: Option<String>,
    /// When it last proved who they are.
    #[schemars(extend("format" = "date-time"))]
    pub used_at: Option<String>,
}

/// `POST enroll/remove`.
#[derive(Debug, JsonSchema, Deserialize)]
pub struct RemoveRequest {
    /// The word of the factor.
    #[schemars(with = "FactorWord")]
    pub factor: String,
    /// Which one of them.
    #[serde(default)]
    pub id: String,
    /// Whether to remove also the last one that does not rest on a mailbox.
    #[serde(default)]
    pub sure: bool,
}

/// The answer to `POST enroll/remove`.
#[derive(Debug, JsonSchema, Serialize)]
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

/// `POST` of a step below `enroll`. Forms have the same fields, and the anti-forgery one.
#[derive(Debug, JsonSchema, Deserialize)]
pub struct EnrollRequest {
    /// What the step before gave, to be sent back.
    #[serde(default = "nothing", deserialize_with = "secret")]
    #[schemars(with = "String")]
    pub sealed: Secret<String>,
    /// What is asked for: a code, an address, a password.
    #[serde(
        default = "nothing",
        alias = "code",
        alias = "email",
        alias = "password",
        deserialize_with = "secret"
    )]
    #[schemars(with = "String")]
    pub answer: Secret<String>,
}

/// The answer to a step that is done.
#[derive(Debug, JsonSchema, Serialize)]
pub struct EnrollDoneResponse {
    /// Whether it counts from now on.
    pub enrolled: bool,
}

/// The answer to `GET enroll/totp`.
#[derive(Debug, JsonSchema, Serialize)]
pub struct NewTotpResponse {
    /// The secret, in base32.
    #[serde(serialize_with = "shown_secret")]
    #[schemars(with = "String")]
    pub secret: Secret<String>,
    /// The same as apps read it from a QR code.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "optional_secret"
    )]
    #[schemars(with = "Option<String>")]
    pub uri: Option<Secret<String>>,
    /// To be sent back with a code.
    #[serde(serialize_with = "shown_secret")]
    #[schemars(with = "String")]
    pub sealed: Secret<String>,
}

/// The answer to `POST enroll/recovery`.
#[derive(Debug, JsonSchema, Serialize)]
pub struct RecoveryResponse {
    /// The codes, which are shown this once.
    #[serde(serialize_with = "shown_secrets")]
    #[schemars(with = "Vec<String>")]
    pub codes: Vec<Secret<String>>,
}

/// The answer to `POST enroll/email` with an address.
#[derive(Debug, JsonSchema, Serialize)]
pub struct NewAddressResponse {
    /// Whether a code is on its way.
    pub sent: bool,
    /// To be sent back with the code.
    #[serde(serialize_with = "shown_secret")]
    #[schemars(with = "String")]
    pub sealed: Secret<String>,
}

fn nothing() -> Secret<String> {
    Secret::new(String::new())
}

fn shown_secrets<S: Serializer>(
    secrets: &[Secret<String>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(secrets.iter().map(Secret::expose))
}
