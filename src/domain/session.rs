//! One login of one subject in the application, as far as we know of it.

use super::{BrowserKeyHash, Provenance, Subject, Timestamp};

/// A session, and whose it is: a subject's, or as the store remembers it, an [`Owner`]'s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session<O = Subject> {
    /// Whose it is.
    pub owner: O,
    /// When we saw the subject authenticate; `None` if we never did. Never a time of last activity.
    pub authenticated_at: Option<Timestamp>,
    /// The browser key that all evidence of this session belongs to.
    pub browser_key: Option<BrowserKeyHash>,
    /// When we first knew of it.
    pub created_at: Timestamp,
    /// When it was last used, as far as idle limits are in force.
    pub seen_at: Timestamp,
    /// Ended by its owner or an operator: refused everywhere, for as long as it is remembered.
    pub revoked: bool,
    /// From where it was begun, if that was seen.
    pub provenance: Option<Provenance>,
}

/// What the store remembers of a session, under its [`SessionId`](super::SessionId).
pub type StoredSession = Session<Owner>;

/// Whose a session is, as far as it can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Unknown: somebody logged in to it from another browser than the one that it belongs to. The
    /// application alone knows for whom it acts, and nothing can be proved in it. Who has that browser's
    /// key ends that by logging in again.
    Disputed,
    /// Unknown: no login was observed, but there may have been one. A login within it is believed only of
    /// a browser to which the application shows later that nobody is signed in.
    Doubtful,
    /// None: it is filed under the one form of a session's credentials that all their spellings share. A
    /// login in another spelling finds by it that the session belongs to another browser, and a limit that
    /// it is over.
    Spelling,
    /// This subject's.
    Subject(Subject),
}

impl Owner {
    /// The subject, if there is one.
    pub const fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Subject(subject) => Some(subject),
            Self::Disputed | Self::Doubtful | Self::Spelling => None,
        }
    }
}

impl<O> Session<O> {
    /// The same session of another owner.
    pub fn of<P>(self, owner: P) -> Session<P> {
        Session {
            owner,
            authenticated_at: self.authenticated_at,
            browser_key: self.browser_key,
            created_at: self.created_at,
            seen_at: self.seen_at,
            revoked: self.revoked,
            provenance: self.provenance,
        }
    }
}

impl Session {
    /// As the store remembers it.
    pub fn stored(self) -> StoredSession {
        let owner = Owner::Subject(self.owner.clone());
        self.of(owner)
    }
}

impl StoredSession {
    /// Whether both are of one login, whatever the session has earned or lost since.
    pub fn is_same_login(&self, other: &Self) -> bool {
        (&self.owner, self.browser_key, self.created_at)
            == (&other.owner, other.browser_key, other.created_at)
    }

    /// A session in which no subject is known, from `now` on.
    pub const fn without_subject(
        owner: Owner,
        browser_key: Option<BrowserKeyHash>,
        now: Timestamp,
    ) -> Self {
        Self {
            owner,
            authenticated_at: None,
            browser_key,
            created_at: now,
            seen_at: now,
            revoked: false,
            provenance: None,
        }
    }

    /// The session of the subject whose it is; given back if there is none.
    #[allow(clippy::result_large_err)] // either way it is the same session, moved
    pub fn known(self) -> Result<Session, Self> {
        match self.owner.subject().cloned() {
            Some(subject) => Ok(self.of(subject)),
            None => Err(self),
        }
    }
}
