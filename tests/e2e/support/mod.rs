//! What the tests are written with.

pub(crate) mod accounts;
pub(crate) mod axe;
pub(crate) mod browser;
pub(crate) mod client;
pub(crate) mod django;
pub(crate) mod mail;
pub(crate) mod node;
pub(crate) mod openmetrics;
pub(crate) mod port;
pub(crate) mod process;
pub(crate) mod raw;
pub(crate) mod raw_upstream;
pub(crate) mod redis;
pub(crate) mod sidecar;
pub(crate) mod stepgate;
pub(crate) mod store;
pub(crate) mod temp;
pub(crate) mod tls;
pub(crate) mod tokens;
pub(crate) mod upstream;
pub(crate) mod written;

use client::Answer;
use std::future::Future;
use std::time::Duration;
use tokio::task::LocalSet;

/// How long anything in a test may take before it counts as stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long to leave the others alone before asking again.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs a test on a runtime of its own; one that is stuck fails.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async {
        let ended = tokio::time::timeout(PATIENCE * 4, test).await;
        ended.expect("the test is stuck");
    });
}

/// Waits for something that must come soon.
pub(crate) async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
    let came = tokio::time::timeout(PATIENCE, coming).await;
    came.unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}

/// Asks again and again until there is what must come soon.
pub(crate) async fn until<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(found) = Box::pin(ask()).await {
                return found;
            }
            // What it waits for needs the processor, too.
            tokio::time::sleep(PAUSE).await;
        }
    };
    soon(what, asking).await
}

/// Asks until the answer has this status, no matter how often.
pub(crate) async fn becomes(status: u16, ask: impl AsyncFn() -> Answer) -> Answer {
    let asking = async || Some(ask().await).filter(|answer| answer.status == status);
    until(&format!("an answer {status}"), asking).await
}
