//! Connections whose clients are silent: they cost little, and nothing is lost when they wake.

use crate::support::raw::RawConnection;
use crate::support::sidecar::{Sidecar, in_front_of};
use crate::support::tls::TestCa;
use crate::support::upstream::{Upstream, text};
use crate::support::{run, soon, until};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// More than a client must be silent for its connection to doze. There is nothing to see of that from
/// outside, and a test that is late only lets it sleep longer.
const SILENCE: Duration = Duration::from_millis(200);

const ASK: &str = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

async fn asked(sidecar: &Sidecar) -> RawConnection {
    let mut connection = RawConnection::open(sidecar.addr()).await;
    ask(&mut connection).await;
    connection
}

async fn ask(connection: &mut RawConnection) {
    connection.write(ASK).await;
    let told = connection.read_until("the answer").await;
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
}

#[test]
fn a_client_that_was_silent_is_heard_again() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "the answer"));
        let sidecar = in_front_of(&upstream).run();
        let mut connection = asked(&sidecar).await;
        for _ in 0..2 {
            tokio::time::sleep(SILENCE).await;
            ask(&mut connection).await;
        }
        // A request that comes in pieces, and more than one at a time.
        tokio::time::sleep(SILENCE).await;
        for part in ["GE", "T /x HTTP/1.1\r\nHo", "st: h\r\n", "\r"] {
            connection.write(part).await;
            tokio::time::sleep(SILENCE).await;
        }
        connection.write(format!("\n{ASK}{ASK}")).await;
        for _ in 0..3 {
            connection.read_until("the answer").await;
        }
        // A head that is larger than what is read of it first, with a body behind it.
        tokio::time::sleep(SILENCE).await;
        let long = "y".repeat(5000);
        let head = format!("POST /x HTTP/1.1\r\nHost: h\r\nX: {long}\r\nContent-Length: 4\r\n\r\n");
        connection.write(head).await;
        tokio::time::sleep(SILENCE).await;
        connection.write("body").await;
        connection.read_until("the answer").await;
        assert_eq!(upstream.got().last().unwrap().body, "body");
        // What is no request is refused as ever.
        tokio::time::sleep(SILENCE).await;
        connection.write("GET /x HTTP/1.1\nHost: h\n\n").await;
        assert!(connection.read_head().await.starts_with("HTTP/1.1 400"));
        connection.read_to_end().await;
        assert_eq!(upstream.got().len(), 7);
    });
}

#[test]
fn a_request_that_came_while_another_was_answered_is_not_slept_through() {
    run(async {
        let (release, held) = std::sync::mpsc::channel();
        let held = std::sync::Mutex::new(held);
        let upstream = Upstream::start(move |got| {
            if got.target == "/held" {
                held.lock().unwrap().recv().unwrap();
            }
            text(200, "the answer")
        });
        let sidecar = in_front_of(&upstream).run();
        let mut connection = RawConnection::open(sidecar.addr()).await;
        let held = ASK.replace("/x", "/held");
        let (begun, rest) = ASK.split_at(10);
        connection.write(format!("{held}{ASK}{begun}")).await;
        tokio::time::sleep(SILENCE).await;
        connection.write(rest).await;
        tokio::time::sleep(SILENCE).await;
        release.send(()).unwrap();
        for _ in 0..3 {
            let told = connection.read_until("the answer").await;
            assert!(told.starts_with("HTTP/1.1 200"), "{told}");
        }
    });
}

#[test]
fn a_silent_client_is_heard_again_over_tls() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "the answer"));
        let sidecar = in_front_of(&upstream).tls().run();
        let config = TestCa::shared().client(&["http/1.1"]);
        let stream = TcpStream::connect(sidecar.addr()).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let stream = TlsConnector::from(config).connect(name, stream).await;
        let mut stream = stream.unwrap();
        for _ in 0..3 {
            stream.write_all(ASK.as_bytes()).await.unwrap();
            let mut told = Vec::new();
            while !told.ends_with(b"the answer") {
                let read = soon("an answer", stream.read_buf(&mut told)).await.unwrap();
                assert!(read > 0, "{}", String::from_utf8_lossy(&told));
            }
            tokio::time::sleep(SILENCE).await;
        }
    });
}

#[test]
fn a_doze_ends_with_the_patience_for_idle_connections() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "the answer"));
        let setup = in_front_of(&upstream).with("deadlines", "idle: 1s");
        let sidecar = setup.run();
        // Before the request: how late its answer is heard must not count.
        let begun = Instant::now();
        let mut connection = asked(&sidecar).await;
        assert!(connection.read_to_end().await.is_empty());
        let waited = begun.elapsed();
        assert!(waited >= Duration::from_millis(900), "{waited:?}");
    });
}

#[test]
fn silent_clients_cost_little() {
    run(async {
        let upstream = Upstream::start(|_| text(200, "the answer"));
        let setup = in_front_of(&upstream).with("limits", "connections_per_address: 1000");
        let sidecar = setup.run();
        let mut silent = Vec::new();
        let mut begun = 0;
        for batch in 0..6 {
            for _ in 0..BATCH {
                silent.push(asked(&sidecar).await);
            }
            tokio::time::sleep(SILENCE).await;
            if batch == 0 {
                begun = memory(&sidecar);
            }
        }
        // One that is served takes 20 KiB; what one batch has given back serves the next.
        let most = 10 * (silent.len() - BATCH);
        let little = async || (memory(&sidecar).saturating_sub(begun) < most).then_some(());
        until("less than 10 KiB for each connection", little).await;
        for connection in &mut silent {
            ask(connection).await;
        }
    });
}

/// How many connections are opened before they are left to doze.
const BATCH: usize = 50;

/// The memory that is held for the sidecar, in KiB.
fn memory(sidecar: &Sidecar) -> usize {
    let pid = sidecar.process().pid();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let figure = line.unwrap().split_whitespace().nth(1);
    figure.unwrap().parse().unwrap()
}
