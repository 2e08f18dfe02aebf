//! The operations of the store, each declared once.

use super::counted::{Handle, Store};
use super::{
    Approval, ApprovalDecision, ApprovedGrant, Ask, CodeAnswer, DeviceRequest, Held, Login,
    Rotated, Rotation, SentCode, StoreError, Taken, VerifiedChallenge,
};
use crate::domain::{
    AttemptCount, ChallengeId, Claim, Counter, CounterKey, Factor, FactorSet, Grant, KeptName,
    SessionId, StoredSession, Subject, Timestamp, User, UserId,
};
use std::time::Duration;

/// Declares operations of [`Store`]: each calls the function of the same name of the backend in use.
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
                    match &self.handle {
                        Handle::Embedded(store) => {
                            self.count(store.$operation($($argument),*)).await
                        }
                        Handle::Redis(store) => {
                            self.count(store.$operation($($argument),*)).await
                        }
                    }
                }
            )*
        }
    };
}

operations! {
    /// Evidence for guarded requests.
    impl Store {
        /// Fetches what a decision on a guarded request rests on, and takes its single-use grants.
        async fn evidence(&self, ask: Ask<'_>, now: Timestamp) -> Result<Held, StoreError>;

        /// Puts back a claim whose request was not forwarded; it keeps its expiry. If the session was locked,
        /// replaced or ended since, the claim stays taken.
        async fn give_back(&self, claim: Claim, now: Timestamp) -> Result<(), StoreError>;

        /// The grants that a session holds and that were not taken, expired ones among them: to be shown. A decision rests
        /// on [`evidence`](Self::evidence).
        async fn grants_of(&self, session: SessionId) -> Result<Vec<Grant>, StoreError>;
    }
}

operations! {
    /// Sessions.
    impl Store {
        /// Records an observed login: drops what either id held before, and writes the session. If that is not
        /// what it may take the place of, nothing is changed, and the answer is no.
        async fn put_login(&self, login: &Login) -> Result<bool, StoreError>;

        /// Stores a session under the new value of its cookie as well. What is earned later under one value is
        /// not held under the other; a single-use grant is taken from all values at once.
        async fn rotate_session(&self, rotation: &Rotation) -> Result<Rotated, StoreError>;

        /// Whether two ids are equal, or values of one session's cookie.
        async fn is_same_session(&self, one: SessionId, other: SessionId) -> Result<bool, StoreError>;

        /// Disputes a session under every value of its cookie: it loses all that it held. Writes `disputed` if
        /// there is no record of it. Announced to all sidecars as a lock.
        async fn dispute_session(
            &self,
            id: SessionId,
            disputed: &StoredSession,
            keep: Duration,
        ) -> Result<(), StoreError>;

        /// Moves a session with all it holds to the id that it has under a new secret; deletes what `to` held.
        async fn move_session(&self, from: SessionId, to: SessionId) -> Result<(), StoreError>;

        /// Stores the parts of a session: the ids that each of its credentials would have alone. A client that
        /// sends only one of them must not escape a revocation.
        async fn note_parts(&self, id: SessionId, parts: &[SessionId]) -> Result<(), StoreError>;

        /// Deletes a session and all it holds, under every value of its cookie: the subject logged out.
        /// Announced to all sidecars.
        async fn end_session(&self, id: SessionId) -> Result<(), StoreError>;

        /// Records that a session is in use, for idle limits.
        async fn touch_session(
            &self,
            id: SessionId,
            now: Timestamp,
            keep: Duration,
        ) -> Result<(), StoreError>;

        /// Revokes a session under every value of its cookie, with its parts: refused on every route until
        /// `keep` has passed. Announced to all sidecars.
        async fn revoke_session(
            &self,
            id: SessionId,
            now: Timestamp,
            keep: Duration,
        ) -> Result<(), StoreError>;

        /// Deletes all elevation of a session (mark, grants, and the freshness of its login) under every value
        /// of its cookie, and keeps the session. Announced to all sidecars.
        async fn lock_session(&self, id: SessionId) -> Result<(), StoreError>;

        /// The sessions of a subject, or of all; newest first, at most `most`.
        async fn sessions(
            &self,
            subject: Option<&Subject>,
            most: usize,
        ) -> Result<Vec<(SessionId, StoredSession)>, StoreError>;

        /// The sessions whose revocation has not ended, with the end of each.
        async fn revoked_sessions(
            &self,
            now: Timestamp,
        ) -> Result<Vec<(SessionId, Timestamp)>, StoreError>;
    }
}

operations! {
    /// Verification: attempts, codes, steps, and success.
    impl Store {
        /// Counts one attempt under every counter, or under none if any is used up. To be called before the
        /// answer is checked, so that attempts at once are counted too.
        async fn count_attempt(
            &self,
            counters: &[Counter],
            now: Timestamp,
        ) -> Result<AttemptCount, StoreError>;

        /// Takes back one attempt that was counted, under every counter: it could not be judged, or was right.
        async fn uncount_attempt(&self, keys: &[CounterKey]) -> Result<(), StoreError>;

        /// Clears counters.
        async fn clear_attempts(&self, keys: &[CounterKey]) -> Result<(), StoreError>;

        /// Records that one factor of a challenge was proven; returns all that were.
        async fn note_factor(
            &self,
            challenge: ChallengeId,
            factor: Factor,
            keep: Duration,
        ) -> Result<FactorSet, StoreError>;

        /// Stores the code sent for a challenge, in place of any earlier one.
        async fn put_code(
            &self,
            challenge: ChallengeId,
            code: &SentCode,
            now: Timestamp,
        ) -> Result<(), StoreError>;

        /// Compares a code in constant time; one that matches is used up.
        async fn take_code(
            &self,
            challenge: ChallengeId,
            hash: &[u8; 32],
            now: Timestamp,
        ) -> Result<CodeAnswer, StoreError>;

        /// Takes one TOTP time step of a user, once (RFC 6238 §5.2). `Before` also for any step older than the
        /// last one taken.
        async fn take_totp_step(&self, user: &UserId, step: u64) -> Result<Taken, StoreError>;

        /// Completes a challenge: takes it once, renews the browser key, writes mark and grant. `Before` also if
        /// what it rests on has ended.
        async fn put_verified(&self, verified: &VerifiedChallenge, now: Timestamp) -> Result<Taken, StoreError>;
    }
}

operations! {
    /// Values that are kept for a while, under names that are keyed hashes.
    impl Store {
        /// Adds a value to those that are kept under a name; all of them until `until` at least. `Before` if just
        /// this one is among them.
        async fn keep(
            &self,
            name: KeptName,
            value: &[u8],
            until: Timestamp,
            now: Timestamp,
        ) -> Result<Taken, StoreError>;

        /// Takes all values that are kept under a name: of several callers at once, one gets them.
        async fn take_kept(&self, name: KeptName, now: Timestamp) -> Result<Vec<Vec<u8>>, StoreError>;
    }
}

operations! {
    /// Approvals by a second person, which are requested by [`Store::put_verified`], and by the owner of an account who
    /// is elsewhere.
    impl Store {
        /// Finds a request for approval that has not expired.
        async fn approval(&self, id: ChallengeId, now: Timestamp) -> Result<Option<Approval>, StoreError>;

        /// Files the request of a program, and in its session what waits for the decision. `Before` if there is one
        /// of this id, or the session is revoked.
        async fn put_device_request(&self, filed: &DeviceRequest, now: Timestamp) -> Result<Taken, StoreError>;

        /// The requests for approval by a second person that are not decided yet, newest first: at most `most` after the first
        /// `skipped`. None if there are no more.
        async fn open_approvals(&self, skipped: usize, most: usize, now: Timestamp) -> Result<Vec<Approval>, StoreError>;

        /// Decides a request, once: `Before` if it is decided, has expired, or does not exist.
        async fn decide_approval(
            &self,
            id: ChallengeId,
            decision: &ApprovalDecision,
            now: Timestamp,
        ) -> Result<Taken, StoreError>;

        /// Finds the grant that waits in a session for an approval. It is gone once the session was locked, ended,
        /// or verified by another browser or subject.
        async fn waiting_grant(
            &self,
            session: SessionId,
            approval: ChallengeId,
            now: Timestamp,
        ) -> Result<Option<Grant>, StoreError>;

        /// Puts an approved grant in the place of the one that waits, once, under whichever value of the session's
        /// cookie. `Before` if it was not approved, or does not wait any more.
        async fn put_approved(&self, granted: &ApprovedGrant, now: Timestamp) -> Result<Taken, StoreError>;
    }
}

operations! {
    /// The directory.
    impl Store {
        /// Writes a user; an alias of another user is moved to this one.
        async fn put_user(&self, user: &User) -> Result<(), StoreError>;

        /// Writes a user whom nobody knows yet by this name, nor as an alias; returns whether it did.
        async fn add_user(&self, user: &User) -> Result<bool, StoreError>;

        /// Replaces a user's record if it is still `before`; returns whether it was. Aliases are unchanged.
        async fn swap_user(&self, before: &User, after: &User) -> Result<bool, StoreError>;

        /// Finds a user by id or alias.
        async fn user(&self, name: &UserId) -> Result<Option<User>, StoreError>;

        /// All users, by id.
        async fn users(&self) -> Result<Vec<User>, StoreError>;

        /// Deletes a user with their aliases and TOTP steps; returns whether there was one.
        async fn remove_user(&self, id: &UserId) -> Result<bool, StoreError>;
    }
}

operations! {
    /// Health.
    impl Store {
        /// Checks that the store answers and can be written to.
        async fn ping(&self) -> Result<(), StoreError>;
    }
}
