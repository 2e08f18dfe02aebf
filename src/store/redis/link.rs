//! One connection to Redis for all callers of a thread: one deadline for all, reconnected by itself.
//!
//! A timer for each command would cost more than building the command does. Instead a keeper, one
//! task per connection, looks ten times within a deadline whether what was sent a deadline ago has
//! been answered. If not, the connection is cut: every caller hears so at once, and the
//! connection is never used again, so that a late answer reaches nobody.
//!
//! After a cut or a failed attempt the link is down, and callers are refused at once while the
//! keeper tries again, ever more rarely up to once a second and never in step with its peers.

use super::scripts::{self, Lua};
use crate::entropy::Entropy;
use crate::store::StoreError;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, RedisError, RedisResult, ServerErrorKind, Value};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

/// How often within a deadline the keeper looks.
const LOOKS: u32 = 10;
/// Looks without a command after which the keeper dozes off.
const QUIET_LOOKS: u32 = 40;
/// How long it dozes before it asks whether the server is still there. Shorter than the usual
/// idle limits of servers and of what stands in between.
const DOZE: Duration = Duration::from_secs(15);
/// Commands that may wait for their answers at once; a bound on memory, not on traffic.
const MOST_WAITING: usize = 16_384;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

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
        let keeper = tokio::spawn(keep(Arc::clone(&shared)));
        Self {
            shared,
            _keeper: Arc::new(Keeper(keeper.abort_handle())),
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

/// Ends with the last handle.
#[derive(Debug)]
struct Keeper(AbortHandle);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Shared {
    client: redis::Client,
    limits: Limits,
    state: Mutex<State>,
    /// Tells callers that the first attempt has an outcome.
    changed: Notify,
    /// Tells the keeper that there is something to do.
    roused: Notify,
    dozing: AtomicBool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the client: it knows the password.
        f.debug_struct("Link")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

enum State {
    /// The first attempt since we were connected: callers may wait for it.
    Connecting,
    /// Callers are refused at once.
    Down(LinkError),
    Up(Arc<Wire>),
}

/// What became of a command.
enum Fault {
    /// Its connection was cut at the deadline.
    Overdue,
    /// Its connection broke.
    Dropped(RedisError),
    /// It was not sent.
    Refused(LinkError),
}

impl Shared {
    async fn call(&self, command: &Cmd) -> Result<Value, Fault> {
        let wire = match self.wire() {
            Some(wire) => wire?,
            None => timeout(self.limits.deadline, self.first_wire())
                .await
                .unwrap_or(Err(Fault::Overdue))?,
        };
        let answer = wire.call(command, self).await;
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

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: State) {
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

    async fn connect(&self) -> Result<Arc<Wire>, LinkError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(1024);
        let connecting = async {
            let mut connection = self
                .client
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            // The one script on the way of requests; it also proves that the server answers.
            let mut load = Cmd::new();
            load.arg("SCRIPT").arg("LOAD").arg(scripts::EVIDENCE.code);
            connection
                .send_packed_command(&load)
                .await?
                .extract_error()?;
            Ok(connection)
        };
        let connected: RedisResult<_> = timeout(self.limits.connect, connecting)
            .await
            .map_err(|_| LinkError::Stalled)?;
        Ok(Arc::new(Wire::new(connected?)))
    }

    /// Watches over a connection until it is of no more use.
    async fn watch(&self, wire: &Wire) -> LinkError {
        let look = self.limits.deadline / LOOKS;
        let mut sent = VecDeque::new();
        let mut quiet = 0;
        loop {
            let roused = timeout(look, self.roused.notified()).await.is_ok();
            if wire.lost.load(Ordering::SeqCst) {
                return LinkError::Broken;
            }
            if roused {
                continue;
            }
            let latest = wire.sent.load(Ordering::SeqCst);
            quiet = if sent.back() == Some(&latest) && wire.waiting.load(Ordering::SeqCst) == 0 {
                quiet + 1
            } else {
                0
            };
            sent.push_back(latest);
            // What is in the oldest look has waited nine to ten tenths of the deadline by now.
            if sent.len() >= LOOKS as usize
                && let Some(then) = sent.pop_front()
                && wire.is_overdue(then)
            {
                return LinkError::Stalled;
            }
            if quiet >= QUIET_LOOKS {
                if let Err(cause) = self.doze(wire, latest).await {
                    return cause;
                }
                sent.clear();
                quiet = 0;
            }
        }
    }

    /// Sleeps until the next command, and asks now and then whether the server is still there.
    async fn doze(&self, wire: &Wire, latest: u64) -> Result<(), LinkError> {
        let mut ping = Cmd::new();
        ping.arg("PING");
        loop {
            self.dozing.store(true, Ordering::SeqCst);
            let idle = wire.sent.load(Ordering::SeqCst) == latest;
            if !idle || timeout(DOZE, self.roused.notified()).await.is_ok() {
                self.dozing.store(false, Ordering::SeqCst);
                return Ok(());
            }
            let mut connection = wire.connection.clone();
            timeout(self.limits.deadline, connection.send_packed_command(&ping))
                .await
                .map_err(|_| LinkError::Stalled)??;
        }
    }

    /// Wakes the keeper if it dozes.
    fn rouse(&self) {
        if self.dozing.load(Ordering::SeqCst) && self.dozing.swap(false, Ordering::SeqCst) {
            self.roused.notify_one();
        }
    }
}

/// One connection.
struct Wire {
    connection: MultiplexedConnection,
    cut: Notify,
    lost: AtomicBool,
    /// Commands are numbered as they are sent, and answered in that order.
    sent: AtomicU64,
    answered: AtomicU64,
    waiting: AtomicUsize,
}

impl Wire {
    fn new(connection: MultiplexedConnection) -> Self {
        Self {
            connection,
            cut: Notify::new(),
            lost: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
        }
    }

    async fn call(&self, command: &Cmd, shared: &Shared) -> Result<Value, Fault> {
        let cut = self.cut.notified();
        if self.lost.load(Ordering::SeqCst) {
            return Err(Fault::Refused(LinkError::Broken));
        }
        let turn = Turn::take(self)?;
        shared.rouse();
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
    fn is_overdue(&self, then: u64) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0 && self.answered.load(Ordering::SeqCst) < then
    }

    /// Lets everybody go who waits.
    fn cut(&self) {
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

/// Connects, watches, and connects again.
async fn keep(shared: Arc<Shared>) {
    let entropy = Entropy::system();
    let mut pause = FIRST_PAUSE;
    let mut reachable = None;
    loop {
        let cause = match shared.connect().await {
            Ok(wire) => {
                if reachable.replace(true) == Some(false) {
                    tracing::info!("redis answers again");
                }
                shared.set(State::Up(Arc::clone(&wire)));
                let since = Instant::now();
                let cause = shared.watch(&wire).await;
                let broken = wire.lost.load(Ordering::SeqCst);
                if since.elapsed() > LONGEST_PAUSE {
                    pause = FIRST_PAUSE;
                    if broken {
                        // Callers wait for one attempt before they are refused.
                        shared.set(State::Connecting);
                        continue;
                    }
                }
                shared.set(State::Down(cause.clone()));
                wire.cut();
                cause
            }
            Err(cause) => {
                shared.set(State::Down(cause.clone()));
                cause
            }
        };
        if reachable.replace(false) != Some(false) {
            tracing::warn!(error = %cause, "redis does not answer; guarded routes are refused");
        }
        sleep(jittered(pause, &entropy)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Between half of `pause` and all of it, so that many sidecars do not come back in step.
fn jittered(pause: Duration, entropy: &Entropy) -> Duration {
    let [chance] = entropy.bytes();
    pause / 2 + pause / 2 * u32::from(chance) / u32::from(u8::MAX)
}

fn is_unknown_script(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}
