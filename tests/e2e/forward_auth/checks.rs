//! Envoy's questions by gRPC: what the real one shows and passes on, and what is no question.

use super::front::{Front, Proxy, SECRET, Way, asked};
use crate::admin::{ADMIN, admin, scrape};
use crate::support::client::Client;
use crate::support::raw::RawConnection;
use crate::support::run;
use crate::support::sidecar::{COOKIE, HOST, USER};
use http::{HeaderValue, Method};
use serde_json::json;

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// A message of gRPC with these flags and this length before it.
fn framed(flags: u8, length: usize, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(length).unwrap().to_be_bytes();
    [&[flags][..], &length, message].concat()
}

#[test]
fn what_is_no_question_fails_with_a_status_of_grpc() {
    run(async {
        let asked = asked(|setup| setup.with("forward_auth", "body: 4KiB"));
        let empty = || framed(0, 0, &[]);
        let large = (1 << 20) + 4096 + 1;
        for (path, secret, body, status) in [
            (CHECK, SECRET, empty(), "9"),
            (CHECK, "", empty(), "16"),
            (CHECK, "another", empty(), "16"),
            (CHECK, SECRET, Vec::new(), "3"),
            (CHECK, SECRET, framed(0, 5, b"abc"), "3"),
            (CHECK, SECRET, framed(0, 3, b"abcd"), "3"),
            (CHECK, SECRET, framed(0, 2, b"\xff\xff"), "3"),
            (CHECK, SECRET, framed(1, 0, &[]), "12"),
            (CHECK, SECRET, framed(2, 0, &[]), "3"),
            (CHECK, SECRET, [empty(), empty()].concat(), "3"),
            (
                CHECK,
                SECRET,
                framed(0, large - 5, &vec![0; large - 5]),
                "8",
            ),
            (
                "/envoy.service.auth.v2.Authorization/Check",
                SECRET,
                empty(),
                "12",
            ),
            (
                "/envoy.service.auth.v3.Authorization/Watch",
                SECRET,
                empty(),
                "12",
            ),
            (
                "/envoy.service.auth.v3.Authorization/Watch",
                "",
                empty(),
                "16",
            ),
        ] {
            let what = format!("{path} {} {:?}", secret.len(), &body[..body.len().min(9)]);
            let envoy = Client::new(asked.addr()).http2();
            let mut request = envoy.request(Method::POST, path, body);
            let headers = request.headers_mut();
            headers.insert("content-type", HeaderValue::from_static("application/grpc"));
            if !secret.is_empty() {
                headers.insert("step-up-secret", secret.parse().unwrap());
            }
            let answer = envoy.send(request).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("grpc-status")),
                (200, status),
                "{what}"
            );
            assert_ne!(answer.header("grpc-message"), "", "{what}");
            assert_eq!(answer.text(), "", "{what}");
        }
        let mut raw = RawConnection::open(asked.addr()).await;
        let head = format!(
            "POST {CHECK} HTTP/1.1\r\nHost: x\r\nStep-Up-Secret: {SECRET}\r\nContent-Length: 0\r\n\r\n"
        );
        let answer = raw.write(head).await.read_head().await;
        assert!(answer.contains("grpc-status: 12"), "{answer}");
    });
}

#[test]
fn a_request_is_bound_to_the_body_that_envoy_shows() {
    const WHOLE: &str = "version: 1\ndefault: forward\nroutes: [{ id: pay, title: Pay, level: 4, match: { methods: [POST], path: /pay } }]\n";
    run(async {
        for proxy in [Proxy::Envoy, Proxy::EnvoyGrpc] {
            let front = Front::start_by(proxy, Way::Address, |setup| setup.policy(WHOLE)).await;
            let client = front.client().fetching();
            // As no text would be.
            let bytes = |last: u8| vec![0, 0xff, 0xc3, last];
            let pay = async |body: Vec<u8>| {
                client
                    .send(client.request(Method::POST, "/pay", body))
                    .await
            };
            let refused = pay(bytes(1)).await;
            assert_eq!(
                refused.reason(),
                "step-up-required",
                "{proxy:?}: {}",
                refused.text()
            );
            client.pass(&refused).await;
            let longer = [bytes(1), vec![b'x'; 70_000]].concat();
            for (body, status) in [
                (bytes(2), 403),
                (longer, 400),
                (bytes(1), 200),
                (bytes(1), 403),
            ] {
                let answer = pay(body.clone()).await;
                assert_eq!(
                    answer.status,
                    status,
                    "{proxy:?} {}: {}",
                    body.len(),
                    answer.text()
                );
            }
            assert_eq!(front.sidecar().got("/pay"), 1, "{proxy:?}");
        }
    });
}

