//! What only shows when settings and policies are looked at together.

use super::compile::PASSKEY_HINT;
use super::options::Settings;
use crate::domain::{
    Accept, BodyMatcher, Factor, Field, Method, MethodSet, RequestHead, RequestPath, Route,
    RouteId, RouteTable, ValueTest, Watched,
};
use crate::yaml::{Diagnostic, Diagnostics, Severity};
use std::sync::Arc;

impl Settings {
    /// Warns of routes that need a mail server, and of those that guard a login, its page or a logout.
    pub fn remarks_on(&self, table: &RouteTable) -> Diagnostics {
        let mut remarks = Diagnostics::default();
        let mut warn = |message: String, hint: &str| {
            let mut remark = Diagnostic::whole_file(&self.file.display().to_string(), message);
            remark.severity = Severity::Warning;
            remarks.push(remark.hint(hint));
        };
        self.warn_of_factors(table, &mut warn);
        let approval = |route: &&Arc<Route>| route.requirement.approval.is_some();
        if self.mail.is_none()
            && let Some(route) = table.routes().find(approval)
        {
            let id = &route.id;
            warn(
                format!("route `{id}` asks for approvals, and there is no `mail`"),
                "approvers learn of a request only if they look at `approvals` below the prefix",
            );
        }
        if self.proxy.asking.is_some()
            && let Some(route) = table
                .routes()
                .find(|route| route.requirement.open_for.is_some())
        {
            let message = format!("`open_for` of route `{}` has no effect", route.id);
            warn(
                message,
                "what a proxy forwards by itself (`forward_auth`) is not ours to close",
            );
        }
        let learn = self.sessions.learn.as_ref();
        let logins = learn.into_iter().flat_map(|learn| &learn.logins);
        let logouts = learn.into_iter().flat_map(|learn| &learn.logouts);
        let logins = logins.map(|login| ("login", &login.request));
        let watched = logins.chain(logouts.map(|logout| ("logout", &**logout)));
        for (what, request) in watched {
            for route in guards_of(request, table) {
                let path = request.path();
                let message = format!("route `{route}` guards the {what} at `{path}` as well");
                warn(
                    message,
                    "nobody gets through it without a session: write the request as an `except` of the \
                     route, with what tells it from the others",
                );
            }
        }
        let page = self.sessions.login_page.as_deref().unwrap_or_default();
        let page = page.split_once('?').map_or(page, |(path, _)| path);
        for route in guards_at(
            page,
            MethodSet::EMPTY.with(Method::Get),
            "",
            |_| false,
            table,
        ) {
            warn(
                format!("route `{route}` guards the login page `{page}`"),
                "whoever must sign in is sent from there to itself, without end: limit the route to other \
                 methods (`methods: [POST]`), or write the page as an `except` of the route",
            );
        }
        remarks
    }

    /// Warns of factors that routes accept and nobody can have.
    fn warn_of_factors(&self, table: &RouteTable, warn: &mut impl FnMut(String, &str)) {
        let mail = |route: &&Arc<Route>| {
            let factors = route.requirement.factors.mentioned();
            factors.contains(Factor::EmailCode)
        };
        if self.mail.is_none()
            && let Some(route) = table.routes().find(mail)
        {
            let id = &route.id;
            let message = format!("route `{id}` accepts e-mailed codes, and there is no `mail`");
            warn(
                message,
                "nobody can pass by a code until `mail` names a mail server",
            );
        }
        // Only where a policy names it: the factors of a level are more than this one.
        let names_passkey = |route: &&Arc<Route>| {
            let requirement = &route.requirement;
            requirement.factors_narrowed
                && requirement.factors.mentioned().contains(Factor::Passkey)
        };
        if let Err(reason) = &self.passkeys
            && let Some(route) = table.routes().find(names_passkey)
        {
            let message = format!(
                "route `{}` accepts passkeys, and none can be had: {reason}",
                route.id
            );
            warn(message, PASSKEY_HINT);
        }
        let asks_provider = |route: &&Arc<Route>| {
            let requirement = &route.requirement;
            requirement.factors_narrowed && requirement.factors.mentioned().contains(Factor::Oidc)
                || !requirement.acr.is_empty()
        };
        if self.oidc.is_none()
            && let Some(route) = table.routes().find(asks_provider)
        {
            let message = format!(
                "route `{}` names `oidc`, and there is no `verification.oidc`",
                route.id
            );
            let hint = "nobody can pass by it until `verification.oidc` names an identity provider";
            warn(message, hint);
        }
    }
}

/// The routes that guard a watched request, as far as its path, methods and query tell.
fn guards_of(request: &Watched, table: &RouteTable) -> Vec<RouteId> {
    let query = request.tests().iter().filter_map(|(field, test)| {
        let (Field::Query(name), ValueTest::Equals(value)) = (field, test) else {
            return None;
        };
        Some((name, value))
    });
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    let is_asked_for = |matcher: &BodyMatcher| match matcher {
        BodyMatcher::GraphQl(names) => names.iter().any(|name| request.operations().contains(name)),
        BodyMatcher::Form(name, test) => is_tested(request, &Field::Form(name.clone()), test),
        BodyMatcher::Json(name, test) => is_tested(request, &Field::Json(name.clone()), test),
    };
    // A route without any waits for a parameter that the body may hold: of this request it is not known.
    let of_body = |route: &Route| {
        let asked = &route.matcher.body;
        !asked.is_empty() && asked.iter().all(is_asked_for)
    };
    guards_at(request.path(), request.methods(), &query, of_body, table)
}

/// Whether a watched request has the value of `field` that a route asks for.
fn is_tested(request: &Watched, field: &Field, test: &ValueTest) -> bool {
    let mut tests = request.tests().iter();
    tests.any(|(known, wanted)| match (test, wanted) {
        (ValueTest::Equals(one), ValueTest::Equals(other)) => known == field && one == other,
        (ValueTest::Regex(one), ValueTest::Equals(other)) => known == field && one.is_match(other),
        (ValueTest::Present, ValueTest::Equals(_) | ValueTest::Present | ValueTest::Regex(_)) => {
            known == field
        }
        (
            ValueTest::Absent | ValueTest::Equals(_) | ValueTest::Present | ValueTest::Regex(_),
            _,
        ) => false,
    })
}

/// The routes that guard a path; of those that ask for a body, the ones whose `of_body` is so.
fn guards_at(
    path: &str,
    methods: MethodSet,
    query: &str,
    of_body: impl Fn(&Route) -> bool,
    table: &RouteTable,
) -> Vec<RouteId> {
    let Ok(path) = RequestPath::parse(path, &Accept::default()) else {
        return Vec::new();
    };
    let headers = http::HeaderMap::new();
    let mut routes = Vec::new();
    for method in methods.iter() {
        let head = RequestHead {
            method,
            claimed: MethodSet::EMPTY.with(method),
            host: "*", // which one is not known: a route that is limited to one is left out
            path: &path,
            query: Some(query).filter(|query| !query.is_empty()),
            headers: &headers,
            upgrades: false,
        };
        let found = table.find(&head);
        let certain = found.matches().iter().map(|found| &found.route);
        for route in certain.chain(found.waiting().filter(|route| of_body(route))) {
            if !routes.contains(&route.id) {
                routes.push(route.id.clone());
            }
        }
    }
    routes
}
