//! Judges a request: reads what must be read, puts its demands before the gate, and records the decision.

use super::demands::Asked;
use super::error::ProxyError;
use super::events::{record, record_failed, record_unjudged};
use super::forward::give_back;
use super::inline;
use super::outbound::Outbound;
use super::state::Worker;
use crate::domain::{
    Enforcement, FoundRoutes, Method, Reason, ReasonKind, RequestHead, RequestLine, Session,
    SessionState, Verdict,
};
use crate::gate::{self, Admission, Permitted, Spends};
use crate::request::context::RequestContext;
use crate::session::{Caller, SessionChange, Sessions, Watch};
use crate::transport::connection_auth;
use crate::verification::Refusal;
use crate::web::UnmetDemand;

/// What became of a request.
pub(super) type Judged<'p> = Verdict<Permitted<Outbound<'p>>, Box<Challenged<'p>>, Reason>;

/// A request that a verification would let pass.
pub(super) struct Challenged<'p> {
    /// What it lacks.
    pub(super) unmet: UnmetDemand,
    /// Who sent it.
    pub(super) caller: Caller,
    /// Its session.
    pub(super) session: Session,
    /// The request.
    pub(super) outbound: Outbound<'p>,
}

/// Judges a request for which `found` routes may apply.
pub(super) async fn judge<'p>(
    worker: &Worker,
    context: &RequestContext<'_>,
    found: FoundRoutes,
    line: &RequestLine<'_>,
    mut outbound: Outbound<'p>,
    watch: &mut Watch,
) -> Result<Judged<'p>, ProxyError> {
    let may_be_guarded = !found.is_empty();
    let must_name = worker.sessions.must_name(line.upgrades);
    let is_looked_at = must_name || worker.sessions.shared.options.limits_in_force();
    if !may_be_guarded && !is_looked_at {
        // Most requests: nothing is asked of them, and nothing of the store.
        read_login(worker, context, line, &mut outbound, watch).await?;
        match gate::admit_undemanded(&worker.sessions.shared.options, &[], outbound) {
            Ok(permitted) => return Ok(Verdict::Pass(permitted)),
            Err(returned) => outbound = returned,
        }
    }
    let asked = ask(worker, context, found, line, &mut outbound, watch).await;
    let (asked, mut caller, confirmed) = asked.inspect_err(|error| {
        if may_be_guarded {
            let head = line.head(&outbound.parts.headers);
            record_unjudged(worker, context, &head, error);
        }
    })?;
    let Worker { sessions, .. } = worker;
    let who = (&mut caller, confirmed);
    let (admission, refused) =
        admit_or_ask(worker, context, line, &asked, who, outbound, watch).await?;
    if admission.is_anothers && sessions.shared.options.subject_may_change() {
        // What the former subject has earned must not come back with them.
        let ended = caller.session.map(SessionChange::Ended);
        sessions.apply(context.id, ended).await;
    }
    if !asked.demands.is_empty()
        && let Err(error) = record(worker, context, &asked, &admission, &caller)
    {
        if let Verdict::Pass(permitted) = admission.verdict {
            give_back(sessions, permitted.into_claims()).await;
        }
        return Err(error);
    }
    if matches!(admission.session, SessionState::Unknown) && !asked.demands.is_empty() {
        sessions.unrecognized.tell_unknown(context);
    }
    keep_alive(sessions, &caller, &admission);
    let is_told = worker.web.shared.teller.is_some();
    let proven = is_told.then(|| asked.proven(&admission)).flatten();
    match (admission.verdict, admission.session) {
        (Verdict::Pass(permitted), _) => {
            if let Some(expiry) = asked.expiry(caller.session) {
                watch.close_at(expiry);
            }
            Ok(Verdict::Pass(
                permitted.map(|outbound| Outbound { proven, ..outbound }),
            ))
        }
        (Verdict::Deny((unmet, _)), _) => Ok(Verdict::Deny(unmet.reason)),
        // A prompt that was fetched ahead would be shown in place of the page, even after the proof.
        (Verdict::Challenge((unmet, _)), _) if context.hints.speculative => {
            Ok(Verdict::Deny(unmet.reason))
        }
        (Verdict::Challenge((unmet, outbound)), SessionState::Known(session)) => {
            let unmet = asked.unmet(unmet, refused)?;
            Ok(Verdict::Challenge(Box::new(Challenged {
                unmet,
                caller,
                session,
                outbound,
            })))
        }
        (
            Verdict::Challenge(_),
            SessionState::Absent | SessionState::Disputed(_) | SessionState::Unknown,
        ) => Err(ProxyError::Refused(Reason::SessionRequired)),
    }
}

