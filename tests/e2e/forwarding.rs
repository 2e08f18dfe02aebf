//! What goes through, goes through as it came: methods, targets, headers, bodies, both ways.

use crate::support::client::{Body, Client};
use crate::support::raw::RawConnection;
use crate::support::raw_upstream::{Act, RawUpstream};
use crate::support::sidecar::in_front_of;
use crate::support::temp::TempDir;
use crate::support::tls::TestCa;
use crate::support::upstream::{Reply, Upstream, answer, text};
use crate::support::{run, soon, until};
use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use std::io;

/// A body of `pieces` pieces, whose length is not told.
fn chunked(pieces: u64, piece: &'static [u8]) -> Body {
    let stream = futures_util::stream::unfold(pieces, move |left| async move {
        let frame = Ok::<_, io::Error>(Frame::data(Bytes::from_static(piece)));
        (left > 0).then(|| (frame, left - 1))
    });
    BodyExt::boxed(StreamBody::new(stream))
}

#[test]
fn methods_targets_and_bodies_go_as_they_came() {
    run(async {
        let upstream = Upstream::start(|got| text(200, got.method.as_str()));
        let sidecar = in_front_of(&upstream).run();
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT",
        ] {
            let method: Method = method.parse().unwrap();
            let request = sidecar.client().request(method.clone(), "/m", "body");
            let got = sidecar.client().send(request).await;
            assert_eq!((got.status.as_u16(), got.text()), (200, method.as_str()));
            assert_eq!(&upstream.last().body[..], b"body");
            assert_eq!(upstream.last().header("content-length"), "4");
        }
        for target in [
            "/a%2fb%2Fc",
            "/a//b/",
            "/a;x=1/b",
            "/?a=%20+b&a=2&&=%00",
            "/@x:y!$'()*,~",
        ] {
            sidecar.client().get(target).await;
            assert_eq!(upstream.last().target, target);
        }
        let request = sidecar
            .client()
            .streaming(Method::POST, "/m", chunked(3, b"abc"));
        sidecar.client().send(request).await;
        let got = upstream.last();
        assert_eq!(got.header("transfer-encoding"), "chunked");
        assert_eq!(&got.body[..], b"abcabcabc");
    });
}

#[test]
fn answers_without_a_body_have_none() {
    run(async {
        let upstream = Upstream::start(|got| match got.target.as_str() {
            "/204" => text(204, ""),
            "/304" => answer(304, &[("etag", "\"x\"")], ""),
            _ => text(200, "body"),
        });
        let sidecar = in_front_of(&upstream).run();
        let head = sidecar.client().request(Method::HEAD, "/", "");
        let head = sidecar.client().send(head).await;
        assert_eq!((head.header("content-length"), head.body.len()), ("4", 0));
        assert_eq!(upstream.last().method, Method::HEAD);
        let mut connection = RawConnection::open(sidecar.addr()).await;
        for (path, status) in [("/204", "204"), ("/304", "304"), ("/200", "200")] {
            let ask = format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n");
            connection.write(ask).await;
            let head = connection.read_head().await;
            assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
            assert!(!head.contains("transfer-encoding"), "{head}");
        }
        assert_eq!(connection.read_until("body").await, "body");
    });
}

