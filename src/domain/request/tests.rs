//! The methods that a request claims, and its headers.

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
fn every_value_of_a_header_counts() {
    let mut headers = HeaderMap::new();
    headers.append("x-api-version", HeaderValue::from_static("1, 2"));
    headers.append("x_api_version", HeaderValue::from_static("3"));
    let name = HeaderName::from_static("x-api-version");
    let values: Vec<_> = header_values(&headers, &name).collect();
    assert_eq!(values, ["1, 2", "1", "2", "3"]);
}
