//! What comes of an answer, or of a request for a code.

use super::approval_view::ApprovalView;
use crate::domain::{Challenge, FactorSet, Grant, Mark, Reason, Secret, Timestamp};
use std::time::Duration;

/// The outcome of an answer.
#[derive(Debug)]
pub enum AnswerOutcome {
    /// The answer does not have the form that the factor reads; nothing was counted or checked.
    Malformed,
    /// The factor is right, and the challenge needs another.
    MoreNeeded {
        /// What would complete it, in order of preference; each needs all of its factors.
        alternatives: Vec<FactorSet>,
        /// The factors that were shown for it.
        shown: FactorSet,
        /// When the challenge ends.
        expires_at: Timestamp,
    },
    /// No mark and no grant: the answer is wrong, over a limit, or too late.
    Refused(Refusal),
    /// It has earned something in this session before, which belongs to it: nothing was checked.
    Repeated,
    /// The confirmation phrase is missing or wrong; nothing was counted or checked.
    Unconfirmed {
        /// Whether none was sent at all.
        missing: bool,
    },
    /// Why it is wanted is missing; nothing was counted or checked.
    Unexplained,
    /// The challenge is answered, and now somebody else must approve.
    Waiting(Box<AwaitingApproval>),
    /// The challenge is satisfied.
    Verified(Box<Success>),
}

/// Why an answer or a request for a code was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason that the client is given.
    pub reason: Reason,
    /// How long to wait, if waiting helps.
    pub retry_after: Option<Duration>,
    /// How many more answers this challenge takes; 0 means that it is over.
    pub attempts_left: Option<u32>,
}

/// The result of a satisfied challenge.
#[derive(Debug)]
pub struct Success {
    /// The new browser key. What was earned is bound to it, so the client must receive it.
    pub browser_key: Secret<String>,
    /// The mark on the session.
    pub mark: Option<Mark>,
    /// The grant, where the route asks for one.
    pub grant: Option<Grant>,
    /// Until when this counts for the route.
    pub expires_at: Timestamp,
    /// The challenge that was satisfied.
    pub challenge: Challenge,
}

/// A challenge that is answered and waits for approval.
#[derive(Debug)]
pub struct AwaitingApproval {
    /// The new browser key. The session is bound to it, so the client must receive it.
    pub browser_key: Secret<String>,
    /// The request.
    pub approval: ApprovalView,
    /// The challenge.
    pub challenge: Challenge,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            retry_after: None,
            attempts_left: None,
        }
    }
}
