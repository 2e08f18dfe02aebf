//! What an answer says of sessions.

use crate::domain::{Secret, SessionId, Subject};
use crate::session::change::SessionChange;

/// What an answer says of sessions.
#[derive(Debug, Default)]
pub(super) struct Observation {
    pub(super) changes: Vec<SessionChange>,
    /// Whether what is open for the session may end by it, but not the request that it answers.
    pub(super) closes: bool,
    /// Whether it may be one of many by which the application renews the cookie with every answer.
    pub(super) renews: bool,
    /// What the audit log hears.
    pub(super) event: Option<Observed>,
}

/// What was observed, in the words of the audit log.
#[derive(Debug)]
pub(super) enum Observed {
    /// A login that is believed.
    Login {
        id: SessionId,
        subject: Subject,
        /// The key of the browser that the session belongs to.
        key: Secret<String>,
    },
    /// A logout.
    Logout(SessionId),
}

impl From<Vec<SessionChange>> for Observation {
    fn from(changes: Vec<SessionChange>) -> Self {
        Self {
            changes,
            ..Self::default()
        }
    }
}
