//! HTTP on one connection: hyper's servers, and the rest they take while the client says nothing.

use super::house::{Connection, Worker};
use super::listen::LAST_CALL;
use super::streams::{Stream, Streams};
use super::wire::{self, DOZE_AFTER, HeadLimits, Heard, Line, Scanner, Wire};
use crate::domain::Leniency;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// Serves HTTP/1, of which `prefix` was read already.
///
/// Between requests that are far apart only the socket is kept: most connections are idle most of the
/// time, and what serves a request takes many times as much memory.
pub(super) async fn http1<S>(
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    mut stream: S,
    mut prefix: Vec<u8>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    worker.watchman.watch(&connection.line);
    // Boxed, so that there is room for it only while it is needed.
    while let Some(dozing) = Box::pin(converse(&worker, &connection, stream, prefix)).await {
        (stream, prefix) = (dozing, Vec::new());
        if !doze(&worker, &mut stream, &mut prefix).await {
            // TLS says goodbye (RFC 8446 §6.1), to whoever takes it at once.
            let _ = tokio::time::timeout(LAST_CALL, stream.shutdown()).await;
            return;
        }
        connection.line.wake();
        worker.watchman.watch(&connection.line);
    }
}

/// Answers requests until the connection ends, or its client is silent for a while: then the stream
/// is handed back.
async fn converse<S>(
    worker: &Rc<Worker>,
    connection: &Rc<Connection>,
    stream: S,
    prefix: Vec<u8>,
) -> Option<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &worker.house.options.limits;
    let mut builder = hyper::server::conn::http1::Builder::new();
    // The wire keeps the deadlines; hyper's own would close idle connections with them.
    builder
        .max_headers(limits.headers)
        // With some room for blank lines: the wire has looked at the head already.
        .max_header_size(limits.header_bytes + 64)
        .header_read_timeout(None);
    let service = {
        let (worker, connection) = (worker.clone(), connection.clone());
        service_fn(move |request| answer(worker.clone(), connection.clone(), None, request))
    };
    let scanner = Some(Scanner::new(head_limits(worker)));
    let wire = Wire::new(
        stream,
        prefix,
        scanner,
        connection.line.clone(),
        limits.deadlines,
    );
    let serving = builder.serve_connection(TokioIo::new(wire), service);
    let mut serving = serving.with_upgrades();
    let left = drive(
        worker,
        &connection.line,
        Pin::new(&mut serving),
        hyper::server::conn::http1::UpgradeableConnection::graceful_shutdown,
    )
    .await;
    match left {
        Left::Ended => None,
        Left::Dozing => Some(serving.into_parts()?.io.into_inner().into_stream()),
    }
}

/// Waits for the client's next word. There is none if it hangs up, is silent for too long, or the
/// worker drains.
async fn doze<S>(worker: &Worker, stream: &mut S, heard: &mut Vec<u8>) -> bool
where
    S: AsyncRead + Unpin,
{
    let idle = worker.house.options.limits.deadlines.idle;
    tokio::select! {
        biased;
        heard = wire::hear(stream, heard) => heard.is_ok(),
        () = worker.drain.begun() => false,
        () = tokio::time::sleep(idle.saturating_sub(DOZE_AFTER)) => false,
    }
}

/// Serves HTTP/2, of which `prefix` was read already.
pub(super) async fn http2<S>(
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    stream: S,
    prefix: Vec<u8>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &worker.house.options.limits;
    let streams = Streams::default();
    let mut builder = hyper::server::conn::http2::Builder::new(streams.clone());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(256)
        .keep_alive_interval(limits.deadlines.progress)
        .keep_alive_timeout(limits.deadlines.progress);
    let wire = Wire::new(
        stream,
        prefix,
        None,
        connection.line.clone(),
        limits.deadlines,
    );
    let line = connection.line.clone();
    let service = {
        let (worker, streams) = (worker.clone(), streams.clone());
        service_fn(move |request| {
            let stream = streams.begin();
            let of = Some(stream.clone());
            let answering = answer(worker.clone(), connection.clone(), of, request);
            async move {
                answering
                    .await
                    .map(|response| response.map(|reply| reply.on(stream)))
            }
        })
    };
    let serving = pin!(builder.serve_connection(TokioIo::new(wire), service));
    let driven = drive(
        &worker,
        &line,
        serving,
        hyper::server::conn::http2::Connection::graceful_shutdown,
    );
    tokio::select! {
        _ = driven => {}
        never = streams.look_after(limits.deadlines.progress) => match never {},
    }
}

/// Answers a request. Its connection is occupied from here on, not from when hyper comes to poll the
/// answer: before that hyper asks for more bytes, and must not be taken for idle.
fn answer(
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    stream: Option<Rc<Stream>>,
    request: http::Request<Incoming>,
) -> impl Future<Output = Result<http::Response<super::Reply>, Infallible>> {
    let occupied = connection.line.occupy();
    async move { Ok(super::handle(&worker, &connection, request, stream, occupied).await) }
}

/// How a connection left hyper.
enum Left {
    /// Nothing is under way, and the client is silent.
    Dozing,
    /// For good.
    Ended,
}

/// Runs a connection to its end, or until it dozes, telling it once when the worker begins to drain. A
/// request that came half way by then is waited for, as long as its head may take.
async fn drive<C, E>(
    worker: &Worker,
    line: &Line,
    mut serving: Pin<&mut C>,
    mut finish: impl FnMut(Pin<&mut C>),
) -> Left
where
    C: Future<Output = Result<(), E>>,
{
    let mut begun = pin!(worker.drain.begun());
    let mut last_call = None;
    // The waker of a connection's task stays the same, so that it is handed in only once.
    let (mut listens, mut told) = (false, false);
    poll_fn(|cx| {
        if !listens {
            listens = true;
            line.is_served_by(cx.waker());
            let _: Poll<()> = begun.as_mut().poll(cx);
        }
        if line.is_ended() {
            return Poll::Ready(Left::Ended);
        }
        // What stands in the socket already comes in first. A connection that breaks off has told
        // whoever was concerned: the client is gone.
        if serving.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Left::Ended);
        }
        if line.is_dozing() {
            return Poll::Ready(Left::Dozing);
        }
        if told || !worker.drain.has_begun() {
            return Poll::Pending;
        }
        let waits = match line.heard() {
            Heard::Enough => false,
            Heard::Half => true,
            Heard::Nothing => last_call
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(LAST_CALL)))
                .as_mut()
                .poll(cx)
                .is_pending(),
        };
        if waits {
            return Poll::Pending;
        }
        told = true;
        finish(serving.as_mut());
        serving.as_mut().poll(cx).map(|_| Left::Ended)
    })
    .await
}

fn head_limits(worker: &Worker) -> HeadLimits {
    let options = &worker.house.options;
    HeadLimits {
        bytes: options.limits.header_bytes,
        lines: options.limits.headers,
        fragments: options.accept.fragments == Leniency::Read,
        raw_bytes: options.accept.raw_bytes == Leniency::Read,
    }
}
