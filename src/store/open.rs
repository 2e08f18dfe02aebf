//! Opens the store that the settings name, and hands it to each worker thread.

use super::embedded::{EmbeddedOptions, EmbeddedStore};
use super::redis::{RedisOptions, RedisServer, RedisStore};
use super::{
    Ask, CodeAnswer, EndingFeed, Endings, Held, Login, OpenError, Revoked, Rotated, Rotation,
    SentCode, Store, StoreError, Taken, Verified,
};
use crate::clock::Clock;
use crate::domain::{
    Attempt, ChallengeId, Claim, Counter, CounterKey, Factor, FactorSet, Session, SessionId,
    Subject, Timestamp, User, UserId,
};
use std::sync::Arc;
use std::time::Duration;

/// Which store, and how to reach it.
#[derive(Clone, Debug)]
pub enum StoreOptions {
    /// On the disk of this machine, for one sidecar.
    Embedded(EmbeddedOptions),
    /// In Redis.
    Redis(RedisOptions),
}

/// A store that was opened. It can be handed to any thread; each takes a handle of its own.
#[derive(Clone, Debug)]
pub struct StoreSource {
    backend: Backend,
    clock: Clock,
    revoked: Revoked,
    endings: Endings,
}

#[derive(Clone, Debug)]
enum Backend {
    Embedded(EmbeddedStore),
    Redis(Arc<RedisServer>),
}

/// Opens a store. The embedded one is read now; Redis is reached when a thread takes a handle.
pub fn open(options: &StoreOptions, clock: &Clock) -> Result<StoreSource, OpenError> {
    let endings = Endings::default();
    let revoked = Revoked::telling(endings.clone());
    let backend = match options {
        StoreOptions::Embedded(options) => Backend::Embedded(EmbeddedStore::open(
            options,
            clock.clone(),
            revoked.clone(),
        )?),
        StoreOptions::Redis(options) => {
            Backend::Redis(Arc::new(RedisServer::new(options.clone())?))
        }
    };
    Ok(StoreSource {
        backend,
        clock: clock.clone(),
        revoked,
        endings,
    })
}

impl StoreSource {
    /// A handle for the calling thread, which must be inside its runtime. Take one for each thread
    /// and clone that within it: for Redis, every handle is a connection.
    pub fn handle(&self) -> AnyStore {
        match &self.backend {
            Backend::Embedded(store) => AnyStore::Embedded(store.clone()),
            Backend::Redis(server) => AnyStore::Redis(RedisStore::open(
                server,
                self.clock.clone(),
                self.revoked.clone(),
            )),
        }
    }

    /// The revoked sessions, kept up to date by the [`feed`](Self::feed).
    pub fn revoked(&self) -> Revoked {
        self.revoked.clone()
    }

    /// The sessions that end, as the [`feed`](Self::feed) hears of them.
    pub fn endings(&self) -> Endings {
        self.endings.clone()
    }

    /// What keeps [`revoked`](Self::revoked) and [`endings`](Self::endings) up to date; to be run by one
    /// task of the process.
    pub fn feed(&self) -> EndingFeed {
        let (clock, revoked) = (self.clock.clone(), self.revoked.clone());
        let endings = self.endings.clone();
        match &self.backend {
            Backend::Embedded(store) => {
                EndingFeed::embedded(store.clone(), clock, revoked, endings)
            }
            Backend::Redis(server) => {
                EndingFeed::redis(Arc::clone(server), clock, revoked, endings)
            }
        }
    }
}

/// Either store.
#[derive(Clone, Debug)]
pub enum AnyStore {
    /// On the disk of this machine.
    Embedded(EmbeddedStore),
    /// In Redis.
    Redis(RedisStore),
}

macro_rules! either {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Self::Embedded($store) => $call.await,
            Self::Redis($store) => $call.await,
        }
    };
}

impl Store for AnyStore {
    async fn evidence(&self, ask: Ask<'_>, now: Timestamp) -> Result<Held, StoreError> {
        either!(self, store => store.evidence(ask, now))
    }

