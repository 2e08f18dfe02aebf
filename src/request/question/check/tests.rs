//! Messages of Envoy, whole and spoilt.

use super::{CheckedRequest, message, read_check};
use crate::domain::Secret;
use crate::request::headers::{ForwardedStyle, HeaderRules, RewriteUrls};
use crate::request::question::ext_authz::{
    Attributes, CheckRequest, HeaderLine, HeaderLines, HttpAttributes, PeerAddress, PeerAttributes,
    RequestAttributes, SocketName,
};
use crate::request::question::{AskingProxies, KnownPart, QuestionError, ToldBodies};
use bytes::Bytes;
use http::Request;
use http::request::Parts;
use proptest::prelude::{any, prop};
use prost::Message;

fn line(key: &str, value: &str) -> HeaderLine {
    HeaderLine {
        key: key.to_owned().into(),
        value: Bytes::new(),
        raw_value: value.to_owned().into(),
    }
}

/// What Envoy 1.40 tells of a form.
fn told() -> HttpAttributes {
    let headers = [
        (":authority", "app.test"),
        (":path", "/pay?x=1"),
        (":method", "POST"),
        (":scheme", "http"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-length", "6"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-proto", "https"),
        ("x-envoy-auth-partial-body", "false"),
    ];
    HttpAttributes {
        method: "POST".into(),
        path: "/pay?x=1".into(),
        host: "app.test".into(),
        body: Bytes::new(),
        raw_body: "to=bob".into(),
        header_map: Some(HeaderLines {
            headers: headers.map(|(key, value)| line(key, value)).into(),
        }),
    }
}

fn with(change: impl FnOnce(&mut HttpAttributes, &mut Vec<HeaderLine>)) -> HttpAttributes {
    let mut http = told();
    let mut headers = http.header_map.take().unwrap().headers;
    change(&mut http, &mut headers);
    http.header_map = Some(HeaderLines { headers });
    http
}

fn without(name: &str) -> HttpAttributes {
    with(|_, lines| lines.retain(|line| line.key != name))
}

fn encoded(http: HttpAttributes) -> Vec<u8> {
    let socket_address = Some(SocketName {
        address: "192.0.2.9".to_owned(),
    });
    let address = Some(PeerAddress { socket_address });
    let request = CheckRequest {
        attributes: Some(Attributes {
            source: Some(PeerAttributes { address }),
            request: Some(RequestAttributes { http: Some(http) }),
        }),
    };
    request.encode_to_vec()
}

fn read(message: &[u8]) -> Result<(Parts, CheckedRequest), QuestionError> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let sent = Bytes::from([&[0], &length[..], message].concat());
    let asking = AskingProxies {
        secret: Secret::new(String::new()),
        bodies: ToldBodies::UpTo(64),
    };
    let rules = HeaderRules {
        identity: Vec::new(),
        rewrite_urls: RewriteUrls::Remove,
        pass: Vec::new(),
        remove: Vec::new(),
        told: Vec::new(),
        forwarded: ForwardedStyle::XForwarded,
        browser_cookie: "stepgate".to_owned(),
    };
    let (mut parts, ()) = Request::new(()).into_parts();
    let checked = read_check(&mut parts, &sent, &asking, &rules, 4096)?;
    Ok((parts, checked))
}

#[test]
fn a_request_is_read_as_envoy_tells_it() {
    let (parts, checked) = read(&encoded(told())).unwrap();
    assert_eq!(
        (parts.method.as_str(), parts.uri.to_string()),
        ("POST", "/pay?x=1".into())
    );
    assert_eq!(parts.headers["host"], "app.test");
    assert_eq!(parts.headers["x-forwarded-proto"], "https");
    assert!(!parts.headers.contains_key("x-envoy-auth-partial-body"));
    assert_eq!(
        (checked.known, &*checked.body),
        (KnownPart::Whole, &b"to=bob"[..])
    );
    assert_eq!(checked.source, "192.0.2.9".parse().ok());
    let (parts, _) = read(&encoded(without("x-forwarded-for"))).unwrap();
    assert_eq!(parts.headers["x-forwarded-for"], "192.0.2.9");
}

