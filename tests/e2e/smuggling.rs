//! Requests and answers that two parsers would read differently: refused, said so, and over.

use crate::support::raw::{self, RawConnection};
use crate::support::raw_upstream::{Act, RawUpstream};
use crate::support::run;
use crate::support::sidecar::{Sidecar, in_front_of};
use crate::support::upstream::{Upstream, text};

/// What an attacker hopes to get past us.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n";

fn is_refusal(answer: &str, status: &str) -> bool {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let head = head.to_ascii_lowercase();
    (head.starts_with(&format!("http/1.1 {status} ")) || head.starts_with(&format!("http/1.0 {status} ")))
        && head.contains("\r\ncontent-type: application/problem+json")
        && head.contains("\r\nstep-up: error")
        && head.contains("\r\nconnection: close")
        && body.starts_with('{')
        // One answer: whatever follows the broken request is nobody's request.
        && !body.contains("HTTP/1.1 ")
}

fn sidecar() -> (Upstream, Sidecar) {
    let upstream = Upstream::start(|_| text(200, "passed"));
    let sidecar = in_front_of(&upstream).run();
    (upstream, sidecar)
}

#[test]
fn a_request_with_two_framings_is_refused() {
    let cases = [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Content-Length: 4\r\nContent-Length: 5",
        "Content-Length: 4\r\nContent-Length: 4",
        "Content-Length: 4, 5",
        "Content-Length: +4",
        "Content-Length: -4",
        "Content-Length: 0x4",
        "Content-Length: 4\u{b}",
        "Content-Length: ",
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: \u{b}chunked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding:",
        "Transfer-Encoding\t: chunked",
        "Transfer-Encoding : chunked",
        " Transfer-Encoding: chunked",
        "X: y\r\n Transfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "X: y\nTransfer-Encoding: chunked",
        "X: \0",
        "X: \u{7f}",
        "X\u{e9}: y",
        "X y: z",
        "(X): y",
        "X",
        ": y",
    ];
    run(async move {
        let (upstream, sidecar) = sidecar();
        for case in cases {
            for body in ["0\r\n\r\n", "4\r\nabcd\r\n0\r\n\r\n"] {
                let ask = format!("POST /x HTTP/1.1\r\nHost: h\r\n{case}\r\n\r\n{body}{HIDDEN}");
                let answer = raw::send(sidecar.addr(), ask).await;
                assert!(is_refusal(&answer, "400"), "{case:?}: {answer}");
            }
        }
        let old = "POST /x HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        assert!(is_refusal(&raw::send(sidecar.addr(), old).await, "400"));
        assert!(upstream.got().is_empty(), "{:?}", upstream.got());
    });
}

#[test]
fn a_request_line_that_can_be_read_in_two_ways_is_refused() {
    let lines = [
        "GET /x#y HTTP/1.1",
        "GET  /x HTTP/1.1",
        "GET /x  HTTP/1.1",
        "GET\t/x HTTP/1.1",
        "GET /x",
        "GET /x HTTP/1.1 ",
        "GET /x HTTP/1.2",
        "GET /x HTTP/2.0",
        "GET /x HTTP/0.9",
        "GET /x http/1.1",
        "GET /x\\y HTTP/1.1",
        "GET /x\u{e9} HTTP/1.1",
        "GET /x\0 HTTP/1.1",
        "GET /x\u{b}y HTTP/1.1",
        "GET x HTTP/1.1",
        "GET * HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "GET http:// HTTP/1.1",
        "GET http://other/x HTTP/1.1",
        "GET http://h@other/x HTTP/1.1",
        "GET https://h:99/x HTTP/1.1",
        "GET //h/../x HTTP/1.1",
        "GET /%2e%2e/x HTTP/1.1",
        "GET /x%00 HTTP/1.1",
        "GET /x%u0041 HTTP/1.1",
        "post /x HTTP/1.1",
        "Get /x HTTP/1.1",
        "G(T /x HTTP/1.1",
        "TRACE /x HTTP/1.1",
        "CONNECT h:443 HTTP/1.1",
        "CONNECT /x HTTP/1.1",
        "PRI * HTTP/1.1",
        "PRI * HTTP/2.0",
        "\u{16}\u{3}\u{1} HTTP/1.1",
    ];
    run(async move {
        let (upstream, sidecar) = sidecar();
        for line in lines {
            let ask = format!("{line}\r\nHost: h\r\nConnection: close\r\n\r\n");
            let answer = raw::send(sidecar.addr(), ask).await;
            assert!(is_refusal(&answer, "400"), "{line:?}: {answer}");
        }
        assert!(upstream.got().is_empty(), "{:?}", upstream.got());
        let ask = "GET http://h/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        assert!(raw::send(sidecar.addr(), ask).await.ends_with("passed"));
        assert_eq!(upstream.last().target, "/x");
    });
}

