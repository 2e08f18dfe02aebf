//! One route, made ready for matching.

use super::error::TableError;
use super::exception::{BodyFields, CompiledException};
use crate::domain::occurrence::in_headers;
use crate::domain::parameters::{cookies_named, may_be_key};
use crate::domain::path::{Template, captures_empty, captures_folded};
use crate::domain::request::{body_may_claim_methods, body_may_hold_parameters, header_values};
use crate::domain::{
    Body, BodyMatcher, Captures, Field, Matcher, Method, MethodSet, PathPattern, Reading,
    RequestHead, RequestPath, Requirement, Route, RouteId, ValueTest, WholeRegex,
};
use std::sync::Arc;

/// A route with its path folded and its exceptions understood.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) route: Arc<Route>,
    pub(super) path: CompiledPath,
    exceptions: Vec<CompiledException>,
    /// Whether this is the page that hosts a form, rather than what the form is sent to.
    pub(super) is_page: bool,
}

#[derive(Debug)]
pub(super) enum CompiledPath {
    Regex {
        exact: WholeRegex,
        folded: WholeRegex,
    },
    Template {
        template: Template,
        forms: Vec<String>,
    },
}

/// What is known of a route whose path matches, before the body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadMatch {
    Applies,
    Excluded,
    WaitsForBody,
}

