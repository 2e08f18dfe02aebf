//! Content types, read strictly (RFC 9110 §8.3.1).

use super::BodyRefusal;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

const FORM: &str = "application/x-www-form-urlencoded";
/// Werkzeug up to 2.3 reads it as a form, and nothing else does.
const OLD_FORM: &str = "application/x-url-encoded";
const MULTIPART: &str = "multipart/";

/// Part of every type that is JSON to some framework: `application/json-rpc` (Zabbix, Odoo, Struts),
/// `application/jsonrequest` (Rails), `text/json` (ASP.NET), `application/vnd.api+json`, `application/x-json`,
/// `application/x-amz-json-1.1`, and whatever has `/json` or `+json` in it (Laravel). Several values in one
/// body (NDJSON, `application/json-seq`) are no JSON text, and refused where they are read.
const JSON: &str = "json";

/// JSON by another name, which koa-bodyparser reads as such.
const REPORT: &str = "csp-report";

/// What a body is by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An urlencoded form.
    Form,
    /// `multipart/form-data`.
    Multipart,
    /// A GraphQL document.
    GraphQl,
    /// One JSON text.
    Json,
    /// Nothing that routes read. An application that does not look at the type (PHP's `php://input`) may
    /// still find JSON in it, so a route that asks for JSON refuses it.
    Other,
}

/// Whether frameworks may take fields of a body for parameters of the request, by one line of its
/// content type: Laravel and Rails do so with JSON as well, and Rack with every multipart type.
pub(in crate::domain) fn may_hold_parameters(line: &[u8]) -> bool {
    is_urlencoded(line) || names_any(line, &[MULTIPART, JSON, REPORT])
}

/// Whether frameworks may take a body for an urlencoded form, by one line of its content type.
pub(in crate::domain) fn is_urlencoded(line: &[u8]) -> bool {
    names_any(line, &[FORM, OLD_FORM])
}

/// Whether the headers of a request announce an urlencoded form.
pub fn announces_form(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    lines.any(|line| is_urlencoded(line.as_bytes()))
}

fn names_any(line: &[u8], kinds: &[&str]) -> bool {
    let line = line.to_ascii_lowercase();
    let is_named = |kind: &&str| memchr::memmem::find(&line, kind.as_bytes()).is_some();
    kinds.iter().any(is_named)
}

/// A media type and its parameters; names in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ContentType {
    pub(super) essence: String,
    parameters: Vec<(String, String)>,
}

