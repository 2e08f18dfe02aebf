//! HTTP/2 at the door: what it is turned into, and frames that no library would send.

use crate::support::raw::RawConnection;
use crate::support::run;
use crate::support::sidecar::{HOST, Sidecar, in_front_of};
use crate::support::tls::TestCa;
use crate::support::upstream::{Upstream, text};
use http::{Method, Version};
use std::time::Duration;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Header fields as literals without indexing (RFC 7541 §6.2.2).
fn fields(list: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in list {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127);
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.as_bytes());
        }
    }
    block
}

const GET: &[(&str, &str)] = &[
    (":method", "GET"),
    (":scheme", "http"),
    (":path", "/x"),
    (":authority", "h"),
];
const POST: &[(&str, &str)] = &[
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/x"),
    (":authority", "h"),
];

async fn open(sidecar: &Sidecar) -> RawConnection {
    let mut connection = RawConnection::open(sidecar.addr()).await;
    connection.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    connection.write(frame(SETTINGS, 0, 0, &[])).await;
    connection
}

/// Reads frames until one that `wanted` wants; `None` when the server closed before.
async fn read_frame(
    connection: &mut RawConnection,
    wanted: impl Fn(u8, u32) -> bool,
) -> Option<(u8, u8, Vec<u8>)> {
    loop {
        let head = connection.read_exactly(9).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
        let payload = connection.read_exactly(length as usize).await?;
        if wanted(head[3], stream) {
            return Some((head[3], head[4], payload));
        }
    }
}

#[test]
fn alpn_and_prior_knowledge_lead_to_http2() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "ok"));
        let sidecar = in_front_of(&upstream).run();
        let got = sidecar.client().http2().get("/x?y=%2f").await;
        assert_eq!((got.version, got.text()), (Version::HTTP_2, "ok"));
        let told = upstream.last();
        assert_eq!(
            (told.target.as_str(), told.version),
            ("/x?y=%2f", Version::HTTP_11)
        );
        assert_eq!(told.header("host"), HOST);
        assert_eq!(told.header("via"), "2 stepgate");

        let sidecar = in_front_of(&upstream).tls().run();
        let ca = TestCa::shared();
        for (offer, version) in [
            (&["h2", "http/1.1"][..], Version::HTTP_2),
            (&["http/1.1"][..], Version::HTTP_11),
            (&[][..], Version::HTTP_11),
        ] {
            let got = sidecar
                .client()
                .tls(ca, "app.example.test", offer)
                .get("/x")
                .await;
            assert_eq!(got.version, version);
            assert_eq!(upstream.last().header("x-forwarded-proto"), "https");
        }
    });
}

#[test]
fn cookies_in_crumbs_are_one_line_again() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "ok"));
        let sidecar = in_front_of(&upstream).run();
        let client = sidecar
            .client()
            .http2()
            .header("cookie", "a=1")
            .header("cookie", "b=2; c=3");
        client.get("/x").await;
        let lines: Vec<_> = upstream
            .last()
            .headers
            .get_all("cookie")
            .iter()
            .cloned()
            .collect();
        assert_eq!(lines, ["a=1; b=2; c=3"]);
    });
}

#[test]
fn a_guarded_route_is_guarded_in_http2() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "ok"));
        let sidecar = in_front_of(&upstream).run();
        let got = sidecar.client().http2().get("/guarded/x").await;
        assert_eq!((got.status.as_u16(), got.header("step-up")), (401, "deny"));
        assert!(upstream.got().is_empty());
    });
}

