//! Routes: what they match and what they require. How they are found is the table's business.

use super::{MethodSet, Requirement, RouteId, WholeRegex};
use std::sync::Arc;

/// One entry of a policy file.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its `id`, unique over all policy files.
    pub id: RouteId,
    /// What it matches.
    pub matcher: Matcher,
    /// What it requires.
    pub requirement: Arc<Requirement>,
}

/// What a route matches. All parts must hold.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// The effective methods; every method the request claims counts.
    pub methods: MethodSet,
    /// The path.
    pub path: PathPattern,
    /// Which readings of the path count.
    pub reading: Reading,
    /// The host, if it matters.
    pub host: Option<HostPattern>,
    /// Query parameters.
    pub query: Vec<(String, ValueTest)>,
    /// Request headers.
    pub headers: Vec<(http::HeaderName, ValueTest)>,
    /// What the body must hold.
    pub body: Vec<BodyMatcher>,
    /// When the route does not apply after all; holds only under every reading.
    pub except: Vec<Exception>,
}

/// An exception inside a route's own match. All parts given must hold.
#[derive(Clone, Debug)]
pub struct Exception {
    /// The methods it excepts; every method that the request claims must be among them.
    pub methods: MethodSet,
    /// The path it excepts.
    pub path: Option<PathPattern>,
    /// The host it excepts.
    pub host: Option<HostPattern>,
    /// Query parameters that must hold.
    pub query: Vec<(String, ValueTest)>,
    /// Request headers that must hold.
    pub headers: Vec<(http::HeaderName, ValueTest)>,
}

/// What a path must look like, as written in the policy.
#[derive(Clone, Debug)]
pub enum PathPattern {
    /// `path_regex`: must cover the whole path.
    Regex(WholeRegex),
    /// `path`: `/users/{id}/delete`; `{x}` is one segment, `{x...}` the rest.
    Template(String),
}

/// Which readings of a path count (`reading: literal` narrows to the bytes as they came).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// Every way an application may read it.
    #[default]
    Every,
    /// The bytes as they came.
    Literal,
}

/// A host a route is limited to; lower case, without port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// This host.
    Exact(String),
    /// `*.example.com`: any host below this one; holds `.example.com`.
    Suffix(String),
}

/// What a value must be.
#[derive(Clone, Debug)]
pub enum ValueTest {
    /// No such key.
    Absent,
    /// Exactly this value; every value counts if the key occurs twice.
    Equals(String),
    /// Any value, also the empty one.
    Present,
    /// The regex must cover the whole value.
    Regex(WholeRegex),
}

/// What a body must hold.
#[derive(Clone, Debug)]
pub enum BodyMatcher {
    /// A field of an urlencoded or multipart form.
    Form(String, ValueTest),
    /// A GraphQL document runs one of these operations: by operation name or by root field.
    GraphQl(Vec<String>),
    /// A JSON pointer (RFC 6901).
    Json(String, ValueTest),
}

/// What happens to a request that no route matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// It is refused.
    Deny,
    /// It is forwarded.
    Forward,
}

impl BodyMatcher {
    /// Whether what it looks for may be sent unseen: GraphQL and JSON-RPC servers take over a WebSocket
    /// what they take by POST. Forms are sent in no such protocol.
    pub fn is_sent_unseen(&self) -> bool {
        match self {
            Self::Form(..) => false,
            Self::GraphQl(_) | Self::Json(..) => true,
        }
    }
}

impl HostPattern {
    /// Whether `host` (lower case, without port) is meant.
    pub fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(exact) => host == exact,
            Self::Suffix(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
        }
    }
}
