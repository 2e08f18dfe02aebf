//! What the table reads of a request besides its body, and which methods it claims.

use super::body::{is_urlencoded, may_hold_parameters};
use super::path::same_folded;
use super::percent::{decoded, escapes, undo_odd_escapes};
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

/// Every method that an application may take a request for: its own and all that override it.
///
/// HEAD is GET as well (RFC 9110 §9.3.2). OPTIONS counts as itself; routes without methods match it.
pub fn claimed_methods(
    method: Method,
    headers: &http::HeaderMap,
    path: &RequestPath<'_>,
    query: Option<&str>,
) -> MethodSet {
    let by_header = headers
        .iter()
        .filter(|(name, _)| {
            OVERRIDE_HEADERS
                .iter()
                .any(|known| same_header(name, known))
        })
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

/// The query's parameters, in every way they may be split and decoded.
///
/// A plus is a blank and a plus; `;` separates and does not (old Python and Ruby parsers), and so does a
/// further `?` (applications that split the target there themselves). Some decode the whole query before they
/// split it, and then the values again. Broken escapes stay as they are, as in most parsers, and are what
/// they are to Jetty.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let decoded_first = hides_separators(query).then(|| decoded(query, '+'));
    let as_jetty = undo_odd_escapes(query);
    let owned = |(name, value): (Cow<'_, str>, Cow<'_, str>)| {
        (
            Cow::Owned(name.into_owned()),
            Cow::Owned(value.into_owned()),
        )
    };
    let hidden = |query: &str| pairs(query).map(owned).collect::<Vec<_>>();
    let hidden_first = decoded_first.as_deref().map(hidden).unwrap_or_default();
    let hidden_odd = as_jetty.as_deref().map(hidden).unwrap_or_default();
    pairs(query).chain(hidden_first).chain(hidden_odd)
}

fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let semicolon = query.contains(';');
    let mark = query.contains('?');
    let if_any = |there: bool| if there { query } else { "" };
    let pairs = query
        .split('&')
        .chain(if_any(semicolon).split(['&', ';']))
        .chain(if_any(mark).split(['&', '?']))
        .chain(if_any(semicolon && mark).split(['&', ';', '?']));
    let pairs = pairs.filter(|pair| !pair.is_empty()).flat_map(splits);
    pairs.flat_map(|(name, value)| {
        let as_plus = (name.contains('+') || value.contains('+'))
            .then(|| (decoded(name, '+'), decoded(value, '+')));
        std::iter::once((decoded(name, ' '), decoded(value, ' '))).chain(as_plus)
    })
}

/// Name and value of a pair: at the first `=`, and at the first behind a bracket, where qs ends a name
/// (`a[b]=c]=d`), also one that is escaped.
pub(crate) fn splits(pair: &str) -> impl Iterator<Item = (&str, &str)> {
    let first = pair.split_once('=').unwrap_or((pair, ""));
    let behind = |bracket: &str| {
        let (name, value) = first.1.split_once(bracket)?;
        let name = pair.get(..first.0.len() + 1 + name.len() + bracket.len() - 1)?;
        Some((name, value))
    };
    let brackets = if first.1.contains('=') { BRACKETS } else { &[] };
    let others = brackets.iter().filter_map(move |bracket| behind(bracket));
    std::iter::once(first).chain(others)
}

/// What qs looks for before it looks for a `=` alone.
const BRACKETS: &[&str] = &["]=", "%5D=", "%5d="];

/// Whether decoding the whole query would make separators, or further escapes, of its values.
fn hides_separators(query: &str) -> bool {
    escapes(query.as_bytes()).any(|byte| matches!(byte, Some(b'%' | b'&' | b';' | b'=' | b'?')))
}

/// The query's parameters as forms and most applications read them: `&` separates, a plus is a
/// blank.
pub(super) fn plain_parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name, ' '), decoded(value, ' '))
        })
}

