//! The session and the grants put before a decision.

use super::{BrowserKeyHash, Claim, FactorSet, Grant, Session, StoredSession, Subject, Timestamp};

/// Everything a decision rests on.
#[derive(Debug)]
pub struct Evidence {
    /// The session.
    pub session: SessionState,
    /// The browser key that the request carries.
    pub browser_key: Option<BrowserKeyHash>,
    /// When the subject authenticated, by the word of a trusted proxy on this very request.
    pub asserted_at: Option<Timestamp>,
    /// The last verification in this session, if any.
    pub mark: Option<Mark>,
    /// Grants found that stay in the store.
    pub grants: Vec<Grant>,
    /// Single-use grants that this request has taken.
    pub claims: Vec<Claim>,
    /// The last grant of each action asked about that was bound or for one use, be it still there
    /// or not. It never meets a demand; it tells why nothing does.
    pub latest: Vec<Grant>,
}

/// What is known of the session a request belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// The request carries no credential.
    Absent,
    /// Whose the session is cannot be told: somebody else may have logged in within it.
    Disputed(StoredSession),
    /// We know the session.
    Known(Session),
    /// The request carries a credential that we never saw a login for.
    Unknown,
}

/// A verification marks the session: it opens levels 1 and 2, and sudo mode, for a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Who was verified.
    pub subject: Subject,
    /// In which browser.
    pub browser_key: BrowserKeyHash,
    /// By what.
    pub factors: FactorSet,
    /// The authentication context (`acr`) of a sign-in among them, if the provider named one.
    pub acr: Option<String>,
    /// When.
    pub verified_at: Timestamp,
}

impl Evidence {
    /// No evidence at all.
    pub const fn none() -> Self {
        Self {
            session: SessionState::Absent,
            browser_key: None,
            asserted_at: None,
            mark: None,
            grants: Vec::new(),
            claims: Vec::new(),
            latest: Vec::new(),
        }
    }
}
