//! Who answers, for the counters of attempts.

use crate::domain::{BrowserKeyHash, Timestamp, UserId};

/// The identity that attempts are counted under; never chosen by the client. With a value such as a
/// cookie, a new cookie would bring new attempts, and the attempts of a thief would use up the owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedBy {
    /// The start of the session, where the store has it: it stays the same when the cookie changes.
    Began(Timestamp),
    /// A subject that a trusted proxy asserts, in the browser in which it last verified.
    KnownBrowser(BrowserKeyHash),
    /// A subject that a trusted proxy asserts, in any other browser.
    OtherBrowser,
}

impl CountedBy {
    /// The bytes that name it, together with the user.
    pub(super) fn of(self, user: &UserId) -> Vec<u8> {
        let began;
        let (kind, value): (&[u8], &[u8]) = match &self {
            Self::Began(at) => {
                began = at.as_millis().to_be_bytes();
                (b"began ", &began)
            }
            Self::KnownBrowser(browser) => (b"familiar ", browser.as_bytes()),
            Self::OtherBrowser => (b"stranger ", b""),
        };
        [kind, value, user.as_str().as_bytes()].concat()
    }
}
