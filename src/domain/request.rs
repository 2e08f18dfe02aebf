//! What the table reads of a request besides its body, and which methods it claims.

use super::body::{is_urlencoded, may_hold_parameters};
use super::parameters::{parameters, same_key};
use super::{Method, MethodSet, RequestPath};
use std::borrow::Cow;

/// Header names by which frameworks let a request claim another method.
const OVERRIDE_HEADERS: &[&str] = &[
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];

/// Parameter names by which they let it do so in the query or in a form.
const OVERRIDE_PARAMETERS: &[&str] = &[
    "_method",
    "_httpmethod",
    "$httpmethod",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];

/// What a request asks for, apart from its headers and body.
#[derive(Clone, Copy, Debug)]
pub struct RequestLine<'r> {
    /// The method.
    pub method: Method,
    /// Every method the request claims, see [`claimed_methods`].
    pub claimed: MethodSet,
    /// The host it is for: lower case, without port.
    pub host: &'r str,
    /// Its path.
    pub path: &'r RequestPath<'r>,
    /// The query, without `?`.
    pub query: Option<&'r str>,
    /// Whether it is the handshake of another protocol (RFC 9110 §7.8), such as a WebSocket's: what is sent
    /// in that is never seen.
    pub upgrades: bool,
}

impl<'r> RequestLine<'r> {
    /// The head with these headers.
    pub fn head<'h>(&'h self, headers: &'h http::HeaderMap) -> RequestHead<'h>
    where
        'r: 'h,
    {
        RequestHead {
            method: self.method,
            claimed: self.claimed,
            host: self.host,
            path: self.path,
            query: self.query,
            headers,
            upgrades: self.upgrades,
        }
    }
}

/// A request without its body, as it is matched.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'r> {
    /// The method of the request line.
    pub method: Method,
    /// Every method the request claims, see [`claimed_methods`].
    pub claimed: MethodSet,
    /// The host it is for: lower case, without port. Empty if it names none: then it may be for any.
    pub host: &'r str,
    /// Its path.
    pub path: &'r RequestPath<'r>,
    /// The query, without `?`.
    pub query: Option<&'r str>,
    /// Its headers.
    pub headers: &'r http::HeaderMap,
    /// Whether it is the handshake of another protocol (RFC 9110 §7.8), such as a WebSocket's: what is sent
    /// in that is never seen.
    pub upgrades: bool,
}

impl<'r> RequestHead<'r> {
    /// A head that claims the methods it can be read to, for any host and without a handshake.
    pub fn new(
        method: Method,
        path: &'r RequestPath<'r>,
        query: Option<&'r str>,
        headers: &'r http::HeaderMap,
    ) -> Self {
        Self {
            method,
            claimed: claimed_methods(method, headers, path, query),
            host: "",
            path,
            query,
            headers,
            upgrades: false,
        }
    }

    /// The same for a host.
    #[must_use]
    pub fn for_host(self, host: &'r str) -> Self {
        Self { host, ..self }
    }

    /// Whether the application may take it for another host than [`Self::host`]: the request names
    /// none, or the path names one.
    pub(super) fn may_be_for_any_host(&self) -> bool {
        self.host.is_empty() || self.path.names_host()
    }

    /// The parameters of the query, and those behind a `?` that was escaped in the path, or behind a `;`: who
    /// decodes the target before splitting it finds them there, and Fastify 4 splits at either.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.queries().flat_map(parameters)
    }

    /// The query, and those that the path may hold.
    pub(super) fn queries(&self) -> impl Iterator<Item = &'r str> + use<'r> {
        self.query.into_iter().chain(self.hidden_queries())
    }

    /// The queries that the path may hold, in any reading.
    pub fn hidden_queries(&self) -> impl Iterator<Item = &'r str> + use<'r> {
        hidden_queries(self.path)
    }
}

/// The queries that a path may hold.
fn hidden_queries<'r>(path: &'r RequestPath<'r>) -> impl Iterator<Item = &'r str> {
    let readings = path.readings();
    readings.filter_map(|reading| Some(reading.split_once(['?', ';'])?.1))
}

/// Whether a header asks for another method than the request's own.
pub fn overrides_method(name: &str) -> bool {
    let mut headers = OVERRIDE_HEADERS.iter();
    headers.any(|known| same_header(name, known))
}

/// Every method that an application may take a request for: its own and all that override it.
///
/// HEAD is GET as well (RFC 9110 §9.3.2). OPTIONS counts as itself; routes without methods match it.
pub fn claimed_methods(
    method: Method,
    headers: &http::HeaderMap,
    path: &RequestPath<'_>,
    query: Option<&str>,
) -> MethodSet {
    // All of them, since it is not known which framework the application uses.
    let by_header = headers
        .iter()
        .filter(|(name, _)| overrides_method(name.as_str()))
        .fold(MethodSet::EMPTY, |claimed, (_, value)| {
            claimed.union(methods_in(&String::from_utf8_lossy(value.as_bytes())))
        });
    let queries = query.into_iter().chain(hidden_queries(path));
    let by_query = queries
        .filter(|query| may_override(query))
        .flat_map(parameters)
        .fold(MethodSet::EMPTY, |claimed, (name, value)| {
            claimed.union(claimed_by_field(&name, &value))
        });
    // With its own method: not every application heeds an override.
    with_get(by_header.union(by_query).with(method))
}

