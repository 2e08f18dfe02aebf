//! What the callers of a connection share with the task that brings it back.

use super::dial::Dialer;
use super::pipeline::{CallError, Command, ConnectionError, Pipeline};
use super::reply::Reply;
use crate::store::StoreError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Until a command must have been answered.
    pub(super) deadline: Duration,
    /// Until a connection must have been made.
    pub(super) connect: Duration,
}

/// What callers and keeper share.
pub(super) struct Shared {
    pub(super) dialer: Arc<Dialer>,
    pub(super) limits: Limits,
    state: Mutex<State>,
    /// Tells callers that the first attempt has an outcome.
    changed: Notify,
    /// Tells the keeper that there is something to do.
    pub(super) roused: Notify,
    pub(super) dozing: AtomicBool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the dialer: it knows the password.
        f.debug_struct("Link")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

pub(super) enum State {
    /// The first attempt since we were connected: callers may wait for it.
    Connecting,
    /// Callers are refused at once.
    Down(ConnectionError),
    Up(Arc<Pipeline>),
}

impl Shared {
    pub(super) fn new(dialer: Arc<Dialer>, limits: Limits) -> Self {
        Self {
            dialer,
            limits,
            state: Mutex::new(State::Connecting),
            changed: Notify::new(),
            roused: Notify::new(),
            dozing: AtomicBool::new(false),
        }
    }

    pub(super) async fn call(&self, command: &impl Command) -> Result<Reply, CallError> {
        let pipeline = match self.pipeline() {
            Some(pipeline) => pipeline?,
            None => timeout(self.limits.deadline, self.first_pipeline())
                .await
                .unwrap_or(Err(CallError::TimedOut))?,
        };
        let reply = match pipeline.send(command) {
            Ok(pending) => {
                self.rouse();
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
            State::Connecting => None,
            State::Down(cause) => Some(Err(CallError::NotSent(cause.clone()))),
            State::Up(pipeline) => Some(Ok(Arc::clone(pipeline))),
        }
    }

    async fn first_pipeline(&self) -> Result<Arc<Pipeline>, CallError> {
        loop {
            let changed = self.changed.notified();
            if let Some(outcome) = self.pipeline() {
                return outcome;
            }
            changed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, state: State) {
        *self.state() = state;
        self.changed.notify_waiters();
    }

    /// Takes a broken connection out of use.
    fn lose(&self, pipeline: &Arc<Pipeline>) {
        pipeline.end(CallError::ConnectionLost(ConnectionError::Broken));
        let mut state = self.state();
        if matches!(&*state, State::Up(current) if Arc::ptr_eq(current, pipeline)) {
            *state = State::Connecting;
        }
    }

    /// Refuses a reply that says that the server could not do it.
    pub(super) fn accept(&self, reply: Reply) -> Result<Reply, StoreError> {
        let Some(refusal) = reply.refusal() else {
            return Ok(reply);
        };
        if reply.is_refused_with("READONLY")
            && let Some(Ok(pipeline)) = self.pipeline()
        {
            // A server that was demoted: look again where the master is.
            self.lose(&pipeline);
        }
        Err(self.error(CallError::NotSent(ConnectionError::Redis(refusal))))
    }

    pub(super) fn error(&self, error: CallError) -> StoreError {
        match error {
            CallError::TimedOut => StoreError::Timeout {
                limit: self.limits.deadline,
            },
            CallError::ConnectionLost(cause) | CallError::NotSent(cause) => {
                StoreError::Unavailable(Box::new(cause))
            }
        }
    }

    /// Wakes the keeper if it dozes.
    fn rouse(&self) {
        if self.dozing.load(Ordering::SeqCst) && self.dozing.swap(false, Ordering::SeqCst) {
            self.roused.notify_one();
        }
    }
}
