//! Why a request belongs to a route, or does not: every part, for people.

use super::RouteTable;
use super::compiled::{Compiled, header_test_holds, query_test_holds};
use super::exception::{BodyFields, Failing};
use super::found::applies;
use crate::domain::body::Body;
use crate::domain::{
    BodyMatcher, HostPattern, Method, MethodSet, PathPattern, Reading, RequestHead, Route,
    ValueTest,
};
use std::sync::Arc;

/// How a request stands to one route.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The route.
    pub route: Arc<Route>,
    /// Whether it applies.
    pub verdict: Applicability,
    /// Every part of its match. The path is the first.
    pub parts: Vec<MatchPart>,
}

/// One part of a route's match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchPart {
    /// What is asked, such as ``path `/users/{id}` ``.
    pub asked: String,
    /// Whether it holds, or what keeps it open.
    pub verdict: Applicability,
}

/// Whether something holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applicability {
    /// It does not.
    Fails,
    /// It does.
    Holds,
    /// The body cannot tell, so the request is refused; holds why.
    Refused(String),
    /// Only the body can tell.
    WaitsForBody,
}

impl RouteTable {
    /// For every route, how `head` stands to it. Goes through all of them without the index.
    pub fn explain(&self, head: &RequestHead<'_>, body: Option<&Body<'_>>) -> Vec<Explained> {
        self.routes
            .iter()
            .map(|compiled| explained(compiled, head, body))
            .collect()
    }
}

impl Explained {
    /// Whether the path is the route's, so that the other parts are worth showing.
    pub fn path_holds(&self) -> bool {
        self.parts
            .first()
            .is_some_and(|part| part.verdict == Applicability::Holds)
    }
}

fn explained(compiled: &Compiled, head: &RequestHead<'_>, body: Option<&Body<'_>>) -> Explained {
    let matcher = &compiled.route.matcher;
    let mut parts = vec![MatchPart::new(
        path_asked(matcher),
        compiled.path_holds(head.path),
    )];
    // Then neither method nor values are asked for: what is sent later cannot be seen.
    let hidden = compiled.hides_in(head);
    if hidden {
        let asked = "an upgrade, in which what it looks for is sent unseen";
        parts.push(MatchPart::new(asked.to_owned(), true));
    }
    if !hidden && !matcher.methods.is_empty() && matcher.methods != MethodSet::ALL {
        let (wanted, claimed) = (listed(matcher.methods), listed(head.claimed));
        let asked = format!("method {wanted}, and the request claims {claimed}");
        parts.push(MatchPart::new(asked, compiled.methods_hold(head.claimed)));
    }
    if let Some(host) = &matcher.host {
        parts.push(MatchPart::new(
            format!("host `{}`", host_asked(host)),
            compiled.host_holds(head),
        ));
    }
    if !hidden {
        parts.extend(tested(compiled, head, body));
    }
    parts.extend(excepted(compiled, head, body));
    let verdict = verdict(compiled, head, body);
    Explained {
        route: Arc::clone(&compiled.route),
        verdict,
        parts,
    }
}

/// The tests of values.
fn tested(compiled: &Compiled, head: &RequestHead<'_>, body: Option<&Body<'_>>) -> Vec<MatchPart> {
    let matcher = &compiled.route.matcher;
    let mut parts = Vec::new();
    for (name, test) in &matcher.query {
        let asked = format!("query `{name}` {}", test_asked(test));
        parts.push(MatchPart::new(asked, query_test_holds(head, name, test)));
    }
    // Told apart, so that nobody looks in the query for what is not there.
    if body.is_some_and(|body| compiled.query_holds_with(head, body)) && !compiled.query_holds(head)
    {
        let asked = "what is asked of the query is in the body, which some read instead";
        parts.push(MatchPart::new(asked.to_owned(), true));
    }
    for (name, test) in &matcher.headers {
        let asked = format!("header `{name}` {}", test_asked(test));
        parts.push(MatchPart::new(asked, header_test_holds(head, name, test)));
    }
    if !matcher.body.is_empty() && Body::query_asks(&matcher.body, head) {
        let asked = "all that is asked of the body is in the query, which some read instead";
        parts.push(MatchPart::new(asked.to_owned(), true));
    }
    for matcher in &matcher.body {
        let verdict = body.map_or(Applicability::WaitsForBody, |body| {
            Applicability::of(body.holds(matcher, head))
        });
        parts.push(MatchPart {
            asked: body_asked(matcher),
            verdict,
        });
    }
    parts
}