#[test]
fn a_part_of_a_body_is_none() {
    let partial = |value| {
        with(|_, lines| {
            lines.retain(|line| line.key != "x-envoy-auth-partial-body");
            lines.push(line("x-envoy-auth-partial-body", value));
        })
    };
    for http in [
        partial("true"),
        partial(""),
        with(|http, _| http.raw_body = "to=bo".into()),
        with(|http, _| http.raw_body = Bytes::new()),
        with(|http, lines| {
            http.raw_body = "x".repeat(64).into();
            lines.retain(|line| line.key != "content-length");
        }),
        with(|http, lines| {
            http.raw_body = Bytes::new();
            lines.retain(|line| {
                !["content-length", "x-envoy-auth-partial-body"]
                    .map(Bytes::from)
                    .contains(&line.key)
            });
            lines.push(line("upgrade", "websocket"));
        }),
    ] {
        let (_, checked) = read(&encoded(http)).unwrap();
        assert_eq!(checked.known, KnownPart::Head);
    }
    let (_, checked) = read(&encoded(without("content-length"))).unwrap();
    assert_eq!(checked.known, KnownPart::Whole);
}

#[test]
fn what_is_told_in_two_ways_or_not_as_it_was_sent_is_refused() {
    for (http, expected) in [
        (
            HttpAttributes {
                header_map: None,
                ..told()
            },
            "encode_raw_headers",
        ),
        (with(|http, _| http.body = "to=bob".into()), "pack_as_bytes"),
        (with(|http, _| http.path = "/notes".into()), "header_map"),
        (with(|http, _| http.method = "GET".into()), "header_map"),
        (with(|http, _| http.host = "elsewhere".into()), "header_map"),
        (
            with(|_, lines| lines.push(line("host", "elsewhere"))),
            "host",
        ),
        (
            with(|_, lines| lines.push(line(":path", "/notes"))),
            "header_map",
        ),
        (with(|_, lines| lines.push(line("a b", ""))), "header_map"),
        (with(|_, lines| lines.push(line("a", "b\nc"))), "header_map"),
        (
            with(|_, lines| lines.push(line("a", &"b".repeat(4096)))),
            "header_map",
        ),
        (
            with(|_, lines| {
                lines.push(HeaderLine {
                    value: "b".into(),
                    ..line("a", "")
                });
            }),
            "header_map",
        ),
        (
            with(|_, lines| lines.push(line("x-original-url", "/"))),
            "x-original-url",
        ),
        (
            with(|_, lines| lines.push(line("x-forwarded-proto", "https"))),
            "X-Forwarded-Proto",
        ),
        (without("x-forwarded-proto"), "X-Forwarded-Proto"),
        (HttpAttributes::default(), "encode_raw_headers"),
    ] {
        let error = read(&encoded(http)).expect_err(expected).to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

/// A line that `Connection` names reaches the application, so it is judged.
#[test]
fn connection_hides_no_line() {
    let http = with(|_, lines| {
        lines.extend([
            line("connection", "upgrade, x-tenant"),
            line("upgrade", "websocket"),
            line("x-tenant", "a"),
        ]);
    });
    let (parts, _) = read(&encoded(http)).unwrap();
    assert_eq!(
        (&parts.headers["connection"], &parts.headers["x-tenant"]),
        (&"upgrade".parse().unwrap(), &"a".parse().unwrap())
    );
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_a_message_or_none(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = message(&Bytes::from(bytes.clone()));
        let _ = read(&bytes);
    }

    #[test]
    fn a_spoilt_message_is_read_or_refused(
        at in any::<prop::sample::Index>(),
        to in any::<u8>(),
        cut in any::<prop::sample::Index>(),
        path in "[ -~]{0,20}",
    ) {
        let http = with(|http, lines| {
            http.path = path.clone().into();
            lines.retain(|line| line.key != ":path");
        });
        let mut bytes = encoded(http);
        if let Ok((parts, _)) = read(&bytes) {
            proptest::prop_assert_eq!(parts.uri.to_string(), path);
        }
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = read(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        let _ = read(&bytes);
    }
}
