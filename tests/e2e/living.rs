//! What stays open: how a WebSocket is told of its end, how long a route keeps something open, and how much one
//! session may have open.

use crate::support::browser::Browser;
use crate::support::client::Client;
use crate::support::raw::RawConnection;
use crate::support::sidecar::{self, COOKIE, KEY_COOKIE, Setup, Sidecar, USER, application};
use crate::support::store::{Store, on_both_stores};
use crate::support::upstream::{Got, Reply, answer};
use crate::support::{run, soon, until};
use futures_util::{SinkExt, StreamExt};
use http::Method;
use http_body_util::BodyExt;
use serde_json::json;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, client_async};

type Socket = WebSocketStream<TcpStream>;

const POLICY: &str = r#"
version: 1
default: forward
routes:
  - { id: console, title: Open the console, level: 3, open_for: 2s, match: { path: "/console/{rest...}" } }
  - { id: feed, title: Read the feed, level: 1, open_for: 2s, match: { path: "/feed/{rest...}" } }
  - { id: watched, title: Watched, level: 3, open_for: 1s, enforcement: report, match: { path: "/watched/{rest...}" } }
  - { id: keys, title: Create a key, level: 3, match: { path: /keys } }
"#;

const CONSOLE: &str = "<!doctype html><title>Console</title><p id=said>waiting</p><script>
  const socket = new WebSocket(`ws://${location.host}/ws`);
  socket.onopen = () => { said.textContent = 'open'; };
  socket.onclose = event => { said.textContent = `closed ${event.code} ${event.wasClean} ${event.reason}`; };
</script>";

const LOGIN: &str = "<!doctype html><title>Sign in</title><form method=post action=/login><input name=user value=alice><input name=password type=password value=x><button>Sign in</button></form>";

fn sockets(got: &Got) -> Reply {
    match got.target.rsplit('/').next().unwrap_or_default() {
        "ws" => Reply::WebSocket,
        "echo" => Reply::Upgrade("websocket"),
        "events" => Reply::Events,
        "upload" => Reply::Count,
        "login" if got.method == "GET" => answer(200, &[("content-type", "text/html")], LOGIN),
        "page" => answer(200, &[("content-type", "text/html")], CONSOLE),
        _ => application(got),
    }
}

fn setup(store: Store) -> Setup {
    sidecar::on(store).policy(POLICY).application(sockets)
}

fn cookies(client: &Client) -> String {
    let pairs = [COOKIE, KEY_COOKIE].into_iter();
    let pairs = pairs.filter_map(|name| Some(format!("{name}={}", client.cookie(name)?)));
    pairs.collect::<Vec<_>>().join("; ")
}

/// Opens a WebSocket with these cookies.
async fn connect(addr: SocketAddr, path: &str, cookies: &str) -> Result<Socket, Error> {
    let mut request = format!("ws://{addr}{path}").into_client_request().unwrap();
    request
        .headers_mut()
        .insert("cookie", cookies.parse().unwrap());
    let stream = TcpStream::connect(addr).await.unwrap();
    Ok(client_async(request, stream).await?.0)
}

async fn socket(addr: SocketAddr, path: &str, cookies: &str) -> Socket {
    let mut socket = connect(addr, path, cookies).await.unwrap();
    assert_alive(&mut socket).await;
    socket
}

async fn assert_alive(socket: &mut Socket) {
    socket.send(Message::text("hello")).await.unwrap();
    let echo = soon("an echo", socket.next()).await.unwrap().unwrap();
    assert_eq!(echo, Message::text("hello"));
}

/// The close frame that comes next.
async fn farewell(socket: &mut Socket) -> CloseFrame {
    match soon("the end", socket.next()).await {
        Some(Ok(Message::Close(Some(frame)))) => frame,
        other => panic!("{other:?}"),
    }
}

async fn assert_told(socket: &mut Socket, what: &str) {
    let frame = farewell(socket).await;
    assert_eq!(u16::from(frame.code), 1008, "{what}");
    assert_eq!(
        frame.reason, "Sign in again, or verify once more.",
        "{what}"
    );
}

/// Begins a request with the client's cookies.
async fn begin(sidecar: &Sidecar, client: &Client, request: &str, lines: &str) -> RawConnection {
    let mut connection = RawConnection::open(sidecar.addr()).await;
    let cookies = cookies(client);
    let head = format!("{request} HTTP/1.1\r\nHost: app.test\r\nCookie: {cookies}\r\n{lines}\r\n");
    connection.write(head).await;
    connection
}

