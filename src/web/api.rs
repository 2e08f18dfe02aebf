//! The JSON of our endpoints: what clients send and what they get.

mod approvals;
mod device;
mod enroll;
mod fields;
mod inline;
mod passkeys;
mod sessions;
mod status;
mod words;

pub use approvals::{
    ApprovalDocument, ApprovalRequest, ApprovalsResponse, ChallengeApproval, DecisionRequest,
};
pub use device::{
    DEVICE_GRANT_TYPE, DeviceDecisionRequest, DeviceDocument, DeviceError, DeviceFields,
    DevicePlaces, DeviceTokenRequest, NpmDone, NpmFields, NpmOver,
};
pub use enroll::{
    EnrollDoneResponse, EnrollRequest, EnrolledResponse, EnrolledView, NewAddressResponse,
    NewTotpResponse, RecoveryResponse, RemoveRequest, RemoveResponse,
};
pub use inline::InlineView;
pub use passkeys::{AddPasskeyRequest, ChangedResponse, RenameRequest};
pub use sessions::{
    LockAllResponse, OwnSessionView, RevokeRequest, RevokeResponse, SessionsResponse,
};
pub use status::{GrantView, RouteNeeds, RouteStatus, StatusResponse};
pub use words::{ApprovalStateWord, FactorWord, ReasonWord};

use crate::domain::{Challenge, Factor, FactorSet, ReturnTarget, Secret, Timestamp};
use crate::verification::{AnswerValue, ApprovalView, AvailableFactors};
use crate::web::pages::Site;
use fields::{answer, optional_secret, secret, shown_secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// `POST verify`: one factor answered. Forms have the same fields, and the anti-forgery one.
#[derive(Debug, JsonSchema, Deserialize)]
pub struct VerifyRequest {
    /// The sealed challenge.
    #[serde(deserialize_with = "secret")]
    #[schemars(with = "String")]
    pub token: Secret<String>,
    /// The word of the factor.
    #[schemars(with = "FactorWord")]
    pub factor: String,
    /// The password or code, or the object that the factor asks for.
    #[serde(alias = "password", alias = "code", deserialize_with = "answer")]
    #[schemars(schema_with = "fields::answer_schema")]
    pub answer: AnswerValue,
    /// The phrase to be typed, where one is asked for.
    #[serde(default)]
    pub confirm: Option<String>,
    /// Why it is wanted, where somebody else must approve.
    #[serde(default)]
    pub purpose: Option<String>,
}

/// The answer to `POST verify`.
#[derive(Debug, JsonSchema, Serialize)]
pub struct VerifyResponse {
    /// Whether the challenge is satisfied, and the call may be repeated.
    pub verified: bool,
    /// What is still missing: any one of these lists, each of which must be complete.
    #[schemars(with = "Vec<Vec<FactorWord>>")]
    pub remaining: Vec<Vec<&'static str>>,
    /// When the grant ends, or else the challenge.
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: String,
    /// The browser key for clients without cookies, to be sent as `Step-Up-Key`.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "optional_secret"
    )]
    #[schemars(with = "Option<String>")]
    pub key: Option<Secret<String>>,
    /// What became of the request for approval, where one was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<ChallengeApproval>,
}

/// `POST verify/send`: a code by e-mail is wanted.
#[derive(Debug, JsonSchema, Deserialize)]
pub struct SendRequest {
    /// The sealed challenge.
    #[serde(deserialize_with = "secret")]
    #[schemars(with = "String")]
    pub token: Secret<String>,
}

/// `POST oidc/begin`: somebody is to sign in at the identity provider.
#[derive(Debug, JsonSchema, Deserialize)]
pub struct BeginRequest {
    /// The sealed challenge.
    #[serde(deserialize_with = "secret")]
    #[schemars(with = "String")]
    pub token: Secret<String>,
    /// The phrase to be typed, where one is asked for.
    #[serde(default)]
    pub confirm: Option<String>,
    /// Why it is wanted, where somebody else must approve.
    #[serde(default)]
    pub purpose: Option<String>,
}

/// The answer to `POST oidc/begin`.
#[derive(Debug, JsonSchema, Serialize)]
pub struct BeginResponse {
    /// Where the person is to be sent, in the browser that asked.
    #[serde(serialize_with = "shown_secret")]
    #[schemars(with = "String")]
    pub url: Secret<String>,
}

/// The answer to `POST verify/send`.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct SendResponse {
    /// Whether a code is on its way.
    pub sent: bool,
    /// The masked address.
    pub to: String,
    /// How many seconds until another may be asked for.
    pub wait: u64,
}

/// A challenge, in a problem document and at `GET challenge`.
#[derive(Debug, JsonSchema, Serialize)]
pub struct ChallengeView {
    /// The sealed challenge, to be sent back with an answer.
    #[serde(serialize_with = "shown_secret")]
    #[schemars(with = "String")]
    pub token: Secret<String>,
    /// What it is for.
    pub action: String,
    /// What that is called.
    pub title: String,
    /// How dangerous it is, 1 to 4.
    #[schemars(range(max = 4))]
    pub level: u8,
    /// What is accepted: any one of these lists, each of which must be complete.
    #[schemars(with = "Vec<Vec<FactorWord>>")]
    pub factors: Vec<Vec<&'static str>>,
    /// What helps with a factor, such as the masked address for `email_code`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hints: BTreeMap<&'static str, String>,
    /// The phrase to be typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// The approval by somebody else that is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<ChallengeApproval>,
    /// How the request itself may bring the proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inline: Option<InlineView>,
    /// How many seconds the proof counts.
    pub max_age: u64,
    /// Whether it counts once.
    pub single_use: bool,
    /// The values that the person confirms: label and value.
    pub bound: Vec<(String, String)>,
    /// When the challenge can no longer be answered.
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: String,
    /// Where answers go.
    pub verify_url: String,
    /// The prompt page for a person.
    pub page_url: String,
    /// What to do once verified.
    pub retry: Retry,
}