#[test]
fn a_request_names_one_host() {
    let heads = [
        "GET /x HTTP/1.1\r\n",
        "GET /x HTTP/1.0\r\nHost: \r\n",
        "GET /x HTTP/1.0\r\nHost: h\r\nHost: h\r\n",
        "GET /.stepup/status HTTP/1.0\r\n",
        "GET /x HTTP/1.1\r\nHost: h\r\nHost: h\r\n",
        "GET /x HTTP/1.1\r\nHost: h\r\nHost: other\r\n",
        "GET /x HTTP/1.1\r\nHost: \r\n",
        "GET /x HTTP/1.1\r\nHost: h, other\r\n",
        "GET /x HTTP/1.1\r\nHost: h/x\r\n",
        "GET /x HTTP/1.1\r\nHost: h@other\r\n",
        "GET /x HTTP/1.1\r\nHost: h:x\r\n",
        "GET http://h/x HTTP/1.1\r\nHost: other\r\n",
        "GET http://h/x HTTP/1.1\r\nHost: h\r\nHost: h\r\n",
    ];
    run(async move {
        let (upstream, sidecar) = sidecar();
        for head in heads {
            let answer = raw::send(sidecar.addr(), format!("{head}\r\n{HIDDEN}")).await;
            assert!(is_refusal(&answer, "400"), "{head:?}: {answer}");
        }
        assert!(upstream.got().is_empty(), "{:?}", upstream.got());
    });
}

#[test]
fn lines_end_in_crlf_alone_however_they_arrive() {
    run(async {
        let (upstream, sidecar) = sidecar();
        for ask in [
            "GET /x HTTP/1.1\nHost: h\n\n",
            "GET /x HTTP/1.1\r\nHost: h\n\r\n",
            "GET /x HTTP/1.1\r\nHost: h\r\n\n",
            "GET /x HTTP/1.1\rHost: h\r\r",
        ] {
            let mut connection = RawConnection::open(sidecar.addr()).await;
            // Byte by byte, so that no read holds a whole line.
            for byte in ask.as_bytes() {
                connection.write([*byte]).await;
            }
            connection.finish().await;
            let answer = connection.read_to_end().await;
            let answer = String::from_utf8(answer).unwrap();
            // A lone CR never ends a line: that one is cut short, and no answer is due.
            let is_short = answer.is_empty() && !ask.contains('\n');
            assert!(is_refusal(&answer, "400") || is_short, "{ask:?}: {answer}");
        }
        assert!(upstream.got().is_empty());
    });
}

#[test]
fn a_broken_chunk_is_neither_forwarded_nor_answered_by_the_application() {
    let bodies = [
        "g\r\n",
        "-1\r\nx\r\n",
        "0x1\r\nx\r\n",
        "1\nx\r\n0\r\n\r\n",
        "1\r\nxy\r\n",
        "1\r\nx\n0\r\n\r\n",
        "\r\n0\r\n\r\n",
        " 1\r\nx\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\nx",
        "1;a=\n\r\nx\r\n0\r\n\r\n",
        "0\r\nTrailer : x\r\n\r\n",
        "0\r\n folded\r\n\r\n",
        "0\r\nContent-Length: 5\nX: y\r\n\r\n",
    ];
    run(async move {
        let (upstream, sidecar) = sidecar();
        for body in bodies {
            for path in ["/x", "/form"] {
                let head = format!(
                    "POST {path} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\
                     Content-Type: application/x-www-form-urlencoded\r\n\r\n"
                );
                // At once, and after a first chunk that is sound.
                for sound in ["", "3\r\na=b\r\n"] {
                    let ask = format!("{head}{sound}{body}{HIDDEN}");
                    let answer = raw::send(sidecar.addr(), ask).await;
                    assert!(!answer.contains("passed"), "{body:?}: {answer}");
                    assert!(
                        is_refusal(&answer, "400"),
                        "{path} {sound:?} {body:?}: {answer}"
                    );
                }
            }
        }
        assert!(upstream.got().is_empty(), "{:?}", upstream.got());
    });
}