#[test]
fn the_application_is_told_whom_it_talks_with() {
    run(async {
        let upstream = Upstream::start(|_| text(200, ""));
        let sidecar = in_front_of(&upstream).run();
        let client = sidecar
            .client()
            .host("App.Example.com:8443")
            .header("x-forwarded-for", "6.6.6.6")
            .header("x-forwarded-host", "evil")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-prefix", "/evil")
            .header("x-real-ip", "6.6.6.6")
            .header("forwarded", "for=6.6.6.6")
            .header("via", "1.1 evil")
            .header("x-request-id", "evil")
            .header("remote-user", "admin")
            .header("x_forwarded_user", "admin")
            .header("x-original-url", "/admin")
            .header("step-up", "x")
            .header("cookie", "a=1; b=2");
        client.get("/").await;
        let got = upstream.last();
        assert_eq!(got.header("host"), "App.Example.com:8443");
        assert_eq!(got.header("x-forwarded-for"), "127.0.0.1");
        assert_eq!(got.header("x-forwarded-host"), "App.Example.com:8443");
        assert_eq!(got.header("x-forwarded-proto"), "http");
        assert_eq!(got.header("via"), "1.1 stepgate");
        assert_eq!(got.header("x-request-id").len(), 16);
        assert_eq!(got.header("cookie"), "a=1; b=2");
        for gone in [
            "x-forwarded-prefix",
            "x-real-ip",
            "forwarded",
            "remote-user",
            "x_forwarded_user",
            "x-original-url",
            "step-up",
        ] {
            assert_eq!(got.header(gone), "", "{gone}");
        }

        let sidecar = in_front_of(&upstream)
            .with("upstream", "forwarded: both")
            .run();
        sidecar.client().host("h").get("/").await;
        assert_eq!(
            upstream.last().header("forwarded"),
            "for=127.0.0.1;proto=http;host=\"h\""
        );
        assert_eq!(upstream.last().header("x-forwarded-for"), "127.0.0.1");
    });
}

#[test]
fn cookies_keep_their_order_and_hops_their_headers() {
    run(async {
        let upstream = Upstream::start(|_| {
            answer(
                200,
                &[
                    ("set-cookie", "b=1; Path=/"),
                    ("x-first", "1"),
                    ("set-cookie", "a=2"),
                    ("set-cookie", "b=3; Path=/x"),
                    ("connection", "x-hop"),
                    ("x-hop", "1"),
                    ("keep-alive", "timeout=5"),
                    ("proxy-authenticate", "Basic"),
                    ("step-up", "challenge"),
                    ("warning", "199 - \"kept\""),
                ],
                "ok",
            )
        });
        let sidecar = in_front_of(&upstream).run();
        let got = sidecar.client().get("/").await;
        let cookies: Vec<_> = got.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["b=1; Path=/", "a=2", "b=3; Path=/x"]);
        assert_eq!(
            (got.header("x-first"), got.header("warning")),
            ("1", "199 - \"kept\"")
        );
        for gone in [
            "x-hop",
            "keep-alive",
            "proxy-authenticate",
            "step-up",
            "connection",
        ] {
            assert_eq!(got.header(gone), "", "{gone}");
        }
    });
}

#[test]
fn trailers_follow_where_they_were_announced() {
    run(async {
        let upstream = Upstream::start(|_| {
            let frames = [
                Ok::<_, io::Error>(Frame::data(Bytes::from_static(b"body"))),
                Ok(Frame::trailers(HeaderMap::from_iter([
                    ("x-sum".parse().unwrap(), "42".parse().unwrap()),
                    ("set-cookie".parse().unwrap(), "sid=evil".parse().unwrap()),
                    ("step-up".parse().unwrap(), "done".parse().unwrap()),
                ]))),
            ];
            let body = StreamBody::new(futures_util::stream::iter(frames));
            let response =
                http::Response::builder().header("trailer", "x-sum, set-cookie, step-up");
            Reply::Answer(response.body(BodyExt::boxed(body)).unwrap())
        });
        let sidecar = in_front_of(&upstream).run();
        // Without `TE: trailers` hyper sends none; so the test's application is asked over HTTP/2, too.
        let by_one = sidecar.client().header("te", "trailers").get("/").await;
        let by_two = sidecar.client().http2().get("/").await;
        for got in [by_one, by_two] {
            assert_eq!(got.text(), "body");
            if let Some(trailers) = got.trailers {
                assert_eq!(trailers.get("set-cookie"), None);
                assert_eq!(trailers.get("step-up"), None);
            }
        }
        let script = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Set-Cookie\r\n\r\n\
                      4\r\nbody\r\n0\r\nX-Sum: 42\r\nSet-Cookie: sid=evil\r\nContent-Length: 9\r\n\r\n";
        let upstream = RawUpstream::start(vec![vec![Act::Write(script)]]).await;
        let sidecar = in_front_of(&upstream).run();
        let clients = [
            sidecar.client().header("te", "trailers"),
            sidecar.client().http2(),
        ];
        for client in clients {
            let got = client.get("/").await;
            let trailers = got.trailers.expect("trailers");
            assert_eq!(trailers.len(), 1, "{trailers:?}");
            assert_eq!(trailers["x-sum"], "42");
        }
    });
}

