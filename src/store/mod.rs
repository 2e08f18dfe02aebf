//! What must outlive a request: sessions, grants, counters and the directory.
//!
//! One trait, cut along what the house does, with two implementations that pass the same tests.
//! Everything that is taken once is taken here, atomically.

mod embedded;
mod endings;
mod feed;
mod keys;
mod open;
mod record;
mod redis;
mod revoked;

pub use embedded::{EmbeddedOptions, EmbeddedStore};
pub use endings::{Ending, EndingCause, Endings};
pub use feed::EndingFeed;
pub use open::{AnyStore, OpenError, StoreOptions, StoreSource, open};
#[cfg(fuzzing)]
pub use record::read_as_every_record;
#[cfg(fuzzing)]
pub use redis::read_as_replies;
pub use redis::{RedisOptions, RedisStore};
pub use revoked::Revoked;

use crate::domain::{
    Action, Attempt, BrowserKeyHash, ChallengeId, Claim, Counter, CounterKey, Factor, FactorSet,
    Grant, GrantKey, Mark, Session, SessionId, Subject, Timestamp, User, UserId,
};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// What can go wrong between us and the store. Unknown is not granted.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A record cannot be read; it counts for nothing.
    #[error("a {what} record in the store is unreadable")]
    Corrupt {
        /// Which kind of record.
        what: &'static str,
    },
    /// The store answered too late.
    #[error("the store did not answer within {}ms", limit.as_millis())]
    Timeout {
        /// The deadline.
        limit: Duration,
    },
    /// The store cannot be reached, or refuses to write.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What a guarded request asks of the store; answered in one round trip.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The session that the request belongs to.
    pub session: SessionId,
    /// The browser key that the request carries: a claim is taken for the browser that earned it
    /// and for no other, so that a copied cookie alone cannot use up what it may not use.
    pub browser: Option<BrowserKeyHash>,
    /// Grants that would be used and stay.
    pub grants: &'a [GrantKey],
    /// Single-use grants that would be taken. They are taken only if every one of them is there,
    /// unexpired, earned in this browser, and the session is not revoked.
    pub claims: &'a [GrantKey],
}

impl Ask<'_> {
    /// Asks for a session alone, in a browser.
    pub const fn session(session: SessionId, browser: Option<BrowserKeyHash>) -> Self {
        Self {
            session,
            browser,
            grants: &[],
            claims: &[],
        }
    }
}

/// What the store holds for an [`Ask`].
#[derive(Debug, Default)]
pub struct Held {
    /// The session, if it is known.
    pub session: Option<Session>,
    /// The last verification.
    pub mark: Option<Mark>,
    /// Of the grants asked for, those that are there.
    pub grants: Vec<Grant>,
    /// Of the claims asked for, all or none, now gone from the store.
    pub claims: Vec<Claim>,
    /// For each of `Ask::told_of`, the last grant that was earned, if it is remembered.
    pub latest: Vec<Grant>,
}

impl<'a> Ask<'a> {
    /// The actions whose last grant is told as well: what is asked for is one of many that may be
    /// there, and why it is not is worth knowing.
    pub(crate) fn told_of(&self) -> impl Iterator<Item = &'a Action> + Clone + use<'a> {
        let keys = self.grants.iter().chain(self.claims);
        keys.filter(|key| key.is_one_of_many())
            .map(|key| &key.action)
    }
}

/// A login that was observed.
#[derive(Clone, Debug)]
pub struct Login {
    /// The session that the client will carry from now on.
    pub id: SessionId,
    /// What the client carried before: forgotten with everything it held.
    pub replaces: Option<SessionId>,
    /// The new session.
    pub session: Session,
    /// How long it is remembered without being used.
    pub keep: Duration,
}

/// A session's cookie to which the application gave another value, without a login that we saw.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// The session that the client carried.
    pub from: SessionId,
    /// The session that it carries from now on.
    pub to: SessionId,
    /// What goes along.
    pub carry: Carry,
    /// How long `from` stays known with what it holds. Requests may be under way with it, each of
    /// which may be answered with a successor of its own.
    pub grace: Duration,
}

