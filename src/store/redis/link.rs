//! One connection to Redis for all callers of a thread: one deadline for all, reconnected by itself.
//!
//! While the link is down callers are refused at once. A [keeper](super::keeper) brings it back up.

use super::keeper::Keeper;
use super::scripts::Lua;
use super::wire::{Fault, LinkError, Wire};
use crate::store::StoreError;
use redis::{Cmd, ServerErrorKind, Value};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// Whether a command may be sent again when the connection broke before its answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It only reads.
    Harmless,
    /// It may have been done already.
    Never,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Until a command must have been answered.
    pub(super) deadline: Duration,
    /// Until a connection must have been made.
    pub(super) connect: Duration,
}

/// A handle on the connection; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Link {
    shared: Arc<Shared>,
    _keeper: Arc<Keeper>,
}

impl Link {
    /// Starts to connect, in the background of the runtime that calls.
    pub(super) fn open(client: redis::Client, limits: Limits) -> Self {
        let shared = Arc::new(Shared {
            client,
            limits,
            state: Mutex::new(State::Connecting),
            changed: Notify::new(),
            roused: Notify::new(),
            dozing: AtomicBool::new(false),
        });
        let keeper = Keeper::start(Arc::clone(&shared));
        Self {
            shared,
            _keeper: Arc::new(keeper),
        }
    }

    /// Sends a command and waits for its answer, no longer than the deadline.
    pub(super) async fn call(&self, command: &Cmd, repeat: Repeat) -> Result<Value, StoreError> {
        let started = Instant::now();
        match self.shared.call(command).await {
            // The server may have closed an idle connection, which is no reason to fail a request.
            Err(Fault::Dropped(_)) if repeat == Repeat::Harmless => {
                let left = self
                    .shared
                    .limits
                    .deadline
                    .saturating_sub(started.elapsed());
                let again = timeout(left, self.shared.call(command)).await;
                again.unwrap_or(Err(Fault::Overdue))
            }
            answer => answer,
        }
        .map_err(|fault| self.shared.error(fault))
    }

    /// Runs a script; `fill` writes its keys and arguments.
    pub(super) async fn run(
        &self,
        script: &Lua,
        keys: usize,
        repeat: Repeat,
        fill: impl Fn(&mut Cmd),
    ) -> Result<Value, StoreError> {
        let mut command = Cmd::with_capacity(16, 640);
        command.arg("EVALSHA").arg(script.hash()).arg(keys);
        fill(&mut command);
        let answer = self.call(&command, repeat).await?;
        if !is_unknown_script(&answer) {
            return self.shared.accept(answer);
        }
        // A restarted server has no scripts. It refused to run it, so it has not run.
        command.clear();
        command.arg("EVAL").arg(script.code).arg(keys);
        fill(&mut command);
        let answer = self.call(&command, repeat).await?;
        self.shared.accept(answer)
    }

    /// Sends a command that is not a script, and refuses an answer that is an error.
    pub(super) async fn ask(&self, command: &Cmd, repeat: Repeat) -> Result<Value, StoreError> {
        let answer = self.call(command, repeat).await?;
        self.shared.accept(answer)
    }
}

/// What callers and keeper share.
pub(super) struct Shared {
    pub(super) client: redis::Client,
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
        // Not the client: it knows the password.
        f.debug_struct("Link")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

pub(super) enum State {
    /// The first attempt since we were connected: callers may wait for it.
    Connecting,
    /// Callers are refused at once.
    Down(LinkError),
    Up(Arc<Wire>),
}

impl Shared {
    async fn call(&self, command: &Cmd) -> Result<Value, Fault> {
        let wire = match self.wire() {
            Some(wire) => wire?,
            None => timeout(self.limits.deadline, self.first_wire())
                .await
                .unwrap_or(Err(Fault::Overdue))?,
        };
        let answer = wire.call(command, || self.rouse()).await;
        if let Err(Fault::Dropped(_)) = answer {
            self.lose(&wire);
        }
        answer
    }

    /// The connection, or why there is none; `None` while the first attempt is under way.
    fn wire(&self) -> Option<Result<Arc<Wire>, Fault>> {
        match &*self.state() {
            State::Connecting => None,
            State::Down(cause) => Some(Err(Fault::Refused(cause.clone()))),
            State::Up(wire) => Some(Ok(Arc::clone(wire))),
        }
    }

    async fn first_wire(&self) -> Result<Arc<Wire>, Fault> {
        loop {
            let changed = self.changed.notified();
            if let Some(outcome) = self.wire() {
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
    fn lose(&self, wire: &Arc<Wire>) {
        wire.lost.store(true, Ordering::SeqCst);
        {
            let mut state = self.state();
            if matches!(&*state, State::Up(current) if Arc::ptr_eq(current, wire)) {
                *state = State::Connecting;
            }
        }
        self.roused.notify_one();
    }

    /// Refuses an answer that says that the server could not do it.
    fn accept(&self, answer: Value) -> Result<Value, StoreError> {
        let Value::ServerError(error) = answer else {
            return Ok(answer);
        };
        if error.kind() == Some(ServerErrorKind::ReadOnly)
            && let Some(Ok(wire)) = self.wire()
        {
            // A server that was demoted: look again where the master is.
            self.lose(&wire);
        }
        Err(self.error(Fault::Refused(LinkError::Redis(error.into()))))
    }

    fn error(&self, fault: Fault) -> StoreError {
        match fault {
            Fault::Overdue => StoreError::Timeout {
                limit: self.limits.deadline,
            },
            Fault::Dropped(cause) => StoreError::Unavailable(Box::new(cause)),
            Fault::Refused(cause) => StoreError::Unavailable(Box::new(cause)),
        }
    }

    /// Wakes the keeper if it dozes.
    fn rouse(&self) {
        if self.dozing.load(Ordering::SeqCst) && self.dozing.swap(false, Ordering::SeqCst) {
            self.roused.notify_one();
        }
    }
}

fn is_unknown_script(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}
