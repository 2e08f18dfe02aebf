//! What of a request a grant is bound to, and what of it a person is shown.

use super::body::{Body, parameter_at};
use super::occurrence::{Occurrence, in_headers};
use super::parameters::{may_be_key, plain_parameters};
use super::request::body_may_hold_parameters;
use super::{Binding, Captures, Field, RequestHead, Requirement, Route};
use std::borrow::Cow;

/// Whether a requirement needs the body, to bind a grant to it or to show some of it.
pub fn needs_body(requirement: &Requirement, head: &RequestHead<'_>) -> bool {
    requirement.bind == Binding::Request || reads_body(requirement, head)
}

/// Whether a requirement names fields of the body, so that one that cannot be read is refused.
/// A parameter of the query is one where the body may hold another of its name.
pub fn reads_body(requirement: &Requirement, head: &RequestHead<'_>) -> bool {
    let shown = requirement.show.iter().map(|(_, field)| field);
    let bound: &[Field] = match &requirement.bind {
        Binding::Fields(fields) => fields,
        Binding::Nothing | Binding::Request => &[],
    };
    let may_hold = body_may_hold_parameters(head);
    bound.iter().chain(shown).any(|field| match field {
        Field::Form(_) | Field::Json(_) => true,
        Field::Query(_) => may_hold,
        Field::Header(_) | Field::Path(_) => false,
    })
}

/// Whether a request for the route can be judged only with its body in hand, whatever its head says.
pub fn rests_on_body(route: &Route) -> bool {
    let requirement = &route.requirement;
    let bound: &[Field] = match &requirement.bind {
        Binding::Fields(fields) => fields,
        Binding::Nothing | Binding::Request => &[],
    };
    let mut fields = bound
        .iter()
        .chain(requirement.show.iter().map(|(_, field)| field));
    !route.matcher.body.is_empty()
        || requirement.bind == Binding::Request
        || fields.any(|field| match field {
            Field::Form(_) | Field::Json(_) => true,
            // A form may hold a parameter of that name.
            Field::Query(_) => !route.matcher.methods.is_safe(),
            Field::Header(_) | Field::Path(_) => false,
        })
}

/// Every value of one field, as people read it.
pub fn values<'v>(
    field: &'v Field,
    head: &RequestHead<'v>,
    captures: &'v Captures,
    body: &'v Body<'_>,
) -> Vec<Cow<'v, str>> {
    match field {
        Field::Form(name) => body
            .form_values(name)
            .map(String::from_utf8_lossy)
            .chain(shadows(name, head))
            .collect(),
        Field::Header(name) => head
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect(),
        Field::Json(pointer) => body
            .json_texts(pointer)
            .into_iter()
            .map(Cow::Owned)
            .chain(
                parameter_at(pointer)
                    .into_iter()
                    .flat_map(|name| shadows(name, head)),
            )
            .collect(),
        Field::Path(name) => captures.values(name).map(Cow::Borrowed).collect(),
        Field::Query(name) => shadows(name, head)
            .chain(fields_like(name, head, body))
            .collect(),
    }
}

/// The one value of a field that every application reads, for what is believed of a request: it is there
/// once, in the very spelling of its name, in no list, and nothing of its name stands in the other place.
pub fn only_value<'v>(
    field: &'v Field,
    head: &RequestHead<'v>,
    captures: &'v Captures,
    body: &'v Body<'_>,
) -> Option<Cow<'v, str>> {
    if matches!(field, Field::Json(pointer) if !body.holds_name(pointer)) {
        return None;
    }
    match occurrence(field, head, captures, body) {
        Occurrence::Plain(values) => <[_; 1]>::try_from(values).ok().map(|[only]| only),
        Occurrence::Missing | Occurrence::Loose => None,
    }
}

/// How plainly a field occurs in a request.
pub(super) fn occurrence<'v>(
    field: &'v Field,
    head: &RequestHead<'v>,
    captures: &'v Captures,
    body: &'v Body<'_>,
) -> Occurrence<'v> {
    match field {
        Field::Form(name) => body.field(name, head),
        Field::Header(name) => in_headers(head.headers, name),
        Field::Json(pointer) => body.member(pointer, head),
        Field::Path(name) => Occurrence::Plain(captures.values(name).map(Cow::Borrowed).collect()),
        Field::Query(name) if body.parameter(name).is_possible() => Occurrence::Loose,
        Field::Query(name) => head.parameter(name),
    }
}