/// Puts the request before the gate; and again, once the application has said whose it is, or the code that came with
/// the request is right. An answer that is not comes back beside the refusal.
async fn admit_or_ask<'p>(
    worker: &Worker,
    context: &RequestContext<'_>,
    line: &RequestLine<'_>,
    asked: &Asked,
    (caller, confirmed): (&mut Caller, bool),
    outbound: Outbound<'p>,
    watch: &mut Watch,
) -> Result<(Admission<Outbound<'p>>, Option<Refusal>), ProxyError> {
    inline::present(worker, &outbound, caller);
    let mut admission = admit(worker, context, asked, caller, outbound).await?;
    if !confirmed && may_be_confirmed(&admission) {
        admission = readmit(worker, context, line, asked, caller, admission, watch).await?;
    }
    let answered = inline::answer(worker, context, asked, caller, admission).await;
    answered.inspect_err(|error| record_failed(worker, context, asked, error.reason()))
}

/// Puts the request before the gate.
pub(super) async fn admit<'p>(
    worker: &Worker,
    context: &RequestContext<'_>,
    asked: &Asked,
    caller: &Caller,
    outbound: Outbound<'p>,
) -> Result<Admission<Outbound<'p>>, ProxyError> {
    let Worker { sessions, .. } = worker;
    let (options, now) = (&sessions.shared.options, sessions.shared.clock.now());
    let store = &sessions.store;
    // RFC 9110 §9.3.2: HEAD shows nothing. Nobody may ever see what a browser fetches ahead.
    let is_idle = context.hints.speculative || context.method == Some(Method::Head);
    let spends = if is_idle { Spends::No } else { Spends::Yes };
    let demands = (&*asked.demands, spends);
    let admitted = gate::admit(store, options, caller, demands, outbound, now).await;
    admitted.map_err(|error| {
        let error = ProxyError::from(error);
        record_failed(worker, context, asked, error.reason());
        error
    })
}

/// Whether the application may know better whose session it is, or that it is somebody's.
fn may_be_confirmed(admission: &Admission<Outbound<'_>>) -> bool {
    match &admission.verdict {
        Verdict::Challenge((unmet, _)) | Verdict::Deny((unmet, _)) => matches!(
            (unmet.reason.kind(), unmet.reason),
            (ReasonKind::StepUp, _) | (_, Reason::SessionDisputed | Reason::SessionRequired)
        ),
        Verdict::Pass(_) => false,
    }
}

/// Asks the application whose request it is that was not admitted, and puts it before the gate again.
async fn readmit<'p>(
    worker: &Worker,
    context: &RequestContext<'_>,
    line: &RequestLine<'_>,
    asked: &Asked,
    caller: &mut Caller,
    admission: Admission<Outbound<'p>>,
    watch: &mut Watch,
) -> Result<Admission<Outbound<'p>>, ProxyError> {
    let (Verdict::Challenge((_, outbound)) | Verdict::Deny((_, outbound))) = &admission.verdict
    else {
        return Ok(admission);
    };
    let head = line.head(&outbound.parts.headers);
    let confirmed = watch.confirm(context, &head, caller).await;
    let confirmed = confirmed.inspect_err(|error| {
        record_failed(worker, context, asked, error.reason());
    })?;
    match admission.verdict {
        Verdict::Challenge((_, outbound)) | Verdict::Deny((_, outbound)) if confirmed => {
            admit(worker, context, asked, caller, outbound).await
        }
        verdict @ (Verdict::Challenge(_) | Verdict::Deny(_) | Verdict::Pass(_)) => Ok(Admission {
            verdict,
            ..admission
        }),
    }
}

