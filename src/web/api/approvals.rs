//! The JSON of approvals: what requesters and approvers send, and what they get.

use super::fields::secret;
use super::rfc3339;
use super::words::ApprovalStateWord;
use crate::domain::{ApprovalRule, PurposeRule, Secret, StatedPurpose};
use crate::verification::{ApprovalState, ApprovalView, DecidedBy};
use crate::web::pages::Site;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `POST verify/approval`: what became of a request, from whoever made it.
#[derive(Debug, JsonSchema, Deserialize)]
pub struct ApprovalRequest {
    /// The sealed challenge.
    #[serde(deserialize_with = "secret")]
    #[schemars(with = "String")]
    pub token: Secret<String>,
    /// Whether it is taken back.
    #[serde(default)]
    pub withdraw: bool,
}

/// `POST approvals/ID`: an approver decides.
#[derive(Debug, JsonSchema, Deserialize)]
pub struct DecisionRequest {
    /// `approve` or `refuse`.
    #[schemars(extend("enum" = ["approve", "refuse"]))]
    pub decision: String,
    /// A word about it.
    #[serde(default)]
    pub word: Option<String>,
}

/// The approval that a challenge needs, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct ChallengeApproval {
    /// `unasked`, `pending`, `approved`, `refused`, `withdrawn` or `void`.
    #[schemars(with = "ApprovalStateWord")]
    pub state: &'static str,
    /// Whether the answer must say why, in `purpose`: `required` or `optional`.
    pub purpose: &'static str,
    /// Names the request, once it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// What they said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// Where to ask what became of it, by `POST` with the token.
    pub url: String,
}

/// A request, as its approvers see it.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct ApprovalDocument {
    /// Names it.
    pub id: String,
    /// `pending`, `approved`, `refused`, `withdrawn` or `void`.
    #[schemars(with = "ApprovalStateWord")]
    pub state: &'static str,
    /// Who asks.
    pub requester: String,
    /// From which address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The action.
    pub action: String,
    /// What that is called.
    pub title: String,
    /// How dangerous it is, 3 or 4.
    #[schemars(range(max = 4))]
    pub level: u8,
    /// What the grant will be bound to: label and value.
    pub bound: Vec<(String, String)>,
    /// Why it is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// When it was asked.
    #[schemars(extend("format" = "date-time"))]
    pub asked_at: String,
    /// When it can no longer be decided.
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: String,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// What they said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// Its page, where it is decided by `POST`.
    pub url: String,
}

/// The answer to `GET approvals`.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct ApprovalsResponse {
    /// The requests that the caller may decide, newest first.
    pub approvals: Vec<ApprovalDocument>,
}

impl ChallengeApproval {
    /// Nobody has asked yet.
    pub fn unasked(rule: &ApprovalRule, site: &Site) -> Self {
        Self {
            state: "unasked",
            purpose: match rule.purpose {
                PurposeRule::Optional => "optional",
                PurposeRule::Required => "required",
            },
            id: None,
            decided_by: None,
            word: None,
            url: format!("{}/verify/approval", site.prefix),
        }
    }

    /// What became of a request.
    #[must_use]
    pub fn with(self, view: &ApprovalView) -> Self {
        let (decided_by, word) = decided(view.decided.as_ref());
        Self {
            state: view.state.as_str(),
            id: Some(view.id.to_hex()),
            // Of a void one nothing is told that might be taken for an approval.
            decided_by: decided_by.filter(|_| view.state != ApprovalState::Void),
            word,
            ..self
        }
    }
}

impl ApprovalDocument {
    /// Shows a request to an approver.
    pub fn of(view: &ApprovalView, site: &Site) -> Self {
        let (decided_by, word) = decided(view.decided.as_ref());
        Self {
            id: view.id.to_hex(),
            state: view.state.as_str(),
            requester: view.requester.to_string(),
            from: view.from.map(|address| address.to_string()),
            action: view.action.to_string(),
            title: view.title.in_language(site.locale.as_str()).to_owned(),
            level: view.level.number(),
            bound: view.shown.clone(),
            purpose: view.purpose.as_ref().map(StatedPurpose::to_string),
            asked_at: rfc3339(view.asked_at),
            expires_at: rfc3339(view.expires_at),
            decided_by,
            word,
            url: format!("{}/approvals/{}", site.prefix, view.id.to_hex()),
        }
    }
}

fn decided(decided: Option<&DecidedBy>) -> (Option<String>, Option<String>) {
    let by = decided.map(|decided| decided.by.to_string());
    let word = decided.and_then(|decided| decided.word.as_ref());
    (by, word.map(StatedPurpose::to_string))
}
