//! Reads which sessions end, and keeps the set of revoked ones up to date: one task for each process.

use super::redis::{FeedEvent, RedisFeed, RedisServer, RedisStore};
use super::{EmbeddedStore, Endings, Revoked};
use crate::clock::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How often all revocations are read again, whatever was announced.
const RESYNC: Duration = Duration::from_secs(30);
/// How often the embedded store is checked for writes of another process: streams end within a second
/// of their session.
const POLL: Duration = Duration::from_millis(250);
/// How long to wait after an error of the store.
const RETRY: Duration = Duration::from_secs(1);

/// Learns of the sessions that any sidecar on the same store ends.
///
/// While the store is unreachable, revoked sessions stay revoked; what was missed is read afterwards.
#[derive(Debug)]
pub struct EndingFeed {
    backend: Backend,
    clock: Clock,
    revoked: Revoked,
    endings: Endings,
}

/// An open store, from which any thread can take a handle.
#[derive(Clone, Debug)]
pub(super) enum Backend {
    Embedded(EmbeddedStore),
    Redis(Arc<RedisServer>),
}

impl EndingFeed {
    pub(super) const fn new(
        backend: Backend,
        clock: Clock,
        revoked: Revoked,
        endings: Endings,
    ) -> Self {
        Self {
            backend,
            clock,
            revoked,
            endings,
        }
    }

    /// Runs until it is dropped.
    pub async fn run(self) {
        let Self {
            backend,
            clock,
            revoked,
            endings,
        } = self;
        match backend {
            Backend::Embedded(store) => poll_embedded(&store, &clock, &revoked, &endings).await,
            Backend::Redis(server) => subscribe_to_redis(&server, &clock, &revoked, &endings).await,
        }
    }
}

async fn poll_embedded(store: &EmbeddedStore, clock: &Clock, revoked: &Revoked, endings: &Endings) {
    let (mut seen, mut last) = (None, 0);
    let mut since = None::<Instant>;
    // The version when endings were last read; writes of this process since then are reported by `news`.
    let (mut read, mut has_news) = (None, true);
    loop {
        // A write of another process changes the version. Revocations by this process are in the set already.
        let version = store.data_version().await.ok();
        let is_due = since.is_none_or(|since| since.elapsed() >= RESYNC);
        if version.is_none() || version != seen || is_due {
            let now = clock.now();
            match store.revoked_sessions(now).await {
                Ok(all) => {
                    revoked.synchronize(all, now);
                    (seen, since) = (version, Some(Instant::now()));
                }
                Err(error) => tracing::warn!(%error, "cannot read the revoked sessions"),
            }
        }
        if has_news || version.is_none() || version != read {
            match store.endings(last).await {
                Ok((ended, latest)) => {
                    (read, last) = (version, latest);
                    for ending in ended {
                        endings.publish(ending);
                    }
                }
                Err(error) => {
                    read = None;
                    tracing::warn!(%error, "cannot read which sessions have ended");
                }
            }
        }
        // A lasting error is logged once a second, not four times.
        let pause = if version.is_none() { RETRY } else { POLL };
        has_news = timeout(pause, store.news()).await.is_ok();
    }
}

async fn subscribe_to_redis(
    server: &RedisServer,
    clock: &Clock,
    revoked: &Revoked,
    endings: &Endings,
) {
    let store = RedisStore::open(server, clock.clone(), revoked.clone());
    let (mut warned, mut was_subscribed) = (None, true);
    let mut last = "0".to_owned();
    loop {
        // Before the set is read: what is revoked in between is announced.
        let feed = RedisFeed::subscribe(server, revoked).await;
        'subscribed: while let Ok(feed) = &feed {
            let now = clock.now();
            match store.revoked_sessions(now).await {
                Ok(all) => revoked.synchronize(all, now),
                Err(error) => {
                    tracing::warn!(%error, "cannot read the revoked sessions");
                    break;
                }
            }
            warn_of_eviction(&store, &mut warned).await;
            let synchronized = Instant::now();
            loop {
                match store.endings(last.clone()).await {
                    Ok((ended, latest)) => {
                        last = latest;
                        for ending in ended {
                            endings.publish(ending);
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot read which sessions have ended");
                        break 'subscribed;
                    }
                }
                match feed
                    .next(RESYNC.saturating_sub(synchronized.elapsed()))
                    .await
                {
                    FeedEvent::Lost => break 'subscribed,
                    FeedEvent::NewEnding => {}
                    FeedEvent::Nothing => break,
                }
            }
        }
        if let Err(error) = &feed
            && was_subscribed
        {
            tracing::warn!(%error, "cannot listen for sessions that end");
        }
        was_subscribed = feed.is_ok();
        drop(feed);
        sleep(RETRY).await;
    }
}

/// Counters and used codes must never be evicted: each evicted counter grants new attempts.
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
