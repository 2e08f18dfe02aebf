//! The events of guarded requests in the audit log.

use super::demands::Asked;
use super::error::ProxyError;
use super::outbound::Outbound;
use super::state::Worker;
use crate::audit::Outcome;
use crate::domain::{Reason, ReasonKind, RequestHead, SessionState, Verdict};
use crate::gate::Admission;
use crate::request::context::RequestContext;
use crate::session::Caller;

/// Exactly one event for each guarded decision.
pub(super) fn record(
    worker: &Worker,
    context: &RequestContext<'_>,
    asked: &Asked,
    admission: &Admission<Outbound<'_>>,
    caller: &Caller,
) -> Result<(), ProxyError> {
    let (outcome, reason) = match &admission.verdict {
        Verdict::Pass(_) => match admission.reported.first() {
            Some((_, reason)) => (Outcome::Reported, Some(*reason)),
            None => (Outcome::Forwarded, None),
        },
        Verdict::Challenge((unmet, _)) => (Outcome::Challenged, Some(unmet.reason)),
        Verdict::Deny((unmet, _)) => (Outcome::Denied, Some(unmet.reason)),
    };
    let subject = match &admission.session {
        SessionState::Known(session) => Some(&session.owner),
        SessionState::Absent | SessionState::Disputed(_) | SessionState::Unknown => None,
    };
    let shared = &worker.sessions.shared;
    let now = shared.clock.now();
    let mut event = context.decision(
        now,
        outcome,
        reason,
        &asked.demands,
        (caller.session, subject),
    );
    event.routes = asked.matches.iter().map(|found| &found.route.id).collect();
    Ok(shared.audit.record(&event)?)
}

/// The event for a guarded request that the gate could not judge.
pub(super) fn record_failed(
    worker: &Worker,
    context: &RequestContext<'_>,
    asked: &Asked,
    reason: Reason,
) {
    if asked.demands.is_empty() {
        return;
    }
    let shared = &worker.sessions.shared;
    let now = shared.clock.now();
    let outcome = Outcome::Failed;
    let mut event = context.decision(now, outcome, Some(reason), &asked.demands, (None, None));
    event.routes = asked.matches.iter().map(|found| &found.route.id).collect();
    worker.sessions.record(context.id, &event);
}

/// The event for a guarded request that could not be put before the gate.
pub(super) fn record_unjudged(
    worker: &Worker,
    context: &RequestContext<'_>,
    head: &RequestHead<'_>,
    error: &ProxyError,
) {
    let shared = &worker.sessions.shared;
    let reason = error.reason();
    let outcome = if reason.kind() == ReasonKind::Fault {
        Outcome::Failed
    } else {
        Outcome::Denied
    };
    // The routes were used up on the way; what goes wrong can afford a second look.
    let found = worker.web.shared.table.load().find(head);
    let matching = found.matches().iter().map(|found| &found.route);
    let routes: Vec<_> = matching.chain(found.waiting()).collect();
    let mut event = context.decision(shared.clock.now(), outcome, Some(reason), &[], (None, None));
    if let Some(strictest) = routes.iter().max_by_key(|route| route.requirement.level) {
        event.action = Some(&strictest.requirement.action);
        event.level = Some(strictest.requirement.level);
        event.enforcement = Some(strictest.requirement.enforcement);
    }
    event.routes = routes.iter().map(|route| &route.id).collect();
    worker.sessions.record(context.id, &event);
}
