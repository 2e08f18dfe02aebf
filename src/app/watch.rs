//! The main thread: waits for orders, follows the feed of revocations, stops the workers.

use super::admin::AdminThread;
use super::error::AppError;
use super::reload::Reloader;
use super::signals::{Order, Orders, Signals};
use super::workers::{Phase, Workers};
use crate::store::StoreSource;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

/// Returns when everything has ended. `announce` is called once the signal handlers are installed: a
/// SIGTERM right after `ready` must drain, not kill.
pub(super) fn until_stopped(
    store: &StoreSource,
    mut workers: Workers,
    signals: Signals,
    reloader: &Reloader,
    admin: Option<&AdminThread>,
    drain: Duration,
    announce: impl FnOnce(),
) -> Result<(), AppError> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(<_>::default());
    let runtime = runtime.map_err(AppError::Thread)?;
    let ended = runtime.block_on(async {
        let mut orders = Orders::new(signals).map_err(AppError::Thread)?;
        announce();
        // Once for the process: a connection to Redis for each thread would tell them all the same.
        spawn_local(store.feed().run());
        let failure = loop {
            tokio::select! {
                ended = workers.one_ended() => {
                    let unasked = || std::io::Error::other("nobody had asked it to");
                    break Some(AppError::Worker(ended.err().unwrap_or_else(unasked)));
                }
                order = orders.next() => match order {
                    Order::Reload => reloader.reload(),
                    Order::Stop => break None,
                },
            }
        };
        // A sidecar that fails by itself has no time to let others see it.
        let notice = admin.map(AdminThread::drain).filter(|_| failure.is_none());
        finish(&mut workers, &mut orders, notice, drain).await;
        failure.map_or(Ok(()), Err)
    });
    // What outlasted the drain limit ends here; otherwise `join` would wait for it.
    workers.enter(Phase::Cut);
    workers.join();
    ended
}

/// Waits for the requests that are under way; a second order to stop, or the drain limit, cuts them off.
///
/// For the time of `notice` everything is served as before: who asks whether we are ready is told that
/// we are not, and stops sending requests before we stop taking them.
async fn finish(
    workers: &mut Workers,
    orders: &mut Orders,
    notice: Option<Duration>,
    drain: Duration,
) {
    let orderly = async {
        if let Some(notice) = notice {
            tracing::info!(
                ?notice,
                "not ready any more: still serving, so that others see it"
            );
            sleep(notice).await;
        }
        tracing::info!(limit = ?drain, "draining: no new connections, finishing what is under way");
        workers.enter(Phase::Draining);
        timeout(drain, workers.all_ended()).await
    };
    let again = async { while orders.next().await != Order::Stop {} };
    tokio::select! {
        drained = orderly => {
            if drained.is_err() {
                tracing::warn!("some requests did not end in time and are cut off");
            }
        }
        () = again => tracing::warn!("asked to stop again: what is under way is cut off"),
    }
}