#[test]
fn what_follows_a_refused_request_is_no_request() {
    run(async {
        let (upstream, sidecar) = sidecar();
        // The first is sound and may be answered; the second is not; the third is never read.
        let ask = format!(
            "GET /first HTTP/1.1\r\nHost: h\r\n\r\nGET /x HTTP/1.1\r\nHost : h\r\n\r\n{HIDDEN}"
        );
        let answer = raw::send(sidecar.addr(), ask).await;
        assert!(answer.contains("application/problem+json"), "{answer}");
        // A refusal by policy leaves the connection sound, and the body it did not read is not a request.
        let body = HIDDEN;
        let ask = format!(
            "POST /guarded/x HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}\
             GET /after HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let answer = raw::send(sidecar.addr(), ask).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        let targets: Vec<_> = upstream.got().into_iter().map(|got| got.target).collect();
        assert!(
            !targets.iter().any(|target| target == "/hidden"),
            "{targets:?}"
        );
    });
}

#[test]
fn a_folded_spelling_of_a_framing_header_does_not_pass() {
    run(async {
        let (upstream, sidecar) = sidecar();
        let ask = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer_Encoding: chunked\r\n\
                   Content_Length: 9\r\nTransfer.Encoding: chunked\r\nTE: trailers\r\n\
                   Proxy-Connection: keep-alive\r\nKeep-Alive: x\r\nConnection: close, X-Hop\r\n\
                   X-Hop: 1\r\n\r\nx";
        // `X-` headers are nobody's to take away: identities and forwarding stand there.
        let answer = raw::send(sidecar.addr(), ask).await;
        assert!(is_refusal(&answer, "400"), "{answer}");
        let answer = raw::send(sidecar.addr(), ask.replace("X-Hop", "My-Hop")).await;
        assert!(answer.ends_with("passed"), "{answer}");
        let raw = upstream.raw().concat().to_ascii_lowercase();
        for gone in [
            "transfer",
            "content_length",
            "te:",
            "connection",
            "keep-alive",
            "my-hop",
        ] {
            assert!(!raw.contains(gone), "{gone}: {raw}");
        }
        assert_eq!(&upstream.last().body[..], b"x");
    });
}

#[test]
fn h2c_is_never_passed_on() {
    run(async {
        let (upstream, sidecar) = sidecar();
        let ask = "GET /x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
                   HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
        let mut connection = RawConnection::open(sidecar.addr()).await;
        connection.write(ask).await;
        assert!(connection.read_head().await.starts_with("HTTP/1.1 200"));
        let got = upstream.last();
        for gone in ["upgrade", "http2-settings", "connection"] {
            assert_eq!(got.header(gone), "", "{gone}");
        }
    });
}

#[test]
fn an_answer_that_can_be_read_in_two_ways_is_a_bad_gateway() {
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: y\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: \0\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/3.0 200 OK\r\n\r\n",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\n",
        "",
    ];
    run(async move {
        for answer in answers {
            let upstream = RawUpstream::start(vec![vec![Act::Write(answer)]]).await;
            let sidecar = in_front_of(&upstream).run();
            let got = sidecar.client().get("/x").await;
            assert_eq!(got.status, 502, "{answer:?}");
            assert_eq!(got.header("content-type"), "application/problem+json");
            assert_eq!(got.header("step-up"), "error");
        }
    });
}

#[test]
fn an_answer_is_never_anothers() {
    // Each leaves something behind that the next request must not take for its answer.
    let leftovers: [&[Act]; 6] = [
        &[Act::Write(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        )],
        &[Act::Write(
            "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        )],
        &[Act::Write(
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil",
        )],
        &[Act::Write(
            "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n",
        )],
        &[Act::Write(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 evil\r\n\r\n",
        )],
        &[Act::Write(
            "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nok",
        )],
    ];
    run(async move {
        for script in leftovers {
            let mut script = script.to_vec();
            script.extend([
                Act::Await,
                Act::Write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
            ]);
            let sound = vec![Act::Write(
                "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX: sound\r\n\r\nfine",
            )];
            let upstream = RawUpstream::start(vec![script.clone(), sound]).await;
            let sidecar = in_front_of(&upstream).run();
            let mut first = RawConnection::open(sidecar.addr()).await;
            first.write("GET /first HTTP/1.1\r\nHost: h\r\n\r\n").await;
            first.read_head().await;
            drop(first);
            let second = sidecar.client().get("/second").await;
            assert_eq!(second.text(), "fine", "{script:?}");
            assert_eq!(second.header("x"), "sound");
        }
        // The same for an answer to HEAD that brings a body.
        let head = vec![
            Act::Write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
            Act::Hold,
        ];
        let sound = vec![Act::Write(
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine",
        )];
        let upstream = RawUpstream::start(vec![head, sound]).await;
        let sidecar = in_front_of(&upstream).run();
        let asked = sidecar.client().request(http::Method::HEAD, "/first", "");
        assert_eq!(
            sidecar.client().send(asked).await.header("content-length"),
            "4"
        );
        assert_eq!(sidecar.client().get("/second").await.text(), "fine");
    });
}

#[test]
fn a_refused_request_touches_no_pooled_connection() {
    run(async {
        let upstream = Upstream::start(|got| text(200, &got.target.clone()));
        let sidecar = in_front_of(&upstream).run();
        assert_eq!(sidecar.client().get("/one").await.text(), "/one");
        let big = "x".repeat(100_000);
        for _ in 0..3 {
            let refused = sidecar
                .client()
                .post_form("/guarded/x", &[("a", &big)])
                .await;
            assert_eq!(refused.status, 401);
            assert_eq!(refused.header("step-up"), "deny");
            let refused = sidecar.client().post_form("/form", &[("a", &big)]).await;
            assert_eq!(refused.status, 413);
        }
        assert_eq!(sidecar.client().get("/two").await.text(), "/two");
        let got = upstream.got();
        assert_eq!((got.len(), got[1].connection), (2, 0), "{got:?}");
    });
}
