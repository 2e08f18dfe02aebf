//! Warnings of settings that recognize nobody. Clients cause them, so each is logged once a minute and thread.

use super::login::Disregarded;
use crate::clock::Clock;
use crate::request::context::RequestContext;
use crate::transport::log_limit::LogLimit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One thread's warnings.
#[derive(Debug)]
pub(crate) struct Unrecognized {
    /// Whether a login was recognized since the start, by any thread: then the settings are right for one at
    /// least.
    learned: Arc<AtomicBool>,
    /// Whether only logins that are seen tell whose a session is.
    is_learned_alone: bool,
    clock: Clock,
    disregarded: LogLimit,
    failed: LogLimit,
    undeclared: LogLimit,
    unknown: LogLimit,
}

impl Unrecognized {
    /// For one thread; `learned` is of all of them.
    pub(super) fn new(learned: Arc<AtomicBool>, is_learned_alone: bool, clock: Clock) -> Self {
        let [disregarded, failed, undeclared, unknown] =
            std::array::from_fn(|_| LogLimit::once_a_minute());
        Self {
            learned,
            is_learned_alone,
            clock,
            disregarded,
            failed,
            undeclared,
            unknown,
        }
    }

    fn has_learned(&self) -> bool {
        self.learned.load(Ordering::Relaxed)
    }

    fn allows(&self, limit: &LogLimit) -> Option<u64> {
        limit.allows(self.clock.now())
    }

    /// A login was recognized.
    pub(super) fn note_learned(&self, context: &RequestContext<'_>) {
        self.learned.store(true, Ordering::Relaxed);
        tracing::debug!(request_id = %context.id, path = context.path(), "learned a login");
    }

    /// A login was answered, and not as `success` tells a success. `looks_right` if the answer has what a wrong
    /// password seldom shows.
    pub(super) fn tell_failed(
        &self,
        context: &RequestContext<'_>,
        status: u16,
        missing: &str,
        looks_right: bool,
    ) {
        let (request_id, path) = (context.id, context.path());
        let limit = &self.failed;
        if looks_right && let Some(untold) = self.allows(limit) {
            tracing::warn!(%request_id, path, status, missing, untold, "a login is not believed: its answer looks like a success and lacks a sign that `success` asks for. If the password was right, correct that entry of session.learn.logins; `stepgate learn` shows what the application answers");
        } else {
            tracing::debug!(%request_id, path, status, missing, "a login did not succeed, as `success` tells it");
        }
    }

    /// A login succeeded, and nothing is learned of it.
    pub(super) fn tell_disregarded(&self, context: &RequestContext<'_>, why: Disregarded) {
        let why = match why {
            Disregarded::NoSubject => {
                "no subject is found: neither by `subject` of this login, nor by that of a source such as `session.whoami`"
            }
            Disregarded::NoSession => "it sets none of the session's cookies",
            Disregarded::SignedIn => {
                "somebody may have been signed in to the session that came with it; guarded requests are refused until the next login"
            }
            Disregarded::Failed => return,
        };
        let (request_id, path) = (context.id, context.path());
        let limit = &self.disregarded;
        if let Some(untold) = self.allows(limit) {
            tracing::warn!(%request_id, path, why, untold, "a login succeeded, and is not believed");
        } else {
            tracing::debug!(%request_id, path, why, "a login succeeded, and is not believed");
        }
    }

    /// A session's cookie was set for somebody who had no known session, and no login was declared for it. Of a
    /// request that changes something it may be one, as long as none was recognized.
    pub(super) fn tell_undeclared(&self, context: &RequestContext<'_>, why: &str, is_new: bool) {
        let (request_id, path) = (context.id, context.path());
        let may_be_login = is_new && !context.hints.safe && !self.has_learned();
        let limit = &self.undeclared;
        if may_be_login && let Some(untold) = self.allows(limit) {
            tracing::warn!(%request_id, path, why, untold, "a session cookie was set, and this is no declared login. If people sign in here, declare it in session.learn.logins: until then guarded routes send them to sign in again and again");
        } else {
            tracing::debug!(%request_id, path, why, "a session cookie was set, and this is no declared login");
        }
    }

    /// A guarded request is refused for want of a session, although it carries the session's cookies.
    pub(crate) fn tell_unknown(&self, context: &RequestContext<'_>) {
        let (request_id, path) = (context.id, context.path());
        let limit = &self.unknown;
        let tells = self.is_learned_alone && !self.has_learned();
        if tells && let Some(untold) = self.allows(limit) {
            tracing::warn!(%request_id, path, untold, "a guarded request is refused (session-required) although it carries the session's cookie, and no login was recognized since the start. Whoever signed in before Stepgate came signs in once more; if it goes on, session.learn does not tell the application's login: see docs/sessions.md, or run `stepgate learn`");
        }
    }
}
