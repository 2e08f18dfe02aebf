//! The store on the disk of this machine, for one sidecar and its command line.

mod desk;
mod directory;
mod evidence;
mod listing;
mod rotation;
mod rows;
mod schema;
mod sessions;
mod verification;

use self::desk::{Access, Desk};
use crate::clock::Clock;
use crate::domain::{
    Attempt, ChallengeId, Claim, Counter, CounterKey, Factor, FactorSet, Session, SessionId,
    Subject, Timestamp, User, UserId,
};
use crate::store::{
    Ask, CodeAnswer, Ending, Held, Login, OpenError, Revoked, Rotated, Rotation, SentCode, Store,
    StoreError, Taken, Verified,
};
use rusqlite::Connection;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Where the embedded store is, and how long it may take.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// The file; it and its folder are created, for us alone, if they are not there.
    pub path: PathBuf,
    /// How long an answer may take. A flush to disk is part of it.
    pub deadline: Duration,
}

impl EmbeddedOptions {
    /// The defaults, for the file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            deadline: Duration::from_secs(1),
        }
    }
}

/// A handle on the store; clones share the one thread that owns the file.
#[derive(Clone, Debug)]
pub struct EmbeddedStore {
    desk: Desk,
    clock: Clock,
    revoked: Revoked,
    /// Called when this process has noted an ending.
    news: Arc<Notify>,
}

impl EmbeddedStore {
    /// Opens or creates the file. Another process may have it open as well.
    pub(crate) fn open(
        options: &EmbeddedOptions,
        clock: Clock,
        revoked: Revoked,
    ) -> Result<Self, OpenError> {
        let path = &options.path;
        let file = |source| OpenError::File {
            path: path.clone(),
            source,
        };
        let database = |source| OpenError::Database {
            path: path.clone(),
            source,
        };
        create(path).map_err(file)?;
        let mut connection = Connection::open(path).map_err(database)?;
        prepare(&connection, options.deadline).map_err(database)?;
        if let Some(found) = schema::migrate(&mut connection).map_err(database)? {
            return Err(OpenError::NewerSchema {
                path: path.clone(),
                found,
                known: schema::LATEST,
            });
        }
        let desk = Desk::open(connection, options.deadline, clock.clone()).map_err(file)?;
        Ok(Self {
            desk,
            clock,
            revoked,
            news: Arc::default(),
        })
    }

    /// Waits until this process has noted an ending that nobody has read.
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }

    /// The endings after the one of this number, and the number of the last.
    pub(crate) async fn endings(&self, after: i64) -> Result<(Vec<Ending>, i64), StoreError> {
        self.read(move |connection| listing::endings(connection, after))
            .await
    }

    /// A number that differs as soon as another process has written.
    pub(crate) async fn data_version(&self) -> Result<i64, StoreError> {
        self.read(|connection| {
            Ok(connection.query_row("PRAGMA data_version", [], |row| row.get(0))?)
        })
        .await
    }

    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.desk.run(Access::Read, work).await
    }

    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.desk.run(Access::Write, work).await
    }
}

