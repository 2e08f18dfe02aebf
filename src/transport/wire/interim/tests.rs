//! Interim responses against hyper itself, over a pipe that takes a few bytes at a time.

use super::*;
use crate::transport::wire::{ClientDeadlines, HeadLimits, Scanner};
use bytes::Bytes;
use http::header::LINK;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::sync::oneshot;

fn hint(link: &'static str) -> (StatusCode, HeaderMap) {
    let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_static(link))]);
    (StatusCode::EARLY_HINTS, headers)
}

fn waiting(state: &ConnectionState) -> String {
    String::from_utf8(state.interims.lock().heads.clone()).unwrap()
}

#[test]
fn only_the_request_in_hand_is_spoken_for() {
    let state = Arc::new(ConnectionState::default());
    let first = state.await_answer();
    let late = first.sender(Waker::noop().clone());
    drop(first);
    let second = state.await_answer();
    let (status, headers) = hint("</late>");
    late(status, headers);
    assert_eq!(waiting(&state), "");
    let send = second.sender(Waker::noop().clone());
    let (status, headers) = hint("</now>");
    send(status, headers);
    assert_eq!(
        waiting(&state),
        "HTTP/1.1 103 Early Hints\r\nlink: </now>\r\n\r\n"
    );
    drop(second);
    let (status, headers) = hint("</late>");
    send(status, headers);
    assert_eq!(waiting(&state), "");
}

#[test]
fn there_is_an_end_to_them() {
    let state = Arc::new(ConnectionState::default());
    let awaited = state.await_answer();
    let send = awaited.sender(Waker::noop().clone());
    for _ in 0..100 {
        let (status, headers) = hint("</x>");
        send(status, headers);
    }
    assert_eq!(waiting(&state).matches("103").count(), usize::from(MOST));
    let long = HeaderValue::from_bytes(&[b'x'; MOST_BYTES]).unwrap();
    drop(awaited);
    let next = state.await_answer();
    let send = next.sender(Waker::noop().clone());
    send(
        StatusCode::EARLY_HINTS,
        HeaderMap::from_iter([(LINK, long)]),
    );
    assert_eq!(waiting(&state), "");
}

/// A pipe that takes no list of buffers: then hyper copies all it has to say into one, and where a body
/// ends after its answer it begins with the next request while that answer is still in it.
struct Pipe(DuplexStream);

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

const LIMITS: HeadLimits = HeadLimits {
    bytes: 8192,
    lines: 100,
    fragments: false,
    raw_bytes: false,
};

const PATIENT: ClientDeadlines = ClientDeadlines {
    header: Duration::from_mins(1),
    body: Duration::from_mins(1),
    progress: Duration::from_mins(1),
    idle: Duration::from_mins(1),
};

/// What the second request needs: to say that its hint is given, and to hear when it may answer.
type Turn = Rc<RefCell<Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>>>;

/// Answers `/long` at length while its body is still to come, and keeps that. Anything else gets a hint,
/// and its answer when it may.
async fn serve(
    state: Arc<ConnectionState>,
    turn: Turn,
    kept: Rc<RefCell<Option<Incoming>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/long" {
        kept.replace(Some(request.into_body()));
        return Ok(Response::new(Full::new(Bytes::from_static(&[b'x'; 4096]))));
    }
    let awaited = state.await_answer();
    let connection = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    let (status, headers) = hint("</x>");
    awaited.sender(connection)(status, headers);
    let (hinted, go_on) = turn.take().unwrap();
    hinted.send(()).unwrap();
    go_on.await.unwrap();
    awaited.flush().await;
    Ok(Response::new(Full::new(Bytes::from_static(b"done"))))
}

/// When the second answer may go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    AtOnce,
    HintHeard,
}

/// What a client hears that asks for both, and reads next to nothing until the hint is given.
async fn hear_both(when: When) -> String {
    let (mut client, server) = tokio::io::duplex(64);
    let state = Arc::new(ConnectionState::default());
    let scanner = Some(Scanner::new(LIMITS));
    let wire = Wire::new(Pipe(server), Vec::new(), scanner, state.clone(), PATIENT);
    let (let_go, go_on) = oneshot::channel();
    let (hinted, was_hinted) = oneshot::channel();
    let turn: Turn = Rc::new(RefCell::new(Some((hinted, go_on))));
    let kept = Rc::new(RefCell::new(None));
    let service =
        service_fn(move |request| serve(state.clone(), turn.clone(), kept.clone(), request));
    let serving =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(wire), service);
    let asking = async {
        let long = "POST /long HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n";
        client.write_all(long.as_bytes()).await.unwrap();
        let mut heard = vec![0; 4];
        client.read_exact(&mut heard).await.unwrap();
        let last = "xGET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        client.write_all(last.as_bytes()).await.unwrap();
        was_hinted.await.unwrap();
        let mut let_go = Some(let_go);
        loop {
            let is_time = when == When::AtOnce || heard.ends_with(b"</x>\r\n\r\n");
            if let Some(let_go) = let_go.take_if(|_| is_time) {
                let_go.send(()).unwrap();
            }
            if client.read_buf(&mut heard).await.unwrap() == 0 {
                return String::from_utf8(heard).unwrap();
            }
        }
    };
    let (served, heard) = tokio::join!(serving, asking);
    served.unwrap();
    heard
}

#[tokio::test]
async fn a_hint_waits_for_the_end_of_the_answer_before() {
    let heard = hear_both(When::HintHeard).await;
    let (first, rest) = heard.split_once(&"x".repeat(4096)).unwrap();
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
    assert!(first.ends_with("\r\n\r\n"), "{first}");
    let hint = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n";
    assert!(rest.starts_with(hint), "{rest}");
    assert!(rest.ends_with("\r\n\r\ndone"), "{rest}");
}

#[tokio::test]
async fn a_hint_that_finds_no_gap_is_dropped() {
    let heard = hear_both(When::AtOnce).await;
    let (_, rest) = heard.split_once(&"x".repeat(4096)).unwrap();
    assert!(rest.starts_with("HTTP/1.1 200 OK\r\n"), "{rest}");
    assert!(rest.ends_with("\r\n\r\ndone"), "{rest}");
    assert!(!heard.contains("103"), "{heard}");
}