/// The exceptions, and what of each does not hold.
fn excepted(
    compiled: &Compiled,
    head: &RequestHead<'_>,
    body: Option<&Body<'_>>,
) -> Vec<MatchPart> {
    let mut parts = Vec::new();
    for (index, exception) in compiled.exceptions().iter().enumerate() {
        let failing = |fields| exception.fails(head, head.claimed, fields);
        let fields = body.map_or(BodyFields::Unknown, BodyFields::Of);
        let (finding, verdict) = match (failing(BodyFields::Ignored), failing(fields)) {
            // An exception that holds takes the request out of the route.
            (_, None) => ("holds".to_owned(), Applicability::Fails),
            (None, Some(_)) if body.is_none() => (
                "holds if no field of the body has a name of it".to_owned(),
                Applicability::WaitsForBody,
            ),
            (Some(why), _) | (None, Some(why)) => (
                format!("does not hold: {}", why_not(&why)),
                Applicability::Holds,
            ),
        };
        let asked = format!("exception {} {finding}", index + 1);
        parts.push(MatchPart { asked, verdict });
    }
    parts
}

fn verdict(compiled: &Compiled, head: &RequestHead<'_>, body: Option<&Body<'_>>) -> Applicability {
    use super::compiled::HeadMatch;
    if !compiled.path_holds(head.path) {
        return Applicability::Fails;
    }
    match (compiled.standing(head), body) {
        (HeadMatch::Applies, _) => Applicability::Holds,
        (HeadMatch::Excluded, _) => Applicability::Fails,
        (HeadMatch::WaitsForBody, None) => Applicability::WaitsForBody,
        (HeadMatch::WaitsForBody, Some(body)) => Applicability::of(applies(compiled, head, body)),
    }
}

fn listed(methods: MethodSet) -> String {
    let names: Vec<_> = methods.iter().map(Method::as_str).collect();
    names.join(", ")
}

fn path_asked(matcher: &crate::domain::Matcher) -> String {
    let literally = match matcher.reading {
        Reading::Every => "",
        Reading::Literal => ", literally",
    };
    match &matcher.path {
        PathPattern::Regex(regex) => format!("path_regex `{}`{literally}", regex.as_str()),
        PathPattern::Template(text) => format!("path `{text}`{literally}"),
    }
}

fn host_asked(host: &HostPattern) -> String {
    match host {
        HostPattern::Exact(host) => host.clone(),
        HostPattern::Suffix(suffix) => format!("*{suffix}"),
    }
}

fn test_asked(test: &ValueTest) -> String {
    match test {
        // A doubled or escaped name is there to one parser and not to the next.
        ValueTest::Absent => "is absent to some application".to_owned(),
        ValueTest::Equals(value) => format!("is `{value}`"),
        ValueTest::Present => "is present".to_owned(),
        ValueTest::Regex(regex) => format!("matches `{}`", regex.as_str()),
    }
}

fn why_not(failing: &Failing) -> String {
    match failing {
        Failing::Body(name) => format!("a field of the body is named like its query `{name}`"),
        Failing::Header(name) => {
            format!("its header `{name}` is not there as asked, or not once and plainly")
        }
        Failing::Host => "another host, or another spelling of it".to_owned(),
        Failing::Methods => "the request claims a method that it does not except".to_owned(),
        Failing::Path(reading) => format!("the path may be read as `{reading}`"),
        Failing::Query(name) => {
            format!("its query `{name}` is not there as asked, or not once and plainly")
        }
    }
}

fn body_asked(matcher: &BodyMatcher) -> String {
    match matcher {
        BodyMatcher::Form(name, test) => format!("form field `{name}` {}", test_asked(test)),
        BodyMatcher::GraphQl(names) => format!("GraphQL runs one of `{}`", names.join("`, `")),
        BodyMatcher::Json(pointer, test) => format!("JSON `{pointer}` {}", test_asked(test)),
    }
}

impl MatchPart {
    fn new(asked: String, holds: bool) -> Self {
        let verdict = if holds {
            Applicability::Holds
        } else {
            Applicability::Fails
        };
        Self { asked, verdict }
    }
}

impl Applicability {
    fn of(answer: Result<bool, crate::domain::BodyRefusal>) -> Self {
        match answer {
            Ok(true) => Self::Holds,
            Ok(false) => Self::Fails,
            Err(refusal) => Self::Refused(refusal.to_string()),
        }
    }
}
