//! What somebody sends who wants to get past the question.

use super::front::{ALL, Front, Proxy, Way};
use crate::support::raw::RawConnection;
use crate::support::run;
use crate::support::sidecar::{COOKIE, HOST};
use http::Method;

/// Names by which a client would speak in place of the proxy, of us, or of the request line.
const SPOKEN: [&str; 17] = [
    "forwarded",
    "step-up-assertion",
    "step-up-secret",
    "x-envoy-auth-partial-body",
    "x-envoy-original-path",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-method",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-uri",
    "x-http-method-override",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
    "x-stepgate-subject",
];

#[test]
fn a_client_cannot_say_what_it_asks_for() {
    run(async {
        for proxy in ALL {
            let front = Front::start(proxy).await;
            let values = [
                "/notes",
                "GET",
                "http://app.test/notes",
                "127.0.0.1",
                "https",
                SECRET_LIKE,
            ];
            for name in SPOKEN {
                for value in values {
                    for times in 1..=2 {
                        let mut client = front.client().fetching();
                        for _ in 0..times {
                            client = client.header(name, value);
                        }
                        let before = front.reached();
                        let answer = client.post("/keys").await;
                        front.assert_not_reached(
                            before,
                            &answer,
                            &format!("{proxy:?} {name}: {value}"),
                        );
                    }
                }
            }
        }
    });
}

#[test]
fn what_the_application_would_take_for_another_request_does_not_reach_it() {
    run(async {
        for proxy in ALL {
            let front = Front::start(proxy).await;
            for name in SPOKEN
                .map(|name| [name.to_owned(), name.replace('-', "_")])
                .concat()
            {
                let before = front.reached();
                let mut request = front.client().fetching().request(Method::GET, "/notes", "");
                let value = if name.ends_with("method") || name.ends_with("override") {
                    "POST"
                } else {
                    "/keys"
                };
                request.headers_mut().append(
                    http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    value.parse().unwrap(),
                );
                let answer = front.client().send(request).await;
                if front.reached() == before {
                    assert_ne!(answer.status, 200, "{proxy:?} {name}");
                    continue;
                }
                let got = front.sidecar().upstream().last();
                let lines = got.headers.iter();
                let forged = lines.filter(|(_, line)| *line == value);
                let forged: Vec<_> = forged.map(|(name, _)| name.as_str()).collect();
                // `/notes` is free whatever method is claimed; of addresses the proxy itself must know what to believe.
                assert!(
                    forged.is_empty() || UNREAD.contains(&forged[0]),
                    "{proxy:?} {name}: {forged:?}"
                );
            }
        }
    });
}

/// Those of them by which no application takes another request for this one: of addresses the proxy must know what to
/// believe, and the secret is ours.
const UNREAD: [&str; 4] = [
    "forwarded",
    "step-up-secret",
    "x-envoy-auth-partial-body",
    "x-http-method-override",
];

/// Targets that some application takes for `/keys`, or for `/secrets/a`.
const SPELLINGS: [&str; 24] = [
    "/keys/",
    "//keys",
    "/%6beys",
    "/%6Beys",
    "/%256beys",
    "/keys%2f",
    "/%2fkeys",
    "/KEYS",
    "/keys;x=1",
    "/./keys",
    "/x/../keys",
    "/x/%2e%2e/keys",
    "/x/..%2fkeys",
    "/x/..;/keys",
    "/keys%00",
    "/keys%20",
    "/keys.",
    "/keys?x#y",
    "/keys\\",
    "/.stepup/../keys",
    "/.stepup/..%2fkeys",
    "/.stepup/%2e%2e/keys",
    "/.STEPUP/../keys",
    "/.stepup//..//keys",
];

