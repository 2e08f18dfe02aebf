//! The thread that owns the database, and its bounded queue.
//!
//! Group commit: tasks that were queued while the last transaction was written share the next one and
//! its `fsync`. A task that fails is rolled back alone, by its savepoint; a result is sent only after
//! the whole transaction is on disk.

use super::schema;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::store::StoreError;
use rusqlite::Connection;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Tasks that may wait; more are refused.
const QUEUE: usize = 1024;
/// Tasks that share a transaction.
const BATCH: usize = 64;
/// How often expired rows are deleted.
const PURGE: Duration = Duration::from_mins(5);

/// A handle on the thread; clones share it. The thread ends with the last clone.
#[derive(Clone, Debug)]
pub(super) struct DatabaseThread {
    tasks: mpsc::Sender<Box<dyn Task>>,
    deadline: Duration,
}

/// Whether a task writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Why the thread takes no task.
#[derive(Debug, thiserror::Error)]
enum ThreadError {
    #[error("{QUEUE} jobs are waiting for the disk already")]
    Full,
    #[error("the thread of the embedded store has ended")]
    Gone,
}

impl DatabaseThread {
    /// Starts the thread.
    pub(super) fn open(
        connection: Connection,
        deadline: Duration,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let (tasks, queue) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || serve(&connection, queue, &clock))?;
        Ok(Self { tasks, deadline })
    }

    /// Runs `work` in a transaction of the thread, and waits for the result up to the deadline.
    pub(super) async fn run<T, F>(&self, access: Access, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, result) = oneshot::channel();
        let task = TypedTask {
            access,
            work: Some(work),
            outcome: None,
            reply,
        };
        self.tasks.try_send(Box::new(task)).map_err(|refused| {
            unavailable(match refused {
                mpsc::error::TrySendError::Full(_) => ThreadError::Full,
                mpsc::error::TrySendError::Closed(_) => ThreadError::Gone,
            })
        })?;
        timeout(self.deadline, result)
            .await
            .map_err(|_| StoreError::Timeout {
                limit: self.deadline,
            })?
            .map_err(|_| unavailable(ThreadError::Gone))?
    }
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        unavailable(error)
    }
}

/// Work on the database, of any result type.
trait Task: Send {
    fn access(&self) -> Access;
    /// Whether the caller still waits for the result.
    fn is_wanted(&self) -> bool;
    /// Runs it; returns whether it succeeded.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Sends the result, or the error of the transaction.
    fn finish(self: Box<Self>, committed: Result<(), Arc<rusqlite::Error>>);
}

struct TypedTask<T, F> {
    access: Access,
    work: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Task for TypedTask<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send,
{
    fn access(&self) -> Access {
        self.access
    }

    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(&mut self, connection: &Connection) -> bool {
        let outcome = self.work.take().map(|work| work(connection));
        let succeeded = matches!(outcome, Some(Ok(_)));
        self.outcome = outcome;
        succeeded
    }

    fn finish(self: Box<Self>, committed: Result<(), Arc<rusqlite::Error>>) {
        let result = match (committed, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(unavailable(ThreadError::Gone)),
            (Err(error), _) => Err(unavailable(error)),
        };
        // The caller may have timed out, and takes it for an error.
        let _ = self.reply.send(result);
    }
}

fn serve(connection: &Connection, mut queue: mpsc::Receiver<Box<dyn Task>>, clock: &Clock) {
    let mut purged = Timestamp::default();
    let mut next = None;
    while let Some(first) = next.take().or_else(|| queue.blocking_recv()) {
        let access = first.access();
        let mut batch = vec![first];
        while batch.len() < BATCH {
            match queue.try_recv() {
                // Reads do not wait for the `fsync` of writes queued after them.
                Ok(task) if task.access() == access => batch.push(task),
                Ok(other) => {
                    next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        run_batch(connection, access, batch);
        let now = clock.now();
        if now.since(purged) >= PURGE {
            purged = now;
            if let Err(error) = schema::purge(connection, now) {
                tracing::warn!(%error, "cannot drop what is over from the embedded store");
            }
        }
    }
}

fn run_batch(connection: &Connection, access: Access, mut batch: Vec<Box<dyn Task>>) {
    // A caller that timed out has reported a failure: what it wanted must not happen after that.
    batch.retain(|task| task.is_wanted());
    let committed = transact(connection, access, &mut batch).map_err(|error| {
        // If no transaction was begun, the rollback fails, which changes nothing.
        let _ = connection.execute_batch("ROLLBACK");
        Arc::new(error)
    });
    for task in batch {
        task.finish(committed.clone());
    }
}

fn transact(
    connection: &Connection,
    access: Access,
    batch: &mut [Box<dyn Task>],
) -> Result<(), rusqlite::Error> {
    connection.execute_batch(match access {
        Access::Read => "BEGIN DEFERRED",
        // With the lock from the beginning: a read that turns into a write fails if another process
        // has written in between (SQLite, SQLITE_BUSY_SNAPSHOT).
        Access::Write => "BEGIN IMMEDIATE",
    })?;
    for task in batch {
        connection.execute_batch("SAVEPOINT task")?;
        if !task.run(connection) {
            // This keeps the savepoint (SQLite, "SAVEPOINT"): it is released below.
            connection.execute_batch("ROLLBACK TO task")?;
        }
        connection.execute_batch("RELEASE task")?;
    }
    connection.execute_batch("COMMIT")
}
