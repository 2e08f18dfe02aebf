//! Requests for approval: by a second person, or by the owner of the account elsewhere.

use crate::domain::{
    Approver, BrowserKeyHash, ChallengeId, Grant, RequestDigest, RouteId, Session, SessionId,
    Subject, Timestamp,
};
use std::time::Duration;

/// A request for approval. It bears the id of the challenge whose answer asked for it; the grant that it may earn waits
/// in the session, and ends with that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The challenge.
    pub id: ChallengeId,
    /// The session that asked.
    pub session: SessionId,
    /// Its browser, when it asked.
    pub browser_key: BrowserKeyHash,
    /// Its subject.
    pub requester: Subject,
    /// The route.
    pub route: RouteId,
    /// The request that the grant will be bound to, if to any.
    pub binding: Option<RequestDigest>,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// When it can no longer be decided, nor taken up.
    pub expires_at: Timestamp,
    /// Why it is asked, and what approvers are shown: sealed, the store cannot read it.
    pub sealed: Vec<u8>,
    /// What was decided, once it was.
    pub decision: Option<ApprovalDecision>,
}

/// How a request for approval ended. It is decided once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalDecision {
    /// How.
    pub outcome: ApprovalOutcome,
    /// By whom.
    pub by: Approver,
    /// When.
    pub at: Timestamp,
    /// What they said about it: sealed.
    pub sealed: Vec<u8>,
}

/// The ways in which a request for approval can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalOutcome {
    /// An approver said yes.
    Approved,
    /// An approver said no.
    Refused,
    /// Whoever asked does not want it any more.
    Withdrawn,
}

/// A grant that was approved, to take the place of the one that waits in its session.
#[derive(Clone, Debug)]
pub struct ApprovedGrant {
    /// The session that takes it up.
    pub session: SessionId,
    /// The approval.
    pub approval: ChallengeId,
    /// What waits in the session.
    pub waiting: Grant,
    /// What takes its place.
    pub grant: Grant,
}

/// A request of a program, which its owner is to approve. It is listed nowhere: whoever decides it has its code.
#[derive(Clone, Debug)]
pub struct DeviceRequest {
    /// The request.
    pub request: Approval,
    /// What waits in its session until it is taken up, so that a lock, a logout or another subject ends it.
    pub waiting: Grant,
    /// The session as it is to be written if the store has no record of it yet.
    pub unrecorded: Session,
    /// How long the session is kept without being used.
    pub keep: Duration,
}

impl ApprovalOutcome {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }
}
