//! What passes, what ends here, and what nobody may say.

use super::*;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

fn rules() -> HeaderRules {
    HeaderRules {
        identity: vec!["x-company-user".to_owned()],
        rewrite_urls: RewriteUrls::Remove,
        forwarded: ForwardedStyle::XForwarded,
        browser_cookie: "__Host-stepgate".to_owned(),
    }
}

fn left(lines: &[(&'static str, &'static str)], peer: Peer) -> Vec<String> {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    cleanse(&mut headers, &rules(), peer).unwrap();
    headers
        .keys()
        .map(|name| name.as_str().to_owned())
        .collect()
}

#[test]
fn identity_headers_are_nobodys_to_send_in_any_spelling() {
    let spellings = [
        ("remote-user", "a"),
        ("remote_user", "a"),
        ("x.forwarded.user", "a"),
        ("x_company_user", "a"),
        ("x-company-user", "a"),
        ("x-auth-request-email", "a"),
        ("step_up_key", "a"),
        ("step-up", "a"),
        ("x-stepgate-level", "4"),
        ("x_forwarded_for", "1.2.3.4"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-original-url", "/admin"),
        ("x_rewrite_url", "/admin"),
        ("transfer_encoding", "chunked"),
        ("content_length", "3"),
    ];
    assert_eq!(left(&spellings, Peer::Anyone), Vec::<String>::new());
}

#[test]
fn a_trusted_proxy_may_say_who_somebody_is_but_only_in_plain_spelling() {
    let spellings = [
        ("remote-user", "a"),
        ("remote_user", "b"),
        ("x-forwarded-for", "1.2.3.4"),
    ];
    assert_eq!(
        left(&spellings, Peer::Trusted),
        ["remote-user", "x-forwarded-for"]
    );
}

#[test]
fn what_belongs_to_the_ends_stays() {
    let lines = [
        ("cookie", "a=b"),
        ("x-api-version", "2"),
        ("x_odd_name", "1"),
        ("accept", "*/*"),
    ];
    assert_eq!(
        left(&lines, Peer::Anyone),
        ["cookie", "x-api-version", "x_odd_name", "accept"]
    );
}

#[test]
fn connection_names_end_here_but_cannot_steal() {
    assert_eq!(
        left(
            &[("connection", "close, my-hop"), ("my-hop", "1")],
            Peer::Anyone
        ),
        Vec::<String>::new()
    );
    for word in [
        "cookie",
        "Authorization",
        "X-Forwarded-For",
        "content-length",
        "step-up-key",
        "host",
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, HeaderValue::from_str(word).unwrap());
        assert!(
            cleanse(&mut headers, &rules(), Peer::Anyone).is_err(),
            "{word}"
        );
    }
}

#[test]
fn our_cookie_is_taken_out_and_the_others_stay_as_they_are() {
    let mut headers = HeaderMap::new();
    headers.append(
        header::COOKIE,
        HeaderValue::from_static("a=1; __Host-stepgate=xyz; b=\"2, 3\""),
    );
    headers.append(
        header::COOKIE,
        HeaderValue::from_static("__Host-stepgate=xyz"),
    );
    remove_cookie(&mut headers, "__Host-stepgate");
    let left: Vec<_> = headers.get_all(header::COOKIE).iter().collect();
    assert_eq!(left, ["a=1; b=\"2, 3\""]);
}
