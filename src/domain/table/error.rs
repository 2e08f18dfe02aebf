//! Why routes make no table.

use crate::domain::path::TemplateError;
use crate::domain::{Route, RouteId};

/// Why routes make no table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
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
