//! What programs get instead of a page: the problem document, and how 401 says the same.

use crate::domain::{Reason, Requirement};
use crate::locale::{Locale, Texts};
use crate::web::api::{ChallengeView, DeviceFields, NpmFields, ReasonWord};
use crate::web::pages::Site;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// The media type of a problem document (RFC 9457).
pub const MEDIA_TYPE: &str = "application/problem+json";

/// The code of every answer that offers a challenge.
pub const CHALLENGE_CODE: &str = "SENSITIVE_VERIFICATION_REQUIRED";

/// A problem document (RFC 9457).
#[derive(Debug, JsonSchema, Serialize)]
pub struct Problem {
    /// Identifies the kind of problem, and resolves to a page that explains it.
    #[serde(rename = "type")]
    pub kind: String,
    /// A few words.
    pub title: String,
    /// The status it is sent with.
    pub status: u16,
    /// [`CHALLENGE_CODE`] if a challenge is offered; otherwise the reason, in capitals.
    pub code: String,
    /// Why.
    #[schemars(with = "ReasonWord")]
    pub reason: &'static str,
    /// What happened, for a person.
    pub detail: String,
    /// What would help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<ChallengeView>,
    /// How the proof can be given elsewhere, for a program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceFields>,
    /// The same in the names of npm.
    #[serde(flatten)]
    pub npm: Option<NpmFields>,
    /// Names the request in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// How many seconds to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// How many more answers the challenge takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts_left: Option<u32>,
    /// The application's sign-in page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_url: Option<String>,
    /// The page on which the person sets something up, for who has nothing that is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enroll_url: Option<String>,
}

impl Problem {
    /// Explains `reason`. The status is the caller's business.
    pub fn new(reason: Reason, status: u16, site: &Site) -> Self {
        let explanation = site.texts().problem(reason);
        Self {
            kind: format!("{}/problems/{reason}", site.prefix),
            title: explanation.title.to_string(),
            status,
            code: reason.as_str().to_ascii_uppercase().replace('-', "_"),
            reason: reason.as_str(),
            detail: explanation.meaning.to_string(),
            challenge: None,
            device: None,
            npm: None,
            request_id: None,
            retry_after: None,
            attempts_left: None,
            login_url: None,
            enroll_url: (reason == Reason::MethodNotEnrolled)
                .then(|| format!("{}/enroll", site.prefix)),
        }
    }

    /// Offers a challenge, and names the action.
    #[must_use]
    pub fn with_challenge(mut self, challenge: ChallengeView, site: &Site) -> Self {
        CHALLENGE_CODE.clone_into(&mut self.code);
        if self.reason == Reason::StepUpRequired.as_str() {
            self.detail = site.texts().about.detail_of_action(&challenge.title);
        }
        self.challenge = Some(challenge);
        self
    }

    /// Names the request in the log.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// The document as JSON. All of its keys are strings, so it cannot fail.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Whole seconds for `Retry-After`, rounded up, at least one.
pub fn retry_after(wait: Duration) -> u64 {
    // Never 0: a client would repeat at once, and again.
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    seconds.try_into().unwrap_or(u64::MAX)
}

/// The `WWW-Authenticate` of a refusal that a fresh proof would lift (RFC 9470 §3).
pub fn www_authenticate(requirement: &Requirement) -> String {
    let t = Texts::of(Locale::En);
    let named = t
        .about
        .detail_of_action(&requirement.title)
        .replace(['“', '”'], "'");
    // RFC 6750 §3 allows ASCII alone: a title in another script gives way to the general text.
    let description = if named.bytes().all(is_description) {
        named
    } else {
        t.problem(Reason::StepUpRequired).meaning.to_string()
    };
    format!(
        "Bearer error=\"insufficient_user_authentication\", error_description=\"{description}\", \
         acr_values=\"urn:stepgate:level:{}\", max_age=\"{}\"",
        requirement.level.number(),
        requirement.max_age.as_secs(),
    )
}

/// The `WWW-Authenticate` of a refusal of a token for want of a session (RFC 9110 §15.5.2, RFC 6750 §3.1).
pub const WWW_AUTHENTICATE_SESSION: &str = "Bearer error=\"invalid_token\", error_description=\"There is no session for this credential.\"";

// RFC 6750 §3: %x20-21 / %x23-5B / %x5D-7E, so neither quotes nor backslashes need escaping.
const fn is_description(byte: u8) -> bool {
    matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests;
