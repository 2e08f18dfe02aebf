//! Upgrades: what was asked for is carried, and nothing else.

use crate::support::raw::RawConnection;
use crate::support::raw_upstream::{Act, RawUpstream};
use crate::support::sidecar::in_front_of;
use crate::support::upstream::{Reply, Upstream};
use crate::support::{run, soon};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

fn ask(path: &str, protocol: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: {protocol}\r\n\r\n"
    )
}

#[test]
fn a_web_socket_is_carried() {
    run(async {
        let upstream = Upstream::start(|_| Reply::WebSocket);
        let sidecar = in_front_of(&upstream).run();
        let stream = TcpStream::connect(sidecar.addr()).await.unwrap();
        let url = format!("ws://{}/ws", sidecar.addr());
        let (mut socket, _) = client_async(url, stream).await.unwrap();
        for size in [1, 1000, 100_000, 1_000_000] {
            let message = Message::binary(vec![7; size]);
            socket.send(message.clone()).await.unwrap();
            let echo = soon("an echo", socket.next()).await.unwrap().unwrap();
            assert_eq!(echo, message);
        }
        assert_eq!(upstream.last().header("upgrade"), "websocket");
        // The application ends it; we hear so.
        drop(upstream);
        assert!(!matches!(
            soon("the end", socket.next()).await,
            Some(Ok(Message::Binary(_)))
        ));
    });
}

#[test]
fn any_other_protocol_is_carried_byte_for_byte() {
    run(async {
        let upstream = Upstream::start(|_| Reply::Upgrade("echo/1"));
        let sidecar = in_front_of(&upstream).run();
        let mut connection = RawConnection::open(sidecar.addr()).await;
        connection.write(ask("/x", "echo/1")).await;
        let head = connection.read_head().await.to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        assert!(head.contains("\r\nupgrade: echo/1\r\n"), "{head}");
        // Neither HTTP nor anything like it: nobody looks at it any more.
        for bytes in ["GET / HTTP/1.1\r\nX : y\r\n\r\n~", "\0\n\r~", "~"] {
            connection.write(bytes).await;
            assert_eq!(connection.read_until("~").await, bytes);
        }
        connection.finish().await;
        assert!(connection.read_to_end().await.is_empty());
    });
}

#[test]
fn policies_apply_to_the_handshake() {
    run(async {
        let upstream = Upstream::start(|_| Reply::WebSocket);
        let sidecar = in_front_of(&upstream).run();
        let mut connection = RawConnection::open(sidecar.addr()).await;
        connection.write(ask("/guarded/ws", "websocket")).await;
        let head = connection.read_head().await.to_ascii_lowercase();
        assert!(
            head.starts_with("http/1.1 401 ") || head.starts_with("http/1.1 403 "),
            "{head}"
        );
        assert!(head.contains("application/problem+json"), "{head}");
        assert!(upstream.got().is_empty());
    });
}

#[test]
fn a_protocol_that_nobody_asked_for_is_a_bad_gateway() {
    let switched =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\nevil";
    let silent = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\nevil";
    let asks = [
        "GET /x HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(),
        ask("/x", "websocket"),
        ask("/x", "h2c"),
        ask("/x", "TLS/1.2"),
        ask("/x", "h2"),
        ask("/x", "websocket, other"),
        // Asked for with a body, it is not passed on.
        "POST /x HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: other\r\nContent-Length: 1\r\n\r\nx".to_owned(),
        // Not named in `Connection`.
        "GET /x HTTP/1.1\r\nHost: h\r\nUpgrade: other\r\n\r\n".to_owned(),
    ];
    run(async move {
        for script in [switched, silent] {
            let upstream = RawUpstream::start(vec![vec![Act::Write(script), Act::Hold]]).await;
            let sidecar = in_front_of(&upstream).run();
            for ask in &asks {
                let mut connection = RawConnection::open(sidecar.addr()).await;
                connection.write(ask).await;
                let head = connection.read_head().await.to_ascii_lowercase();
                assert!(head.starts_with("http/1.1 502 "), "{ask:?}: {head}");
                assert!(head.contains("\r\nstep-up: error\r\n"), "{head}");
            }
        }
    });
}

#[test]
fn a_refused_upgrade_leaves_http_behind() {
    run(async {
        let upstream = Upstream::start(|_| crate::support::upstream::text(200, "no"));
        let sidecar = in_front_of(&upstream).run();
        let mut connection = RawConnection::open(sidecar.addr()).await;
        // Bytes in haste: they are HTTP again once the upgrade is declined, with all its rules.
        connection
            .write(ask("/x", "websocket") + "\u{81}\u{5}hello\r\n\r\n")
            .await;
        let all = connection.read_to_end().await;
        let all = String::from_utf8_lossy(&all);
        assert!(!all.contains("HTTP/1.1 101"), "{all}");
        assert!(upstream.got().len() <= 1);
    });
}

#[test]
fn silence_ends_a_tunnel() {
    run(async {
        let upstream = Upstream::start(|_| Reply::Upgrade("echo/1"));
        let sidecar = in_front_of(&upstream)
            .with("upstream", "tunnel_silence: 300ms")
            .run();
        let mut connection = RawConnection::open(sidecar.addr()).await;
        connection.write(ask("/x", "echo/1")).await;
        connection.read_head().await;
        connection.write("hello.").await;
        assert_eq!(connection.read_until(".").await, "hello.");
        assert!(connection.read_to_end().await.is_empty());
    });
}