/// Creates the file before SQLite does: it, and what lies beside it, is for us alone.
fn create(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn prepare(connection: &Connection, deadline: Duration) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(deadline)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

impl Store for EmbeddedStore {
    async fn evidence(&self, ask: Ask<'_>, now: Timestamp) -> Result<Held, StoreError> {
        let (id, browser) = (ask.session, ask.browser);
        let (grants, claims) = (ask.grants.to_vec(), ask.claims.to_vec());
        let access = if claims.is_empty() {
            Access::Read
        } else {
            Access::Write
        };
        let work = move |connection: &Connection| {
            let ask = Ask {
                session: id,
                browser,
                grants: &grants,
                claims: &claims,
            };
            evidence::evidence(connection, ask, now)
        };
        self.desk.run(access, work).await
    }

    async fn give_back(&self, claim: Claim, _now: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection| evidence::give_back(connection, &claim))
            .await
    }

    async fn put_login(&self, login: &Login) -> Result<(), StoreError> {
        let (login, now) = (login.clone(), self.clock.now());
        self.write(move |connection| sessions::put_login(connection, &login, now))
            .await
    }

    async fn rotate_session(&self, rotation: &Rotation) -> Result<Rotated, StoreError> {
        let (rotation, now) = (*rotation, self.clock.now());
        let (rotated, revoked) = self
            .write(move |connection| rotation::rotate(connection, &rotation, now))
            .await?;
        if let Some(until) = revoked {
            self.revoked.add(rotation.to, until);
        }
        Ok(rotated)
    }

    async fn is_same_session(&self, one: SessionId, other: SessionId) -> Result<bool, StoreError> {
        self.read(move |connection| Ok(rows::every_value(connection, other)?.contains(&one)))
            .await
    }

    async fn dispute_session(
        &self,
        id: SessionId,
        disputed: &Session,
        keep: Duration,
    ) -> Result<(), StoreError> {
        let (disputed, now) = (disputed.clone(), self.clock.now());
        let until = now.after(keep);
        self.write(move |connection| sessions::dispute(connection, id, &disputed, until, now))
            .await?;
        self.news.notify_one();
        Ok(())
    }

    async fn move_session(&self, from: SessionId, to: SessionId) -> Result<(), StoreError> {
        let now = self.clock.now();
        let revoked = self
            .write(move |connection| sessions::move_session(connection, from, to, now))
            .await?;
        if let Some(until) = revoked {
            self.revoked.add(to, until);
        }
        Ok(())
    }

    async fn note_parts(&self, id: SessionId, parts: &[SessionId]) -> Result<(), StoreError> {
        let (noted, now) = (parts.to_vec(), self.clock.now());
        let revoked = self
            .write(move |connection| sessions::note_parts(connection, id, &noted, now))
            .await?;
        if let Some(until) = revoked {
            for part in parts {
                self.revoked.add(*part, until);
            }
        }
        Ok(())
    }

    async fn end_session(&self, id: SessionId) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.write(move |connection| sessions::end(connection, id, now))
            .await?;
        self.news.notify_one();
        Ok(())
    }

    async fn touch_session(
        &self,
        id: SessionId,
        now: Timestamp,
        keep: Duration,
    ) -> Result<(), StoreError> {
        self.write(move |connection| sessions::touch(connection, id, now, keep))
            .await
    }

    async fn revoke_session(
        &self,
        id: SessionId,
        now: Timestamp,
        keep: Duration,
    ) -> Result<(), StoreError> {
        let until = now.after(keep);
        let revoked = self
            .write(move |connection| sessions::revoke(connection, id, until))
            .await?;
        for id in revoked {
            self.revoked.add(id, until);
        }
        Ok(())
    }

    async fn lock_session(&self, id: SessionId) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.write(move |connection| sessions::lock(connection, id, now))
            .await?;
        self.news.notify_one();
        Ok(())
    }

    async fn sessions(
        &self,
        subject: Option<&Subject>,
        most: usize,
    ) -> Result<Vec<(SessionId, Session)>, StoreError> {
        let (subject, now) = (subject.cloned(), self.clock.now());
        self.read(move |connection| listing::list(connection, subject.as_ref(), most, now))
            .await
    }

    async fn revoked_sessions(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, Timestamp)>, StoreError> {
        self.read(move |connection| listing::revoked(connection, now))
            .await
    }

    async fn count_attempt(
        &self,
        counters: &[Counter],
        now: Timestamp,
    ) -> Result<Attempt, StoreError> {
        let counters = counters.to_vec();
        self.write(move |connection| verification::count(connection, &counters, now))
            .await
    }

    async fn clear_attempts(&self, keys: &[CounterKey]) -> Result<(), StoreError> {
        let keys = keys.to_vec();
        self.write(move |connection| verification::clear(connection, &keys))
            .await
    }

    async fn note_factor(
        &self,
        challenge: ChallengeId,
        factor: Factor,
        keep: Duration,
    ) -> Result<FactorSet, StoreError> {
        let now = self.clock.now();
        self.write(move |connection| {
            verification::note_factor(connection, challenge, factor, now, keep)
        })
        .await
    }

    async fn put_code(
        &self,
        challenge: ChallengeId,
        code: &SentCode,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        let code = code.clone();
        self.write(move |connection| verification::put_code(connection, challenge, &code))
            .await
    }

    async fn take_code(
        &self,
        challenge: ChallengeId,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<CodeAnswer, StoreError> {
        let hash = *hash;
        self.write(move |connection| verification::take_code(connection, challenge, &hash, now))
            .await
    }

    async fn take_totp_step(&self, user: &UserId, step: u64) -> Result<Taken, StoreError> {
        let user = user.clone();
        self.write(move |connection| verification::take_totp_step(connection, &user, step))
            .await
    }

    async fn put_verified(&self, verified: &Verified, now: Timestamp) -> Result<Taken, StoreError> {
        let verified = verified.clone();
        self.write(move |connection| verification::put_verified(connection, &verified, now))
            .await
    }

    async fn put_user(&self, user: &User) -> Result<(), StoreError> {
        let user = user.clone();
        self.write(move |connection| directory::put_user(connection, &user))
            .await
    }

    async fn swap_user(&self, before: &User, after: &User) -> Result<bool, StoreError> {
        let (before, after) = (before.clone(), after.clone());
        self.write(move |connection| directory::swap_user(connection, &before, &after))
            .await
    }

    async fn user(&self, name: &UserId) -> Result<Option<User>, StoreError> {
        let name = name.clone();
        self.read(move |connection| directory::user(connection, &name))
            .await
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        self.read(directory::users).await
    }

    async fn remove_user(&self, id: &UserId) -> Result<bool, StoreError> {
        let id = id.clone();
        self.write(move |connection| directory::remove_user(connection, &id))
            .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let now = schema::millis(self.clock.now());
        self.write(move |connection| {
            connection.execute(
                "INSERT OR REPLACE INTO pings (id, at) VALUES (1, ?1)",
                [now],
            )?;
            Ok(())
        })
        .await
    }
}