/// The bytes whose digest a grant is bound to; `None` if it is bound to nothing.
///
/// Every part stands behind its length, and every list behind its count, so that no two requests
/// have the same bytes unless they agree in everything that is bound.
///
/// Where the page that hosts the form has an `anchor`, the proof is given before the form is sent: a
/// grant earned by looking must be one for sending, so the method is left out.
pub fn binding_parts(
    requirement: &Requirement,
    head: &RequestHead<'_>,
    captures: &Captures,
    body: &Body<'_>,
) -> Option<Vec<u8>> {
    let anchor = requirement.anchor.as_deref();
    parts_of(&requirement.bind, anchor, head, captures, body)
}

fn parts_of(
    binding: &Binding,
    anchor: Option<&str>,
    head: &RequestHead<'_>,
    captures: &Captures,
    body: &Body<'_>,
) -> Option<Vec<u8>> {
    let mut parts = LengthPrefixed::default();
    match binding {
        Binding::Nothing => return None,
        Binding::Fields(fields) => {
            if anchor.is_some() {
                // Each kind of binding begins with its name: digests of two kinds never agree.
                parts.push(b"anchored fields");
                parts.push(head.host.as_bytes());
            } else {
                parts.begin("fields", head);
            }
            for field in fields {
                parts.push(field.to_string().as_bytes());
                parts.push_all(&exact_values(field, head, captures, body));
                parts.push_all(&exact_shadows(field, head, body));
            }
        }
        Binding::Request => {
            parts.begin("request", head);
            parts.push(head.path.raw().as_bytes());
            // `/a` and `/a?` are two targets.
            parts.push_all(head.query.map(str::as_bytes).as_slice());
            parts.push_all(&body.identity());
        }
    }
    Some(parts.0)
}

/// As [`values`], but nothing is lost: bytes that are no text, the type of JSON, and every way in
/// which a query may be read.
fn exact_values(
    field: &Field,
    head: &RequestHead<'_>,
    captures: &Captures,
    body: &Body<'_>,
) -> Vec<Vec<u8>> {
    match field {
        Field::Form(name) => body.form_values(name).map(<[u8]>::to_vec).collect(),
        Field::Header(name) => head
            .headers
            .get_all(name)
            .iter()
            .map(|value| value.as_bytes().to_vec())
            .collect(),
        Field::Json(pointer) => body
            .json_exact(pointer)
            .map(String::into_bytes)
            .into_iter()
            .collect(),
        Field::Path(name) => captures.values(name).map(Into::into).collect(),
        Field::Query(name) => exact_parameters(name, head),
    }
}

/// Parameters of the query that an application may take for a field of the body: servlets even
/// prefer them. What the application may act on is shown.
fn shadows<'v>(name: &'v str, head: &RequestHead<'v>) -> impl Iterator<Item = Cow<'v, str>> {
    plain_parameters(head.query.unwrap_or_default())
        .filter(move |(key, _)| may_be_key(key, name))
        .map(|(_, value)| value)
}

/// Fields of the body that an application may take for a parameter of the query.
fn fields_like<'v>(
    name: &'v str,
    head: &RequestHead<'_>,
    body: &'v Body<'_>,
) -> impl Iterator<Item = Cow<'v, str>> {
    let body = body_may_hold_parameters(head).then_some(body);
    body.into_iter()
        .flat_map(move |body| body.parameters_named(name))
}

/// What stands in the other place under the name of a field, and is bound as well.
fn exact_shadows(field: &Field, head: &RequestHead<'_>, body: &Body<'_>) -> Vec<Vec<u8>> {
    match field {
        Field::Form(name) => exact_parameters(name, head),
        Field::Json(pointer) => parameter_at(pointer)
            .map(|name| exact_parameters(name, head))
            .unwrap_or_default(),
        Field::Query(name) if body_may_hold_parameters(head) => body.exact_parameters_named(name),
        Field::Header(_) | Field::Path(_) | Field::Query(_) => Vec::new(),
    }
}

/// The parameters of a name, in every way in which the query may be read.
fn exact_parameters(name: &str, head: &RequestHead<'_>) -> Vec<Vec<u8>> {
    head.parameters()
        .filter(|(key, _)| may_be_key(key, name))
        .map(|(_, value)| value.into_owned().into_bytes())
        .collect()
}

