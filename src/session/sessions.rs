//! What is known of sessions, over all threads and on each.

use crate::audit::{Audit, Event};
use crate::clock::Clock;
use crate::domain::{SessionId, StoredSession};
use crate::entropy::Entropy;
use crate::request::request_id::RequestId;
use crate::seal::Keys;
use crate::session::forget::Forgetting;
use crate::session::live::LiveLimit;
use crate::session::open::Open;
use crate::session::sources::{Asker, SourceReader};
use crate::session::unrecognized::Unrecognized;
use crate::session::{BrowserKeyCookie, GuestCookie, Recent, Rolling, SessionOptions, SharedAsker};
use crate::store::{Ask, Endings, Revoked, Store, StoreError};
use crate::transport::drain::Drain;
use crate::transport::log_limit::LogLimit;
use crate::transport::upstream::Pool;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What all threads share.
#[derive(Debug)]
pub struct SharedSessions {
    /// Where sessions come from.
    pub options: SessionOptions,
    /// How browsers keep our key.
    pub browser_key: BrowserKeyCookie,
    /// How browsers show that nobody was signed in before a login.
    pub guest: GuestCookie,
    /// Whether the application sets its session's cookie with every answer.
    pub rolling: Rolling,
    /// The sessions that are revoked.
    pub revoked: Revoked,
    /// The sessions that end.
    pub endings: Endings,
    /// How much may stay open for each session.
    pub live: Arc<LiveLimit>,
    /// Whether a login was recognized since the start.
    pub learned: Arc<AtomicBool>,
    /// How the application is asked.
    pub asker: Arc<SharedAsker>,
    /// The keys.
    pub keys: Arc<Keys>,
    /// The time.
    pub clock: Clock,
    /// Chance.
    pub entropy: Entropy,
    /// The audit log.
    pub audit: Audit,
}

/// What one thread knows of sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    pub(crate) shared: Arc<SharedSessions>,
    pub(crate) store: Store,
    pub(crate) recent: Recent,
    pub(crate) open: Rc<Open>,
    pub(crate) source: SourceReader,
    drain: Rc<Drain>,
    /// Sessions that the store must forget once it answers again.
    pub(crate) forgetting: Forgetting,
    log_limit: LogLimit,
    pub(crate) unrecognized: Unrecognized,
}

impl Sessions {
    /// For one thread.
    pub(crate) fn new(
        shared: Arc<SharedSessions>,
        store: Store,
        drain: Rc<Drain>,
        upstream: Pool,
    ) -> Self {
        let forgetting = Forgetting::new(store.clone(), drain.clone(), shared.clock.clone());
        let source = SourceReader::new(&shared.options, Asker::new(shared.asker.clone(), upstream));
        let unrecognized = Unrecognized::new(
            shared.learned.clone(),
            shared.options.is_learned_alone(),
            shared.clock.clone(),
        );
        Self {
            shared,
            store,
            recent: Recent::default(),
            open: Rc::default(),
            source,
            drain,
            forgetting,
            log_limit: LogLimit::default(),
            unrecognized,
        }
    }

    /// Resolves when whoever waits must be answered, as the sidecar is about to stop.
    pub(crate) async fn stopping(&self) {
        self.drain.begun().await;
    }

    /// What the store remembers of a session.
    pub(crate) async fn find(&self, id: SessionId) -> Result<Option<StoredSession>, StoreError> {
        let ask = Ask::session(id, None);
        let held = self.store.evidence(ask, self.shared.clock.now());
        Ok(held.await?.session)
    }

    /// Logs a failed write to the store; returns whether it succeeded.
    pub(crate) fn tell<T>(&self, request: RequestId, done: &Result<T, StoreError>) -> bool {
        if let Err(error) = done
            && let Some(untold) = self.log_limit.allows(self.shared.clock.now())
        {
            tracing::warn!(request_id = %request, %error, untold, "what the application said of a session is not recorded");
        }
        done.is_ok()
    }

    /// Warns of a session cookie that browsers do not bring to our endpoints.
    pub(crate) fn warn_of_path(&self, request: RequestId, (cookie, path): (&str, &str)) {
        if let Some(untold) = self.log_limit.allows(self.shared.clock.now()) {
            tracing::warn!(request_id = %request, cookie, path, untold, "browsers do not bring the session's cookie to our endpoints, so nobody can verify: say its path, as in `cookies: [{{ name: sid, path: /app/ }}]`");
        }
    }

    /// Records an event that belongs to no request.
    pub(crate) fn tell_audit(&self, event: &Event<'_>) {
        if let Err(error) = self.shared.audit.record(event) {
            tracing::warn!(%error, "an event is not in the audit log");
        }
    }

    /// Records an event that no answer waits for.
    pub(crate) fn record(&self, request: RequestId, event: &Event<'_>) {
        if let Err(error) = self.shared.audit.record(event) {
            tracing::warn!(request_id = %request, %error, "an event is not in the audit log");
        }
    }
}
