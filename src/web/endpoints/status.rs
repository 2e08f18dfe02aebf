//! `GET status`: what a session holds, and what a request would meet.

use super::ahead::foresee;
use super::etag::{has, members, tag};
use super::offered::places;
use super::{Call, EndpointError, Known};
use crate::domain::{
    Claim, Demand, Evidence, Factor, FactorSet, Grant, Reason, ReasonKind, Requirement,
    SessionState, Timestamp, unmet,
};
use crate::session::Caller;
use crate::web::api::{GrantView, RouteNeeds, RouteStatus, StatusResponse, rfc3339, words};
use crate::web::own_action::OwnAction;
use crate::web::respond;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often it is looked at for somebody who waits for a change.
const LOOKS: Duration = Duration::from_secs(1);
/// How long somebody waits at most.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// What the session opens now; `?method=&path=` asks about a request beforehand.
///
/// With `If-None-Match` and `Prefer: wait=SECONDS` (RFC 7240 §4.3) the answer comes when it is another one, or with 304
/// when the time is over.
pub(super) async fn status(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let (context, sessions) = (call.context, &call.web.sessions);
    let headers = &call.parts.headers;
    let until = Instant::now() + wait(headers).unwrap_or_default();
    let until = context.deadline.map_or(until, |end| until.min(end - LOOKS));
    let mut live = None;
    loop {
        let known = call.identify().await?;
        let json = serde_json::to_vec(&told(call, &known).await?).unwrap_or_default();
        let tag = tag(&json);
        if !has(headers, &tag) {
            return Ok(respond::tagged_json(context, json, &tag));
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(respond::not_modified(context, &tag));
        }
        if live.is_none() {
            // Each that waits asks the store again and again.
            let entered = sessions.shared.live.enter(vec![known.id]);
            live = Some(entered.ok_or(EndpointError::Refused(Reason::LimitReached))?);
        }
        tokio::select! {
            () = sleep(left.min(LOOKS)) => {}
            () = sessions.stopping() => return Ok(respond::not_modified(context, &tag)),
        }
    }
}

/// How long the client would wait (RFC 7240 §2, §4.3).
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds = members(headers, &HeaderName::from_static("prefer")).find_map(|one| {
        let (name, value) = one.split(';').next()?.split_once('=')?;
        let is_wait = name.trim().eq_ignore_ascii_case("wait");
        is_wait.then(|| value.trim().trim_matches('"').parse().ok())?
    })?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

async fn told(call: &Call<'_, '_>, known: &Known) -> Result<StatusResponse, EndpointError> {
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
            Some(ask(call, known, &method, &path).await?)
        }
    };
    let shown = held
        .mark
        .as_ref()
        .map(|mark| mark.factors)
        .unwrap_or_default();
    Ok(StatusResponse {
        level: if held.fresh_until.is_some() { 2 } else { 0 },
        methods: shown.iter().map(Factor::as_str).collect(),
        authenticated_at: known.session.authenticated_at.max(asserted_at).map(rfc3339),
        verified_at: held.mark.as_ref().map(|mark| rfc3339(mark.verified_at)),
        expires_at: held.fresh_until.map(rfc3339),
        grants: grants(call, known, held.grants),
        route,
    })
}

/// Those grants that a route in force would take, the first to end first.
fn grants(call: &Call<'_, '_>, known: &Known, held: Vec<Grant>) -> Vec<GrantView> {
    let table = call.web.shared.table.load();
    let texts = call.context.texts();
    let own = OwnAction::ALL
        .iter()
        .filter_map(|action| action.requirement(texts, &table));
    let requirements: Vec<Arc<Requirement>> = table
        .routes()
        .map(|route| route.requirement.clone())
        .chain(own)
        .collect();
    let mut views: Vec<_> = held
        .into_iter()
        .filter_map(|grant| {
            let ends = |requirement: &Arc<Requirement>| ends_at(call, known, requirement, &grant);
            let expires_at = requirements.iter().filter_map(ends).max()?;
            Some((
                expires_at,
                GrantView {
                    action: grant.key.action.to_string(),
                    level: grant.level.number(),
                    methods: grant.factors.iter().map(Factor::as_str).collect(),
                    bound: grant.key.binding.is_some(),
                    single_use: grant.key.single_use,
                    granted_at: rfc3339(grant.granted_at),
                    expires_at: rfc3339(expires_at),
                },
            ))
        })
        .collect();
    views.sort_by_key(|(expires_at, _)| *expires_at);
    views.into_iter().map(|(_, view)| view).collect()
}

