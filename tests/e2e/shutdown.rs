//! The end of a process, and the change of its policies: no request is lost.

use crate::support::raw::RawConnection;
use crate::support::sidecar::in_front_of;
use crate::support::upstream::{Reply, Upstream, text};
use crate::support::{run, soon};
use http::Method;
use http_body_util::BodyExt;
use tokio::net::TcpStream;

#[test]
fn what_is_under_way_ends_in_peace() {
    run(async {
        let upstream = Upstream::start(|got| match got.target.as_str() {
            "/events" => Reply::Events,
            _ => text(200, "ok"),
        });
        let mut sidecar = in_front_of(&upstream).run();
        let addr = sidecar.addr();
        let mut idle = RawConnection::open(addr).await;
        idle.write("GET /x HTTP/1.1\r\nHost: h\r\n\r\n").await;
        idle.read_until("ok").await;
        let mut silent = RawConnection::open(addr).await;
        let mut streams = Vec::new();
        for client in [sidecar.client(), sidecar.client().http2()] {
            let request = client.request(Method::GET, "/events", "");
            streams.push(client.open(request).await.into_body());
        }
        sidecar.process().signal("TERM");
        sidecar.process().wait_for_line("draining");
        // Whoever is not under way is let go, and nobody else comes in.
        assert!(idle.read_to_end().await.is_empty());
        assert!(silent.read_to_end().await.is_empty());
        assert!(TcpStream::connect(addr).await.is_err());
        upstream.say("still here");
        for body in &mut streams {
            let frame = soon("an event", body.frame()).await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), "data: still here\n\n");
        }
        upstream.fall_silent();
        for mut body in streams {
            while let Some(frame) = soon("the end", body.frame()).await {
                assert!(frame.unwrap().into_data().unwrap().is_empty());
            }
        }
        assert_eq!(sidecar.wait_exit().code(), Some(0));
    });
}

#[test]
fn a_request_that_came_half_way_is_served() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "ok"));
        let mut sidecar = in_front_of(&upstream).run();
        let addr = sidecar.addr();
        let ask = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
        let mut silent = RawConnection::open(addr).await;
        // On a new connection, within the letters that HTTP/2 begins with too; and on a kept one.
        let mut halves = Vec::new();
        for (first, half) in [("", "GET /x HT"), ("", "P"), (ask, "GET /x HTTP/1.1\r\nHo")] {
            let mut connection = RawConnection::open(addr).await;
            if !first.is_empty() {
                connection.write(first).await.read_until("ok").await;
            }
            connection.write(half).await;
            halves.push((connection, half));
        }
        sidecar.process().signal("TERM");
        sidecar.process().wait_for_line("draining");
        // Whoever has nothing to say is let go; these are not.
        assert!(silent.read_to_end().await.is_empty());
        for (mut connection, half) in halves {
            let rest = match half {
                "P" => "UT /x HTTP/1.1\r\nHost: h\r\n\r\n",
                half => &ask[half.len()..],
            };
            let answer = connection.write(rest).await.read_to_end().await;
            let answer = String::from_utf8(answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 "), "{half}: {answer}");
            assert!(answer.ends_with("\r\n\r\nok"), "{half}: {answer}");
        }
        assert_eq!(sidecar.wait_exit().code(), Some(0));
    });
}

#[test]
fn half_a_request_and_half_a_handshake_are_waited_for_no_longer_than_ever() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "ok"));
        let setup = || {
            let setup = in_front_of(&upstream).with("deadlines", "drain: 1h");
            // Long enough for the half to be read on a machine that has much else to do.
            setup
                .with("deadlines", "header: 2s")
                .with("deadlines", "handshake: 2s")
        };
        let mut sidecar = setup().run();
        let mut half = RawConnection::open(sidecar.addr()).await;
        half.write("GET /x HTTP/1.1\r\n").await;
        assert_eq!(sidecar.end().code(), Some(0));
        let told = String::from_utf8(half.read_to_end().await).unwrap();
        assert!(told.starts_with("HTTP/1.1 408 "), "{told}");

        let mut sidecar = setup().tls().run();
        let mut half = RawConnection::open(sidecar.addr()).await;
        // The head of a TLS record, of which nothing follows.
        half.write([0x16, 3, 1, 2, 0]).await;
        assert_eq!(sidecar.end().code(), Some(0));
        assert!(half.read_to_end().await.is_empty());
    });
}

#[test]
fn patience_has_an_end() {
    run(async {
        let upstream = Upstream::start(|_| Reply::Hang);
        let mut sidecar = in_front_of(&upstream)
            .with("deadlines", "drain: 300ms")
            .run();
        let mut hanging = RawConnection::open(sidecar.addr()).await;
        hanging.write("GET /x HTTP/1.1\r\nHost: h\r\n\r\n").await;
        upstream.wait_for(1).await;
        let status = sidecar.end();
        assert_eq!(status.code(), Some(0));
        assert!(hanging.read_to_end().await.is_empty());
    });
}

#[test]
fn a_second_signal_cuts_it_short() {
    run(async {
        let upstream = Upstream::start(|_| Reply::Hang);
        let mut sidecar = in_front_of(&upstream).with("deadlines", "drain: 1h").run();
        let mut hanging = RawConnection::open(sidecar.addr()).await;
        hanging.write("GET /x HTTP/1.1\r\nHost: h\r\n\r\n").await;
        upstream.wait_for(1).await;
        sidecar.process().signal("TERM");
        sidecar.process().wait_for_line("draining");
        assert_eq!(sidecar.end().code(), Some(0));
    });
}

#[test]
fn a_reload_loses_no_request() {
    run(async {
        let upstream = Upstream::start(|got| text(200, &got.target.clone()));
        let sidecar = in_front_of(&upstream).run();
        let reloads = || {
            let lines = sidecar.process().lines();
            let heard = lines
                .iter()
                .filter(|line| line.contains("policies were reloaded"));
            heard.count()
        };
        let asking = async {
            let mut asked = 0;
            for round in 0..5 {
                sidecar.process().signal("HUP");
                while reloads() <= round {
                    let target = format!("/x{asked}");
                    assert_eq!(sidecar.client().get(&target).await.text(), target);
                    assert_eq!(sidecar.client().get("/guarded/x").await.status, 401);
                    asked += 1;
                }
            }
        };
        soon("five reloads", Box::pin(asking)).await;
        let upstream_saw = upstream.got();
        assert!(upstream_saw.iter().all(|got| got.target.starts_with("/x")));
    });
}
