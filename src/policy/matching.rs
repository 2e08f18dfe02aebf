//! The `match` of a route: what it may say, and what that means.

use super::exception::exceptions;
use super::invalid::{Invalid, valid};
use super::pattern::{Bare, host, methods, regex, tests};
use super::raw::{RawGraphQl, RawMatch, RawReading};
use super::template;
use crate::domain::{
    BodyMatcher, HostPattern, Matcher, Method, MethodSet, PathPattern, Reading, ValueTest,
    WholeRegex,
};
use crate::yaml::{File, Path};
use http::HeaderName;

/// A matcher, and the names its path captures.
pub(super) struct Matched {
    pub(super) matcher: Matcher,
    pub(super) captures: Vec<String>,
}

/// Compiles the `match` of a route.
pub(super) fn compile(raw: &RawMatch, file: &mut File, at: &Path) -> Option<Matched> {
    let methods = methods(raw.methods.as_deref(), file, &at.key("methods"));
    let path = pattern(raw.path.as_deref(), raw.path_regex.as_deref(), file, at);
    if matches!(path, Some(None)) {
        missing_path(file, at);
    }
    let common = Common::compile(
        (
            raw.host.as_deref(),
            raw.query.as_ref(),
            raw.headers.as_ref(),
        ),
        file,
        at,
    );
    let body = body(raw, methods, file, at);
    let reading = match raw.reading {
        Some(RawReading::Literal) => {
            file.warn(
                at.key("reading"),
                "`reading: literal` guards the path in this one spelling only",
            );
            Reading::Literal
        }
        Some(RawReading::Every) | None => Reading::Every,
    };
    // Only now: each part has reported its own mistakes, and one reading of the file tells all of them.
    let (methods, (path, captures), common, body) = (methods?, path??, common?, body?);
    // What is sent in a WebSocket is never seen, so its handshake is matched as well, which is a GET.
    let matched = if body.iter().any(BodyMatcher::is_sent_unseen) {
        methods.with(Method::Get).with(Method::Head)
    } else {
        methods
    };
    let except = exceptions(
        raw.except.as_deref(),
        matched,
        &path,
        file,
        &at.key("except"),
    )?;
    let matcher = Matcher {
        methods,
        path,
        reading,
        host: common.host,
        query: common.query,
        headers: common.headers,
        body,
        except,
    };
    Some(Matched { matcher, captures })
}

fn missing_path(file: &mut File, at: &Path) {
    if !file.mentions(at.key("path")) && !file.mentions(at.key("path_regex")) {
        file.report_with_hint(
            at,
            "a match needs `path` or `path_regex`",
            "`path: /{rest...}` is every path",
        );
    }
}

/// The path and its captures; `Some(None)` if there is none, which an exception may do without.
type PathAndCaptures = Option<(PathPattern, Vec<String>)>;

pub(super) fn pattern(
    path: Option<&str>,
    path_regex: Option<&str>,
    file: &mut File,
    at: &Path,
) -> Option<PathAndCaptures> {
    match (path, path_regex) {
        (None, None) => Some(None),
        // A template and an expression may cover different paths, and nobody could say which one was meant.
        (Some(_), Some(_)) => {
            file.report(
                at.name("path_regex"),
                "`path` and `path_regex` exclude each other",
            );
            None
        }
        (Some(path), None) => {
            let at = at.key("path");
            let names = valid(template::captures(path), file, &at)?;
            if let Some(segment) = template::looks_like_a_capture(path) {
                let message = format!("`{segment}` is matched as it stands: it is no capture here");
                file.warn_with_hint(&at, message, "`{name}` is one segment");
            }
            Some(Some((PathPattern::Template(path.to_owned()), names)))
        }
        (None, Some(pattern)) => {
            let regex = valid(path_regex_of(pattern), file, &at.key("path_regex"))?;
            let names = regex.group_names().map(str::to_owned).collect();
            Some(Some((PathPattern::Regex(regex), names)))
        }
    }
}

fn path_regex_of(pattern: &str) -> Result<WholeRegex, Invalid> {
    // It could never match: silence would leave the route open.
    if pattern.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return Err(
            Invalid::new("path_regex must cover the whole path, which begins with `/`").hint(
                format!("write `/{pattern}`, or `.*{pattern}` for anything before it"),
            ),
        );
    }
    regex(pattern)
}

/// What a match and an exception have in common.
pub(super) struct Common {
    pub(super) host: Option<HostPattern>,
    pub(super) query: Vec<(String, ValueTest)>,
    pub(super) headers: Vec<(HeaderName, ValueTest)>,
}

type RawTests<'a> = Option<&'a crate::yaml::Table<super::raw::RawTest>>;

