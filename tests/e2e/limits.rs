//! Everything that waits has a deadline, and everything that is kept has a limit.

use crate::support::port::HeldPort;
use crate::support::raw::{self, RawConnection};
use crate::support::raw_upstream::{Act, RawUpstream};
use crate::support::run;
use crate::support::sidecar::in_front_of;
use crate::support::upstream::{Reply, Upstream, text};
use http::Method;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What any of the deadlines below may take at most, on a busy machine.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn rule_10_connections_are_counted_in_all_and_for_each_address() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "ok"));
        for line in ["connections: 3", "connections_per_address: 3"] {
            let sidecar = in_front_of(&upstream).with("limits", line).run();
            let mut inside = Vec::new();
            for _ in 0..3 {
                let mut connection = RawConnection::open(sidecar.addr()).await;
                connection.write("GET /x HTTP/1.1\r\nHost: h\r\n\r\n").await;
                assert!(connection.read_head().await.starts_with("HTTP/1.1 200"));
                inside.push(connection);
            }
            let told = raw::send(sidecar.addr(), "").await;
            assert!(told.starts_with("HTTP/1.1 503 "), "{line}: {told}");
            let (head, body) = told.split_once("\r\n\r\n").unwrap();
            for part in ["retry-after: 1", "connection: close", "step-up: error"] {
                assert!(head.contains(part), "{line}: {told}");
            }
            assert!(head.ends_with(&format!("content-length: {}", body.len())));
            // A place is free as soon as somebody leaves.
            let mut leaving = inside.pop().unwrap();
            leaving.finish().await.read_to_end().await;
            let status = raw::status(sidecar.addr(), "GET /x HTTP/1.1\r\nHost: h\r\n\r\n").await;
            assert_eq!(status, 200);
        }
    });
}

#[test]
fn rule_10_a_head_has_a_limit_in_lines_and_bytes() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "ok"));
        let setup = in_front_of(&upstream).with("limits", "headers: 10");
        let sidecar = setup.with("limits", "header_bytes: 8KiB").run();
        let many = "X: y\r\n".repeat(10);
        let long = format!("X: {}\r\n", "y".repeat(9000));
        let target = format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "y".repeat(9000));
        for (status, ask) in [
            (431, format!("GET /x HTTP/1.1\r\nHost: h\r\n{many}\r\n")),
            (431, format!("GET /x HTTP/1.1\r\nHost: h\r\n{long}\r\n")),
            (
                431,
                format!("GET /x HTTP/1.1\r\nHost: h\r\n{}", &long[..9000]),
            ),
            (414, target),
            (414, "x".repeat(9000)),
        ] {
            let answer = raw::send(sidecar.addr(), &ask).await;
            let told = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&told), "{ask:.40}: {answer}");
            assert!(answer.contains("than the settings allow"), "{answer}");
            assert!(
                answer.to_ascii_lowercase().contains("step-up: error"),
                "{answer}"
            );
        }
        assert!(upstream.got().is_empty());
    });
}

#[test]
fn rule_10_a_body_has_a_limit() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "ok"));
        let sidecar = in_front_of(&upstream).with("limits", "body: 10KiB").run();
        let big = "x".repeat(5 << 20);
        for client in [sidecar.client(), sidecar.client().http2()] {
            let told = client
                .try_open(client.request(Method::POST, "/x", big.clone()))
                .await;
            let told = told.expect("an answer, although the body goes on");
            assert_eq!(
                (told.status().as_u16(), &told.headers()["step-up"]),
                (413, &"error".parse().unwrap())
            );
        }
        let ask = format!(
            "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
            format!("400\r\n{}\r\n", "x".repeat(1024)).repeat(20)
        );
        let answer = raw::send(sidecar.addr(), ask).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(upstream.got().is_empty());
    });
}

