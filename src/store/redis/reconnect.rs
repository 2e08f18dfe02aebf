//! The reconnect task: checks that replies arrive within the deadline, and connects again.
//!
//! A timer for each command would cost more than building the command does. Instead one task per
//! connection checks ten times within a deadline whether what was sent a deadline ago has been
//! answered. If not, it closes the connection: every caller fails at once, and the connection is
//! never used again, so that a late reply completes no other request.
//!
//! After that, or after a failed attempt, callers are refused at once while the task tries again,
//! with exponential backoff up to one second and with jitter.

use super::connection::{Availability, SharedConnection};
use super::driver::Driver;
use super::pipeline::{CallError, ConnectionError, Pipeline};
use crate::entropy::Entropy;
use redis::Cmd;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

/// How often within a deadline replies are checked.
const CHECKS: u32 = 10;
/// Checks without a command after which the task is idle.
const QUIET_CHECKS: u32 = 40;
/// How long the task is idle before it sends a `PING`. Shorter than the usual idle timeouts of servers,
/// load balancers and NAT.
const PING_INTERVAL: Duration = Duration::from_secs(15);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The task; it is aborted when this is dropped.
#[derive(Debug)]
pub(super) struct Reconnector(AbortHandle);

impl Reconnector {
    pub(super) fn start(shared: Arc<SharedConnection>) -> Self {
        Self(tokio::spawn(run(shared)).abort_handle())
    }
}

impl Drop for Reconnector {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Connects, checks the connection until it is lost, and connects again.
async fn run(shared: Arc<SharedConnection>) {
    let entropy = Entropy::system();
    // The application may have one of its own.
    let address = shared.dialer.address();
    let mut pause = FIRST_PAUSE;
    let mut reachable = None;
    loop {
        let cause = match shared.connect().await {
            Ok(NewConnection {
                pipeline,
                mut driver,
            }) => {
                if reachable.replace(true) == Some(false) {
                    tracing::info!(%address, "redis answers again");
                }
                shared.set(Availability::Up(Arc::clone(&pipeline)));
                let since = Instant::now();
                let cause = shared.watch(&pipeline, &mut driver).await;
                let broken = !matches!(cause, ConnectionError::Stalled);
                if matches!(cause, ConnectionError::MalformedReply(_)) {
                    tracing::error!(%address, error = %cause, "gave up a connection to redis");
                }
                // Not for a server that accepts a connection and closes it at once.
                if since.elapsed() > LONGEST_PAUSE {
                    pause = FIRST_PAUSE;
                    if broken {
                        // Callers wait for one attempt before they are refused.
                        shared.set(Availability::Connecting);
                        continue;
                    }
                }
                shared.set(Availability::Down(cause.clone()));
                pipeline.end(CallError::TimedOut);
                cause
            }
            Err(cause) => {
                shared.set(Availability::Down(cause.clone()));
                cause
            }
        };
        if reachable.replace(false) != Some(false) {
            tracing::warn!(%address, error = %cause, "redis does not answer; guarded routes are refused");
        }
        sleep(jittered(pause, &entropy)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Between half of `pause` and all of it: jitter, so that many sidecars do not reconnect at once.
fn jittered(pause: Duration, entropy: &Entropy) -> Duration {
    // Sidecars that lost one server must not all come back at the same moment.
    let [chance] = entropy.bytes();
    pause / 2 + pause / 2 * u32::from(chance) / u32::from(u8::MAX)
}

/// A new connection and its I/O task, which is aborted when this is dropped.
struct NewConnection {
    pipeline: Arc<Pipeline>,
    driver: JoinSet<ConnectionError>,
}

impl SharedConnection {
    async fn connect(&self) -> Result<NewConnection, ConnectionError> {
        let connecting = async {
            let stream = self.dialer.dial().await?;
            let (pipeline, mut driver) = (Arc::new(Pipeline::default()), JoinSet::new());
            driver.spawn(Driver::new(stream, Arc::clone(&pipeline)));
            self.dialer.log_in(&pipeline).await?;
            Ok(NewConnection { pipeline, driver })
        };
        timeout(self.timeouts.connect, connecting)
            .await
            .unwrap_or(Err(ConnectionError::Stalled))
    }

    /// Waits until a connection is lost or stalls.
    async fn watch(
        &self,
        pipeline: &Pipeline,
        driver: &mut JoinSet<ConnectionError>,
    ) -> ConnectionError {
        tokio::select! {
            biased;
            // Asked first: why the driver ended says more than that replies are missing.
            ended = driver.join_next() => {
                let cause = ended.and_then(Result::ok).unwrap_or(ConnectionError::Broken);
                pipeline.end(CallError::ConnectionLost(cause.clone()));
                cause
            }
            cause = self.check_replies(pipeline) => cause,
        }
    }

    /// Checks that replies arrive within the deadline, until one does not.
    async fn check_replies(&self, pipeline: &Pipeline) -> ConnectionError {
        let mut checks = VecDeque::new();
        let mut quiet = 0;
        loop {
            sleep(self.timeouts.reply / CHECKS).await;
            let latest = pipeline.sent();
            quiet = if checks.back() == Some(&latest) && !pipeline.is_waiting() {
                quiet + 1
            } else {
                0
            };
            checks.push_back(latest);
            // What the oldest check saw has waited for nine to ten tenths of the deadline by now.
            if checks.len() >= CHECKS as usize
                && let Some(then) = checks.pop_front()
                && pipeline.answered() < then
            {
                return ConnectionError::Stalled;
            }
            if quiet >= QUIET_CHECKS {
                if let Err(cause) = self.wait_for_command(pipeline, latest).await {
                    return cause;
                }
                checks.clear();
                quiet = 0;
            }
        }
    }

    /// Waits for the next command, and sends a `PING` now and then: an idle connection may be lost unseen.
    async fn wait_for_command(
        &self,
        pipeline: &Pipeline,
        latest: u64,
    ) -> Result<(), ConnectionError> {
        let mut ping = Cmd::new();
        ping.arg("PING");
        loop {
            // Before `sent` is read: a command queued in between sees the flag, or is seen here.
            self.idle.store(true, Ordering::SeqCst);
            let idle = pipeline.sent() == latest;
            if !idle
                || timeout(PING_INTERVAL, self.resumed.notified())
                    .await
                    .is_ok()
            {
                self.idle.store(false, Ordering::SeqCst);
                return Ok(());
            }
            timeout(self.timeouts.reply, pipeline.send(&ping)?)
                .await
                .map_err(|_| ConnectionError::Stalled)??;
        }
    }
}