    async fn give_back(&self, claim: Claim, now: Timestamp) -> Result<(), StoreError> {
        either!(self, store => store.give_back(claim, now))
    }

    async fn put_login(&self, login: &Login) -> Result<(), StoreError> {
        either!(self, store => store.put_login(login))
    }

    async fn rotate_session(&self, rotation: &Rotation) -> Result<Rotated, StoreError> {
        either!(self, store => store.rotate_session(rotation))
    }

    async fn is_same_session(&self, one: SessionId, other: SessionId) -> Result<bool, StoreError> {
        either!(self, store => store.is_same_session(one, other))
    }

    async fn dispute_session(
        &self,
        id: SessionId,
        disputed: &Session,
        keep: Duration,
    ) -> Result<(), StoreError> {
        either!(self, store => store.dispute_session(id, disputed, keep))
    }

    async fn move_session(&self, from: SessionId, to: SessionId) -> Result<(), StoreError> {
        either!(self, store => store.move_session(from, to))
    }

    async fn note_parts(&self, id: SessionId, parts: &[SessionId]) -> Result<(), StoreError> {
        either!(self, store => store.note_parts(id, parts))
    }

    async fn end_session(&self, id: SessionId) -> Result<(), StoreError> {
        either!(self, store => store.end_session(id))
    }

    async fn touch_session(
        &self,
        id: SessionId,
        now: Timestamp,
        keep: Duration,
    ) -> Result<(), StoreError> {
        either!(self, store => store.touch_session(id, now, keep))
    }

    async fn revoke_session(
        &self,
        id: SessionId,
        now: Timestamp,
        keep: Duration,
    ) -> Result<(), StoreError> {
        either!(self, store => store.revoke_session(id, now, keep))
    }

    async fn lock_session(&self, id: SessionId) -> Result<(), StoreError> {
        either!(self, store => store.lock_session(id))
    }

    async fn sessions(
        &self,
        subject: Option<&Subject>,
        most: usize,
    ) -> Result<Vec<(SessionId, Session)>, StoreError> {
        either!(self, store => store.sessions(subject, most))
    }

    async fn revoked_sessions(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, Timestamp)>, StoreError> {
        either!(self, store => store.revoked_sessions(now))
    }

    async fn count_attempt(
        &self,
        counters: &[Counter],
        now: Timestamp,
    ) -> Result<Attempt, StoreError> {
        either!(self, store => store.count_attempt(counters, now))
    }

    async fn clear_attempts(&self, keys: &[CounterKey]) -> Result<(), StoreError> {
        either!(self, store => store.clear_attempts(keys))
    }

    async fn note_factor(
        &self,
        challenge: ChallengeId,
        factor: Factor,
        keep: Duration,
    ) -> Result<FactorSet, StoreError> {
        either!(self, store => store.note_factor(challenge, factor, keep))
    }

    async fn put_code(
        &self,
        challenge: ChallengeId,
        code: &SentCode,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        either!(self, store => store.put_code(challenge, code, now))
    }

    async fn take_code(
        &self,
        challenge: ChallengeId,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<CodeAnswer, StoreError> {
        either!(self, store => store.take_code(challenge, hash, now))
    }

    async fn take_totp_step(&self, user: &UserId, step: u64) -> Result<Taken, StoreError> {
        either!(self, store => store.take_totp_step(user, step))
    }

    async fn put_verified(&self, verified: &Verified, now: Timestamp) -> Result<Taken, StoreError> {
        either!(self, store => store.put_verified(verified, now))
    }

    async fn put_user(&self, user: &User) -> Result<(), StoreError> {
        either!(self, store => store.put_user(user))
    }

    async fn swap_user(&self, before: &User, after: &User) -> Result<bool, StoreError> {
        either!(self, store => store.swap_user(before, after))
    }

    async fn user(&self, name: &UserId) -> Result<Option<User>, StoreError> {
        either!(self, store => store.user(name))
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        either!(self, store => store.users())
    }

    async fn remove_user(&self, id: &UserId) -> Result<bool, StoreError> {
        either!(self, store => store.remove_user(id))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        either!(self, store => store.ping())
    }
}
