//! `GET status`, `POST lock` and `POST sign-out`: what a session holds, dropping it, and ending the session for us.

use super::{BODY_LIMIT, Call, EndpointError, Known};
use crate::audit::{self, EventKind};
use crate::domain::{
    Authority, Body, Captures, Demand, Enforcement, Factor, FactorSet, LocalPath, Method,
    MethodSet, Owner, RequestHead, RequestPath, StoredSession, Verdict, binding_parts,
};
use crate::gate;
use crate::request::body::RequestBody;
use crate::web::api::{LockResponse, RouteStatus, StatusResponse, rfc3339, words};
use crate::web::respond;
use bytes::Bytes;
use http::{HeaderMap, Response};
use std::borrow::Cow;

/// What the session opens now; `?method=&path=` asks about a request beforehand.
pub(super) async fn status(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let context = call.context;
    let known = call.identify().await?;
    let asserted_at = known
        .caller
        .asserted_at(call.web.sessions.shared.clock.now());
    let held = call
        .web
        .verifier
        .status(&known.claimant(), asserted_at)
        .await?;
    let route = match (call.parameter("method"), call.parameter("path")) {
        (None, None) => None,
        (method, path) => {
            let method = method.unwrap_or_else(|| "GET".to_owned());
            let path = path.ok_or(EndpointError::Malformed("`path` beside `method`".into()))?;
            Some(ask(call, &known, &method.to_ascii_uppercase(), &path).await?)
        }
    };
    let shown = held
        .mark
        .as_ref()
        .map(|mark| mark.factors)
        .unwrap_or_default();
    let response = StatusResponse {
        level: if held.fresh_until.is_some() { 2 } else { 0 },
        methods: shown.iter().map(Factor::as_str).collect(),
        authenticated_at: known.session.authenticated_at.max(asserted_at).map(rfc3339),
        verified_at: held.mark.as_ref().map(|mark| rfc3339(mark.verified_at)),
        expires_at: held.fresh_until.map(rfc3339),
        route,
    };
    Ok(respond::json(context, &response))
}

/// Drops all elevation of the session.
pub(super) async fn lock(
    call: &Call<'_, '_>,
    content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let (known, _) = read(call, content).await?;
    call.web.verifier.lock(&known.caller()).await?;
    Ok(respond::json(call.context, &LockResponse { locked: true }))
}

/// Ends the session for us, takes its cookies from the browser, and leads to the application's login:
/// a login within a session that is known would make nothing fresher.
///
/// The application is not asked to end it. Where it knows the browser by a cookie that stays, a login
/// is no proof of who that is, so the session is disputed rather than forgotten.
pub(super) async fn sign_out(
    call: &Call<'_, '_>,
    content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let (known, bytes) = read(call, content).await?;
    let context = call.context;
    let sessions = &call.web.sessions;
    let (shared, store) = (&sessions.shared, &sessions.store);
    let nobody = StoredSession::without_subject(
        Owner::Disputed,
        known.session.browser_key,
        shared.clock.now(),
    );
    store
        .dispute_session(known.id, &nobody, shared.options.remember)
        .await?;
    let mut event = context.event(
        shared.clock.now(),
        EventKind::SignedOut,
        audit::Outcome::Succeeded,
    );
    event.session = Some(known.id);
    event.subject = Some(&known.session.owner);
    shared.audit.record(&event)?;
    // A path of this origin only: no open redirect.
    let page = LocalPath::parse(&field(&bytes, "to")).unwrap_or_else(LocalPath::root);
    Ok(respond::signed_out(context, &page))
}

/// Who asks for a change, and what they sent: JSON, or a form that bears our token.
async fn read(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<(Known, Bytes), EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let bytes = content.read(BODY_LIMIT).await?;
    if !call.is_json() {
        let token = field(&bytes, "anti_forgery");
        call.must_bear_our_token(&known, &token, None).await?;
    }
    Ok((known, bytes))
}

/// A field of a form; empty if it is not there.
fn field<'b>(form: &'b [u8], wanted: &str) -> Cow<'b, str> {
    let mut fields = form_urlencoded::parse(form);
    let found = fields.find(|(name, _)| name == wanted);
    found.map(|(_, value)| value).unwrap_or_default()
}

/// What a request would meet, as far as it can be told without its body. Takes nothing.
async fn ask(
    call: &Call<'_, '_>,
    known: &Known,
    method: &str,
    target: &str,
) -> Result<RouteStatus, EndpointError> {
    let context = call.context;
    let options = &call.web.shared.options;
    let method: Method = method
        .parse()
        .map_err(|_| EndpointError::Malformed("`method` to be one that is forwarded".into()))?;
    let (path, query) = target
        .split_once('?')
        .map_or((target, None), |(path, query)| (path, Some(query)));
    let path = RequestPath::of_target(path, query, &options.accept)?;
    let headers = HeaderMap::new();
    let host = Authority::parse(context.authority());
    let host = host.map(|host| host.bare_host()).unwrap_or_default();
    let head = RequestHead {
        method,
        claimed: MethodSet::EMPTY.with(method),
        host: &host,
        path: &path,
        query,
        headers: &headers,
        upgrades: false,
    };
    let table = call.web.shared.table.load();
    let found = table.find(&head);
    let (empty, nothing) = (Body::read_or_opaque(&headers, &[]), Captures::default());
    let demands: Vec<Demand> = found
        .matches()
        .iter()
        .map(|found| (&found.route, &found.captures))
        .chain(found.waiting().map(|route| (route, &nothing)))
        .filter(|(route, _)| route.requirement.enforcement == Enforcement::Enforce)
        .map(|(route, captures)| {
            let requirement = route.requirement.clone();
            let parts = binding_parts(&requirement, &head, captures, &empty);
            let binding = parts.map(|parts| gate::digest(&parts));
            Demand {
                requirement,
                binding,
            }
        })
        .collect();
    let verdict = gate::preview(
        &call.web.sessions.store,
        &known.caller,
        &demands,
        call.web.sessions.shared.clock.now(),
    )
    .await?;
    let unmet = match verdict {
        Verdict::Pass(_) => None,
        Verdict::Challenge(unmet) | Verdict::Deny(unmet) => Some(unmet),
    };
    let strictest = unmet
        .and_then(|unmet| unmet.index)
        .and_then(|at| demands.get(at))
        .or_else(|| demands.iter().max_by_key(|demand| demand.requirement.level));
    let requirement = strictest.map(|demand| &*demand.requirement);
    Ok(RouteStatus {
        guarded: requirement.is_some(),
        satisfied: unmet.is_none(),
        action: requirement.map(|requirement| requirement.action.to_string()),
        level: requirement.map_or(0, |requirement| requirement.level.number()),
        factors: requirement
            .map(|requirement| words(requirement.factors.sets(), FactorSet::EMPTY))
            .unwrap_or_default(),
        reason: unmet.map(|unmet| unmet.reason.as_str()),
    })
}
