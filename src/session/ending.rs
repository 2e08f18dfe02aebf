//! The end of what is open: with its session, or when a route's time for it is over.

use super::open::{Ended, Opened};
use super::sessions::Sessions;
use crate::audit::{Event, EventKind, Outcome};
use crate::domain::{Reason, Requirement, SessionId};
use crate::store::{Ending, EndingCause};
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// What a request and its answer may still take when their session has ended: whoever signs out must not see
/// the rest of a page break off. Tunnels end at once.
const GRACE: Duration = Duration::from_millis(300);

/// When something is closed although its session goes on, and what the audit log says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expiry {
    pub(crate) at: Instant,
    pub(crate) session: Option<SessionId>,
    pub(crate) reason: Reason,
}

impl Expiry {
    /// What a route says of the requests that it lets pass, if it does.
    pub(crate) fn of(requirement: &Requirement, session: Option<SessionId>) -> Option<Self> {
        let reason = if requirement.needs_grant() {
            Reason::GrantExpired
        } else {
            Reason::SessionNotFresh
        };
        Some(Self {
            // One that the clock cannot tell is never.
            at: Instant::now().checked_add(requirement.open_for?)?,
            session,
            reason,
        })
    }

    /// Closes what is open when its time is over.
    pub(crate) fn apply(self, opened: &Opened, known: &Rc<Sessions>) {
        // The task ends with what it would close: most is over long before.
        opened.close_by(|this| expire(known.clone(), this, self));
    }
}

/// Ends what is open on this thread when its session does, for as long as it is polled.
pub(crate) async fn follow(sessions: Rc<Sessions>) {
    let mut heard = sessions.shared.endings.subscribe();
    while let Some(ending) = heard.recv().await {
        let shared = &sessions.shared;
        let (tunnels, others) = sessions.open.end(&ending, &shared.options, &shared.keys);
        if !(tunnels.is_empty() && others.is_empty()) {
            let tunnels = sessions.open.close(&tunnels);
            tokio::task::spawn_local(finish(sessions.clone(), ending, tunnels, others));
        }
    }
}

/// Closes in a while what is no tunnel, and tells what became of all.
async fn finish(sessions: Rc<Sessions>, ending: Ending, tunnels: usize, others: Vec<Ended>) {
    let mut streams = 0;
    if !others.is_empty() {
        sleep(GRACE).await;
        streams = sessions.open.close(&others);
    }
    if tunnels + streams == 0 {
        return;
    }
    let session = ending.session.to_hex();
    let (session, _) = session.split_at_checked(16).unwrap_or((&session, ""));
    let cause = ending.cause.as_str();
    tracing::info!(
        session,
        cause,
        tunnels,
        streams,
        "ended what was open for a session"
    );
    let now = sessions.shared.clock.now();
    let mut event = Event::new(now, EventKind::StreamsEnded, Outcome::Succeeded);
    event.session = Some(ending.session);
    event.count = u64::try_from(tunnels + streams).ok();
    event.reason = (ending.cause == EndingCause::Revoked).then_some(Reason::SessionRevoked);
    sessions.tell_audit(&event);
}

/// Closes something at its time, if it is still open, and tells of it.
async fn expire(sessions: Rc<Sessions>, this: Ended, expiry: Expiry) {
    sleep_until(expiry.at).await;
    if sessions.open.close(&[this]) == 0 {
        return;
    }
    let reason = expiry.reason;
    tracing::info!(%reason, "ended what a route kept open, as its `open_for` is over");
    let mut event = Event::new(
        sessions.shared.clock.now(),
        EventKind::StreamsEnded,
        Outcome::Succeeded,
    );
    event.session = expiry.session;
    event.count = Some(1);
    event.reason = Some(reason);
    sessions.tell_audit(&event);
}
