//! Watches over the deadline of a connection, and connects again when it is lost.
//!
//! A timer for each command would cost more than building the command does. Instead a keeper, one
//! task per connection, looks ten times within a deadline whether what was sent a deadline ago has
//! been answered. If not, the connection is cut: every caller hears so at once, and the
//! connection is never used again, so that a late answer reaches nobody.
//!
//! After a cut or a failed attempt the link is down, and callers are refused at once while the
//! keeper tries again, ever more rarely up to once a second and never in step with its peers.

use super::driver::Driver;
use super::pipeline::{CallError, ConnectionError, Pipeline};
use super::shared::{Shared, State};
use crate::entropy::Entropy;
use redis::Cmd;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

/// How often within a deadline the keeper looks.
const LOOKS: u32 = 10;
/// Looks without a command after which the keeper dozes off.
const QUIET_LOOKS: u32 = 40;
/// How long it dozes before it asks whether the server is still there. Shorter than the usual
/// idle limits of servers and of what stands in between.
const DOZE: Duration = Duration::from_secs(15);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Ends with the last handle.
#[derive(Debug)]
pub(super) struct Keeper(AbortHandle);

impl Keeper {
    pub(super) fn start(shared: Arc<Shared>) -> Self {
        Self(tokio::spawn(keep(shared)).abort_handle())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Connects, watches, and connects again.
async fn keep(shared: Arc<Shared>) {
    let entropy = Entropy::system();
    let mut pause = FIRST_PAUSE;
    let mut reachable = None;
    loop {
        let cause = match shared.connect().await {
            Ok(Connection {
                pipeline,
                mut driver,
            }) => {
                if reachable.replace(true) == Some(false) {
                    tracing::info!("redis answers again");
                }
                shared.set(State::Up(Arc::clone(&pipeline)));
                let since = Instant::now();
                let cause = shared.watch(&pipeline, &mut driver).await;
                let broken = !matches!(cause, ConnectionError::Stalled);
                if matches!(cause, ConnectionError::MalformedReply(_)) {
                    tracing::error!(error = %cause, "gave up a connection to redis");
                }
                if since.elapsed() > LONGEST_PAUSE {
                    pause = FIRST_PAUSE;
                    if broken {
                        // Callers wait for one attempt before they are refused.
                        shared.set(State::Connecting);
                        continue;
                    }
                }
                shared.set(State::Down(cause.clone()));
                pipeline.end(CallError::TimedOut);
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

/// A connection and the task that drives it, which ends with this.
struct Connection {
    pipeline: Arc<Pipeline>,
    driver: JoinSet<ConnectionError>,
}

impl Shared {
    async fn connect(&self) -> Result<Connection, ConnectionError> {
        let connecting = async {
            let stream = self.dialer.dial().await?;
            let (pipeline, mut driver) = (Arc::new(Pipeline::default()), JoinSet::new());
            driver.spawn(Driver::new(stream, Arc::clone(&pipeline)));
            self.dialer.greet(&pipeline).await?;
            Ok(Connection { pipeline, driver })
        };
        timeout(self.limits.connect, connecting)
            .await
            .unwrap_or(Err(ConnectionError::Stalled))
    }

    /// Watches over a connection until it is of no more use.
    async fn watch(
        &self,
        pipeline: &Pipeline,
        driver: &mut JoinSet<ConnectionError>,
    ) -> ConnectionError {
        tokio::select! {
            biased;
            ended = driver.join_next() => {
                let cause = ended.and_then(Result::ok).unwrap_or(ConnectionError::Broken);
                pipeline.end(CallError::ConnectionLost(cause.clone()));
                cause
            }
            cause = self.look_after(pipeline) => cause,
        }
    }

    /// Looks whether replies come within the deadline, until one does not.
    async fn look_after(&self, pipeline: &Pipeline) -> ConnectionError {
        let mut looks = VecDeque::new();
        let mut quiet = 0;
        loop {
            sleep(self.limits.deadline / LOOKS).await;
            let latest = pipeline.sent();
            quiet = if looks.back() == Some(&latest) && !pipeline.is_waiting() {
                quiet + 1
            } else {
                0
            };
            looks.push_back(latest);
            // What is in the oldest look has waited nine to ten tenths of the deadline by now.
            if looks.len() >= LOOKS as usize
                && let Some(then) = looks.pop_front()
                && pipeline.answered() < then
            {
                return ConnectionError::Stalled;
            }
            if quiet >= QUIET_LOOKS {
                if let Err(cause) = self.doze(pipeline, latest).await {
                    return cause;
                }
                looks.clear();
                quiet = 0;
            }
        }
    }

    /// Sleeps until the next command, and asks now and then whether the server is still there.
    async fn doze(&self, pipeline: &Pipeline, latest: u64) -> Result<(), ConnectionError> {
        let mut ping = Cmd::new();
        ping.arg("PING");
        loop {
            self.dozing.store(true, Ordering::SeqCst);
            let idle = pipeline.sent() == latest;
            if !idle || timeout(DOZE, self.roused.notified()).await.is_ok() {
                self.dozing.store(false, Ordering::SeqCst);
                return Ok(());
            }
            timeout(self.limits.deadline, pipeline.send(&ping)?)
                .await
                .map_err(|_| ConnectionError::Stalled)??;
        }
    }
}
