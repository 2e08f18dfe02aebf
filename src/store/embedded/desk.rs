//! The one thread that owns the database, and the bounded queue before it.
//!
//! What waits is done together: writes that came in while the last ones went to disk share one
//! transaction and one flush. Each is undone by itself if it fails, and is answered only when all
//! of them lie on the disk.

use super::schema;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::store::StoreError;
use rusqlite::Connection;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Jobs that may wait; more are refused.
const QUEUE: usize = 1024;
/// Jobs that share a transaction.
const TOGETHER: usize = 64;
/// How often what is over is dropped.
const PURGE: Duration = Duration::from_mins(5);

/// Hands jobs to the thread; clones share it. The thread ends with the last clone.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    jobs: mpsc::Sender<Box<dyn Job>>,
    deadline: Duration,
}

/// Whether a job changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// What is wrong with the thread.
#[derive(Debug, thiserror::Error)]
enum DeskError {
    #[error("{QUEUE} jobs are waiting for the disk already")]
    Full,
    #[error("the thread of the embedded store has ended")]
    Gone,
}

impl Desk {
    /// Starts the thread.
    pub(super) fn open(
        connection: Connection,
        deadline: Duration,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || serve(&connection, waiting, &clock))?;
        Ok(Self { jobs, deadline })
    }

    /// Has `work` done in a transaction, and waits for it no longer than the deadline.
    pub(super) async fn run<T, F>(&self, access: Access, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Errand {
            access,
            work: Some(work),
            outcome: None,
            reply,
        };
        self.jobs.try_send(Box::new(job)).map_err(|refused| {
            unavailable(match refused {
                mpsc::error::TrySendError::Full(_) => DeskError::Full,
                mpsc::error::TrySendError::Closed(_) => DeskError::Gone,
            })
        })?;
        timeout(self.deadline, answer)
            .await
            .map_err(|_| StoreError::Timeout {
                limit: self.deadline,
            })?
            .map_err(|_| unavailable(DeskError::Gone))?
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

/// Something to be done with the database.
trait Job: Send {
    fn access(&self) -> Access;
    /// Whether anybody still waits for it.
    fn is_wanted(&self) -> bool;
    /// Does it; tells whether it succeeded.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Answers, once it is known whether the transaction holds.
    fn answer(self: Box<Self>, held: Result<(), Arc<rusqlite::Error>>);
}

struct Errand<T, F> {
    access: Access,
    work: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Errand<T, F>
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

    fn answer(self: Box<Self>, held: Result<(), Arc<rusqlite::Error>>) {
        let answer = match (held, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(unavailable(DeskError::Gone)),
            (Err(error), _) => Err(unavailable(error)),
        };
        // Whoever asked may have gone: then nobody learns of it, and it counts as refused.
        let _ = self.reply.send(answer);
    }
}

fn serve(connection: &Connection, mut waiting: mpsc::Receiver<Box<dyn Job>>, clock: &Clock) {
    let mut purged = Timestamp::default();
    let mut next = None;
    while let Some(first) = next.take().or_else(|| waiting.blocking_recv()) {
        let access = first.access();
        let mut batch = vec![first];
        while batch.len() < TOGETHER {
            match waiting.try_recv() {
                Ok(job) if job.access() == access => batch.push(job),
                Ok(other) => {
                    next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        work_through(connection, access, batch);
        let now = clock.now();
        if now.since(purged) >= PURGE {
            purged = now;
            if let Err(error) = schema::purge(connection, now) {
                tracing::warn!(%error, "cannot drop what is over from the embedded store");
            }
        }
    }
}

fn work_through(connection: &Connection, access: Access, mut batch: Vec<Box<dyn Job>>) {
    batch.retain(|job| job.is_wanted());
    let held = transact(connection, access, &mut batch).map_err(|error| {
        // Whatever was begun is undone; if nothing was, this says so to nobody.
        let _ = connection.execute_batch("ROLLBACK");
        Arc::new(error)
    });
    for job in batch {
        job.answer(held.clone());
    }
}

fn transact(
    connection: &Connection,
    access: Access,
    batch: &mut [Box<dyn Job>],
) -> Result<(), rusqlite::Error> {
    connection.execute_batch(match access {
        Access::Read => "BEGIN DEFERRED",
        Access::Write => "BEGIN IMMEDIATE",
    })?;
    for job in batch {
        connection.execute_batch("SAVEPOINT job")?;
        if !job.run(connection) {
            connection.execute_batch("ROLLBACK TO job")?;
        }
        connection.execute_batch("RELEASE job")?;
    }
    connection.execute_batch("COMMIT")
}