on_both_stores! {
    async fn a_web_socket_hears_why_it_ends_on_every_sidecar(store: Store) {
        let sidecar = setup(store).run();
        let other = sidecar.another();
        for revokes in [true, false] {
            let client = sidecar.logged_in().await;
            let cookies = cookies(&client);
            let mut here = socket(sidecar.addr(), "/ws", &cookies).await;
            let mut there = socket(other.addr(), "/ws", &cookies).await;
            if revokes {
                sidecar.command(&["session", "revoke", "--user", USER]);
            } else {
                client.call(Method::POST, "/.stepup/lock", json!({})).await;
            }
            let since = Instant::now();
            assert_told(&mut here, "here").await;
            assert_told(&mut there, "there").await;
            assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
        }
    }

    async fn what_a_route_lets_open_ends_when_its_time_is_over(store: Store) {
        let sidecar = setup(store).run();
        let client = sidecar.logged_in().await;
        client.earn("/console/x").await;
        let since = Instant::now();
        let cookies = cookies(&client);
        let addr = sidecar.addr();
        let mut console = socket(addr, "/console/ws", &cookies).await;
        let mut unlimited = socket(addr, "/ws", &cookies).await;
        let mut watched = socket(addr, "/watched/ws", &cookies).await;
        let mut events = begin(&sidecar, &client, "GET /feed/events", "").await;
        assert!(events.read_head().await.starts_with("HTTP/1.1 200 "));
        let mut upload = begin(&sidecar, &client, "POST /console/upload", "Content-Length: 1000000\r\n").await;
        upload.write("half").await;
        let h2 = client.clone().http2();
        let stream = h2.open(h2.request(Method::GET, "/feed/events", "")).await;
        assert_eq!(stream.status(), 200);
        // One that is over before its time leaves its connection as it was.
        let mut short = begin(&sidecar, &client, "GET /feed/page", "").await;
        assert!(short.read_until("</script>").await.contains("200 OK"));

        assert_told(&mut console, "the console").await;
        for (connection, what) in [(&mut events, "events"), (&mut upload, "the upload")] {
            let rest = connection.read_to_end().await;
            assert!(!rest.ends_with(b"0\r\n\r\n"), "{what} ended in order");
        }
        assert!(soon("the end of a stream", stream.into_body().collect()).await.is_err());
        let lasted = since.elapsed();
        assert!((2..4).contains(&lasted.as_secs()), "{lasted:?}");

        assert_alive(&mut unlimited).await;
        assert_alive(&mut watched).await;
        short.write(format!("GET /feed/page HTTP/1.1\r\nHost: app.test\r\nCookie: {cookies}\r\n\r\n")).await;
        assert!(short.read_until("</script>").await.contains("200 OK"));
        let ended = sidecar.events(4, |event| event["event"] == "streams-ended");
        let mut reasons: Vec<_> = ended.iter().map(|event| event["reason"].as_str().unwrap()).collect();
        reasons.sort_unstable();
        assert_eq!(reasons, ["grant-expired", "grant-expired", "session-not-fresh", "session-not-fresh"]);
        assert!(ended.iter().all(|event| event["count"] == 1 && event["session"].is_string()));
        sidecar.process().wait_for_line("as its `open_for` is over");
        // The proof is good for longer: the person opens another.
        socket(addr, "/console/ws", &cookies).await;
    }
}

#[test]
fn a_frame_under_way_is_never_broken_by_ours() {
    run(async {
        let sidecar = setup(Store::Redis).run();
        let client = sidecar.logged_in().await;
        let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
        let mut sockets = Vec::new();
        // A frame of ten bytes, and the first half of it.
        for bytes in ["\u{2}\n1234567890", "\u{2}\n12345"] {
            let mut socket = begin(&sidecar, &client, "GET /echo", upgrade).await;
            let head = socket.read_head().await;
            assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
            socket.write(bytes).await;
            assert_eq!(socket.read_until(&bytes[bytes.len() - 1..]).await, bytes);
            sockets.push(socket);
        }
        sidecar.command(&["session", "revoke", "--user", USER]);
        let [mut whole, mut half] = sockets.try_into().ok().unwrap();
        assert!(whole.read_to_end().await.starts_with(b"\x88\x25\x03\xf0"));
        assert!(half.read_to_end().await.is_empty());
    });
}

#[test]
fn a_session_has_so_much_open_and_no_more() {
    run(async {
        let sidecar = setup(Store::Redis)
            .with("limits", "open_per_session: 2")
            .run();
        let (client, other) = (sidecar.logged_in().await, sidecar.script());
        other.log_in("bob").await;
        let addr = sidecar.addr();
        let own = cookies(&client);
        let first = socket(addr, "/ws", &own).await;
        let mut events = begin(&sidecar, &client, "GET /events", "").await;
        assert!(events.read_head().await.starts_with("HTTP/1.1 200 "));

        for cookies in [
            own.clone(),
            format!("{own}; more=1"),
            format!("{own}; SID=x"),
        ] {
            match connect(addr, "/ws", &cookies).await {
                Err(Error::Http(refused)) => {
                    assert_eq!(refused.status(), 503, "{cookies}");
                    assert!(refused.headers().contains_key("retry-after"));
                    let body =
                        String::from_utf8_lossy(refused.body().as_deref().unwrap_or_default())
                            .into_owned();
                    assert!(body.contains("limit-reached"), "{body}");
                }
                other => panic!("{cookies}: {other:?}"),
            }
        }
        let refused = client.get("/events").await;
        assert_eq!(refused.status, 503);
        assert_eq!(refused.reason(), "limit-reached");
        // What is no stream passes, and others have a limit of their own.
        assert_eq!(client.get("/anything").await.status, 200);
        socket(addr, "/ws", &cookies(&other)).await;
        socket(addr, "/ws", "").await;

        drop(first);
        let again = until("room for another", async || {
            connect(addr, "/ws", &own).await.ok()
        });
        let _second = again.await;
        assert!(connect(addr, "/ws", &own).await.is_err());
        drop(events);
        until("room for another", async || {
            connect(addr, "/ws", &own).await.ok()
        })
        .await;
    });
}

#[test]
fn a_page_hears_that_its_socket_was_closed_and_why() {
    run(async {
        let sidecar = setup(Store::Redis).without("public_url").run();
        let browser = Browser::open().await;
        let url = |path: &str| format!("http://{}{path}", sidecar.addr());
        browser.goto(&url("/login")).await.unwrap();
        browser.click("button").await;
        browser.read("done").await;
        browser.goto(&url("/page")).await.unwrap();
        browser.read("open").await;
        sidecar.command(&["session", "revoke", "--user", USER]);
        browser
            .read("closed 1008 true Sign in again, or verify once more.")
            .await;
    });
}