#[test]
fn no_spelling_of_a_guarded_path_passes() {
    run(async {
        for proxy in ALL {
            let front = Front::start(proxy).await;
            let cookie = front.client().cookie(COOKIE).unwrap();
            for target in SPELLINGS {
                for line in [
                    format!("POST {target} HTTP/1.1\r\nHost: {HOST}"),
                    format!("POST http://{HOST}{target} HTTP/1.1\r\nHost: {HOST}"),
                    format!("POST http://elsewhere{target} HTTP/1.1\r\nHost: {HOST}"),
                    format!("POST {target} HTTP/1.1\r\nHost: {HOST}\r\nHost: elsewhere"),
                    format!("POST {target} HTTP/1.0"),
                    format!("POST {target} HTTP/1.0\r\nHost: {HOST}"),
                    format!(
                        "HEAD {target} HTTP/1.1\r\nHost: {HOST}\r\nX-HTTP-Method-Override: POST"
                    ),
                    format!("GET {target} HTTP/1.1\r\nHost: {HOST}\r\nX-Http-Method: post"),
                    format!(
                        "PUT {target} HTTP/1.1\r\nHost: {HOST}\r\nX_HTTP_Method_Override: POST"
                    ),
                ] {
                    let before = front.reached();
                    let mut raw = RawConnection::open(front.addr).await;
                    let head = format!(
                        "{line}\r\nCookie: {COOKIE}={cookie}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                    );
                    let answer = raw.write(head).await.read_head().await;
                    if front.reached() == before {
                        assert!(!answer.contains(" 200 "), "{proxy:?} {line}: {answer}");
                        continue;
                    }
                    // A PUT whose header the proxy has dropped is one that nothing guards.
                    let got = front.sidecar().upstream().last();
                    let claims = got
                        .headers
                        .keys()
                        .any(|name| name.as_str().contains("method"));
                    assert!(got.method == "PUT" && !claims, "{proxy:?} {line}: {got:?}");
                }
            }
        }
    });
}

/// Envoy asks as soon as the body has the length that it shows at most, and calls that the whole of it.
#[test]
fn what_follows_the_part_that_envoy_shows_passes_no_guard() {
    const BY_FORM: &str = "version: 1\ndefault: forward\nroutes: [{ id: pay, title: Pay, level: 3, match: { methods: [POST], path: /pay, form: { to: eve } } }]\n";
    run(async {
        for proxy in [Proxy::Envoy, Proxy::EnvoyGrpc] {
            let front = Front::start_by(proxy, Way::Address, |setup| setup.policy(BY_FORM)).await;
            let client = front.client().fetching();
            let free = client.post_form("/pay", &[("to", "bob")]).await;
            assert_eq!(free.status, 200, "{}", free.text());
            let (cookie, before) = (client.cookie(COOKIE).unwrap(), front.reached());
            for framing in [
                "Content-Length: 65543\r\n\r\n",
                "Transfer-Encoding: chunked\r\n\r\n10000\r\n",
            ] {
                let mut raw = RawConnection::open(front.addr).await;
                let part = format!("x={}", "x".repeat(65_534));
                let head = format!(
                    "POST /pay HTTP/1.1\r\nHost: {HOST}\r\nCookie: {COOKIE}={cookie}\r\nSec-Fetch-Mode: cors\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\n{framing}{part}"
                );
                let answer = raw.write(head).await.read_head().await;
                assert!(answer.contains("step-up: challenge"), "{answer}");
            }
            assert_eq!(front.reached(), before);
        }
    });
}

#[test]
fn a_refusal_that_looks_like_a_success_lets_nothing_pass() {
    run(async {
        for proxy in ALL {
            let front = Front::start(proxy).await;
            let before = front.reached();
            // gRPC has status 200 for everything.
            let client = front.client().header("content-type", "application/grpc");
            let request = client.request(Method::POST, "/keys", "");
            let answer = client.send(request).await;
            let status = answer.header("grpc-status");
            assert_eq!((front.reached(), status), (before, "16"), "{proxy:?}");
            // A preflight of a listed origin would be answered 204 at an endpoint of ours.
            for path in ["/stepgate-ask", "/nginx", "/forward", "/envoy/notes"] {
                let (before, answer) = (front.reached(), front.client().fetching().get(path).await);
                assert!(
                    front.reached() > before || answer.status != 200,
                    "{proxy:?} {path}"
                );
                assert_eq!(answer.header("step-up-assertion"), "", "{proxy:?} {path}");
            }
        }
    });
}

/// As long as the secret, and another.
const SECRET_LIKE: &str = "00000000000000000000000000000000";