/// Reads what the request demands, and who sent it, by the word of the application where it must be
/// confirmed. Afterwards it is known whether it is a login.
async fn ask(
    worker: &Worker,
    context: &RequestContext<'_>,
    found: FoundRoutes,
    line: &RequestLine<'_>,
    outbound: &mut Outbound<'_>,
    watch: &mut Watch,
) -> Result<(Asked, Caller, bool), ProxyError> {
    let shared = &worker.sessions.shared;
    let limit = worker.web.shared.options.body_limit;
    let Outbound { parts, content, .. } = outbound;
    let head = line.head(&parts.headers);
    refuse_if_revoked(worker, watch)?;
    let looks_for_keys = shared.options.reads_keys(head.headers);
    let asked = Asked::read(found, &head, content, limit, looks_for_keys).await?;
    watch.read_login(content, limit).await?;
    watch.settle(&head, content);
    watch.ask_before(context, &head).await;
    let guarded = !asked.demands.is_empty();
    let mut demands = asked.demands.iter();
    let enforces = demands.any(|demand| demand.requirement.enforcement == Enforcement::Enforce);
    // A route that only reports must refuse nothing.
    if enforces {
        watch.refuse_login_beside()?;
    }
    if guarded {
        watch.read_keys(&head, content)?;
    }
    let mut caller = match watch.caller(head.headers) {
        Ok(caller) => caller,
        Err(error) if guarded => return Err(error.into()),
        // The application reads one of them, and which is its own affair.
        Err(_) => watch.caller_in_doubt(),
    };
    let mut confirmed = false;
    if guarded {
        shared.audit.ready()?;
        let demands = asked.demands.iter();
        let levels = demands.map(|demand| demand.requirement.level);
        if worker.sessions.must_confirm(context, head.path, levels)? {
            if shared.options.subject_may_change() && !content.is_withheld() {
                // Asked about when the application can act at once: while a body is still to come, somebody else
                // could sign in to the session.
                content.read(limit).await?;
            }
            confirmed = watch.confirm(context, &head, &mut caller).await?;
        }
        if enforces && is_anybodys(context, &head, confirmed) {
            return Err(ProxyError::Refused(Reason::ConnectionAuthenticated));
        }
    } else if worker.sessions.must_name(line.upgrades) {
        confirmed = name(worker, context, &head, watch, &mut caller).await?;
    }
    Ok((asked, caller, confirmed))
}

/// Finds out whose a request is that no route guards, for the limits and the end of their session. One that cannot
/// be told is nobody's, as long as there are no limits.
async fn name(
    worker: &Worker,
    context: &RequestContext<'_>,
    head: &RequestHead<'_>,
    watch: &mut Watch,
    caller: &mut Caller,
) -> Result<bool, ProxyError> {
    let shared = &worker.sessions.shared;
    let named = match watch.confirm(context, head, caller).await {
        Err(error) if !shared.options.limits_in_force() => {
            tracing::warn!(request_id = %context.id, %error, "an unguarded request may outlast its session: whose it is cannot be told");
            false
        }
        named => named?,
    };
    let sessions = caller.session.into_iter().chain(caller.earlier);
    if { sessions }.any(|session| shared.revoked.contains(&session)) {
        return Err(ProxyError::Refused(Reason::SessionRevoked));
    }
    Ok(named)
}

/// Finds out whether a request that no route matches is a login.
async fn read_login(
    worker: &Worker,
    context: &RequestContext<'_>,
    line: &RequestLine<'_>,
    outbound: &mut Outbound<'_>,
    watch: &mut Watch,
) -> Result<(), ProxyError> {
    refuse_if_revoked(worker, watch)?;
    let limit = worker.web.shared.options.body_limit;
    watch.read_login(&mut outbound.content, limit).await?;
    let head = line.head(&outbound.parts.headers);
    watch.settle(&head, &outbound.content);
    watch.ask_before(context, &head).await;
    Ok(())
}

/// Revoked means refused on every route at once, without a round trip.
fn refuse_if_revoked(worker: &Worker, watch: &Watch) -> Result<(), ProxyError> {
    if !worker.sessions.shared.revoked.is_empty() && watch.is_revoked() {
        return Err(ProxyError::Refused(Reason::SessionRevoked));
    }
    Ok(())
}

/// On an authenticated connection the application may act for the user of the connection, whatever cookie
/// the request carries: no evidence is known to be that user's, unless the application has just said so. A
/// request that authenticates the connection may be that user's or the former one's.
fn is_anybodys(context: &RequestContext<'_>, head: &RequestHead<'_>, confirmed: bool) -> bool {
    (context.connection.data.is_authenticated() && !confirmed)
        || connection_auth::is_begun_by(head.headers)
}

/// Records that a session is in use, in a task of its own, where idle limits are in force.
fn keep_alive(sessions: &Sessions, caller: &Caller, admission: &Admission<Outbound<'_>>) {
    let shared = &sessions.shared;
    let (Some(idle), SessionState::Known(session), Some(id), Verdict::Pass(_)) = (
        shared.options.idle,
        &admission.session,
        caller.session,
        &admission.verdict,
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
        if let Err(error) = store.touch_session(id, now, keep).await {
            tracing::warn!(%error, "cannot note that a session is in use");
        }
    });
}
