//! What the application says before its answer (RFC 9110 §15.2), and that nothing else gets in between.

use crate::support::raw::RawConnection;
use crate::support::raw_upstream::{Act, RawUpstream};
use crate::support::run;
use crate::support::sidecar::{Sidecar, in_front_of};
use tokio::sync::Notify;

const HINT: &str = "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n";
const HEARD: &str = "HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const ASK: &str = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

/// A sidecar before an application that plays `script` for its first connection.
async fn before_script(script: Vec<Act>) -> (Sidecar, RawUpstream) {
    let upstream = RawUpstream::start(vec![script]).await;
    (in_front_of(&upstream).run(), upstream)
}

#[test]
fn early_hints_arrive_before_the_answer_is_there() {
    run(async {
        let (sidecar, _upstream) = before_script(vec![Act::Write(HINT), Act::Hold]).await;
        let mut client = RawConnection::open(sidecar.addr()).await;
        assert_eq!(client.write(ASK).await.read_head().await, HEARD);
    });
}

#[test]
fn each_answer_has_its_own_and_the_connection_goes_on() {
    run(async {
        let script = vec![
            Act::Write(HINT),
            Act::Write("HTTP/1.1 102 Processing\r\n\r\n"),
            Act::Write(OK),
            Act::Await,
            Act::Write(OK),
            Act::Await,
            // In one breath with the answer.
            Act::Write(
                "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            ),
            Act::Hold,
        ];
        let (sidecar, _upstream) = before_script(script).await;
        let mut client = RawConnection::open(sidecar.addr()).await;
        assert_eq!(client.write(ASK).await.read_head().await, HEARD);
        let head = client.read_head().await;
        assert_eq!(head, "HTTP/1.1 102 Processing\r\n\r\n");
        assert!(client.read_until("ok").await.starts_with("HTTP/1.1 200 "));
        let plain = client.write(ASK).await.read_until("ok").await;
        assert!(plain.starts_with("HTTP/1.1 200 "), "{plain}");
        assert_eq!(client.write(ASK).await.read_head().await, HEARD);
        assert!(client.read_until("ok").await.starts_with("HTTP/1.1 200 "));
    });
}

#[test]
fn nothing_is_said_early_that_belongs_to_the_answer() {
    run(async {
        let early = "HTTP/1.1 100 Continue\r\n\r\n\
                     HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\nSet-Cookie: sid=evil\r\n\
                     Content-Length: 9\r\nTransfer-Encoding: chunked\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\n\
                     Step-Up: done\r\nLocation: /evil\r\n\r\n";
        let script = vec![Act::Write(early), Act::Write(OK)];
        let (sidecar, _upstream) = before_script(script).await;
        let mut client = RawConnection::open(sidecar.addr()).await;
        assert_eq!(client.write(ASK).await.read_head().await, HEARD);
        assert!(client.read_until("ok").await.starts_with("HTTP/1.1 200 "));
    });
}

#[test]
fn there_is_an_end_to_what_is_said_early() {
    run(async {
        let many = HINT.repeat(100).leak();
        let (sidecar, _upstream) = before_script(vec![Act::Write(many), Act::Write(OK)]).await;
        let mut client = RawConnection::open(sidecar.addr()).await;
        let heard = client.write(ASK).await.read_until("ok").await;
        let rest = heard.strip_prefix(&HEARD.repeat(8)).unwrap();
        assert!(rest.starts_with("HTTP/1.1 200 "), "{rest}");
    });
}

#[test]
fn clients_that_cannot_hear_them_hear_the_answer() {
    run(async {
        let upstream = RawUpstream::start(vec![vec![Act::Write(HINT), Act::Write(OK)]]).await;
        let sidecar = in_front_of(&upstream).run();
        // RFC 9110 §15.2: never to HTTP/1.0.
        let mut client = RawConnection::open(sidecar.addr()).await;
        client.write("GET /x HTTP/1.0\r\nHost: h\r\n\r\n").await;
        let all = String::from_utf8(client.read_to_end().await).unwrap();
        assert!(all.starts_with("HTTP/1.0 200 OK\r\n"), "{all}");
        assert!(all.ends_with("\r\n\r\nok"), "{all}");
        assert_eq!(sidecar.client().http2().get("/x").await.text(), "ok");
    });
}

#[test]
fn hints_wait_until_a_slow_client_has_the_answer_before() {
    // More than any buffer of a socket takes.
    const SIZE: usize = 32 << 20;
    // A hint is dropped if its own answer comes before the one in front is read to its end.
    static HINTED: Notify = Notify::const_new();
    run(async {
        let big = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n{}",
            "x".repeat(SIZE)
        );
        let script = vec![
            Act::Write(big.leak()),
            Act::Await,
            Act::Write(HINT),
            Act::Heed(&HINTED),
            Act::Write(OK),
        ];
        let (sidecar, upstream) = before_script(script).await;
        let mut client = RawConnection::open(sidecar.addr()).await;
        client.write(ASK.repeat(2)).await;
        assert!(client.read_head().await.starts_with("HTTP/1.1 200 "));
        // Read in pieces, so that the end of the first answer and the hint queue up.
        let mut left = SIZE;
        while left > 0 {
            let piece = left.min(64 << 10);
            let read = client.read_exactly(piece).await.unwrap();
            assert!(read.iter().all(|byte| *byte == b'x'));
            left -= piece;
        }
        assert_eq!(client.read_head().await, HEARD);
        HINTED.notify_one();
        let answer = client.read_until("ok").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(upstream.heads().len(), 2);
    });
}