#[test]
fn a_client_is_told_what_a_reverse_proxy_would_tell_it() {
    run(async {
        let front = Front::start(Proxy::EnvoyGrpc).await;
        let client = front.client();
        let page = client
            .clone()
            .navigating()
            .post_form("/keys", &[("name", "ci")])
            .await;
        assert_eq!(page.status, 403, "{}", page.text());
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(
            page.header("content-security-policy")
                .contains("frame-ancestors")
        );
        let refused = client
            .clone()
            .fetching()
            .call(Method::POST, "/keys", json!({}))
            .await;
        assert_eq!(refused.header("content-type"), "application/problem+json");
        assert_eq!(refused.header("cache-control"), "no-store");
        let htmx = client
            .clone()
            .fetching()
            .header("hx-request", "true")
            .post("/keys")
            .await;
        assert_ne!(htmx.header("hx-redirect"), "", "{htmx:?}");
        let rpc = client.clone().header("content-type", "application/grpc");
        let rpc = rpc.send(rpc.request(Method::POST, "/keys", "")).await;
        assert_eq!(
            (rpc.status.as_u16(), rpc.header("grpc-status")),
            (200, "16")
        );
        assert_ne!(rpc.header("grpc-status-details-bin"), "");
        let decisions = front.sidecar().decisions("/keys", 4);
        assert!(
            decisions
                .iter()
                .all(|decision| decision["subject"] == USER && decision["outcome"] == "challenged"),
            "{decisions:?}"
        );
    });
}

/// Of two lines Envoy would make one, had we not asked for each by itself.
#[test]
fn each_line_of_a_header_counts() {
    run(async {
        let front = Front::start(Proxy::EnvoyGrpc).await;
        let cookie = front.client().cookie(COOKIE).unwrap();
        let before = front.reached();
        for lines in [
            format!("Cookie: {COOKIE}={cookie}; a=1\r\nCookie: {COOKIE}=other"),
            format!("Cookie: a=1\r\nCookie: {COOKIE}=other\r\nCookie: {COOKIE}={cookie}"),
        ] {
            let mut raw = RawConnection::open(front.addr).await;
            let head = format!(
                "POST /keys HTTP/1.1\r\nHost: {HOST}\r\n{lines}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            );
            let answer = raw.write(head).await.read_head().await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{lines}: {answer}");
        }
        assert_eq!(front.reached(), before);
    });
}

#[test]
fn questions_are_counted_by_form_and_outcome() {
    run(async {
        let asked = asked(|setup| setup.line(ADMIN));
        let admin = admin(&asked.sidecar);
        let nginx = asked.asking().header("x-forwarded-for", "192.0.2.7");
        let url = |path: &str| format!("http://{HOST}{path}");
        let nginx = |method: &str, path: &str| {
            nginx
                .clone()
                .header("x-original-method", method)
                .header("x-original-url", &url(path))
        };
        assert_eq!(nginx("GET", "/notes").get("/nginx").await.status, 200);
        assert_eq!(nginx("POST", "/keys").get("/nginx").await.status, 403);
        assert_eq!(nginx("POST", "/a/../b").get("/nginx").await.status, 403);
        assert_eq!(nginx("POST", "/keys").get("/elsewhere").await.status, 404);
        let client = Client::new(asked.addr()).fetching();
        assert_eq!(client.get("/forward").await.status, 404);
        let grpc = client
            .clone()
            .http2()
            .header("content-type", "application/grpc");
        grpc.send(grpc.request(Method::POST, CHECK, framed(0, 0, &[])))
            .await;
        let counted = scrape(&admin).await;
        for (form, outcome) in [
            ("nginx", "admitted"),
            ("nginx", "challenged"),
            ("nginx", "denied"),
            ("unknown", "unanswered"),
            ("forward", "unanswered"),
            ("envoy-grpc", "unanswered"),
        ] {
            let labels = [("form", form), ("outcome", outcome)];
            let count = counted.value("stepgate_forward_auth_questions_total", &labels);
            assert_eq!(count, Some(1), "{labels:?}");
        }
    });
}