/// Whether applications may take key `sent` for key `known`.
///
/// Letter case is ignored (ASP.NET); a name ends at NUL, and `.` and blanks are `_` in it (PHP).
/// Brackets are cut off in many ways, so what stands between them counts: `[name]` and `name]` are
/// `name` (qs, Rack), and whatever follows in brackets is an item of it (`name[]`, `name[0]`). One that
/// is not closed is `_` (PHP). `?` before the first name of a form or a query is not part of it
/// (`URLSearchParams`, WHATWG URL §6.2), nor is a byte order mark.
pub(crate) fn same_key(sent: &str, known: &str) -> bool {
    if same_folded(sent, known) {
        return true;
    }
    if !has_spellings(sent) && !has_spellings(known) {
        return false;
    }
    let known = KeyParts::of(known.trim());
    let begun = sent.trim_start_matches(|c| c == '?' || is_trimmed(c));
    // Django and Java cut blanks off at both ends, PHP only before a name.
    [begun.trim_end_matches(is_trimmed), begun]
        .into_iter()
        .any(|sent| {
            let sent = KeyParts::of(sent);
            sent.begins_with(&known) || sent.joined() == known.joined()
        })
}

/// Whether applications may take key `sent` for key `known`, or for an item of it, by its dots: as
/// [`same_key`], and `.name`, `name.x` and `a.b.x` as with brackets (qs with `allowDots`, Spring, ASP.NET).
pub(crate) fn may_be_key(sent: &str, known: &str) -> bool {
    same_key(sent, known)
        || (sent.contains('.') && {
            let (sent, known) = (KeyParts::dotted(sent), KeyParts::dotted(known));
            sent.begins_with(&known)
        })
}

fn has_spellings(key: &str) -> bool {
    let is_read_otherwise =
        |byte: u8| matches!(byte, 0 | b'.' | b'[' | b']') || byte.is_ascii_whitespace();
    key.bytes().any(is_read_otherwise)
        || key.starts_with(|c| c == '?' || is_trimmed(c))
        || key.ends_with(is_trimmed)
}

/// Blanks of Unicode (Python, Rust), all that is not above one (Java), and byte order marks and
/// zero-width blanks (JavaScript, older .NET). NUL ends a name and is none of them.
pub(super) fn is_trimmed(c: char) -> bool {
    c.is_whitespace() || ('\u{1}'..=' ').contains(&c) || matches!(c, '\u{200B}' | '\u{FEFF}')
}

/// What stands between the brackets of a key.
struct KeyParts(Vec<String>);

impl KeyParts {
    fn of(key: &str) -> Self {
        Self::split(key, &['[', ']'])
    }

    /// As [`Self::of`], with a dot for a bracket.
    fn dotted(key: &str) -> Self {
        Self::split(key, &['[', ']', '.'])
    }

    fn split(key: &str, at: &[char]) -> Self {
        let key = key.split('\0').next().unwrap_or_default();
        let parts = key.split(at).filter(|part| !part.is_empty());
        let as_php = |part: &str| part.replace(|c: char| c == '.' || c.is_whitespace(), "_");
        Self(parts.map(as_php).collect())
    }

    fn begins_with(&self, other: &Self) -> bool {
        let both = self.0.iter().zip(&other.0);
        self.0.len() >= other.0.len()
            && !other.0.is_empty()
            && both.into_iter().all(|(one, other)| same_folded(one, other))
    }

    fn joined(&self) -> String {
        self.0.join("_").to_lowercase()
    }
}

/// The values of every cookie that an application may take for parameter `name`: PHP's `$_REQUEST` holds the
/// cookies before all others where no php.ini says otherwise (`request_order`), as in its images.
pub(super) fn cookies_named(headers: &http::HeaderMap, name: &str) -> Vec<String> {
    let cookies = cookies_of(headers);
    cookies
        .filter(|(key, _)| same_key(key, name) || same_key(&decoded(key, ' '), name))
        .map(|(_, value)| value)
        .collect()
}

