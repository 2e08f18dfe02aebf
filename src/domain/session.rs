//! One login of one subject in the application, as far as we know of it.

use super::{BrowserKeyHash, Subject, Timestamp};

/// What the store remembers of a session, under its [`SessionId`](super::SessionId).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub subject: Subject,
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
}

impl Session {
    /// A session that somebody logged in to from another browser than the one that it belongs to.
    ///
    /// Whose it is now, the application alone knows: nothing can be proved in it, by nobody. Who has
    /// that browser's key ends that by logging in again.
    pub fn disputed(browser_key: Option<BrowserKeyHash>, now: Timestamp) -> Self {
        Self {
            subject: Subject::new(DISPUTED),
            authenticated_at: None,
            browser_key,
            created_at: now,
            seen_at: now,
            revoked: false,
        }
    }

    /// What is filed under the one form of a session's credentials that all their spellings share.
    ///
    /// It is nobody's, so nothing can be proved in it. But a login in another spelling finds by it that
    /// the session belongs to another browser, and a limit that it is over.
    pub fn spelling(browser_key: Option<BrowserKeyHash>, now: Timestamp) -> Self {
        Self {
            subject: Subject::new(SPELLING),
            ..Self::disputed(browser_key, now)
        }
    }

    /// A session that nobody is known to have logged in to, but somebody may have: a login within it is
    /// believed only of a browser to which the application shows later that nobody has.
    pub fn doubtful(now: Timestamp) -> Self {
        Self {
            subject: Subject::new(DOUBTFUL),
            ..Self::disputed(None, now)
        }
    }

    /// Whether nobody knows whose it is.
    pub fn is_disputed(&self) -> bool {
        self.subject.as_str() == DISPUTED || self.is_spelling() || self.is_doubtful()
    }

    /// Whether somebody may have logged in to it unnoticed.
    pub fn is_doubtful(&self) -> bool {
        self.subject.as_str() == DOUBTFUL
    }

    /// Whether it stands for the spellings of another session.
    pub fn is_spelling(&self) -> bool {
        self.subject.as_str() == SPELLING
    }
}

/// No subject that is ever recognized: [`Naming::subject`](super::Naming::subject) refuses control
/// characters.
const DISPUTED: &str = "\u{1}disputed";
const DOUBTFUL: &str = "\u{1}doubtful";
const SPELLING: &str = "\u{1}spelling";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_recognized_as_the_subject_of_a_disputed_session() {
        let now = Timestamp::from_millis(0);
        let disputed = Session::disputed(Some(BrowserKeyHash::new([1; 32])), now);
        assert!(disputed.is_disputed());
        let naming = crate::domain::Naming::default();
        assert_eq!(naming.subject(disputed.subject.as_str()), None);
    }
}