/// What a client does once verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// The person presses the button of the page that carries the form.
    ConfirmInBrowser,
    /// It repeats its own call.
    RepeatRequest,
}

/// The answer to `GET challenge` about a request that is yet to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct AheadResponse {
    /// Always: it needs no proof now.
    pub satisfied: bool,
}

/// The answer to `POST lock`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct LockResponse {
    /// Always: nothing of the elevation is left.
    pub locked: bool,
}

impl ChallengeView {
    /// Shows `challenge` to a client, and by what its subject can meet it.
    pub fn new(
        challenge: &Challenge,
        token: Secret<String>,
        available: &AvailableFactors,
        site: &Site,
    ) -> Self {
        let requirement = &*challenge.demand.requirement;
        Self {
            action: requirement.action.to_string(),
            title: requirement
                .title
                .in_language(site.locale.as_str())
                .to_owned(),
            level: requirement.level.number(),
            factors: words(&available.alternatives, FactorSet::EMPTY),
            hints: hints(available, site),
            confirm: requirement.confirm.clone(),
            approval: (requirement.approval.as_ref())
                .map(|rule| ChallengeApproval::unasked(rule, site)),
            inline: requirement.inline.as_ref().map(InlineView::of),
            max_age: requirement.max_age.as_secs(),
            single_use: requirement.single_use,
            bound: challenge.shown.clone(),
            expires_at: rfc3339(challenge.expires_at),
            verify_url: format!("{}/verify", site.prefix),
            page_url: page_url(site, &token),
            retry: Retry::of(&challenge.return_to),
            token,
        }
    }
}

impl Retry {
    const fn of(target: &ReturnTarget) -> Self {
        match target {
            ReturnTarget::Form(_) => Self::ConfirmInBrowser,
            ReturnTarget::Caller | ReturnTarget::Path(_) | ReturnTarget::Refill(_) => {
                Self::RepeatRequest
            }
        }
    }
}

impl VerifyResponse {
    /// The challenge is satisfied; what it earned ends at `expires_at`.
    pub fn verified(expires_at: Timestamp, key: Option<Secret<String>>) -> Self {
        Self {
            verified: true,
            remaining: Vec::new(),
            expires_at: rfc3339(expires_at),
            key,
            approval: None,
        }
    }

    /// The challenge is answered, and there is no grant, for what is said of its approval.
    pub fn waiting(
        view: &ApprovalView,
        approval: Option<ChallengeApproval>,
        key: Option<Secret<String>>,
    ) -> Self {
        Self {
            verified: false,
            remaining: Vec::new(),
            expires_at: rfc3339(view.expires_at),
            key,
            approval,
        }
    }

    /// `proven` was shown, and the challenge, which ends at `expires_at`, asks for more.
    pub fn partly(accepted: &[FactorSet], proven: FactorSet, expires_at: Timestamp) -> Self {
        Self {
            verified: false,
            remaining: words(accepted, proven),
            expires_at: rfc3339(expires_at),
            key: None,
            approval: None,
        }
    }
}

impl SendResponse {
    /// A code is on its way `to` a masked address; another may be asked for after `wait`.
    pub fn sent(to: String, wait: Duration) -> Self {
        // Rounded up: a moment too early, it would be refused again.
        let wait = wait.as_millis().div_ceil(1000);
        Self {
            sent: true,
            to,
            wait: wait.try_into().unwrap_or(u64::MAX),
        }
    }
}

/// What helps with each factor: the masked address, and where a sign-in begins.
fn hints(available: &AvailableFactors, site: &Site) -> BTreeMap<&'static str, String> {
    let mail = available.email_hint.clone();
    let mail = mail.map(|hint| (Factor::EmailCode.as_str(), hint));
    let mut sets = available.alternatives.iter();
    let begin = sets.any(|set| set.contains(Factor::Oidc));
    let begin = begin.then(|| (Factor::Oidc.as_str(), format!("{}/oidc/begin", site.prefix)));
    mail.into_iter().chain(begin).collect()
}

/// The words of `accepted`, less what is already `proven`.
pub fn words(accepted: &[FactorSet], proven: FactorSet) -> Vec<Vec<&'static str>> {
    let words = |set: &FactorSet| set.without(proven).iter().map(Factor::as_str).collect();
    accepted.iter().map(words).collect()
}

/// Where a person answers. The one address that holds a token.
pub fn page_url(site: &Site, token: &Secret<String>) -> String {
    format!("{}/challenge?t={}", site.prefix, token.expose())
}

/// A point in time as RFC 3339 writes it, in UTC, to the second.
pub fn rfc3339(at: Timestamp) -> String {
    let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds)
        .unwrap_or(jiff::Timestamp::MAX)
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

#[cfg(test)]
mod tests;
