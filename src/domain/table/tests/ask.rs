//! Tables to ask, and what asks them.

use crate::domain::table::{Applicability, Match, RouteTable};
use crate::domain::{
    Accept, Action, Alternatives, Binding, Body, BodyRefusal, DefaultAction, Enforcement,
    Exception, Factor, Matcher, Method, MethodSet, PathPattern, Reading, RequestHead, RequestPath,
    Requirement, RiskLevel, Route, RouteId, Scope,
};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;
use std::time::Duration;

pub(super) const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn matcher(methods: &[Method], path: &str) -> Matcher {
    Matcher {
        methods: methods.iter().copied().collect(),
        path: PathPattern::Template(path.to_owned()),
        reading: Reading::Every,
        host: None,
        query: vec![],
        headers: vec![],
        body: vec![],
        except: vec![],
    }
}

pub(super) fn exception(path: &str) -> Exception {
    Exception {
        methods: MethodSet::EMPTY,
        path: Some(PathPattern::Template(path.to_owned())),
        host: None,
        query: vec![],
        headers: vec![],
    }
}

pub(super) fn route(id: &str, matcher: Matcher) -> Route {
    let requirement = Requirement {
        action: Action::new("a"),
        title: "".into(),
        level: RiskLevel::High,
        factors: Alternatives::any_of(&[Factor::Password]).unwrap(),
        factors_narrowed: false,
        acr: Vec::new(),
        max_age: Duration::from_mins(1),
        scope: Scope::Action,
        single_use: false,
        bind: Binding::Nothing,
        show: vec![],
        confirm: None,
        approval: None,
        device: true,
        anchor: None,
        inline: None,
        open_for: None,
        enforcement: Enforcement::Enforce,
    };
    Route {
        id: RouteId::new(id),
        matcher,
        requirement: Arc::new(requirement),
    }
}

pub(super) fn table(matchers: Vec<Matcher>) -> RouteTable {
    let routes = matchers
        .into_iter()
        .enumerate()
        .map(|(i, m)| route(&i.to_string(), m));
    RouteTable::new(routes.collect(), DefaultAction::Forward).unwrap()
}

/// A request, put before a table.
pub(super) struct Ask {
    method: Method,
    host: &'static str,
    target: &'static str,
    headers: HeaderMap,
    body: &'static str,
}

pub(super) fn ask(method: Method, target: &'static str) -> Ask {
    Ask {
        method,
        host: "app.example.com",
        target,
        headers: HeaderMap::new(),
        body: "",
    }
}

impl Ask {
    pub(super) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        self
    }

    pub(super) fn host(mut self, host: &'static str) -> Self {
        self.host = host;
        self
    }

    pub(super) fn body(mut self, content_type: &'static str, body: &'static str) -> Self {
        self.headers
            .append(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = body;
        self
    }

    fn with<T>(&self, then: impl FnOnce(&RequestHead<'_>) -> T) -> T {
        let (path, query) = self
            .target
            .split_once('?')
            .map_or((self.target, None), |(p, q)| (p, Some(q)));
        let path = RequestPath::parse(path, &Accept::default()).unwrap();
        let head = RequestHead::new(self.method, &path, query, &self.headers);
        then(&RequestHead {
            upgrades: self.headers.contains_key(http::header::UPGRADE),
            ..head.for_host(self.host)
        })
    }

    /// The matches, the body read if asked for; what explains says must agree.
    pub(super) fn settle(&self, table: &RouteTable) -> Result<Vec<Match>, BodyRefusal> {
        self.with(|head| {
            let found = table.find(head);
            if !found.awaits_body() {
                return Ok(found.matches().to_vec());
            }
            let body = Body::read(head.headers, self.body.as_bytes())?;
            let settled = found.settle(head, &body)?;
            let explained = table.explain(head, Some(&body));
            let holding = explained
                .iter()
                .filter(|e| e.verdict == Applicability::Holds)
                .count();
            assert_eq!(holding, settled.len());
            Ok(settled)
        })
    }

    pub(super) fn applies(&self, table: &RouteTable) -> bool {
        !self.settle(table).unwrap().is_empty()
    }

    /// What explains says of every part of the routes.
    pub(super) fn told(&self, table: &RouteTable) -> Vec<String> {
        self.with(|head| {
            let body = Body::read(head.headers, self.body.as_bytes()).ok();
            let explained = table.explain(head, body.as_ref());
            let parts = explained.into_iter().flat_map(|route| route.parts);
            parts.map(|part| part.asked).collect()
        })
    }

    pub(super) fn awaits_body(&self, table: &RouteTable) -> bool {
        self.with(|head| table.find(head).awaits_body())
    }
}
