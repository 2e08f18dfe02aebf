//! The route table: which routes a request belongs to.
//!
//! Routes have no order. A route applies if it matches under any reading of the request; all that
//! apply must be satisfied. What only the body can tell is left open until the body is there.

mod captures;
mod compiled;
mod error;
mod exception;
mod explain;
mod found;
mod trie;

pub use captures::Captures;
pub use error::TableError;
pub use explain::{Applicability, Explained, MatchPart};
pub use found::{FoundRoutes, Match};

use crate::domain::{DefaultAction, Reading, RequestHead, Route, rests_on_body};
use compiled::{Compiled, CompiledPath, HeadMatch};
use http::HeaderName;
use regex::{RegexSet, RegexSetBuilder};
use std::collections::HashSet;
use std::sync::Arc;
use trie::Trie;

/// How large all path regexes together may grow, in bytes.
const REGEX_SIZE_LIMIT: usize = 64 << 20;

/// All routes of all policies, indexed. Immutable: a reload builds a new one.
#[derive(Debug)]
pub struct RouteTable {
    routes: Vec<Arc<Compiled>>,
    templates: Trie,
    // `None` without any: even an empty set costs half a MiB, most of it code that nobody else runs.
    regexes: Option<RegexSet>,
    // Which route each regex of the set belongs to.
    regex_routes: Vec<usize>,
    default: DefaultAction,
    inline_headers: Vec<HeaderName>,
}

impl RouteTable {
    /// Indexes `routes`, and the pages that host their forms where they name one (`anchor`).
    pub fn new(routes: Vec<Route>, default: DefaultAction) -> Result<Self, TableError> {
        let mut ids = HashSet::new();
        if let Some(twice) = routes.iter().find(|route| !ids.insert(&route.id)) {
            return Err(TableError::DoubledId(twice.id.clone()));
        }
        let mut pages = Vec::new();
        for route in &routes {
            pages.extend(Compiled::page_of(route)?);
        }
        let inline = routes
            .iter()
            .filter_map(|route| route.requirement.inline.as_ref());
        let mut inline_headers: Vec<_> = inline.map(|inline| inline.header.clone()).collect();
        inline_headers.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        inline_headers.dedup();
        let routes = routes.into_iter().map(Compiled::new);
        let routes = routes.chain(pages.into_iter().map(Ok));
        let routes = routes.collect::<Result<Vec<_>, _>>()?;
        let mut templates = Trie::new();
        let mut regexes = Vec::new();
        let mut regex_routes = Vec::new();
        for (index, compiled) in routes.iter().enumerate() {
            match (&compiled.path, compiled.route.matcher.reading) {
                (CompiledPath::Template { forms, .. }, _) => {
                    for form in forms {
                        templates.insert(form, index);
                    }
                }
                (CompiledPath::Regex { exact: regex, .. }, Reading::Literal)
                | (CompiledPath::Regex { folded: regex, .. }, Reading::Every) => {
                    regexes.push(regex.anchored());
                    regex_routes.push(index);
                }
            }
        }
        let regexes = (!regexes.is_empty()).then(|| {
            RegexSetBuilder::new(regexes)
                .size_limit(REGEX_SIZE_LIMIT)
                .build()
        });
        Ok(Self {
            routes: routes.into_iter().map(Arc::new).collect(),
            templates,
            regexes: regexes.transpose().map_err(TableError::Regexes)?,
            regex_routes,
            default,
            inline_headers,
        })
    }

    /// What happens to a request that no route matches.
    pub fn default_action(&self) -> DefaultAction {
        self.default
    }

    /// The headers in which some route lets a program bring a code.
    pub fn inline_headers(&self) -> &[HeaderName] {
        &self.inline_headers
    }

    /// All routes, in the order they were given, and then the pages of those that name one.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.iter().map(|compiled| &compiled.route)
    }

    /// How many routes the policies hold, without the pages of those that name one.
    pub fn count(&self) -> usize {
        self.routes.iter().filter(|one| !one.is_page).count()
    }

    /// Fails if a route cannot be judged without the body of requests.
    pub fn without_bodies(self) -> Result<Self, TableError> {
        let routes = self.routes.iter().filter(|one| !one.is_page);
        let routes = routes.filter(|one| rests_on_body(&one.route));
        let ids: Vec<_> = routes.map(|one| one.route.id.clone()).collect();
        if ids.is_empty() {
            Ok(self)
        } else {
            Err(TableError::Bodies(ids))
        }
    }

    /// Finds the routes that apply, and those that the body may make apply.
    ///
    /// Allocates nothing when no path matches.
    pub fn find(&self, head: &RequestHead<'_>) -> FoundRoutes {
        let mut found = FoundRoutes::default();
        let mut judged = Vec::new();
        let mut consider = |route| {
            if !judged.contains(&route) {
                judged.push(route);
                self.consider(route, head, &mut found);
            }
        };
        for reading in head.path.readings() {
            self.templates.for_each_match(reading, &mut consider);
            // The test alone allocates nothing; which ones matched is asked only if any did.
            if let Some(regexes) = self.regexes.as_ref().filter(|set| set.is_match(reading)) {
                for index in regexes.matches(reading) {
                    if let Some(route) = self.regex_routes.get(index) {
                        consider(*route);
                    }
                }
            }
        }
        found
    }

    fn consider(&self, route: usize, head: &RequestHead<'_>, found: &mut FoundRoutes) {
        let Some(compiled) = self.routes.get(route) else {
            return;
        };
        let standing = compiled.standing(head);
        if standing == HeadMatch::Excluded {
            return;
        }
        // The index ignores what `reading: literal` does not, so the route itself has the last word.
        if let Some(captures) = compiled.captures(head.path) {
            found.push(compiled, captures, standing);
        }
    }
}

#[cfg(test)]
mod tests;
