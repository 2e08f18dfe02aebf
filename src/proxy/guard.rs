//! Before the gate: reads what must be read, puts the demands together, and answers a refusal.

use crate::audit::Outcome as Told;
use crate::domain::{
    Body, Decision, Demand, Enforcement, Evidence, Found, Match, Permit, Reason, RequestHead,
    Session, SessionState, binding_parts, decide, needs_body, reads_body, values,
};
use crate::gate::{self, Admission, Outcome};
use crate::proxy::error::EdgeError;
use crate::proxy::forward;
use crate::proxy::house::Worker;
use crate::request::body::Content;
use crate::request::context::Visit;
use crate::session::Caller;
use crate::session::Sessions;
use crate::session::Watch;
use crate::transport::connection_auth;
use crate::web::UnmetDemand;
use bytes::Bytes;

/// What became of a request before the gate and at it.
pub(crate) enum Judged {
    /// A verification would meet what it lacks.
    Challenged(Box<Challenged>),
    /// It may pass.
    Permitted(Permit),
    /// No verification of ours would help.
    Refused(Reason),
}

/// A request that a verification would let pass.
pub(crate) struct Challenged {
    /// What it lacks.
    pub(crate) unmet: UnmetDemand,
    /// Who sent it.
    pub(crate) caller: Caller,
    /// Its session.
    pub(crate) session: Session,
}

/// Judges a request for which `found` routes may apply.
pub(crate) async fn judge(
    worker: &Worker,
    visit: &Visit<'_>,
    found: Found,
    head: &RequestHead<'_>,
    watch: &Watch,
    content: &mut Content,
) -> Result<Judged, EdgeError> {
    let sessions = &worker.sessions.shared;
    if found.is_empty() && !sessions.options.limits_in_force() {
        refuse_if_revoked(worker, watch)?;
        watch
            .read_login(content, worker.web.shared.options.body_limit)
            .await?;
        return match decide(&[], Evidence::none(), sessions.clock.now()) {
            Decision::Forward(permit) => Ok(Judged::Permitted(permit)),
            Decision::Challenge(unmet) | Decision::Deny(unmet) => {
                Err(EdgeError::Refused(unmet.reason))
            }
        };
    }
    let may_be_guarded = !found.is_empty();
    let weighed = weigh(worker, visit, found, head, watch, content).await;
    let Weighed {
        asked,
        caller,
        admission,
    } = weighed.inspect_err(|error| {
        if may_be_guarded {
            record_unjudged(worker, visit, head, error);
        }
    })?;
    if !asked.demands.is_empty()
        && let Err(error) = record(worker, visit, &asked, &admission, &caller)
    {
        if let Outcome::Forward(permit) = admission.outcome {
            forward::withhold(permit, worker).await;
        }
        return Err(error);
    }
    keep_alive(&worker.sessions, &caller, &admission);
    match admission.outcome {
        Outcome::Forward(permit) => Ok(Judged::Permitted(permit)),
        Outcome::Deny(_, reason) => Ok(Judged::Refused(reason)),
        Outcome::Challenge(index, reason) => {
            let SessionState::Known(session) = admission.session else {
                return Err(EdgeError::Refused(Reason::SessionRequired));
            };
            Ok(Judged::Challenged(Box::new(Challenged {
                unmet: asked.unmet(index, reason),
                caller,
                session,
            })))
        }
    }
}

/// A request that was put before the gate.
struct Weighed {
    asked: Asked,
    caller: Caller,
    admission: Admission,
}

async fn weigh(
    worker: &Worker,
    visit: &Visit<'_>,
    found: Found,
    head: &RequestHead<'_>,
    watch: &Watch,
    content: &mut Content,
) -> Result<Weighed, EdgeError> {
    let sessions = &worker.sessions.shared;
    let now = sessions.clock.now();
    let limit = worker.web.shared.options.body_limit;
    refuse_if_revoked(worker, watch)?;
    let asked = Asked::read(found, head, content, limit).await?;
    watch.read_login(content, limit).await?;
    let guarded = !asked.demands.is_empty();
    let caller = match watch.caller(visit, head.headers) {
        Ok(caller) => caller,
        Err(error) if guarded => return Err(error.into()),
        // The application reads one of them, and which is its own affair.
        Err(_) => watch.caller_in_doubt(),
    };
    if guarded {
        sessions.audit.ready()?;
        refuse_if_authenticated(visit, &asked, head)?;
    }
    let admission = gate::admit(
        &worker.sessions.store,
        &sessions.options,
        &caller,
        &asked.demands,
        now,
    )
    .await?;
    Ok(Weighed {
        asked,
        caller,
        admission,
    })
}

/// Revoked means refused on every route at once, without a round trip.
fn refuse_if_revoked(worker: &Worker, watch: &Watch) -> Result<(), EdgeError> {
    if !worker.sessions.shared.revoked.is_empty() && watch.is_revoked() {
        return Err(EdgeError::Refused(Reason::SessionRevoked));
    }
    Ok(())
}

/// Where the connection itself is logged in, the application may act for whoever did that, whatever cookie
/// comes along: no evidence is known to be theirs.
fn refuse_if_authenticated(
    visit: &Visit<'_>,
    asked: &Asked,
    head: &RequestHead<'_>,
) -> Result<(), EdgeError> {
    let mut demands = asked.demands.iter();
    let is_enforced = |demand: &Demand| demand.requirement.enforcement == Enforcement::Enforce;
    if demands.any(is_enforced)
        && (visit.connection.data.is_authenticated() || connection_auth::is_begun_by(head.headers))
    {
        return Err(EdgeError::Refused(Reason::ConnectionAuthenticated));
    }
    Ok(())
}

