//! Hears which sessions end, and keeps the set of the revoked ones; one task for the whole process.

use super::redis::{FeedEvent, RedisFeed, RedisServer, RedisStore};
use super::{EmbeddedStore, Endings, Revoked};
use crate::clock::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How often all revocations are read again, whatever was announced.
const RESYNC: Duration = Duration::from_secs(30);
/// How often the embedded store is asked whether another process wrote to it: what is open ends within a
/// second of its session.
const LOOK: Duration = Duration::from_millis(250);
/// How long a store that failed is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// Follows the sessions that end by all sidecars that share a store.
///
/// While the store is away, what is known stays refused; what was missed is read on return.
#[derive(Debug)]
pub struct EndingFeed {
    revoked: Revoked,
    endings: Endings,
    clock: Clock,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Embedded(EmbeddedStore),
    Redis(Arc<RedisServer>),
}

impl EndingFeed {
    pub(super) fn embedded(
        store: EmbeddedStore,
        clock: Clock,
        revoked: Revoked,
        endings: Endings,
    ) -> Self {
        Self {
            revoked,
            endings,
            clock,
            source: Source::Embedded(store),
        }
    }

    pub(super) fn redis(
        server: Arc<RedisServer>,
        clock: Clock,
        revoked: Revoked,
        endings: Endings,
    ) -> Self {
        let source = Source::Redis(server);
        Self {
            revoked,
            endings,
            clock,
            source,
        }
    }

    /// Follows for as long as it is polled.
    pub async fn run(self) {
        let Self {
            revoked,
            endings,
            clock,
            source,
        } = self;
        match source {
            Source::Embedded(store) => poll(&store, &clock, &revoked, &endings).await,
            Source::Redis(server) => listen(&server, &clock, &revoked, &endings).await,
        }
    }
}

async fn poll(store: &EmbeddedStore, clock: &Clock, revoked: &Revoked, endings: &Endings) {
    let (mut seen, mut last) = (None, 0);
    let mut since = None::<Instant>;
    // What was there when endings were last read; what this process wrote since is told by `news`.
    let (mut read, mut has_news) = (None, true);
    loop {
        // Another process wrote: the version differs. Our own revocations are in the set already.
        let version = store.data_version().await.ok();
        let is_due = since.is_none_or(|since| since.elapsed() >= RESYNC);
        if version.is_none() || version != seen || is_due {
            let now = clock.now();
            match store.revoked_sessions(now).await {
                Ok(told) => {
                    revoked.synchronize(told, now);
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
                        endings.tell(ending);
                    }
                }
                Err(error) => {
                    read = None;
                    tracing::warn!(%error, "cannot read which sessions have ended");
                }
            }
        }
        // An error that lasts is not told without pause.
        let pause = if version.is_none() { RETRY } else { LOOK };
        has_news = timeout(pause, store.news()).await.is_ok();
    }
}

async fn listen(server: &RedisServer, clock: &Clock, revoked: &Revoked, endings: &Endings) {
    let store = RedisStore::open(server, clock.clone(), revoked.clone());
    let (mut warned, mut heard) = (None, true);
    let mut last = "0".to_owned();
    loop {
        let feed = RedisFeed::subscribe(server, revoked).await;
        'subscribed: while let Ok(feed) = &feed {
            let now = clock.now();
            match store.revoked_sessions(now).await {
                Ok(told) => revoked.synchronize(told, now),
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
                            endings.tell(ending);
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
            && heard
        {
            tracing::warn!(%error, "cannot listen for sessions that end");
        }
        heard = feed.is_ok();
        drop(feed);
        sleep(RETRY).await;
    }
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