/// Whether the body may hold parameters that stand for those of the query: many frameworks take
/// a field of either for the other. Without a type, or with one that is none, Rack takes the body of a
/// POST for a form.
pub(super) fn body_may_hold_parameters(head: &RequestHead<'_>) -> bool {
    let types = head.headers.get_all(http::header::CONTENT_TYPE);
    let (mut untyped, mut holds) = (true, false);
    for value in types {
        let value = value.as_bytes();
        let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
        untyped &= !essence.contains(&b'/');
        holds |= may_hold_parameters(value);
    }
    holds || (untyped && head.method == Method::Post)
}

/// Whether those parameters may claim further methods (`_method`). Most frameworks let only a POST be
/// overridden; `CakePHP` also what else comes with an urlencoded form.
pub(super) fn body_may_claim_methods(head: &RequestHead<'_>) -> bool {
    if head.method == Method::Post {
        return body_may_hold_parameters(head);
    }
    let types = head.headers.get_all(http::header::CONTENT_TYPE);
    let mut types = types.iter().map(http::HeaderValue::as_bytes);
    matches!(head.method, Method::Put | Method::Patch | Method::Delete) && types.any(is_urlencoded)
}

/// The methods that one form field or query parameter claims.
pub(super) fn claimed_by_field(name: &str, value: &str) -> MethodSet {
    if OVERRIDE_PARAMETERS
        .iter()
        .any(|known| same_key(name, known))
    {
        with_get(methods_in(value))
    } else {
        MethodSet::EMPTY
    }
}

fn with_get(methods: MethodSet) -> MethodSet {
    if methods.contains(Method::Head) {
        methods.with(Method::Get)
    } else {
        methods
    }
}

/// Frameworks upper-case what they find; a list counts for each of its items, and a word that is no method
/// of ours for one that we do not know.
fn methods_in(value: &str) -> MethodSet {
    let words = value.split(|c: char| c == ',' || c.is_whitespace());
    let words = words.filter(|word| !word.is_empty());
    words.fold(MethodSet::EMPTY, |found, word| {
        match word.to_ascii_uppercase().parse() {
            Ok(method) => found.with(method),
            Err(_) => found.with_unknown(),
        }
    })
}

/// A cheap test before the query is decoded: all parameters that override have a `method` in
/// them, or escapes that may hide one.
fn may_override(query: &str) -> bool {
    query.contains('%')
        || query
            .as_bytes()
            .windows(6)
            .any(|six| six.eq_ignore_ascii_case(b"method"))
}

/// Every line that an application may take for header `name`.
pub(super) fn lines_like<'h>(
    headers: &'h http::HeaderMap,
    name: &http::HeaderName,
) -> impl Iterator<Item = (&'h http::HeaderName, &'h http::HeaderValue)> {
    headers
        .iter()
        .filter(move |(sent, _)| same_header(sent.as_str(), name.as_str()))
}

/// Every value of header `name`: of all lines, whole and by item.
pub(super) fn header_values<'h>(
    headers: &'h http::HeaderMap,
    name: &http::HeaderName,
) -> impl Iterator<Item = Cow<'h, str>> {
    lines_like(headers, name).flat_map(|(_, value)| {
        let line = String::from_utf8_lossy(value.as_bytes());
        let items: Vec<Cow<'h, str>> = if line.contains(',') {
            line.split(',')
                .map(|item| Cow::Owned(item.trim().to_owned()))
                .collect()
        } else {
            Vec::new()
        };
        // RFC 9110 §5.3: a list may be one line; whether the application takes it apart is not
        // known.
        std::iter::once(line).chain(items)
    })
}

/// The value of a header that is there once; a second line could be the one that somebody else reads.
pub fn only_line<'h>(
    headers: &'h http::HeaderMap,
    name: &http::HeaderName,
) -> Option<&'h http::HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    let value = lines.next()?;
    lines.next().is_none().then_some(value)
}

/// CGI, WSGI and PHP hand headers over as variables, where `-` and `_` are the same; Apache up to 2.2 makes
/// `_` of everything that is no letter or digit.
fn same_header(sent: &str, known: &str) -> bool {
    sent.len() == known.len()
        && sent.bytes().zip(known.bytes()).all(|(one, other)| {
            one == other || !(one.is_ascii_alphanumeric() || other.is_ascii_alphanumeric())
        })
}

#[cfg(test)]
mod tests;