/// Parts behind their lengths.
#[derive(Default)]
struct LengthPrefixed(Vec<u8>);

impl LengthPrefixed {
    /// What every binding holds: the method and all it claims to be, and the authority.
    fn begin(&mut self, kind: &str, head: &RequestHead<'_>) {
        self.push(kind.as_bytes());
        self.push(head.method.as_str().as_bytes());
        let claimed: Vec<&str> = head.claimed.iter().map(super::Method::as_str).collect();
        self.push_all(&claimed);
        self.push(head.host.as_bytes());
    }

    fn push(&mut self, part: &[u8]) {
        self.0.extend_from_slice(&(part.len() as u64).to_be_bytes());
        self.0.extend_from_slice(part);
    }

    fn push_all<P: AsRef<[u8]>>(&mut self, parts: &[P]) {
        self.0
            .extend_from_slice(&(parts.len() as u64).to_be_bytes());
        for part in parts {
            self.push(part.as_ref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Accept, Method, RequestPath};
    use http::HeaderMap;
    use http::header::{CONTENT_TYPE, HeaderValue};

    fn bound(
        binding: &Binding,
        method: Method,
        path: &str,
        query: Option<&str>,
        json: &str,
    ) -> Option<Vec<u8>> {
        let headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let path = RequestPath::parse(path, &Accept::default()).unwrap();
        let head = RequestHead::new(method, &path, query, &headers);
        let body = Body::read(&headers, json.as_bytes()).unwrap();
        let anchor = (query == Some("anchored")).then_some("/a/form");
        parts_of(binding, anchor, &head, &Captures::default(), &body)
    }

    #[test]
    fn a_whole_request_is_bound_in_every_byte() {
        let bind = Binding::Request;
        let base = bound(&bind, Method::Post, "/a", Some("b=1"), "{}");
        assert_eq!(base, bound(&bind, Method::Post, "/a", Some("b=1"), "{}"));
        for other in [
            bound(&bind, Method::Put, "/a", Some("b=1"), "{}"),
            bound(&bind, Method::Post, "/A", Some("b=1"), "{}"),
            bound(&bind, Method::Post, "/a", Some("b=2"), "{}"),
            bound(&bind, Method::Post, "/a", Some(""), "{}"),
            bound(&bind, Method::Post, "/a", None, "{}"),
            bound(&bind, Method::Post, "/a", Some("b=1"), "{} "),
            bound(&bind, Method::Post, "/a", Some("b=1"), ""),
            bound(&bind, Method::Post, "/a", Some("b=1&_method=put"), "{}"),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn named_fields_bind_their_values_and_types_and_nothing_else() {
        let bind = Binding::Fields(vec![
            Field::Json("/user".to_owned()),
            Field::Query("q".to_owned()),
        ]);
        let of = |query, json| bound(&bind, Method::Post, "/a", query, json);
        let base = of(Some("q=1"), r#"{"user":5,"x":1}"#);
        assert_eq!(base, of(Some("q=1&z=2"), r#"{"user":5}"#));
        assert_ne!(base, of(Some("q=1"), r#"{"user":"5"}"#));
        assert_ne!(base, of(Some("q=1&q=2"), r#"{"user":5}"#));
        assert_ne!(base, of(None, r#"{"user":5}"#));
        // A servlet takes the parameter for the field.
        assert_ne!(base, of(Some("q=1&user=6"), r#"{"user":5}"#));
        // An application may take the field for the parameter.
        assert_ne!(base, of(Some("q=1"), r#"{"user":5,"Q":2}"#));
        assert_ne!(base, of(Some("q=1"), r#"{"user":5,"q":1}"#));
        assert_ne!(
            of(Some("q=1"), r#"{"user":5,"q":"1"}"#),
            of(Some("q=1"), r#"{"user":5,"q":["1"]}"#)
        );
        let anchored = |method, json| bound(&bind, method, "/a", Some("anchored"), json);
        let looked_at = anchored(Method::Get, r#"{"user":5}"#);
        assert_eq!(looked_at, anchored(Method::Post, r#"{"user":5}"#));
        assert_ne!(looked_at, anchored(Method::Post, r#"{"user":6}"#));
        assert_eq!(
            bound(&Binding::Nothing, Method::Post, "/a", None, "{}"),
            None
        );
    }
}
