//! A request for approval, as people are shown it.

use crate::domain::{Action, ChallengeId, RiskLevel, StatedPurpose, Subject, Timestamp, Title};
use std::net::IpAddr;

/// A request for approval, as people are shown it.
#[derive(Clone, Debug)]
pub struct ApprovalView {
    /// Names it, and its challenge.
    pub id: ChallengeId,
    /// What became of it.
    pub state: ApprovalState,
    /// Who asks.
    pub requester: Subject,
    /// From which address.
    pub from: Option<IpAddr>,
    /// The action.
    pub action: Action,
    /// What that is called.
    pub title: Title,
    /// How dangerous it is.
    pub level: RiskLevel,
    /// What the grant will be bound to: label and value.
    pub shown: Vec<(String, String)>,
    /// Why it is wanted.
    pub purpose: Option<StatedPurpose>,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// When it can no longer be decided, nor taken up.
    pub expires_at: Timestamp,
    /// Who decided it.
    pub decided: Option<DecidedBy>,
}

/// What became of a request for approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalState {
    /// An approver said yes.
    Approved,
    /// Nobody has decided yet.
    Pending,
    /// An approver said no.
    Refused,
    /// It is worth nothing any more: its session was locked, or the policy has changed.
    Void,
    /// Whoever asked does not want it any more.
    Withdrawn,
}

/// Who decided a request, and what they said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedBy {
    /// Who.
    pub by: Subject,
    /// When.
    pub at: Timestamp,
    /// What they said.
    pub word: Option<StatedPurpose>,
}

impl ApprovalState {
    /// All states.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Approved,
        Self::Refused,
        Self::Withdrawn,
        Self::Void,
    ];

    /// Whether it may still earn a grant.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Approved | Self::Pending)
    }

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Pending => "pending",
            Self::Refused => "refused",
            Self::Void => "void",
            Self::Withdrawn => "withdrawn",
        }
    }
}