impl Rotation {
    /// How many values of one session's cookie are known at once; the oldest are forgotten.
    pub const MOST_VALUES: u32 = 64;

    /// How many of them are remembered by name, for ending what is open under an old one.
    pub const MOST_NAMES: u32 = 256;
}

/// What goes along to the successor of a session's cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carry {
    /// The session with its mark, its grants and the freshness of its login.
    Everything,
    /// The session, whose subject must prove themselves anew; all, if all went along when its cookie got
    /// the value that it has. So a restart in between loses nothing.
    LikeBefore,
    /// The session, whose subject must prove themselves anew.
    SessionAlone,
}

/// What became of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The session is known by both values.
    Followed,
    /// The successor was known already, and is left as it was.
    Known,
    /// Nothing is known of the session.
    Unknown,
}

/// A verification that succeeded, and what it earns.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The challenge; taken once, so that a second answer earns nothing.
    pub challenge: ChallengeId,
    /// How long the challenge must be remembered as answered.
    pub challenge_keep: Duration,
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
    /// The mark on the session (its `browser_key` is `renewed`).
    pub mark: Mark,
    /// The grant, where the requirement asks for one (its `browser_key` is `renewed`).
    pub grant: Option<Grant>,
    /// Counters that a success clears.
    pub clears: Vec<CounterKey>,
    /// How long the session is remembered without being used.
    pub keep: Duration,
}

/// Whether a thing that can be taken once was there to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It had been taken before.
    Before,
    /// It was taken now, by us alone.
    Now,
}

/// A code that was sent, as a keyed hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentCode {
    /// Keyed hash of the code, bound to the challenge.
    pub hash: [u8; 32],
    /// When it stops counting.
    pub expires_at: Timestamp,
}

impl SentCode {
    /// Why the code with this hash is not taken; `None` if it is to be.
    fn refuses(&self, hash: &[u8; 32], now: Timestamp) -> Option<CodeAnswer> {
        if self.expires_at <= now {
            Some(CodeAnswer::NoneSent)
        } else if bool::from(self.hash.ct_eq(hash)) {
            None
        } else {
            Some(CodeAnswer::Wrong)
        }
    }
}

/// The answer to presenting a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeAnswer {
    /// It was right, and is now used up.
    Matched,
    /// No code is waiting: never sent, expired, or used.
    NoneSent,
    /// It is wrong; the code that was sent stays good.
    Wrong,
}

/// The store, cut along what the house does. Every operation is atomic by itself.
///
/// The futures need not be `Send`: each worker thread has its own handle.
#[allow(async_fn_in_trait)] // our own two implementations only; no caller needs `Send` bounds
pub trait Store {
    // ---- on the way of a request