/// The demands that a request makes, once everything that matters is read.
struct Asked {
    matches: Vec<Match>,
    demands: Vec<Demand>,
    /// For each demand, what the person is shown.
    shown: Vec<Vec<(String, String)>>,
}

impl Asked {
    async fn read(
        found: Found,
        head: &RequestHead<'_>,
        content: &mut Content,
        limit: usize,
    ) -> Result<Self, EdgeError> {
        let reads = found.awaits_body()
            || found
                .matches()
                .iter()
                .any(|found| needs_body(&found.route.requirement, head));
        let judges = found.awaits_body()
            || found
                .matches()
                .iter()
                .any(|found| reads_body(&found.route.requirement, head));
        let bytes = if reads {
            content.read(limit).await?
        } else {
            Bytes::new()
        };
        let body = if judges {
            Body::read(head.headers, &bytes)?
        } else {
            Body::read_or_opaque(head.headers, &bytes)
        };
        let matches = found.settle(head, &body)?;
        let mut demands = Vec::with_capacity(matches.len());
        let mut shown = Vec::with_capacity(matches.len());
        for Match { route, captures } in &matches {
            let requirement = route.requirement.clone();
            let binding = binding_parts(&requirement, head, captures, &body);
            let mut rows = Vec::with_capacity(requirement.show.len());
            for (label, field) in &requirement.show {
                let told: Vec<_> = values(field, head, captures, &body);
                // What a request does not have makes no row; what it has and leaves empty does.
                if !told.is_empty() {
                    rows.push((label.clone(), told.join(", ")));
                }
            }
            shown.push(rows);
            let binding = binding.map(|parts| gate::digest(&parts));
            demands.push(Demand {
                requirement,
                binding,
            });
        }
        Ok(Self {
            matches,
            demands,
            shown,
        })
    }

    /// What is needed to challenge for the demand at `index`.
    fn unmet(mut self, index: usize, reason: Reason) -> UnmetDemand {
        UnmetDemand {
            reason,
            route: self.matches.swap_remove(index).route.id.clone(),
            demand: self.demands.swap_remove(index),
            shown: self.shown.swap_remove(index),
        }
    }
}

/// Exactly one event for each guarded decision.
fn record(
    worker: &Worker,
    visit: &Visit<'_>,
    asked: &Asked,
    admission: &Admission,
    caller: &Caller,
) -> Result<(), EdgeError> {
    let (told, reason) = match &admission.outcome {
        Outcome::Forward(_) => match admission.reported.first() {
            Some((_, reason)) => (Told::Reported, Some(*reason)),
            None => (Told::Forwarded, None),
        },
        Outcome::Challenge(_, reason) => (Told::Challenged, Some(*reason)),
        Outcome::Deny(_, reason) => (Told::Denied, Some(*reason)),
    };
    let subject = match &admission.session {
        SessionState::Known(session) => Some(&session.subject),
        SessionState::Absent | SessionState::Disputed | SessionState::Unknown => None,
    };
    let shared = &worker.sessions.shared;
    let now = shared.clock.now();
    let mut event = visit.decision(now, told, reason, &asked.demands, (caller.session, subject));
    event.routes = asked.matches.iter().map(|found| &found.route.id).collect();
    Ok(shared.audit.record(&event)?)
}

/// The event for a guarded request that could not be put before the gate.
fn record_unjudged(worker: &Worker, visit: &Visit<'_>, head: &RequestHead<'_>, error: &EdgeError) {
    let shared = &worker.sessions.shared;
    let reason = error.reason();
    let told = if reason == Reason::StoreUnavailable {
        Told::Failed
    } else {
        Told::Denied
    };
    // The routes were used up on the way; what goes wrong can afford a second look.
    let found = worker.web.shared.table.load().find(head);
    let matching = found.matches().iter().map(|found| &found.route);
    let routes: Vec<_> = matching.chain(found.waiting()).collect();
    let mut event = visit.decision(shared.clock.now(), told, Some(reason), &[], (None, None));
    if let Some(strictest) = routes.iter().max_by_key(|route| route.requirement.level) {
        event.action = Some(&strictest.requirement.action);
        event.level = Some(strictest.requirement.level);
        event.enforcement = Some(strictest.requirement.enforcement);
    }
    event.routes = routes.iter().map(|route| &route.id).collect();
    if let Err(error) = shared.audit.record(&event) {
        tracing::warn!(request_id = %visit.id, %error, "a refusal is not in the audit log");
    }
}

/// Notes that a session is in use, off the request's way, where idle limits are in force.
fn keep_alive(sessions: &Sessions, caller: &Caller, admission: &Admission) {
    let shared = &sessions.shared;
    let (Some(idle), SessionState::Known(session), Some(id), Outcome::Forward(_)) = (
        shared.options.idle,
        &admission.session,
        caller.session,
        &admission.outcome,
    ) else {
        return;
    };
    let now = shared.clock.now();
    // An eighth of the limit is exact enough, and spares seven writes of eight.
    if now.since(session.seen_at) < idle / 8 {
        return;
    }
    let (store, keep) = (sessions.store.clone(), shared.options.remember);
    tokio::task::spawn_local(async move {
        if let Err(error) = crate::store::Store::touch_session(&store, id, now, keep).await {
            tracing::warn!(%error, "cannot note that a session is in use");
        }
    });
}
