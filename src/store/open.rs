//! Opens the store that the settings name, and makes a handle for each worker thread.

use super::counted::Handle;
use super::embedded::{EmbeddedOptions, EmbeddedStore};
use super::feed::{Backend, EndingFeed};
use super::redis::{RedisOptions, RedisServer, RedisStore};
use super::{Endings, OpenError, Revoked, Store};
use crate::clock::Clock;
use crate::metrics::Metrics;
use std::sync::Arc;

/// Which store, and how to reach it.
#[derive(Clone, Debug)]
pub enum StoreOptions {
    /// On the disk of this machine, for one sidecar.
    Embedded(EmbeddedOptions),
    /// In Redis.
    Redis(RedisOptions),
}

/// A store that was opened. It can be handed to any thread; each takes a handle of its own.
#[derive(Clone, Debug)]
pub struct StoreSource {
    backend: Backend,
    clock: Clock,
    revoked: Revoked,
    endings: Endings,
    metrics: Option<Arc<Metrics>>,
}

/// Opens a store. The embedded database is opened now; Redis is connected to when a thread takes a handle.
pub fn open(options: &StoreOptions, clock: &Clock) -> Result<StoreSource, OpenError> {
    let endings = Endings::default();
    let revoked = Revoked::publishing_to(endings.clone());
    let backend = match options {
        StoreOptions::Embedded(options) => Backend::Embedded(EmbeddedStore::open(
            options,
            clock.clone(),
            revoked.clone(),
        )?),
        StoreOptions::Redis(options) => {
            Backend::Redis(Arc::new(RedisServer::new(options.clone())?))
        }
    };
    Ok(StoreSource {
        backend,
        clock: clock.clone(),
        revoked,
        endings,
        metrics: None,
    })
}

impl StoreSource {
    /// A handle for the calling thread, which must be inside its runtime. To be called once for each thread
    /// and cloned within it: for Redis, every handle is a connection.
    pub fn handle(&self) -> Store {
        let handle = match &self.backend {
            Backend::Embedded(store) => Handle::Embedded(store.clone()),
            Backend::Redis(server) => Handle::Redis(RedisStore::open(
                server,
                self.clock.clone(),
                self.revoked.clone(),
            )),
        };
        Store {
            handle,
            metrics: self.metrics.clone(),
        }
    }

    /// Counts the operations of all handles made from now on.
    pub fn counted_by(&mut self, metrics: Arc<Metrics>) {
        self.metrics = Some(metrics);
    }

    /// The revoked sessions, kept up to date by the [`feed`](Self::feed).
    pub fn revoked(&self) -> Revoked {
        self.revoked.clone()
    }

    /// The sessions that end, as the [`feed`](Self::feed) reads them.
    pub fn endings(&self) -> Endings {
        self.endings.clone()
    }

    /// Keeps [`revoked`](Self::revoked) and [`endings`](Self::endings) up to date; to be run by one task of
    /// the process.
    pub fn feed(&self) -> EndingFeed {
        EndingFeed::new(
            self.backend.clone(),
            self.clock.clone(),
            self.revoked.clone(),
            self.endings.clone(),
        )
    }
}
