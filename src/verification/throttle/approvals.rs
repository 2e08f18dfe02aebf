//! The counters of requests for approval, and of the mails about them.

use super::{Limit, Throttle, of};
use crate::domain::{Counter, UserId};
use std::time::Duration;

impl Throttle<'_> {
    /// The counter of requests for approval by one user.
    pub(in crate::verification) fn of_request(&self, user: &UserId) -> Counter {
        of(
            self.key(APPROVALS, &[user.as_str().as_bytes()]),
            self.limits.approvals,
        )
    }

    /// The counter of mails to one approver, whoever asks.
    pub(in crate::verification) fn of_approver_mail(&self, approver: &UserId) -> Counter {
        of(
            self.key(APPROVER_MAILS, &[approver.as_str().as_bytes()]),
            MAILS_TO_APPROVER,
        )
    }
}

/// Beyond these an approver still finds the requests on the page of all that are open.
const MAILS_TO_APPROVER: Limit = Limit {
    attempts: 20,
    window: Duration::from_hours(1),
};
const APPROVALS: &str = "approvals";
const APPROVER_MAILS: &str = "approver-mails";
