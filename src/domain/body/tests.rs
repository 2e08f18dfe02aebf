//! Rules about bodies as a whole.

use super::*;
use crate::domain::{Accept, Method, RequestPath};
use crate::domain::{RequestHead, ValueTest};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

const FORM: &str = "application/x-www-form-urlencoded";

fn typed(content_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))])
}

fn asked<T>(headers: &HeaderMap, ask: impl FnOnce(&RequestHead<'_>) -> T) -> T {
    let path = RequestPath::parse("/", &Accept::default()).unwrap();
    ask(&RequestHead::new(Method::Post, &path, None, headers))
}

fn form_holds(headers: &HeaderMap, body: &str, test: &ValueTest) -> Result<bool, BodyRefusal> {
    let body = Body::read(headers, body.as_bytes())?;
    asked(headers, |head| body.form_holds("action", test, head))
}

fn json_holds(body: &str, test: &ValueTest) -> Result<bool, BodyRefusal> {
    let headers = typed("application/json");
    let body = Body::read(&headers, body.as_bytes())?;
    asked(&headers, |head| body.json_holds("/a", test, head))
}

fn equals(value: &str) -> ValueTest {
    ValueTest::Equals(value.to_owned())
}

#[test]
fn a_form_holds_what_a_route_waits_for() {
    assert_eq!(
        form_holds(&typed(FORM), "a=b&action=delete", &equals("delete")),
        Ok(true)
    );
    assert_eq!(
        form_holds(&typed(FORM), "a=b&action=keep", &equals("delete")),
        Ok(false)
    );
    assert_eq!(
        form_holds(&typed(FORM), "a=b", &ValueTest::Absent),
        Ok(true)
    );
}

#[test]
fn an_empty_body_without_type_does_not_match() {
    assert_eq!(
        form_holds(&HeaderMap::new(), "", &equals("delete")),
        Ok(false)
    );
    assert_eq!(
        form_holds(&HeaderMap::new(), "", &ValueTest::Absent),
        Ok(true)
    );
}

#[test]
fn a_body_that_cannot_be_judged_is_refused() {
    let delete = equals("delete");
    let other = |found: &str| {
        Err(BodyRefusal::OtherContentType {
            expected: "a form",
            found: found.to_owned(),
        })
    };
    assert_eq!(
        form_holds(&typed("text/plain"), "action=delete", &delete),
        other("text/plain")
    );
    assert_eq!(
        form_holds(&typed("application/json"), "{}", &delete),
        other("application/json")
    );
    assert_eq!(
        form_holds(&HeaderMap::new(), "a=b", &delete),
        Err(BodyRefusal::MissingContentType)
    );
    let mut doubled = typed(FORM);
    doubled.append(CONTENT_TYPE, HeaderValue::from_static(FORM));
    assert_eq!(
        form_holds(&doubled, "a=b", &delete),
        Err(BodyRefusal::DoubledContentType)
    );
    let mut compressed = typed(FORM);
    compressed.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    assert_eq!(
        form_holds(&compressed, "a=b", &delete),
        Err(BodyRefusal::Compressed("gzip".to_owned()))
    );
    let utf7 = typed("application/x-www-form-urlencoded; charset=utf-7");
    assert_eq!(
        form_holds(&utf7, "a=b", &delete),
        Err(BodyRefusal::Charset("utf-7".to_owned()))
    );
    let ambiguous = Err(BodyRefusal::AmbiguousKey("action".to_owned()));
    assert_eq!(
        form_holds(&typed(FORM), "action=keep&action=delete", &delete),
        ambiguous
    );
}

#[test]
fn numbers_are_compared_as_numbers_too() {
    assert_eq!(json_holds(r#"{"a":5.0}"#, &equals("5")), Ok(true));
    assert_eq!(json_holds(r#"{"a":[1,"x"]}"#, &equals("x")), Ok(true));
    assert_eq!(json_holds(r#"{"a":true}"#, &equals("true")), Ok(true));
    assert_eq!(json_holds(r#"{"a":[]}"#, &ValueTest::Present), Ok(true));
    assert_eq!(json_holds(r#"{"b":1}"#, &ValueTest::Absent), Ok(true));
    assert_eq!(json_holds(r#"{"a":6}"#, &equals("5")), Ok(false));
}

#[test]
fn a_multipart_body_is_the_same_with_another_boundary() {
    let read = |boundary: &str, value: &str| {
        let line = format!("multipart/form-data; boundary={boundary}");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_str(&line).unwrap())]);
        let body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{value}\r\n--{boundary}--\r\n"
        );
        Body::read(&headers, body.as_bytes()).unwrap().identity()
    };
    assert_eq!(read("one", "x"), read("two", "x"));
    assert_ne!(read("one", "x"), read("one", "y"));
}