/// Until when a grant opens what `requirement` guards; `None` if it does not.
fn ends_at(
    call: &Call<'_, '_>,
    known: &Known,
    requirement: &Arc<Requirement>,
    grant: &Grant,
) -> Option<Timestamp> {
    let demand = Demand {
        requirement: requirement.clone(),
        binding: grant.key.binding,
    };
    if !requirement.needs_grant() || demand.grant_key() != grant.key {
        return None;
    }
    let mut evidence = Evidence {
        session: SessionState::Known(known.session.clone()),
        browser_key: known.caller.browser_key,
        ..Evidence::none()
    };
    if grant.key.single_use {
        // As if a request had taken it.
        evidence.claims.push(Claim {
            session: known.id,
            grant: grant.clone(),
        });
    } else {
        evidence.grants.push(grant.clone());
    }
    let now = call.web.sessions.shared.clock.now();
    let is_met = unmet(&demand, &evidence, now).is_none();
    let ends = grant.granted_at.after(requirement.max_age);
    is_met.then(|| ends.min(grant.expires_at))
}

/// What a request would meet, as far as it can be told without its body. Takes nothing.
async fn ask(
    call: &Call<'_, '_>,
    known: &Known,
    method: &str,
    target: &str,
) -> Result<RouteStatus, EndpointError> {
    let foreseen = foresee(call, known, method, target).await?;
    let unmet = foreseen.unmet;
    let Some(demand) = foreseen.strictest() else {
        return Ok(RouteStatus {
            guarded: false,
            satisfied: unmet.is_none(),
            needs: RouteNeeds::default(),
            reason: unmet.map(|unmet| unmet.reason.as_str()),
        });
    };
    let requirement = &demand.requirement;
    let verifier = &call.web.verifier;
    let ways = verifier.open_ways(requirement, &known.claimant()).await?;
    let reason = unmet.map(|unmet| match unmet.reason.kind() {
        // What the request itself would be told.
        ReasonKind::StepUp if ways.is_empty() => Reason::MethodNotEnrolled,
        ReasonKind::StepUp
        | ReasonKind::Answer
        | ReasonKind::Denial
        | ReasonKind::Fault
        | ReasonKind::Request
        | ReasonKind::Session => unmet.reason,
    });
    Ok(RouteStatus {
        guarded: true,
        satisfied: reason.is_none(),
        needs: needs(call, &known.caller, requirement, &ways),
        reason: reason.map(Reason::as_str),
    })
}

fn needs(
    call: &Call<'_, '_>,
    caller: &Caller,
    requirement: &Requirement,
    ways: &[FactorSet],
) -> RouteNeeds {
    let is_offered = !ways.is_empty() && call.web.verifier.takes_devices(requirement);
    let places = || places(call.web, call.context, caller, &call.parts.headers);
    RouteNeeds {
        action: Some(requirement.action.to_string()),
        level: requirement.level.number(),
        factors: words(ways, FactorSet::EMPTY),
        confirm: requirement.confirm.clone(),
        max_age: Some(requirement.max_age.as_secs()),
        single_use: requirement.single_use,
        approval: requirement.approval.is_some(),
        device: is_offered.then(places).flatten(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(name: &'static str, lines: &[&'static str]) -> HeaderMap {
        let line = |line: &&'static str| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(line))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(line) {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn whoever_would_wait_says_so_as_the_rfc_lets_them() {
        let waits =
            |lines: &[&'static str]| wait(&headers("prefer", lines)).map(|span| span.as_secs());
        for (lines, seconds) in [
            (&["wait=30"][..], Some(30)),
            (&["respond-async, Wait = \"30\"; more"], Some(30)),
            (&["respond-async", "wait=5"], Some(5)),
            (&["wait=99999"], Some(60)),
            (&["wait=-1"], None),
            (&["wait"], None),
            (&["await=9"], None),
            (&[], None),
        ] {
            assert_eq!(waits(lines), seconds, "{lines:?}");
        }
    }
}
