//! A request that is yet to come: what it would meet, and the challenge for it.

use super::approval::where_to;
use super::prompt::document;
use super::{Call, EndpointError, Known};
use crate::domain::{
    Authority, Binding, Body, Demand, Enforcement, Match, Method, MethodSet, Reason, RequestHead,
    RequestPath, ReturnTarget, RouteId, Secret, Unmet, Verdict, binding_parts, reads_body, values,
};
use crate::gate;
use crate::verification::NewChallenge;
use crate::web::api::AheadResponse;
use crate::web::respond;
use bytes::Bytes;
use http::{HeaderMap, Response};

/// What a request would meet, as far as it can be told without its body.
pub(super) struct Foreseen {
    asked: Vec<AskedOf>,
    demands: Vec<Demand>,
    /// What it lacks; nothing if it would pass.
    pub(super) unmet: Option<Unmet>,
    /// Whether no proof would help.
    is_denied: bool,
}

/// Of what one of the demands is made.
struct AskedOf {
    route: RouteId,
    shown: Vec<(String, String)>,
    /// Whether a proof fits a body that is not known yet.
    rests_on_body: bool,
}

impl Foreseen {
    /// The demand that is not met, or else the strictest; `None` if there is none.
    pub(super) fn strictest(&self) -> Option<&Demand> {
        let first = self.unmet.and_then(|unmet| unmet.index);
        first.and_then(|at| self.demands.get(at)).or_else(|| {
            let demands = self.demands.iter();
            demands.max_by_key(|demand| demand.requirement.level)
        })
    }
}

/// Looks what the request `method` `target` would meet. Takes nothing.
pub(super) async fn foresee(
    call: &Call<'_, '_>,
    known: &Known,
    method: &str,
    target: &str,
) -> Result<Foreseen, EndpointError> {
    let options = &call.web.shared.options;
    let method: Method = method
        .to_ascii_uppercase()
        .parse()
        .map_err(|_| EndpointError::Malformed("`method` to be one that is forwarded".into()))?;
    let (path, query) = target
        .split_once('?')
        .map_or((target, None), |(path, query)| (path, Some(query)));
    let path = RequestPath::of_target(path, query, &options.accept)?;
    let headers = HeaderMap::new();
    let host = Authority::parse(call.context.authority());
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
    let found = call.web.shared.table.load().find(&head).all();
    let enforced = |found: &Match| found.route.requirement.enforcement == Enforcement::Enforce;
    let found = found.iter().filter(|found| enforced(found));
    let (asked, demands): (Vec<_>, Vec<_>) = found.map(|found| demand(found, &head)).unzip();
    let store = &call.web.sessions.store;
    let now = call.web.sessions.shared.clock.now();
    let (unmet, is_denied) = match gate::preview(store, &known.caller, &demands, now).await? {
        Verdict::Pass(_) => (None, false),
        Verdict::Challenge(unmet) => (Some(unmet), false),
        Verdict::Deny(unmet) => (Some(unmet), true),
    };
    Ok(Foreseen {
        asked,
        demands,
        unmet,
        is_denied,
    })
}

/// What a route demands of a request of which only the head is known.
fn demand(Match { route, captures }: &Match, head: &RequestHead<'_>) -> (AskedOf, Demand) {
    let empty = Body::read_or_opaque(head.headers, &[]);
    let requirement = route.requirement.clone();
    let parts = binding_parts(&requirement, head, captures, &empty);
    let shown = requirement.show.iter().filter_map(|(label, field)| {
        let shown = values(field, head, captures, &empty);
        (!shown.is_empty()).then(|| (label.clone(), shown.join(", ")))
    });
    let sends = matches!(head.method, Method::Patch | Method::Post | Method::Put);
    let is_whole = requirement.bind == Binding::Request && sends;
    let asked = AskedOf {
        route: route.id.clone(),
        shown: shown.collect(),
        rests_on_body: is_whole || reads_body(&requirement, head),
    };
    let binding = parts.map(|parts| gate::digest(&parts));
    let demand = Demand {
        requirement,
        binding,
    };
    (asked, demand)
}

/// `GET challenge?method=&path=`: the challenge that the request would be refused with.
pub(super) async fn challenge(
    call: &Call<'_, '_>,
    target: &str,
) -> Result<Response<Bytes>, EndpointError> {
    let (web, context) = (call.web, call.context);
    // It is for scripts: a link of another site must not put a prompt before anybody that no action of theirs asked for.
    if context.listed_origin().is_none() && !context.is_same_origin() {
        return Err(EndpointError::CrossSite);
    }
    if context.hints.reads_pages() {
        return Err(EndpointError::Refused(Reason::NotFound));
    }
    let known = call.identify().await?;
    let method = call.parameter("method");
    let method = method.as_deref().unwrap_or("GET").to_ascii_uppercase();
    let foreseen = foresee(call, &known, &method, target).await?;
    let Some(unmet) = foreseen.unmet else {
        return Ok(respond::json(context, &AheadResponse { satisfied: true }));
    };
    if foreseen.is_denied {
        return Err(EndpointError::Refused(unmet.reason));
    }
    let Foreseen { asked, demands, .. } = foreseen;
    let mut pairs = asked.into_iter().zip(demands);
    let pair = unmet.index.and_then(|at| pairs.nth(at));
    let (asked, demand) = pair.ok_or(EndpointError::Refused(unmet.reason))?;
    if asked.rests_on_body {
        return Err(EndpointError::Malformed(EXPECTED.into()));
    }
    let shown = where_to((&method, target), &demand.requirement, asked.shown);
    let claimant = known.claimant();
    let new = NewChallenge {
        claimant,
        route: asked.route,
        demand,
        shown,
        return_to: ReturnTarget::Caller,
        device: None,
        back: context.page_before(),
    };
    let (token, challenge) = web.verifier.open(new);
    let token = Secret::new(token);
    document(
        web,
        context,
        &challenge,
        token,
        &claimant,
        (&unmet.reason.into(), None),
    )
    .await
}

const EXPECTED: &str = "a request that is judged without its body: what this one sends is part of what is proved, so send it, and it is refused with a challenge";