    /// Fetches what a guarded request rests on, and takes the single-use grants it asks for.
    async fn evidence(&self, ask: Ask<'_>, now: Timestamp) -> Result<Held, StoreError>;

    /// Puts a claim back whose request reached nobody; it keeps its expiry. A claim whose session
    /// was locked, replaced or ended in the meantime stays gone.
    async fn give_back(&self, claim: Claim, now: Timestamp) -> Result<(), StoreError>;

    // ---- sessions

    /// Records an observed login: drops what either id held before, and writes the session.
    async fn put_login(&self, login: &Login) -> Result<(), StoreError>;

    /// Makes a session known by the new value of its cookie as well. What is earned later under one
    /// value is not held under another; a single-use grant is taken from all at once.
    async fn rotate_session(&self, rotation: &Rotation) -> Result<Rotated, StoreError>;

    /// Tells whether two are values of one session's cookie, or one and the same.
    async fn is_same_session(&self, one: SessionId, other: SessionId) -> Result<bool, StoreError>;

    /// Disputes a session under every value of its cookie: it keeps nothing that it held; writes
    /// `disputed` if nothing is known of it. Announced to all sidecars as a lock.
    async fn dispute_session(
        &self,
        id: SessionId,
        disputed: &Session,
        keep: Duration,
    ) -> Result<(), StoreError>;

    /// Moves a session with all it holds to the id that it has under a new secret; drops what `to` held.
    async fn move_session(&self, from: SessionId, to: SessionId) -> Result<(), StoreError>;

    /// Notes the sessions that the single credentials of a known session would make: whoever presents
    /// one of them alone must not escape its revocation.
    async fn note_parts(&self, id: SessionId, parts: &[SessionId]) -> Result<(), StoreError>;

    /// Forgets a session and all it holds, under every value of its cookie: the subject logged out.
    /// Announced to all sidecars.
    async fn end_session(&self, id: SessionId) -> Result<(), StoreError>;

    /// Notes that a session is in use, for idle limits.
    async fn touch_session(
        &self,
        id: SessionId,
        now: Timestamp,
        keep: Duration,
    ) -> Result<(), StoreError>;

    /// Ends a session for good, under every value of its cookie, and its parts: refused everywhere until `keep` has passed. Announced
    /// to all sidecars.
    async fn revoke_session(
        &self,
        id: SessionId,
        now: Timestamp,
        keep: Duration,
    ) -> Result<(), StoreError>;

    /// Drops all elevation of a session (mark, grants, and the freshness of its login) under every value
    /// of its cookie, keeping the session. Announced to all sidecars.
    async fn lock_session(&self, id: SessionId) -> Result<(), StoreError>;

    /// The sessions known for a subject, or all; newest first, at most `most`.
    async fn sessions(
        &self,
        subject: Option<&Subject>,
        most: usize,
    ) -> Result<Vec<(SessionId, Session)>, StoreError>;

    /// The sessions revoked and still remembered, with the end of each revocation.
    async fn revoked_sessions(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, Timestamp)>, StoreError>;

    // ---- verification

    /// Counts one attempt under every counter, or under none if any is used up. Counted before judged.
    async fn count_attempt(
        &self,
        counters: &[Counter],
        now: Timestamp,
    ) -> Result<Attempt, StoreError>;

    /// Clears counters.
    async fn clear_attempts(&self, keys: &[CounterKey]) -> Result<(), StoreError>;

    /// Notes that one factor of a challenge was shown, and tells all that were shown for it.
    async fn note_factor(
        &self,
        challenge: ChallengeId,
        factor: Factor,
        keep: Duration,
    ) -> Result<FactorSet, StoreError>;

    /// Keeps the code sent for a challenge, in place of any earlier one.
    async fn put_code(
        &self,
        challenge: ChallengeId,
        code: &SentCode,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Compares a code in constant time and, if it is right, uses it up.
    async fn take_code(
        &self,
        challenge: ChallengeId,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<CodeAnswer, StoreError>;

    /// Takes one TOTP time step of a user. `Before` also for any step older than the last one taken.
    async fn take_totp_step(&self, user: &UserId, step: u64) -> Result<Taken, StoreError>;

    /// Ends a challenge in its success: takes it once, renews the browser key, writes mark and grant.
    async fn put_verified(&self, verified: &Verified, now: Timestamp) -> Result<Taken, StoreError>;

    // ---- the directory

    /// Writes a user; an alias of another user is moved to this one.
    async fn put_user(&self, user: &User) -> Result<(), StoreError>;

    /// Writes a user's record in place of another, if that is still what is there; tells whether it
    /// was. Aliases stay as they are.
    async fn swap_user(&self, before: &User, after: &User) -> Result<bool, StoreError>;

    /// Finds a user by id or alias.
    async fn user(&self, name: &UserId) -> Result<Option<User>, StoreError>;

    /// All users, by id.
    async fn users(&self) -> Result<Vec<User>, StoreError>;

    /// Forgets a user with their aliases and TOTP steps; tells whether there was one.
    async fn remove_user(&self, id: &UserId) -> Result<bool, StoreError>;

    // ---- health

    /// Asks whether the store answers and keeps what it is told.
    async fn ping(&self) -> Result<(), StoreError>;
}
