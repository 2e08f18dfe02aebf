//! What a verification writes and takes.

use super::Approval;
use crate::domain::{
    BrowserKeyHash, ChallengeId, CounterKey, Grant, KeptName, Mark, Session, SessionId, Timestamp,
};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// A verification that succeeded, and what it earns.
#[derive(Clone, Debug)]
pub struct VerifiedChallenge {
    /// The challenge; taken once, so that a second answer earns nothing.
    pub challenge: ChallengeId,
    /// How long the challenge is kept as answered.
    pub challenge_keep: Duration,
    /// What it rests on: if that has ended since, nothing is earned.
    pub rests_on: RestsOn,
    /// The session in which the challenge was opened: the same, or under an earlier value of its cookie.
    pub opened_in: SessionId,
    /// The session that is verified.
    pub session: SessionId,
    /// The session as it is to be written if the store has no record of it yet.
    pub unrecorded: Session,
    /// The browser key that the request carried. If the stored session belongs to another one,
    /// everything that other browser had earned is dropped.
    pub presented: Option<BrowserKeyHash>,
    /// The browser key from now on.
    pub renewed: BrowserKeyHash,
    /// The mark on the session (its `browser_key` is `renewed`); `None` leaves it as it is.
    pub mark: Option<Mark>,
    /// The grant, where the requirement asks for one (its `browser_key` is `renewed`).
    pub grant: Option<Grant>,
    /// What the grant waits for, if it does; it opens nothing until then.
    pub waits_for: Option<ChallengeId>,
    /// The request for approval, where the grant waits for that.
    pub approval: Option<Approval>,
    /// Counters that a success clears.
    pub clears: Vec<CounterKey>,
    /// How long the session is kept without being used.
    pub keep: Duration,
}

/// What a verification rests on that may end elsewhere.
#[derive(Clone, Debug, Default)]
pub struct RestsOn {
    /// The names under which [`RestsOn::end`] is [kept](super::Store::keep) when it ends.
    pub ends: Vec<KeptName>,
    /// When it began: an end since then counts.
    pub since: Timestamp,
    /// The sessions in which something [waits](super::Store::waiting_grant) under an id: if it is gone, its session was
    /// locked, ended or changed hands. It is taken away with success.
    pub waiting: Vec<(SessionId, ChallengeId)>,
}

impl RestsOn {
    /// What is kept of an end. In the order of the bytes, as both stores compare them.
    pub const fn end(at: Timestamp) -> [u8; 8] {
        at.as_millis().to_be_bytes()
    }
}

/// Whether something that can be taken once was taken by this call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It had been taken before.
    Before,
    /// It was taken by this call alone.
    Now,
}

/// A code that was sent, as a keyed hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentCode {
    /// Keyed hash of the code, bound to the challenge.
    pub hash: [u8; 32],
    /// When it expires.
    pub expires_at: Timestamp,
}

impl SentCode {
    /// Why the code with this hash is refused; `None` if it matches. In constant time.
    pub(super) fn refuses(&self, hash: &[u8; 32], now: Timestamp) -> Option<CodeAnswer> {
        if self.expires_at <= now {
            Some(CodeAnswer::NoneSent)
        } else if bool::from(self.hash.ct_eq(hash)) {
            None
        } else {
            Some(CodeAnswer::Wrong)
        }
    }
}

/// The result of presenting a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeAnswer {
    /// It matched, and is used up.
    Matched,
    /// There is no code: never sent, expired, or used.
    NoneSent,
    /// It is wrong; the code that was sent stays valid.
    Wrong,
}