/// Whole heads that are none.
const ODD_HEADS: &[&[(&str, &str)]] = &[
    &[(":method", "CONNECT"), (":authority", "h:1")],
    &[
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":path", "/x"),
        (":authority", "h"),
    ],
    &[
        (":method", "get"),
        (":scheme", "http"),
        (":path", "/x"),
        (":authority", "h"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "x"),
        (":authority", "h"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", ""),
        (":authority", "h"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "*"),
        (":authority", "h"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/x y"),
        (":authority", "h"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/x"),
        (":authority", "a@h"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/x"),
        (":authority", "h/y"),
    ],
    &[(":method", "GET"), (":scheme", "http"), (":path", "/x")],
    &[(":method", "GET"), (":path", "/x"), (":authority", "h")],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/\u{e9}"),
        (":authority", "h"),
    ],
];

#[test]
fn malformed_requests_are_refused() {
    let cases: &[&[(&str, &str)]] = &[
        &[("connection", "close")],
        &[("transfer-encoding", "chunked")],
        &[("upgrade", "websocket")],
        &[("keep-alive", "1")],
        &[("proxy-connection", "keep-alive")],
        &[("te", "gzip")],
        &[("X-Upper", "1")],
        &[("x y", "1")],
        &[("x:y", "1")],
        &[("x", "a\r\nb: c")],
        &[("x", "a\0")],
        &[("x", "a\nb")],
        &[("", "a")],
        &[("host", "other")],
        &[("host", "h"), ("host", "h")],
        &[(":path", "/y")],
        &[(":unknown", "1")],
        &[("content-length", "5")],
        &[("content-length", "x")],
        &[("content-length", "0"), ("content-length", "5")],
    ];
    run(async move {
        let upstream = Upstream::start(|_| text(200, "ok"));
        let sidecar = in_front_of(&upstream).run();
        for case in cases {
            let mut connection = open(&sidecar).await;
            let block = [fields(GET), fields(case)].concat();
            connection
                .write(frame(HEADERS, END_STREAM | END_HEADERS, 1, &block))
                .await;
            let told = read_frame(&mut connection, |kind, stream| {
                kind == GOAWAY || stream == 1 && matches!(kind, HEADERS | RESET)
            });
            let told = told.await;
            if let Some((HEADERS, _, block)) = told {
                // Static table: `:status 400` is field 12, so that the block begins with 0x8c.
                assert_eq!(block[0], 0x8c, "{case:?}");
            }
        }
        for case in ODD_HEADS {
            let mut connection = open(&sidecar).await;
            connection
                .write(frame(HEADERS, END_STREAM | END_HEADERS, 1, &fields(case)))
                .await;
            let told = read_frame(&mut connection, |kind, stream| {
                kind == GOAWAY || stream == 1 && matches!(kind, HEADERS | RESET)
            });
            if let Some((HEADERS, _, block)) = told.await {
                assert_eq!(block[0], 0x8c, "{case:?}");
            }
        }
        assert!(upstream.got().is_empty(), "{:?}", upstream.got());
    });
}

#[test]
fn a_body_is_as_long_as_it_was_said_to_be() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "ok"));
        let sidecar = in_front_of(&upstream).run();
        for (told, body) in [("5", "abc"), ("2", "abc"), ("0", "abc")] {
            let mut connection = open(&sidecar).await;
            let block = [fields(POST), fields(&[("content-length", told)])].concat();
            connection
                .write(frame(HEADERS, END_HEADERS, 1, &block))
                .await;
            connection
                .write(frame(DATA, END_STREAM, 1, body.as_bytes()))
                .await;
            let told = read_frame(&mut connection, |kind, stream| {
                kind == GOAWAY || stream == 1 && matches!(kind, HEADERS | RESET)
            });
            if let Some((HEADERS, _, block)) = told.await {
                assert_eq!(block[0], 0x8c, "{body:?}");
            }
        }
        // The application answers when it has read a whole body: it never has.
        assert!(upstream.got().is_empty(), "{:?}", upstream.got());
    });
}

#[test]
fn trailers_in_http2_end_here() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "ok"));
        let sidecar = in_front_of(&upstream).run();
        let mut connection = open(&sidecar).await;
        connection
            .write(frame(HEADERS, END_HEADERS, 1, &fields(POST)))
            .await;
        connection.write(frame(DATA, 0, 1, b"ab")).await;
        let trailers = fields(&[("remote-user", "admin"), ("content-length", "9")]);
        connection
            .write(frame(HEADERS, END_STREAM | END_HEADERS, 1, &trailers))
            .await;
        read_frame(&mut connection, |kind, stream| {
            stream == 1 && kind == HEADERS
        })
        .await
        .unwrap();
        let got = upstream.last();
        assert_eq!(&got.body[..], b"ab");
        assert_eq!(got.header("remote-user"), "");
        assert!(got.trailers.is_none_or(|trailers| trailers.is_empty()));
    });
}

#[test]
fn many_streams_share_a_connection_up_to_the_limit() {
    run(async {
        let upstream = Upstream::start(|got| text(200, &got.target.clone()));
        let sidecar = in_front_of(&upstream).with("limits", "streams: 10").run();
        let mut connection = open(&sidecar).await;
        let (_, _, settings) = read_frame(&mut connection, |kind, _| kind == SETTINGS)
            .await
            .unwrap();
        let streams = settings
            .chunks(6)
            .find(|setting| setting[..2] == [0, 3])
            .unwrap();
        assert_eq!(streams[2..], 10_u32.to_be_bytes());
        for stream in (1..=19).step_by(2) {
            connection
                .write(frame(
                    HEADERS,
                    END_STREAM | END_HEADERS,
                    stream,
                    &fields(GET),
                ))
                .await;
        }
        let mut ended = 0;
        while ended < 10 {
            let (kind, flags, _) = read_frame(&mut connection, |_, stream| stream != 0)
                .await
                .unwrap();
            ended += usize::from(kind == DATA && flags & END_STREAM != 0);
            assert_ne!(kind, RESET);
        }
        assert_eq!(upstream.got().len(), 10);
        let client = sidecar.client().http2();
        let asked = (0..50).map(|_| client.get("/y"));
        for got in futures_util::future::join_all(asked).await {
            assert_eq!(got.text(), "/y");
        }
    });
}