impl Common {
    pub(super) fn compile(
        (raw_host, raw_query, raw_headers): (Option<&str>, RawTests<'_>, RawTests<'_>),
        file: &mut File,
        at: &Path,
    ) -> Option<Self> {
        let host = match raw_host {
            Some(text) => valid(host(text), file, &at.key("host")).map(Some),
            None => Some(None),
        };
        let query = match raw_query {
            Some(table) => tests(table, Bare::Refused, owned, file, &at.key("query")),
            None => Some(Vec::new()),
        };
        let headers = match raw_headers {
            Some(table) => tests(table, Bare::Refused, header, file, &at.key("headers")),
            None => Some(Vec::new()),
        };
        Some(Self {
            host: host?,
            query: query?,
            headers: headers?,
        })
    }
}

fn owned(name: &str) -> Result<String, Invalid> {
    if name.is_empty() {
        return Err(Invalid::new("a name is empty"));
    }
    Ok(name.to_owned())
}

pub(super) fn header(name: &str) -> Result<HeaderName, Invalid> {
    let header: HeaderName = name
        .parse()
        .map_err(|_| Invalid::new(format!("`{name}` is no header name")))?;
    // HTTP/2 names the host in `:authority` (RFC 9113 §8.3.1): as a header it may not be there.
    if header == http::header::HOST {
        return Err(Invalid::new("the host is not matched as a header").hint("use `host:`"));
    }
    Ok(header)
}

fn body(
    raw: &RawMatch,
    methods: Option<MethodSet>,
    file: &mut File,
    at: &Path,
) -> Option<Vec<BodyMatcher>> {
    let mut kinds = Vec::new();
    kinds.extend(raw.form.is_some().then_some("form"));
    kinds.extend(raw.json.is_some().then_some("json"));
    kinds.extend(raw.graphql.is_some().then_some("graphql"));
    // One request has one body: asked for as two kinds, the route could never match.
    if let [first, second, ..] = kinds.as_slice() {
        file.report_with_hint(
            at.name(second),
            format!("a body cannot be read as {first} and as {second} at once"),
            "write two routes with the same action",
        );
        return None;
    }
    if let (Some(kind), Some(methods)) = (kinds.first(), methods)
        && !may_have_body(methods)
    {
        file.report_with_hint(
            at.name(kind),
            format!("`{kind}` reads the body, and the methods named here have none"),
            "a GET carries its values in the query: use `query:`",
        );
        return None;
    }
    if let Some(table) = &raw.form {
        let list = tests(table, Bare::Refused, owned, file, &at.key("form"))?;
        let field = |(name, test)| BodyMatcher::Form(name, test);
        return Some(list.into_iter().map(field).collect());
    }
    if let Some(table) = &raw.json {
        let list = tests(table, Bare::Allowed, pointer, file, &at.key("json"))?;
        let value = |(pointer, test)| BodyMatcher::Json(pointer, test);
        return Some(list.into_iter().map(value).collect());
    }
    match &raw.graphql {
        Some(raw) => graphql_operations(raw, file, &at.key("graphql"))
            .map(|operations| vec![BodyMatcher::GraphQl(operations)]),
        None => Some(Vec::new()),
    }
}

/// Whether a request with one of these methods may have a body worth reading.
pub(crate) fn may_have_body(methods: MethodSet) -> bool {
    let bodiless = [Method::Get, Method::Head, Method::Options];
    let mut others = methods.iter().filter(|method| !bodiless.contains(method));
    others.next().is_some()
}

/// Checks a JSON pointer (RFC 6901 §3).
pub(super) fn pointer(text: &str) -> Result<String, Invalid> {
    if !text.is_empty() && !text.starts_with('/') {
        return Err(
            Invalid::new(format!("`{text}` is no JSON pointer")).hint(format!(
                "a pointer begins with `/`: `/{}`",
                text.replace('.', "/")
            )),
        );
    }
    // RFC 6901 §3: `~` stands only before 0 or 1.
    let mut tails = text.split('~').skip(1);
    if tails.any(|tail| !tail.starts_with(['0', '1'])) {
        return Err(Invalid::new(format!("`{text}` is no JSON pointer"))
            .hint("`~` is written `~0` and a slash in a name `~1`"));
    }
    Ok(text.to_owned())
}

/// The names of operations that `graphql` asks for.
pub(crate) fn graphql_operations(
    raw: &RawGraphQl,
    file: &mut File,
    at: &Path,
) -> Option<Vec<String>> {
    let Some(operation) = &raw.operation else {
        file.report_missing(at, "operation", None);
        return None;
    };
    let at = at.key("operation");
    if operation.items().is_empty() {
        file.report(&at, "no operation is named");
        return None;
    }
    let mut is_valid = true;
    for (at, name) in operation.with_paths(&at) {
        if !is_graphql_name(name) {
            file.report(&at, format!("`{name}` is no GraphQL name"));
            is_valid = false;
        }
    }
    is_valid.then(|| operation.items().to_vec())
}

/// GraphQL (October 2021) §2.1.9.
fn is_graphql_name(name: &str) -> bool {
    let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(is_word)
}