/// The names of all cookies as they came, and what their values are to PHP.
pub(super) fn cookies_of(
    headers: &http::HeaderMap,
) -> impl Iterator<Item = (Cow<'_, str>, String)> {
    let lines = headers.get_all(http::header::COOKIE).iter();
    lines.flat_map(|line| {
        let pairs = line.as_bytes().split(|byte| matches!(byte, b';' | b','));
        pairs.map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=');
            let (key, value) = pair.split_at(at.unwrap_or(pair.len()));
            let value = String::from_utf8_lossy(value.get(1..).unwrap_or_default()).into_owned();
            let value = decoded(value.trim(), ' ').into_owned();
            (String::from_utf8_lossy(key), value)
        })
    })
}

/// Every line that an application may take for header `name`.
pub(super) fn lines_like<'h>(
    headers: &'h http::HeaderMap,
    name: &http::HeaderName,
) -> impl Iterator<Item = (&'h http::HeaderName, &'h http::HeaderValue)> {
    headers
        .iter()
        .filter(move |(sent, _)| same_header(sent, name.as_str()))
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
fn same_header(sent: &http::HeaderName, known: &str) -> bool {
    let sent = sent.as_str();
    sent.len() == known.len()
        && sent.bytes().zip(known.bytes()).all(|(one, other)| {
            one == other || !(one.is_ascii_alphanumeric() || other.is_ascii_alphanumeric())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Accept;
    use http::{HeaderMap, HeaderName, HeaderValue};

    fn claimed(method: Method, headers: &[(&'static str, &'static str)], query: &str) -> MethodSet {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        let path = RequestPath::parse("/", &Accept::default()).unwrap();
        claimed_methods(method, &headers, &path, Some(query))
    }

    fn set(methods: &[Method]) -> MethodSet {
        methods.iter().copied().collect()
    }

    #[test]
    fn every_claimed_method_counts() {
        let post = Method::Post;
        let both = set(&[Method::Post, Method::Delete]);
        assert_eq!(claimed(post, &[], ""), set(&[post]));
        assert_eq!(
            claimed(post, &[("x-http-method-override", "delete")], ""),
            both
        );
        assert_eq!(
            claimed(post, &[("x_http_method.override", "DELETE")], ""),
            both
        );
        assert_eq!(claimed(post, &[("x-http-method", " DELETE ")], ""), both);
        assert_eq!(
            claimed(post, &[("x-method-override", "nonsense, delete")], ""),
            both.with_unknown()
        );
        assert_eq!(claimed(post, &[], "a=b&_method=delete"), both);
        assert_eq!(claimed(post, &[], "%5Fm%65thod=delet%65"), both);
        assert_eq!(claimed(post, &[], "a=b;_method=delete"), both);
        assert_eq!(claimed(post, &[], "?_method=delete"), both);
        assert_eq!(claimed(post, &[], "a=b%26_method%3Ddelete"), both);
        assert_eq!(claimed(post, &[], "method=delete"), set(&[post]));
    }

    #[test]
    fn head_is_get_and_options_is_itself() {
        assert_eq!(
            claimed(Method::Head, &[], ""),
            set(&[Method::Head, Method::Get])
        );
        assert_eq!(
            claimed(Method::Post, &[], "_method=head"),
            set(&[Method::Post, Method::Head, Method::Get])
        );
        assert_eq!(claimed(Method::Options, &[], ""), set(&[Method::Options]));
    }

    #[test]
    fn a_plus_is_a_blank_and_a_plus() {
        let pairs: Vec<_> = parameters("a=1+2&b=%2B&c").collect();
        let pair = |name: &'static str, value: &'static str| (Cow::from(name), Cow::from(value));
        assert_eq!(
            pairs,
            [
                pair("a", "1 2"),
                pair("a", "1+2"),
                pair("b", "+"),
                pair("c", "")
            ]
        );
    }

    #[test]
    fn a_query_is_split_in_every_way() {
        for query in [
            "do=delete",
            "?do=delete",
            "??do=delete",
            "&do=delete",
            "a=1?do=delete",
            "a=1;do=delete",
            "a=1;b?do=delete;c",
            "a=1%26do=delete",
            "a=1%26do%3Ddelete",
            "do%3Ddelete",
            "a%3Fdo=delete",
            "%3Fdo=delete",
            "a=1%3Bdo=delete",
            "do=delet%2565",
            "%2564o=delete",
            "d%6?=delete",
            "x=1&d%6?=de%6<ete",
            "%EF%BB%BFdo=delete",
        ] {
            let mut found = parameters(query);
            assert!(
                found.any(|(name, value)| same_key(&name, "do") && value == "delete"),
                "{query}"
            );
        }
        for query in ["a=do=delete", "a=do%2Cdelete", "undo=delete", "do=%41"] {
            let mut found = parameters(query);
            assert!(
                !found.any(|(name, value)| same_key(&name, "do") && value == "delete"),
                "{query}"
            );
        }
    }

    #[test]
    fn broken_escapes_stay_as_they_are() {
        let pairs: Vec<_> = parameters("a=%zz%4&b=%ff").collect();
        assert_eq!(pairs[0].1, "%zz%4");
        assert_eq!(pairs[1].1, "\u{fffd}");
    }

    #[test]
    fn one_key_has_many_spellings() {
        for sent in [
            "user_id",
            "USER_ID",
            "user_id[]",
            "user_id[0]",
            "user_id[a][b]",
            "[user_id]",
            "user_id]",
            "[[user_id",
            "user.id",
            " user id",
            "user_id ",
            "\u{a0}user_id\u{3000}",
            "user[id",
            "User.ID[ ]",
            "user_id\0x",
            "?user_id",
            "??user_id",
            " ?user_id",
            "?\u{FEFF}user_id",
            "\u{FEFF}user_id",
            "\u{1}user_id\u{1f}",
            "?user.id[]",
        ] {
            assert!(same_key(sent, "user_id"), "{sent}");
        }
        for sent in [
            "user[id]",
            "user[id]junk",
            "[user][id]",
            "user[ID][]",
            "user_id",
        ] {
            assert!(same_key(sent, "user[id]"), "{sent}");
        }
        for sent in [
            "user_ids",
            "user",
            "x[user_id]",
            "user_id_",
            "",
            "[]",
            "\0user_id",
            "user_id?",
            "user?_id",
        ] {
            assert!(!same_key(sent, "user_id"), "{sent}");
        }
        for (sent, known) in [
            (".do", "do"),
            ("do.x", "do"),
            ("do[x].y", "do"),
            (".user[id]", "user[id]"),
            ("user.id.x", "user[id]"),
            ("user.id.x", "user.id"),
            ("USER.id", "user[id]"),
        ] {
            assert!(may_be_key(sent, known), "{sent}");
        }
        for (sent, known) in [
            ("do_x", "do"),
            ("x.do", "do"),
            ("user.name", "user.id"),
            ("undo.x", "do"),
        ] {
            assert!(!may_be_key(sent, known), "{sent}");
        }
        assert!(!same_key("user[name]", "user[id]"));
        assert!(!same_key("user[name]", "[]"));
    }

    #[test]
    fn every_value_of_a_header_counts() {
        let mut headers = HeaderMap::new();
        headers.append("x-api-version", HeaderValue::from_static("1, 2"));
        headers.append("x_api_version", HeaderValue::from_static("3"));
        let name = HeaderName::from_static("x-api-version");
        let values: Vec<_> = header_values(&headers, &name).collect();
        assert_eq!(values, ["1, 2", "1", "2", "3"]);
    }
}
