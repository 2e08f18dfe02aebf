//! One connection to Redis for all callers of a thread: one deadline for all, reconnected by itself.
//!
//! While the link is down callers are refused at once. A [keeper](super::keeper) brings it back up.

use super::answer::UNEXPECTED;
use super::dial::Dialer;
use super::keeper::Keeper;
use super::reply::Reply;
use super::scripts::{Lua, Spelling};
use super::wire::{Command, Fault, LinkError, Wire};
use crate::store::StoreError;
use redis::{Cmd, Value};
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
    pub(super) fn open(dialer: Arc<Dialer>, limits: Limits) -> Self {
        let shared = Arc::new(Shared {
            dialer,
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

    /// Sends a command that is not a script; a reply that is an error is one.
    pub(super) async fn ask(&self, command: &Cmd, repeat: Repeat) -> Result<Value, StoreError> {
        value(&self.fetch(command, repeat).await?)
    }

    /// Runs a script; `fill` writes its keys and arguments.
    pub(super) async fn run(
        &self,
        script: &Lua,
        keys: usize,
        repeat: Repeat,
        fill: impl Fn(&mut Cmd),
    ) -> Result<Value, StoreError> {
        let spelled = |spelling| {
            let [verb, text] = script.spelled(spelling);
            let mut command = Cmd::with_capacity(16, 640);
            command.arg(verb).arg(text).arg(keys);
            fill(&mut command);
            command
        };
        value(&self.fetch_by_script(spelled, repeat).await?)
    }

    /// Sends a command that is not a script, and hands over the reply as it came.
    pub(super) async fn fetch(
        &self,
        command: &impl Command,
        repeat: Repeat,
    ) -> Result<Reply, StoreError> {
        self.shared.accept(self.call(command, repeat).await?)
    }

    /// Runs a script, and hands over the reply as it came.
    pub(super) async fn fetch_by_script<C: Command>(
        &self,
        spelled: impl Fn(Spelling) -> C,
        repeat: Repeat,
    ) -> Result<Reply, StoreError> {
        let reply = self.call(&spelled(Spelling::Hash), repeat).await?;
        if !reply.is_refused_with("NOSCRIPT") {
            return self.shared.accept(reply);
        }
        // A restarted server has no scripts. It refused to run it, so it has not run.
        let reply = self.call(&spelled(Spelling::Code), repeat).await?;
        self.shared.accept(reply)
    }

    /// Sends a command and waits for its reply, no longer than the deadline.
    async fn call(&self, command: &impl Command, repeat: Repeat) -> Result<Reply, StoreError> {
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
    Down(LinkError),
    Up(Arc<Wire>),
}

impl Shared {
    async fn call(&self, command: &impl Command) -> Result<Reply, Fault> {
        let wire = match self.wire() {
            Some(wire) => wire?,
            None => timeout(self.limits.deadline, self.first_wire())
                .await
                .unwrap_or(Err(Fault::Overdue))?,
        };
        let reply = match wire.send(command) {
            Ok(ticket) => {
                self.rouse();
                ticket.await
            }
            Err(fault) => Err(fault),
        };
        if let Err(Fault::Dropped(_)) = reply {
            self.lose(&wire);
        }
        reply
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
        wire.end(Fault::Dropped(LinkError::Broken));
        let mut state = self.state();
        if matches!(&*state, State::Up(current) if Arc::ptr_eq(current, wire)) {
            *state = State::Connecting;
        }
    }

    /// Refuses a reply that says that the server could not do it.
    fn accept(&self, reply: Reply) -> Result<Reply, StoreError> {
        let Some(refusal) = reply.refusal() else {
            return Ok(reply);
        };
        if reply.is_refused_with("READONLY")
            && let Some(Ok(wire)) = self.wire()
        {
            // A server that was demoted: look again where the master is.
            self.lose(&wire);
        }
        Err(self.error(Fault::Refused(LinkError::Redis(refusal))))
    }

    fn error(&self, fault: Fault) -> StoreError {
        match fault {
            Fault::Overdue => StoreError::Timeout {
                limit: self.limits.deadline,
            },
            Fault::Dropped(cause) | Fault::Refused(cause) => {
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

fn value(reply: &Reply) -> Result<Value, StoreError> {
    reply.value().map_err(|_| UNEXPECTED)
}
