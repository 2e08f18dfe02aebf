//! `GET status`: what a session holds, and what a request would meet.

use super::{Call, EndpointError, Known};
use crate::domain::{
    Authority, Body, Captures, Demand, Enforcement, Factor, FactorSet, Method, MethodSet,
    RequestHead, RequestPath, Verdict, binding_parts,
};
use crate::gate;
use crate::web::api::{RouteStatus, StatusResponse, rfc3339, words};
use crate::web::respond;
use bytes::Bytes;
use http::{HeaderMap, Response};

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