#[test]
fn rule_10_a_slow_client_is_cut_off() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "ok"));
        let setup = in_front_of(&upstream).with("deadlines", "header: 300ms");
        let sidecar = setup
            .with("deadlines", "progress: 300ms")
            .with("deadlines", "idle: 300ms")
            .run();
        let begun = Instant::now();
        // Half a line; half a head; half a head after an answer.
        for ask in [
            "G",
            "P",
            "GET /x HTTP/1.1\r\n",
            "GET /x HTTP/1.1\r\nHost: h\r\nX: y",
            "GET /x HTTP/1.1\r\nHost: h\r\n\r\nGET /x HTTP/1.1\r\nHost: h\r\n",
        ] {
            let answer = raw::send(sidecar.addr(), ask).await;
            let (before, told) = answer.split_at(answer.find("HTTP/1.1 408 ").expect(&answer));
            assert_eq!(before.is_empty(), !ask.contains("\r\n\r\n"), "{answer}");
            let told = told.to_ascii_lowercase();
            for part in [
                "\r\nconnection: close\r\n",
                "\r\nstep-up: error\r\n",
                "request-timeout",
            ] {
                assert!(told.contains(part), "{ask:?}: {answer}");
            }
        }
        // Nothing at all; nothing more after an answer.
        assert_eq!(raw::send(sidecar.addr(), "").await, "");
        let answer = raw::send(sidecar.addr(), "GET /x HTTP/1.1\r\nHost: h\r\n\r\n").await;
        assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
        // Half a body, be it streamed or read.
        for ask in [
            "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx",
            "POST /form HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx",
            "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nx",
        ] {
            let answer = raw::send(sidecar.addr(), ask).await;
            assert!(answer.starts_with("HTTP/1.1 408 "), "{ask:?}: {answer}");
            let told = answer.to_ascii_lowercase();
            assert!(told.contains("\r\nconnection: close\r\n"), "{answer}");
        }
        // The beginning of HTTP/2, and no more.
        let mut connection = RawConnection::open(sidecar.addr()).await;
        connection.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        connection.read_to_end().await;
        assert!(begun.elapsed() < SOON * 3, "{:?}", begun.elapsed());
        // A head that comes byte by byte does not win time.
        let mut stream = TcpStream::connect(sidecar.addr()).await.unwrap();
        let (mut hear, mut say) = stream.split();
        let mut answer = Vec::new();
        let trickle = async {
            // Far from the limit for heads when the time is up.
            let mut pace = tokio::time::interval(Duration::from_millis(20));
            loop {
                tokio::select! {
                    biased;
                    heard = hear.read_buf(&mut answer) => if heard.unwrap_or(0) == 0 { break },
                    // It may have hung up by now.
                    _ = pace.tick() => drop(say.write_all(b"X").await),
                }
            }
        };
        tokio::time::timeout(SOON, trickle)
            .await
            .expect("a head that trickles for ever");
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    });
}

#[test]
fn rule_10_a_body_that_must_be_read_has_an_end() {
    run(async {
        let upstream = Upstream::start(|_| Reply::Count);
        let setup = in_front_of(&upstream).with("deadlines", "body: 500ms");
        let sidecar = setup.run();
        let kind = "Content-Type: application/x-www-form-urlencoded";
        let ask = |path: &str| {
            format!("POST {path} HTTP/1.1\r\nHost: h\r\n{kind}\r\nContent-Length: 60\r\n\r\n")
        };
        // One byte after the other, each in good time.
        let drip = async |path: &str| {
            let mut connection = TcpStream::connect(sidecar.addr()).await.unwrap();
            let (mut hear, mut say) = connection.split();
            say.write_all(ask(path).as_bytes()).await.unwrap();
            let (mut answer, mut said) = (Vec::new(), 0);
            let mut pace = tokio::time::interval(Duration::from_millis(20));
            while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
                tokio::select! {
                    heard = hear.read_buf(&mut answer) => assert!(heard.unwrap() > 0),
                    _ = pace.tick(), if said < 60 => {
                        say.write_all(b"x").await.unwrap();
                        said += 1;
                    }
                }
            }
            (String::from_utf8(answer).unwrap(), said)
        };
        let (answer, said) = drip("/form").await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(
            answer
                .to_ascii_lowercase()
                .contains("\r\nconnection: close\r\n"),
            "{answer}"
        );
        assert!(said < 60, "{said}");
        // What is streamed may take its time.
        let (answer, said) = drip("/x").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(said, 60);
        assert_eq!(&upstream.last().target, "/x");
    });
}