impl ContentType {
    /// Reads the one content type of a body that is not empty.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, BodyRefusal> {
        // RFC 9110 §8.4. Whether the application decodes such a body, and how far, is not known.
        for coding in headers.get_all(CONTENT_ENCODING) {
            if !coding.as_bytes().eq_ignore_ascii_case(b"identity") {
                let coding = String::from_utf8_lossy(coding.as_bytes()).into_owned();
                return Err(BodyRefusal::Compressed(coding));
            }
        }
        // RFC 9110 §8.3: of two, recipients take one or the other.
        let mut lines = headers.get_all(CONTENT_TYPE).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Err(if headers.contains_key(CONTENT_TYPE) {
                BodyRefusal::DoubledContentType
            } else {
                BodyRefusal::MissingContentType
            });
        };
        let line = line.to_str().map_err(|_| broken("<not ASCII>"))?;
        Self::parse(line)
    }

    pub(super) fn parse(line: &str) -> Result<Self, BodyRefusal> {
        let (essence, mut rest) = line.find(';').map_or((line, ""), |at| line.split_at(at));
        let essence = essence.trim().to_ascii_lowercase();
        let sound = essence
            .split_once('/')
            .is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
        if !sound {
            // A list (`a/b, c/d`) is two types to some, and no token here.
            return Err(broken(line));
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        while let Some(parameter) = rest.strip_prefix(';') {
            let (name, value, after) = take_parameter(parameter).ok_or_else(|| broken(line))?;
            // Of two with one name, some take the first and others the last.
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err(broken(line));
            }
            parameters.push((name, value));
            rest = after;
        }
        let parsed = Self {
            essence,
            parameters,
        };
        if let Some(charset) = parsed.parameter("charset") {
            require_utf8(charset)?;
        }
        if rest.is_empty() {
            Ok(parsed)
        } else {
            Err(broken(line))
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self.essence.as_str() {
            FORM => Kind::Form,
            "multipart/form-data" => Kind::Multipart,
            "application/graphql" => Kind::GraphQl,
            essence if essence.contains(JSON) || essence.contains(REPORT) => Kind::Json,
            _ => Kind::Other,
        }
    }

    /// Whether it has no parameters but these.
    pub(super) fn has_only(&self, names: &[&str]) -> bool {
        self.parameters
            .iter()
            .all(|(name, _)| names.contains(&name.as_str()))
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Refuses every charset in which the same bytes mean something else.
pub(super) fn require_utf8(charset: &str) -> Result<(), BodyRefusal> {
    // US-ASCII is the same bytes in UTF-8.
    let known = ["utf-8", "utf8", "us-ascii"];
    if known
        .iter()
        .any(|known| charset.eq_ignore_ascii_case(known))
    {
        Ok(())
    } else {
        Err(BodyRefusal::Charset(charset.to_owned()))
    }
}

/// Takes `name=value` off; what follows begins with `;` or is nothing.
///
/// Quoted values hold no backslash: parsers disagree about what it escapes. Nor do single quotes stand
/// for double ones, as in PHP, or `*` for another charset or a part of the value (RFC 2231).
pub(super) fn take_parameter(text: &str) -> Option<(String, String, &str)> {
    let (name, value) = text.trim_start_matches([' ', '\t']).split_once('=')?;
    if !is_token(name) || name.contains('*') {
        return None;
    }
    let (value, rest) = if let Some(quoted) = value.strip_prefix('"') {
        quoted
            .split_once('"')
            .filter(|(value, _)| !value.contains('\\'))?
    } else {
        let (value, rest) = value.find(';').map_or((value, ""), |at| value.split_at(at));
        let value = value.trim_end_matches([' ', '\t']);
        (is_token(value) && !value.contains('\'')).then_some((value, rest))?
    };
    let rest = rest.trim_start_matches([' ', '\t']);
    (rest.is_empty() || rest.starts_with(';'))
        .then(|| (name.to_ascii_lowercase(), value.to_owned(), rest))
}

/// RFC 9110 §5.6.2.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn broken(line: &str) -> BodyRefusal {
    BodyRefusal::unreadable(format!("`{line}` is no content type"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_type_with_each_parameter_once_is_read() {
        let parsed =
            ContentType::parse("Multipart/Form-Data; boundary=\"a b\" ;Charset=UTF-8").unwrap();
        assert_eq!(parsed.essence, "multipart/form-data");
        assert_eq!(parsed.parameter("boundary"), Some("a b"));
    }

    #[test]
    fn whatever_is_json_to_a_framework_is_json() {
        for line in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/json-rpc",
            "application/jsonrequest",
            "application/vnd.api+json",
            "application/problem+json",
            "application/reports+json",
            "application/x-amz-json-1.1",
            "application/x-json",
            "text/json",
            "text/x-json",
            "application/x-ndjson",
            "application/json5",
            "application/csp-report",
        ] {
            assert_eq!(
                ContentType::parse(line).unwrap().kind(),
                Kind::Json,
                "{line}"
            );
            assert!(may_hold_parameters(line.as_bytes()), "{line}");
        }
        for (line, kind, holds) in [
            (FORM, Kind::Form, true),
            ("multipart/form-data; boundary=b", Kind::Multipart, true),
            ("multipart/mixed; boundary=b", Kind::Other, true),
            ("application/graphql", Kind::GraphQl, false),
            ("application/x-url-encoded", Kind::Other, true),
            ("text/plain", Kind::Other, false),
            ("text/plain; x=json", Kind::Other, true),
            ("text/javascript", Kind::Other, false),
        ] {
            assert_eq!(ContentType::parse(line).unwrap().kind(), kind, "{line}");
            assert_eq!(may_hold_parameters(line.as_bytes()), holds, "{line}");
        }
    }

    #[test]
    fn tricks_are_refused() {
        for line in [
            "",
            "json",
            "a/b, c/d",
            "a/b; x",
            "a/b; x=1; x=2",
            "a/b; x=\"1",
            "a/b; x=\"\\1\"",
            "a/b;",
            "a/b; x=1 2",
            "a/b; x='1'",
            "a/b; x*=utf-8''1",
            "a/b; x*0=1",
        ] {
            assert!(
                matches!(ContentType::parse(line), Err(BodyRefusal::Unreadable(_))),
                "{line}"
            );
        }
        assert_eq!(
            ContentType::parse("application/json; charset=utf-7"),
            Err(BodyRefusal::Charset("utf-7".to_owned()))
        );
    }
}
