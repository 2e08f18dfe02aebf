//! Why routes make no table.

use crate::domain::path::TemplateError;
use crate::domain::{Route, RouteId};
use std::fmt;

/// Why routes make no table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Routes that cannot be judged where bodies are not told.
    #[error(
        "routes that depend on the body of requests, which proxies that ask do not tell: {}; without `forward_auth.body`, \
         level 4 binds by `bind` to parts of the path, headers and the query of GET, and no route matches or shows more",
        RouteNames(.0)
    )]
    Bodies(Vec<RouteId>),
    /// Two routes have one id.
    #[error("route `{0}` exists twice: ids are unique over all policy files")]
    DoubledId(RouteId),
    /// An exception without any part would except everything.
    #[error("route `{0}` has an exception that says nothing")]
    EmptyException(RouteId),
    /// A path regex does not compile.
    #[error("route `{route}`: its `path_regex` cannot be used")]
    Regex {
        /// The route.
        route: RouteId,
        /// Why.
        #[source]
        source: regex::Error,
    },
    /// All path regexes together are too large.
    #[error("all `path_regex` together are too large: use `path` where it is enough")]
    Regexes(#[source] regex::Error),
    /// A path template cannot be understood.
    #[error("route `{route}`: its path cannot be used")]
    Template {
        /// The route.
        route: RouteId,
        /// Why.
        #[source]
        source: TemplateError,
    },
}

/// Names in a row.
struct RouteNames<'i>(&'i [RouteId]);

impl fmt::Display for RouteNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for id in self.0 {
            write!(f, "{separator}`{id}`")?;
            separator = ", ";
        }
        Ok(())
    }
}

impl TableError {
    pub(super) fn regex(route: &Route, source: regex::Error) -> Self {
        Self::Regex {
            route: route.id.clone(),
            source,
        }
    }

    pub(super) fn template(route: &Route, source: TemplateError) -> Self {
        Self::Template {
            route: route.id.clone(),
            source,
        }
    }
}
