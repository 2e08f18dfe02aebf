//! The operations of the store.

use super::embedded::EmbeddedStore;
use super::redis::RedisStore;
use super::{
    Ask, CodeAnswer, Held, Login, Rotated, Rotation, SentCode, StoreError, Taken, Verified,
};
use crate::domain::{
    Attempt, ChallengeId, Claim, Counter, CounterKey, Factor, FactorSet, Session, SessionId,
    Subject, Timestamp, User, UserId,
};
use std::time::Duration;

/// One thread's handle on the store. Every operation is atomic by itself.
///
/// The futures need not be `Send`: each worker thread has its own handle.
#[derive(Clone, Debug)]
pub enum Store {
    /// On the disk of this machine.
    Embedded(EmbeddedStore),
    /// In Redis.
    Redis(RedisStore),
}

/// Declares operations of [`Store`], which are those of both backends.
macro_rules! operations {
    (
        $(#[$topic:meta])*
        impl Store {
            $(
                $(#[$doc:meta])*
                async fn $operation:ident(&self $(, $argument:ident: $type:ty)* $(,)?) -> $answer:ty;
            )*
        }
    ) => {
        $(#[$topic])*
        impl Store {
            $(
                $(#[$doc])*
                pub async fn $operation(&self $(, $argument: $type)*) -> $answer {
                    match self {
                        Self::Embedded(store) => store.$operation($($argument),*).await,
                        Self::Redis(store) => store.$operation($($argument),*).await,
                    }
                }
            )*
        }
    };
}

operations! {
    /// What a guarded request needs.
    impl Store {
        /// Fetches what a guarded request rests on, and takes the single-use grants it asks for.
        async fn evidence(&self, ask: Ask<'_>, now: Timestamp) -> Result<Held, StoreError>;

        /// Puts a claim back whose request reached nobody; it keeps its expiry. A claim whose session
        /// was locked, replaced or ended in the meantime stays gone.
        async fn give_back(&self, claim: Claim, now: Timestamp) -> Result<(), StoreError>;
    }
}

operations! {
    /// Sessions.
    impl Store {
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
    }
}

operations! {
    /// Verification: attempts, codes, steps, and success.
    impl Store {
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
    }
}

operations! {
    /// The directory.
    impl Store {
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
    }
}

operations! {
    /// Health.
    impl Store {
        /// Asks whether the store answers and keeps what it is told.
        async fn ping(&self) -> Result<(), StoreError>;
    }
}