#[test]
fn trailers_of_a_request_end_here() {
    run(async {
        let upstream = Upstream::start(|_| text(200, ""));
        let sidecar = in_front_of(&upstream).run();
        let ask = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: Remote-User\r\n\r\n\
                   2\r\nab\r\n0\r\nRemote-User: admin\r\n\r\n";
        let mut connection = RawConnection::open(sidecar.addr()).await;
        assert!(
            connection
                .write(ask)
                .await
                .read_head()
                .await
                .starts_with("HTTP/1.1 200")
        );
        let got = upstream.last();
        assert_eq!(&got.body[..], b"ab");
        assert!(got.trailers.is_none_or(|trailers| trailers.is_empty()));
        assert_eq!(got.headers.get("trailer"), None);
    });
}

#[test]
fn a_body_is_asked_for_only_if_somebody_wants_it() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "done"));
        let sidecar = in_front_of(&upstream).run();
        let ask = |path: &str| {
            format!(
                "POST {path} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
            )
        };
        let mut connection = RawConnection::open(sidecar.addr()).await;
        connection.write(ask("/x")).await;
        assert!(connection.read_head().await.starts_with("HTTP/1.1 100 "));
        connection.write("body").await;
        assert!(connection.read_head().await.starts_with("HTTP/1.1 200 "));
        assert_eq!(&upstream.last().body[..], b"body");
        assert_eq!(upstream.last().header("expect"), "");

        let mut connection = RawConnection::open(sidecar.addr()).await;
        connection.write(ask("/guarded/x")).await;
        assert!(connection.read_head().await.starts_with("HTTP/1.1 401 "));
        assert_eq!(upstream.got().len(), 1);
    });
}

#[test]
fn interim_answers_of_the_application_are_not_taken_for_the_answer() {
    run(async {
        let script = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n\
                      HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let upstream = RawUpstream::start(vec![vec![Act::Write(script)]]).await;
        let sidecar = in_front_of(&upstream).run();
        let got = sidecar.client().get("/").await;
        assert_eq!(
            (got.status.as_u16(), got.text(), got.header("link")),
            (200, "ok", "")
        );
    });
}

#[test]
fn upstreams_are_reached_by_unix_socket_and_by_tls_with_the_right_name_only() {
    run(async {
        let dir = TempDir::new("sock");
        let path = dir.path().join("app.sock");
        let upstream = Upstream::start_unix(&path, |_| text(200, "local"));
        let sidecar = in_front_of(format!("unix:{}", path.display())).run();
        assert_eq!(sidecar.client().get("/").await.text(), "local");
        drop(upstream);
        let gone = sidecar.client().get("/").await;
        assert_eq!(
            (gone.status.as_u16(), gone.json()["reason"].as_str()),
            (502, Some("upstream-unreachable"))
        );

        let ca = TestCa::shared();
        let upstream = Upstream::start_tls(ca, |_| text(200, "sealed"));
        let port = upstream.addr().port();
        let trusting = format!("ca: {}", ca.ca().display());
        let sidecar = in_front_of(format!("https://localhost:{port}"))
            .with("upstream", &trusting)
            .run();
        assert_eq!(sidecar.client().get("/").await.text(), "sealed");
        // The certificate is for `127.0.0.1` in letters only, which is no name of an address.
        let wrong = in_front_of(format!("https://127.0.0.2:{port}"))
            .with("upstream", &trusting)
            .run();
        assert_eq!(wrong.client().get("/").await.status, 502);
        let other = TestCa::new();
        let mistrusting = format!("ca: {}", other.ca().display());
        let sidecar = in_front_of(format!("https://localhost:{port}"))
            .with("upstream", &mistrusting)
            .run();
        let refused = sidecar.client().get("/").await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("step-up")),
            (502, "error")
        );
        assert_eq!(upstream.got().len(), 1);
    });
}