#[test]
fn rule_10_a_client_that_does_not_read_is_cut_off() {
    run(async {
        let upstream = Upstream::start(|got| match got.target.as_str() {
            "/flood" => Reply::Flood(1 << 30),
            _ => text(200, "ok"),
        });
        let setup = in_front_of(&upstream).with("deadlines", "progress: 300ms");
        let sidecar = setup.with("upstream", "max_connections: 1").run();
        let mut deaf = RawConnection::open(sidecar.addr()).await;
        deaf.write("GET /flood HTTP/1.1\r\nHost: h\r\n\r\n").await;
        deaf.read_head().await;
        // The connection to the application is free again although the client is still there.
        let freed = async { while sidecar.client().get("/x").await.status != 200 {} };
        tokio::time::timeout(SOON, freed)
            .await
            .expect("a deaf client holds the application");
    });
}

#[test]
fn rule_10_an_application_that_is_late_or_gone_is_told_apart() {
    run(async {
        let upstream = Upstream::start(|_| Reply::Hang);
        let sidecar = in_front_of(&upstream)
            .with("upstream", "response: 300ms")
            .run();
        for client in [sidecar.client(), sidecar.client().http2()] {
            let late = client.get("/x").await;
            assert_eq!(
                (late.status.as_u16(), late.header("step-up")),
                (504, "error")
            );
            assert_eq!(late.json()["reason"], "upstream-timeout");
        }
        let late = sidecar.client().navigating().get("/x").await;
        assert_eq!(late.status, 504);
        assert!(late.header("content-type").starts_with("text/html"));

        // The whole request, from head to head.
        let sidecar = in_front_of(&upstream)
            .with("upstream", "request: 300ms")
            .run();
        assert_eq!(
            sidecar.client().get("/x").await.json()["reason"],
            "upstream-timeout"
        );

        let nobody = HeldPort::take();
        let sidecar = in_front_of(nobody.addr()).run();
        let gone = sidecar.client().get("/x").await;
        assert_eq!(
            (gone.status.as_u16(), gone.header("step-up")),
            (502, "error")
        );
        assert_eq!(gone.json()["reason"], "upstream-unreachable");

        // It accepts and says nothing: TLS never comes about.
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("https://localhost:{}", silent.local_addr().unwrap().port());
        let sidecar = in_front_of(&url).with("upstream", "connect: 300ms").run();
        let late = sidecar.client().get("/x").await;
        assert_eq!(
            (late.status.as_u16(), late.json()["reason"].as_str()),
            (504, Some("upstream-timeout"))
        );
    });
}

#[test]
fn rule_10_an_answer_that_stops_is_cut_off() {
    run(async {
        let stops = vec![
            Act::Write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
            Act::Hold,
        ];
        let upstream = RawUpstream::start(vec![stops]).await;
        for line in ["progress: 300ms", "request: 300ms"] {
            let sidecar = in_front_of(&upstream).with("upstream", line).run();
            let answer = raw::send(sidecar.addr(), "GET /x HTTP/1.1\r\nHost: h\r\n\r\n").await;
            assert!(answer.ends_with("\r\n\r\nhalf"), "{line}: {answer}");
        }
        let trickles = vec![Act::Write("HTTP/1.1 200 OK\r\nX: y"), Act::Hold];
        let upstream = RawUpstream::start(vec![trickles]).await;
        let sidecar = in_front_of(&upstream)
            .with("upstream", "response: 300ms")
            .run();
        assert_eq!(sidecar.client().get("/x").await.status, 504);
    });
}

#[test]
fn an_answers_head_has_a_limit() {
    run(async {
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(20));
        let upstream = RawUpstream::start(vec![vec![Act::Write(many.leak())]]).await;
        let sidecar = in_front_of(&upstream)
            .with("upstream", "max_headers: 10")
            .run();
        let refused = sidecar.client().get("/x").await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("step-up")),
            (502, "error")
        );
    });
}

#[test]
fn rule_10_connections_to_the_application_have_a_limit() {
    run(async {
        let upstream = Upstream::start(|_| Reply::Hang);
        let sidecar = in_front_of(&upstream)
            .with("upstream", "max_connections: 1")
            .run();
        let mut first = RawConnection::open(sidecar.addr()).await;
        first.write("GET /x HTTP/1.1\r\nHost: h\r\n\r\n").await;
        upstream.wait_for(1).await;
        let second = sidecar.client().get("/x").await;
        assert_eq!(
            (second.status.as_u16(), second.header("retry-after")),
            (503, "1")
        );
    });
}
