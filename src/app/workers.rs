//! The worker threads: each has a runtime, a store handle and a socket of each listener.

use super::error::AppError;
use crate::metrics::enter_worker;
use crate::proxy::{SharedProxy, serve};
use crate::settings::Listener;
use crate::store::StoreSource;
use crate::tls::server_config;
use crate::transport::ListenSocket;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};

/// The phase that all threads are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Accept connections.
    Serving,
    /// Accept none, and finish the requests that are under way.
    Draining,
    /// Drop the rest.
    Cut,
}

/// The threads.
#[derive(Debug)]
pub(super) struct Workers {
    threads: Vec<JoinHandle<()>>,
    phase: watch::Sender<Phase>,
    ended: mpsc::UnboundedReceiver<io::Result<()>>,
}

impl Workers {
    /// Starts a thread for each set of sockets.
    pub(super) fn start(
        shared: &Arc<SharedProxy>,
        store: &StoreSource,
        listeners: &[Listener],
        sockets: Vec<Vec<ListenSocket>>,
    ) -> Result<Self, AppError> {
        let files = listeners.iter().map(|listener| listener.tls.as_ref());
        // One configuration for all threads: a client resumes its TLS session on whichever accepts
        // it.
        let tls = files
            .map(|files| files.map(server_config).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        let (phase, seen) = watch::channel(Phase::Serving);
        let (sender, ended) = mpsc::unbounded_channel();
        let mut threads = Vec::new();
        for (index, sockets) in sockets.into_iter().enumerate() {
            let (shared, store, seen) = (shared.clone(), store.clone(), seen.clone());
            let sockets = sockets.into_iter().zip(tls.iter().cloned());
            let roles = listeners.iter().map(|listener| listener.role);
            let sockets = sockets
                .zip(roles)
                .map(|((socket, tls), role)| (socket, tls, role));
            let sockets: Vec<_> = sockets.collect();
            let report = EndReport::new(sender.clone());
            let work = move || {
                enter_worker(index);
                report.set(run(&seen, |stop| async move {
                    serve(shared, store.handle(), sockets, stop).await
                }));
            };
            let thread = thread::Builder::new().name(format!("worker-{index}"));
            threads.push(thread.spawn(work).map_err(AppError::Thread)?);
        }
        Ok(Self {
            threads,
            phase,
            ended,
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.threads.len()
    }

    /// Tells all of them.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Waits until one of them has ended.
    pub(super) async fn one_ended(&mut self) -> io::Result<()> {
        self.ended.recv().await.unwrap_or(Ok(()))
    }

    /// Waits until all of them have ended.
    pub(super) async fn all_ended(&mut self) {
        // The channel closes with the last of them.
        while self.ended.recv().await.is_some() {}
    }

    /// Joins the threads, which have ended or were cut.
    pub(super) fn join(self) {
        for thread in self.threads {
            // A panic was printed by the thread itself.
            let _ = thread.join();
        }
    }
}

/// Runs `serve` on a runtime of this thread until it ends by itself or is cut off.
fn run<S: Future<Output = io::Result<()>>>(
    phase: &watch::Receiver<Phase>,
    serve: impl FnOnce(Stop) -> S,
) -> io::Result<()> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(<_>::default())?;
    runtime.block_on(async {
        let until = |wanted: Phase| {
            let mut phase = phase.clone();
            Box::pin(async move {
                // A sender that is gone asks us to end as well.
                let _ = phase.wait_for(|phase| *phase >= wanted).await;
            })
        };
        tokio::select! {
            served = serve(until(Phase::Draining)) => served,
            // The runtime is dropped with all of its connections.
            () = until(Phase::Cut) => Ok(()),
        }
    })
}

/// Resolves when a thread must accept no further connection.
type Stop = std::pin::Pin<Box<dyn Future<Output = ()>>>;

/// Reports the end of a thread, also if it panics.
struct EndReport {
    sender: mpsc::UnboundedSender<io::Result<()>>,
    result: Option<io::Result<()>>,
}

impl EndReport {
    fn new(sender: mpsc::UnboundedSender<io::Result<()>>) -> Self {
        Self {
            sender,
            result: None,
        }
    }

    fn set(mut self, result: io::Result<()>) {
        self.result = Some(result);
    }
}

impl Drop for EndReport {
    fn drop(&mut self) {
        let panicked = || Err(io::Error::other("it panicked"));
        // The receiver is gone once the main thread has stopped.
        let _ = self
            .sender
            .send(self.result.take().unwrap_or_else(panicked));
    }
}
