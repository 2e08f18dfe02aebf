//! The connection, as callers and the [reconnect task](super::reconnect) share it.

use super::dial::Dialer;
use super::pipeline::{CallError, ConnectionError, Pipeline, RespCommand};
use super::reply::Reply;
use crate::store::StoreError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long the server may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// To answer a command.
    pub(super) reply: Duration,
    /// To accept a connection, with TLS and login.
    pub(super) connect: Duration,
}

/// The connection of one thread, and its state.
pub(super) struct SharedConnection {
    pub(super) dialer: Arc<Dialer>,
    pub(super) timeouts: Timeouts,
    state: Mutex<Availability>,
    /// Notifies callers that the first attempt succeeded or failed.
    changed: Notify,
    /// Notifies the reconnect task, if it is idle, of a new command.
    pub(super) resumed: Notify,
    /// Whether the reconnect task has stopped checking for late replies.
    pub(super) idle: AtomicBool,
}

impl std::fmt::Debug for SharedConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the dialer: it holds the password.
        f.debug_struct("SharedConnection")
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

pub(super) enum Availability {
    /// The first attempt since the last connection: callers may wait for it.
    Connecting,
    /// Callers are refused at once.
    Down(ConnectionError),
    Up(Arc<Pipeline>),
}

impl SharedConnection {
    pub(super) fn new(dialer: Arc<Dialer>, timeouts: Timeouts) -> Self {
        Self {
            dialer,
            timeouts,
            state: Mutex::new(Availability::Connecting),
            changed: Notify::new(),
            resumed: Notify::new(),
            idle: AtomicBool::new(false),
        }
    }

    pub(super) async fn call(&self, command: &impl RespCommand) -> Result<Reply, CallError> {
        let pipeline = match self.pipeline() {
            Some(pipeline) => pipeline?,
            None => timeout(self.timeouts.reply, self.first_pipeline())
                .await
                .unwrap_or(Err(CallError::TimedOut))?,
        };
        let reply = match pipeline.send(command) {
            Ok(pending) => {
                self.resume();
                pending.await
            }
            Err(error) => Err(error),
        };
        if let Err(CallError::ConnectionLost(_)) = reply {
            self.lose(&pipeline);
        }
        reply
    }

    /// The connection, or why there is none; `None` while the first attempt is under way.
    fn pipeline(&self) -> Option<Result<Arc<Pipeline>, CallError>> {
        match &*self.state() {
            Availability::Connecting => None,
            Availability::Down(cause) => Some(Err(CallError::NotSent(cause.clone()))),
            Availability::Up(pipeline) => Some(Ok(Arc::clone(pipeline))),
        }
    }

    async fn first_pipeline(&self) -> Result<Arc<Pipeline>, CallError> {
        loop {
            // Made before the state is read, so that no change in between is missed.
            let changed = self.changed.notified();
            if let Some(outcome) = self.pipeline() {
                return outcome;
            }
            changed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, Availability> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, state: Availability) {
        *self.state() = state;
        self.changed.notify_waiters();
    }

    /// Takes a broken connection out of use.
    fn lose(&self, pipeline: &Arc<Pipeline>) {
        pipeline.end(CallError::ConnectionLost(ConnectionError::Broken));
        let mut state = self.state();
        // Not one that was made in the meantime.
        if matches!(&*state, Availability::Up(current) if Arc::ptr_eq(current, pipeline)) {
            *state = Availability::Connecting;
        }
    }

    /// Turns an error reply into an error.
    pub(super) fn accept(&self, reply: Reply) -> Result<Reply, StoreError> {
        let Some(refusal) = reply.refusal() else {
            return Ok(reply);
        };
        if reply.is_refused_with("READONLY")
            && let Some(Ok(pipeline)) = self.pipeline()
        {
            // The server was demoted to a replica: reconnect, so that the address is resolved to the primary again.
            self.lose(&pipeline);
        }
        Err(self.error(CallError::NotSent(ConnectionError::Redis(refusal))))
    }

    pub(super) fn error(&self, error: CallError) -> StoreError {
        match error {
            CallError::TimedOut => StoreError::Timeout {
                limit: self.timeouts.reply,
            },
            CallError::ConnectionLost(cause) | CallError::NotSent(cause) => {
                StoreError::Unavailable(Box::new(cause))
            }
        }
    }

    /// Wakes the reconnect task if it is idle.
    fn resume(&self) {
        // Loaded first, as a swap for every command costs more.
        // Read first: a swap by each caller would take the cache line from the other threads.
        if self.idle.load(Ordering::SeqCst) && self.idle.swap(false, Ordering::SeqCst) {
            self.resumed.notify_one();
        }
    }
}
