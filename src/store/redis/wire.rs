//! One connection while it lasts, and the callers that wait on it.

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError, Value};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use tokio::sync::Notify;

/// Commands that may wait for their answers at once; a bound on memory, not on traffic.
const MOST_WAITING: usize = 16_384;

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// The connection broke.
    #[error("the connection to redis broke")]
    Broken,
    /// More callers wait than we keep.
    #[error("{MOST_WAITING} commands are waiting for redis already")]
    Busy,
    /// The server stopped answering, and has not come back yet.
    #[error("redis stopped answering")]
    Stalled,
    /// The server, or the way to it.
    #[error(transparent)]
    Redis(#[from] RedisError),
}

/// What became of a command.
pub(super) enum Fault {
    /// Its connection was cut at the deadline.
    Overdue,
    /// Its connection broke.
    Dropped(RedisError),
    /// It was not sent.
    Refused(LinkError),
}

/// One connection.
pub(super) struct Wire {
    pub(super) connection: MultiplexedConnection,
    cut: Notify,
    pub(super) lost: AtomicBool,
    /// Commands are numbered as they are sent, and answered in that order.
    pub(super) sent: AtomicU64,
    answered: AtomicU64,
    pub(super) waiting: AtomicUsize,
}

impl Wire {
    pub(super) fn new(connection: MultiplexedConnection) -> Self {
        Self {
            connection,
            cut: Notify::new(),
            lost: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
        }
    }

    pub(super) async fn call(&self, command: &Cmd, rouse: impl FnOnce()) -> Result<Value, Fault> {
        let cut = self.cut.notified();
        if self.lost.load(Ordering::SeqCst) {
            return Err(Fault::Refused(LinkError::Broken));
        }
        let turn = Turn::take(self)?;
        rouse();
        let mut connection = self.connection.clone();
        tokio::select! {
            biased;
            answer = connection.send_packed_command(command) => {
                turn.done();
                answer.map_err(Fault::Dropped)
            }
            () = cut => Err(Fault::Overdue),
        }
    }

    /// Tells whether something up to the number `then` still waits for its answer.
    pub(super) fn is_overdue(&self, then: u64) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0 && self.answered.load(Ordering::SeqCst) < then
    }

    /// Lets everybody go who waits.
    pub(super) fn cut(&self) {
        self.lost.store(true, Ordering::SeqCst);
        self.cut.notify_waiters();
    }
}

/// A caller's place among those who wait.
struct Turn<'a> {
    wire: &'a Wire,
    number: u64,
}

impl<'a> Turn<'a> {
    fn take(wire: &'a Wire) -> Result<Self, Fault> {
        if wire.waiting.fetch_add(1, Ordering::SeqCst) >= MOST_WAITING {
            wire.waiting.fetch_sub(1, Ordering::SeqCst);
            return Err(Fault::Refused(LinkError::Busy));
        }
        let number = wire.sent.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Self { wire, number })
    }

    /// Notes the answer. Those before it have been answered too, whether or not anybody still waited.
    fn done(&self) {
        self.wire.answered.fetch_max(self.number, Ordering::SeqCst);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.wire.waiting.fetch_sub(1, Ordering::SeqCst) == 1 {
            // Nobody waits: what was given up is not overdue.
            let sent = self.wire.sent.load(Ordering::SeqCst);
            self.wire.answered.fetch_max(sent, Ordering::SeqCst);
        }
    }
}