impl Compiled {
    pub(super) fn new(route: Route) -> Result<Self, TableError> {
        let path = match &route.matcher.path {
            PathPattern::Regex(exact) => CompiledPath::Regex {
                folded: exact
                    .ignoring_case()
                    .map_err(|source| TableError::regex(&route, source))?,
                exact: exact.clone(),
            },
            PathPattern::Template(text) => {
                let template =
                    Template::parse(text).map_err(|e| TableError::template(&route, e))?;
                CompiledPath::Template {
                    forms: template.route_forms(),
                    template,
                }
            }
        };
        let exceptions = route
            .matcher
            .except
            .iter()
            .map(|exception| CompiledException::new(exception, &route))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            path,
            exceptions,
            route: Arc::new(route),
            is_page: false,
        })
    }

    /// The page that hosts the form of `route`, if it names one: whoever opens it proves first what
    /// the form will need, so that nothing is typed in vain.
    pub(super) fn page_of(route: &Route) -> Result<Option<Self>, TableError> {
        let Some(anchor) = &route.requirement.anchor else {
            return Ok(None);
        };
        let template = Template::parse(anchor).map_err(|e| TableError::template(route, e))?;
        let mut requirement = Requirement::clone(&route.requirement);
        // The form's own fields are yet to come.
        requirement.show.retain(|(_, field)| match field {
            Field::Path(name) => template.names().any(|known| known == name),
            Field::Form(_) | Field::Header(_) | Field::Json(_) | Field::Query(_) => false,
        });
        let matcher = Matcher {
            methods: MethodSet::EMPTY.with(Method::Get),
            path: PathPattern::Template(anchor.clone()),
            reading: route.matcher.reading,
            host: route.matcher.host.clone(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
            except: Vec::new(),
        };
        let page = Self::new(Route {
            // No policy can give this name to another route.
            id: RouteId::new(format!("{}#anchor", route.id)),
            matcher,
            requirement: Arc::new(requirement),
        })?;
        Ok(Some(Self {
            is_page: true,
            ..page
        }))
    }

    /// What the path holds for the route's placeholders, under all readings that match.
    pub(super) fn captures(&self, path: &RequestPath<'_>) -> Option<Captures> {
        let mut captures = Captures::default();
        let mut matched = false;
        match self.route.matcher.reading {
            Reading::Literal => matched = self.capture_literally(path.raw(), &mut captures),
            Reading::Every => {
                for reading in path.readings() {
                    matched |= self.capture_folded(reading, &mut captures);
                }
            }
        }
        matched.then_some(captures)
    }

    /// Whether any reading of the path matches; asks neither the index nor the request.
    pub(super) fn path_holds(&self, path: &RequestPath<'_>) -> bool {
        self.captures(path).is_some()
    }

    /// Judges everything but the path and the body.
    pub(super) fn standing(&self, head: &RequestHead<'_>) -> HeadMatch {
        // Looking at the page is what asks; whatever else is sent there is not its business.
        if self.is_page && !matches!(head.method, Method::Get | Method::Head) {
            return HeadMatch::Excluded;
        }
        if self.hides_in(head) {
            return if self.host_holds(head) && !self.is_excepted(head, head.claimed, None) {
                HeadMatch::Applies
            } else {
                HeadMatch::Excluded
            };
        }
        // The body may name any other method (`_method`).
        let widest = if body_may_claim_methods(head) {
            MethodSet::ALL
        } else {
            head.claimed
        };
        if !(self.methods_hold(widest) && self.host_holds(head) && self.headers_hold(head)) {
            return HeadMatch::Excluded;
        }
        let query_holds = self.query_holds(head);
        let query_may_hold = query_holds || body_may_hold_parameters(head);
        if !query_may_hold || self.is_excepted(head, widest, None) {
            HeadMatch::Excluded
        } else if !self.route.matcher.body.is_empty()
            || !self.methods_hold(head.claimed)
            || self.may_be_excepted(head, head.claimed)
            || !query_holds
        {
            HeadMatch::WaitsForBody
        } else {
            HeadMatch::Applies
        }
    }

    /// Whether what the route looks for in a body may be sent unseen after this request. So the handshake
    /// is held to what the route requires, whatever method, query and headers it names, which messages do not
    /// have.
    pub(super) fn hides_in(&self, head: &RequestHead<'_>) -> bool {
        let mut body = self.route.matcher.body.iter();
        head.upgrades && body.any(BodyMatcher::is_sent_unseen)
    }

    pub(super) fn methods_hold(&self, claimed: MethodSet) -> bool {
        let methods = self.route.matcher.methods;
        methods.is_empty() || methods.intersects(claimed)
    }

    pub(super) fn host_holds(&self, head: &RequestHead<'_>) -> bool {
        // A root dot (`example.com.`) names the same host.
        let host = head.host.strip_suffix('.').unwrap_or(head.host);
        self.route
            .matcher
            .host
            .as_ref()
            .is_none_or(|pattern| head.may_be_for_any_host() || pattern.matches(host))
    }

    pub(super) fn query_holds(&self, head: &RequestHead<'_>) -> bool {
        self.route
            .matcher
            .query
            .iter()
            .all(|(name, test)| query_test_holds(head, name, test))
    }

    /// As [`Self::query_holds`], where a field of the body may stand for a parameter of the query:
    /// servlets, Rails and PHP's `$_REQUEST` do not tell one from the other.
    pub(super) fn query_holds_with(&self, head: &RequestHead<'_>, body: &Body<'_>) -> bool {
        let mut tests = self.route.matcher.query.iter();
        tests.all(|(name, test)| {
            if test.is_absence() {
                query_test_holds(head, name, test) || body.parameter(name).is_possible()
            } else {
                query_test_holds(head, name, test)
                    || test.holds_for_any(body.parameters_named(name))
            }
        }) || self.body_asks(body)
    }

    /// Whether the body alone asks for all that the route wants of the query. Such an application may
    /// not look at the query of a POST at all (CGI.pm): what is absent is then asked of the body.
    fn body_asks(&self, body: &Body<'_>) -> bool {
        let tests = &self.route.matcher.query;
        let names_any = tests.iter().any(|(_, test)| !test.is_absence());
        !tests.is_empty()
            && (names_any || body.is_filled_form())
            && tests.iter().all(|(name, test)| {
                if test.is_absence() {
                    !body.parameter(name).is_certain()
                } else {
                    test.holds_for_any(body.parameters_named(name))
                }
            })
    }

    pub(super) fn headers_hold(&self, head: &RequestHead<'_>) -> bool {
        self.route
            .matcher
            .headers
            .iter()
            .all(|(name, test)| header_test_holds(head, name, test))
    }

    /// Whether an exception holds: under every reading, and for every claimed method. Without
    /// the body, whether one holds whatever the body says.
    pub(super) fn is_excepted(
        &self,
        head: &RequestHead<'_>,
        claimed: MethodSet,
        body: Option<&Body<'_>>,
    ) -> bool {
        let fields = body.map_or(BodyFields::Unknown, BodyFields::Of);
        self.exceptions
            .iter()
            .any(|exception| exception.fails(head, claimed, fields).is_none())
    }

    /// Whether an exception holds unless the body says otherwise.
    pub(super) fn may_be_excepted(&self, head: &RequestHead<'_>, claimed: MethodSet) -> bool {
        self.exceptions.iter().any(|exception| {
            exception
                .fails(head, claimed, BodyFields::Ignored)
                .is_none()
        })
    }

    pub(super) fn exceptions(&self) -> &[CompiledException] {
        &self.exceptions
    }

    fn capture_literally(&self, raw: &str, into: &mut Captures) -> bool {
        match &self.path {
            CompiledPath::Regex { exact, .. } => into.add_groups(exact.named_groups(raw)),
            CompiledPath::Template { template, .. } => {
                into.add(template.names(), template.captures_exactly(raw))
            }
        }
    }

    fn capture_folded(&self, reading: &str, into: &mut Captures) -> bool {
        match &self.path {
            CompiledPath::Regex { folded, .. } => into.add_groups(folded.named_groups(reading)),
            // Every form, not the first: each may take the values from other places.
            CompiledPath::Template { template, forms } => {
                let mut matched = false;
                for form in forms {
                    matched |= into.add(template.names(), captures_folded(form, reading));
                    matched |= into.add(template.names(), captures_empty(form, reading));
                }
                matched
            }
        }
    }
}

pub(super) fn query_test_holds(head: &RequestHead<'_>, name: &str, test: &ValueTest) -> bool {
    let cookies = cookies_named(head.headers, name);
    if test.is_absence() {
        return !cookies.is_empty() || !head.parameter(name).is_certain();
    }
    let sent = head.parameters();
    let named = sent.filter(|(key, _)| may_be_key(key, name));
    test.holds_for_any(named.map(|(_, value)| value)) || test.holds_for_any(cookies.iter())
}

pub(super) fn header_test_holds(
    head: &RequestHead<'_>,
    name: &http::HeaderName,
    test: &ValueTest,
) -> bool {
    if test.is_absence() {
        !in_headers(head.headers, name).is_certain()
    } else {
        test.holds_for_any(header_values(head.headers, name))
    }
}
