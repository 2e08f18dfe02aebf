//! The store on the disk of this machine, for one sidecar and its command line.

mod approvals;
mod directory;
mod evidence;
mod kept;
mod listing;
mod rotation;
mod rows;
mod schema;
mod sessions;
mod thread;
mod verification;
mod verified;

use self::thread::{Access, DatabaseThread};
use crate::clock::Clock;
use crate::store::{OpenError, Revoked, StoreError};
use rusqlite::Connection;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Where the database is, and its deadline.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// The file; it and its folder are created if they do not exist, readable by this user alone.
    pub path: PathBuf,
    /// How long an operation may take, including the `fsync`.
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

/// A handle on the store; clones share the thread that owns the database.
#[derive(Clone, Debug)]
pub struct EmbeddedStore {
    thread: DatabaseThread,
    clock: Clock,
    revoked: Revoked,
    /// Notified when this process has written an ending.
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
        let thread =
            DatabaseThread::open(connection, options.deadline, clock.clone()).map_err(file)?;
        Ok(Self {
            thread,
            clock,
            revoked,
            news: Arc::default(),
        })
    }

    /// Waits until this process has written an ending since the last call.
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }

    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let now = schema::millis(self.clock.now());
        self.write(move |connection| {
            // A write: on a full disk reads still work, but no attempt could be counted.
            connection.execute(
                "INSERT OR REPLACE INTO pings (id, at) VALUES (1, ?1)",
                [now],
            )?;
            Ok(())
        })
        .await
    }

    /// A number that changes with each commit of another process.
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
        self.thread.run(Access::Read, work).await
    }

    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.thread.run(Access::Write, work).await
    }
}

/// Creates the file before SQLite does, readable by this user alone; SQLite gives its journal the same mode.
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
    // One that was there may have been made under another umask.
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn prepare(connection: &Connection, deadline: Duration) -> Result<(), rusqlite::Error> {
    // Another process, such as `stepgate user`, may hold the write lock.
    connection.busy_timeout(deadline)?;
    // Readers in other processes do not block the writer, nor it them.
    connection.pragma_update(None, "journal_mode", "wal")?;
    // In WAL mode `normal` does not sync each commit (SQLite, "PRAGMA synchronous"): after a power
    // failure a used code would count again.
    connection.pragma_update(None, "synchronous", "full")?;
    // A schema that was tampered with calls no functions (SQLite, "PRAGMA trusted_schema").
    connection.pragma_update(None, "trusted_schema", false)?;
    // rusqlite keeps 16, fewer than there are.
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}