/// Writes the same bytes, made for each stream, until the server has had enough.
async fn flood(sidecar: &Sidecar, most: u32, bytes: impl Fn(u32) -> Vec<u8>) -> bool {
    let mut connection = open(sidecar).await;
    for number in 0..most {
        connection.write(bytes(1 + 2 * number)).await;
    }
    read_frame(&mut connection, |kind, _| kind == GOAWAY)
        .await
        .is_some()
}

#[test]
fn floods_end_the_connection_and_nothing_else() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "ok"));
        let sidecar = in_front_of(&upstream).with("deadlines", "idle: 2s").run();
        // CVE-2023-44487.
        let resets = flood(&sidecar, 3000, |stream| {
            let ask = frame(HEADERS, END_STREAM | END_HEADERS, stream, &fields(GET));
            [ask, frame(RESET, 0, stream, &8_u32.to_be_bytes())].concat()
        });
        assert!(resets.await, "resets go on for ever");
        // A head that never ends.
        let endless = flood(&sidecar, 3000, |stream| {
            if stream == 1 {
                frame(HEADERS, END_STREAM, 1, &fields(GET))
            } else {
                frame(CONTINUATION, 0, 1, &fields(&[("x", &"y".repeat(100))]))
            }
        });
        assert!(endless.await, "a head goes on for ever");
        // Pings whose answers are never read, and settings to be acknowledged.
        let pid = sidecar.process().pid();
        flood(&sidecar, 20_000, |_| frame(PING, 0, 0, &[0; 8])).await;
        flood(&sidecar, 20_000, |_| frame(SETTINGS, 0, 0, &[])).await;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak < 96 << 10, "{peak} KiB");
        assert_eq!(sidecar.client().http2().get("/x").await.status, 200);
    });
}

#[test]
fn a_head_beyond_the_limit_is_refused() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "ok"));
        let sidecar = in_front_of(&upstream)
            .with("limits", "header_bytes: 8KiB")
            .run();
        let client = sidecar.client().http2().header("x-big", &"x".repeat(9000));
        let request = client.request(Method::GET, "/x", "");
        // A client that heeds our limit does not even send it.
        if let Ok(got) = client.try_open(request).await {
            assert_eq!(got.status(), 431);
        }
        assert!(upstream.got().is_empty());
        let served = sidecar.client().http2().get("/x").await;
        assert_eq!(served.status, 200, "the sidecar still stands");
    });
}

#[test]
fn header_lines_are_counted_in_http2_as_well() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "ok"));
        let sidecar = in_front_of(&upstream).with("limits", "headers: 10").run();
        let mut client = sidecar.client().http2();
        for _ in 0..11 {
            client = client.header("x-many", "1");
        }
        let got = client.get("/x").await;
        assert_eq!((got.status.as_u16(), got.header("step-up")), (431, "error"));
        assert!(upstream.got().is_empty());
    });
}

#[test]
fn rule_10_a_client_that_takes_nothing_keeps_no_connection_to_the_application() {
    run(async {
        let large = "x".repeat(300_000);
        let upstream = Upstream::start(move |got| match got.target.as_str() {
            "/x" => text(200, &large),
            other => text(200, other),
        });
        let sidecar = in_front_of(&upstream)
            .with("upstream", "max_connections: 2")
            .with("deadlines", "progress: 1s")
            .run();
        let mut connection = open(&sidecar).await;
        // SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 §6.5.2).
        let no_window = [0, 4, 0, 0, 0, 0];
        connection.write(frame(SETTINGS, 0, 0, &no_window)).await;
        for stream in [1, 3] {
            let ask = frame(HEADERS, END_STREAM | END_HEADERS, stream, &fields(GET));
            connection.write(ask).await;
        }
        for kind in [HEADERS, HEADERS, RESET, RESET] {
            assert_eq!(read_answer(&mut connection).await.0, kind);
        }
        assert_eq!(sidecar.client().get("/y").await.text(), "/y");
        // Whoever takes something now and then is waited for, however long it takes.
        let ask = frame(HEADERS, END_STREAM | END_HEADERS, 5, &fields(GET));
        connection.write(ask).await;
        for _ in 0..6 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            for stream in [0, 5] {
                let window = frame(WINDOW_UPDATE, 0, stream, &20_000_u32.to_be_bytes());
                connection.write(window).await;
            }
            let mut taken = 0;
            while taken < 20_000 {
                match read_answer(&mut connection).await {
                    (DATA, data) => taken += data.len(),
                    (kind, _) => assert_eq!(kind, HEADERS),
                }
            }
        }
    });
}

/// The next frame of an answer: its kind and payload. Pings are answered meanwhile.
async fn read_answer(connection: &mut RawConnection) -> (u8, Vec<u8>) {
    loop {
        let next = read_frame(connection, |kind, stream| stream != 0 || kind == PING).await;
        let (kind, _, payload) = next.expect("the connection lasts");
        if kind != PING {
            return (kind, payload);
        }
        connection.write(frame(PING, ACK, 0, &payload)).await;
    }
}
