//! Keeps the set of revoked sessions up to date; one task for the whole process.

use super::redis::{RedisFeed, RedisServer, RedisStore};
use super::{EmbeddedStore, Revoked, Store, StoreError};
use crate::clock::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How often all revocations are read again, whatever was announced.
const RESYNC: Duration = Duration::from_secs(30);
/// How often the embedded store is asked whether another process wrote to it.
const POLL: Duration = Duration::from_secs(1);

/// Follows the revocations of all sidecars that share a store.
///
/// While the store is away, what is known stays refused; what was missed is read on return.
#[derive(Debug)]
pub struct RevocationFeed {
    revoked: Revoked,
    clock: Clock,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Embedded(EmbeddedStore),
    Redis(Arc<RedisServer>),
}

impl RevocationFeed {
    pub(super) fn embedded(store: EmbeddedStore, clock: Clock, revoked: Revoked) -> Self {
        Self {
            revoked,
            clock,
            source: Source::Embedded(store),
        }
    }

    pub(super) fn redis(server: Arc<RedisServer>, clock: Clock, revoked: Revoked) -> Self {
        let source = Source::Redis(server);
        Self {
            revoked,
            clock,
            source,
        }
    }

    /// Follows for as long as it is polled.
    pub async fn run(self) {
        let Self {
            revoked,
            clock,
            source,
        } = self;
        match source {
            Source::Embedded(store) => poll(&store, &clock, &revoked).await,
            Source::Redis(server) => listen(&server, &clock, &revoked).await,
        }
    }
}

async fn poll(store: &EmbeddedStore, clock: &Clock, revoked: &Revoked) {
    let mut seen = None;
    let mut since = RESYNC;
    loop {
        // Another process wrote: the version differs. Our own writes are in the set already.
        let version = store.data_version().await.ok();
        if version.is_none() || version != seen || since >= RESYNC {
            match synchronize(store, clock, revoked).await {
                Ok(()) => (seen, since) = (version, Duration::ZERO),
                Err(error) => tracing::warn!(%error, "cannot read the revoked sessions"),
            }
        }
        sleep(POLL).await;
        since += POLL;
    }
}

async fn listen(server: &RedisServer, clock: &Clock, revoked: &Revoked) {
    let store = RedisStore::open(server, clock.clone(), revoked.clone());
    let (mut warned, mut heard) = (None, true);
    loop {
        let feed = RedisFeed::subscribe(server, revoked).await;
        while let Ok(feed) = &feed {
            if let Err(error) = synchronize(&store, clock, revoked).await {
                tracing::warn!(%error, "cannot read the revoked sessions");
                break;
            }
            warn_of_eviction(&store, &mut warned).await;
            if feed.is_lost_within(RESYNC).await {
                break;
            }
        }
        if let Err(error) = &feed
            && heard
        {
            tracing::warn!(%error, "cannot listen for revoked sessions");
        }
        heard = feed.is_ok();
        drop(feed);
        sleep(POLL).await;
    }
}

async fn synchronize(
    store: &impl Store,
    clock: &Clock,
    revoked: &Revoked,
) -> Result<(), StoreError> {
    let now = clock.now();
    revoked.synchronize(store.revoked_sessions(now).await?, now);
    Ok(())
}

/// Counters and used codes must never be evicted: a forgotten attempt is one more attempt.
async fn warn_of_eviction(store: &RedisStore, warned: &mut Option<String>) {
    let Ok(policy) = store.evicting_policy().await else {
        return;
    };
    if let Some(policy) = policy
        .as_ref()
        .filter(|policy| warned.as_ref() != Some(policy))
    {
        tracing::error!(
            %policy,
            "redis may evict counters and used codes; set `maxmemory-policy noeviction`"
        );
    }
    *warned = policy;
}