#[test]
fn events_arrive_as_they_are_said() {
    run(async {
        let upstream = Upstream::start(|_| Reply::Events);
        let sidecar = in_front_of(&upstream).run();
        for client in [sidecar.client(), sidecar.client().http2()] {
            let mut events = client
                .open(client.request(Method::GET, "/events", ""))
                .await;
            assert_eq!(events.headers()["content-type"], "text/event-stream");
            for word in ["one", "two", "three"] {
                upstream.say(word);
                let frame = soon("an event", events.body_mut().frame()).await;
                assert_eq!(
                    frame.unwrap().unwrap().into_data().unwrap(),
                    format!("data: {word}\n\n")
                );
            }
            upstream.fall_silent();
            // HTTP/2 may end with an empty frame.
            while let Some(frame) = soon("the end", events.body_mut().frame()).await {
                assert!(frame.unwrap().into_data().unwrap().is_empty());
            }
        }
    });
}

#[test]
fn big_streams_pass_in_little_memory() {
    const PIECE: &[u8] = &[b'x'; 64 * 1024];
    const SIZE: u64 = 256 << 20;
    run(async {
        let upstream = Upstream::start(|got| match got.target.as_str() {
            "/count" => Reply::Count,
            _ => Reply::Flood(SIZE),
        });
        let sidecar = in_front_of(&upstream).run();
        sidecar.client().get("/warm").await;
        let pid = sidecar.process().pid();
        for client in [sidecar.client(), sidecar.client().http2()] {
            let body = chunked(SIZE / PIECE.len() as u64, PIECE);
            let counted = client
                .send(client.streaming(Method::PUT, "/count", body))
                .await;
            assert_eq!(counted.text(), SIZE.to_string());
            let flood = client.open(client.request(Method::GET, "/flood", "")).await;
            assert_eq!(drain(flood.into_body()).await, SIZE);
        }
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak < 64 << 10, "{peak} KiB at most");
    });
}

async fn drain(mut body: hyper::body::Incoming) -> u64 {
    let mut read = 0;
    while let Some(frame) = soon("more", body.frame()).await {
        read += frame
            .unwrap()
            .into_data()
            .map_or(0, |data| data.len() as u64);
    }
    read
}

#[test]
fn a_client_that_goes_away_takes_its_request_along() {
    run(async {
        let upstream = Upstream::start(|got| match got.target.as_str() {
            "/hang" => Reply::Hang,
            "/flood" => Reply::Flood(u64::MAX),
            _ => text(200, "fine"),
        });
        let sidecar = in_front_of(&upstream)
            .with("upstream", "max_connections: 1")
            .run();
        // One connection in all: whoever comes next gets it only when it is free.
        for ask in [
            "GET /hang HTTP/1.1\r\nHost: h\r\n\r\n",
            "POST /hang HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nab",
            "POST /hang HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
            "GET /flood HTTP/1.1\r\nHost: h\r\n\r\n",
        ] {
            let before = upstream.got().len();
            let mut client = RawConnection::open(sidecar.addr()).await;
            client.write(ask).await;
            upstream.wait_for(before + 1).await;
            drop(client);
            Box::pin(until_served(&sidecar.client())).await;
        }
    });
}

/// Asks until the one connection to the application is free again.
async fn until_served(client: &Client) {
    let serving = async || {
        let got = client.get("/fine").await;
        if got.status == 200 {
            assert_eq!(got.text(), "fine");
            return Some(());
        }
        assert_eq!((got.status.as_u16(), got.header("retry-after")), (503, "1"));
        None
    };
    until("a free connection", serving).await;
}

#[test]
fn an_application_that_breaks_off_is_heard_by_the_client() {
    run(async {
        let upstream = Upstream::start(|_| Reply::CutBody("half"));
        let sidecar = in_front_of(&upstream).run();
        for client in [sidecar.client(), sidecar.client().http2()] {
            let mut cut = client.open(client.request(Method::GET, "/", "")).await;
            let mut broken = false;
            while let Some(frame) = soon("the rest", cut.body_mut().frame()).await {
                broken = frame.is_err();
                if broken {
                    break;
                }
            }
            assert!(broken, "a cut answer looks whole");
        }
    });
}
