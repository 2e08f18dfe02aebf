//! HTTP on one connection: hyper's servers, and the rest they take while the client says nothing.

use super::limits::LAST_CALL;
use super::response_body::ResponseBody;
use super::service::{Connection, Service, Transport};
use super::streams::{Stream, Streams};
use super::wire::{self, DOZE_AFTER, HeadLimits, Heard, Line, Scanner, Wire};
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
pub(super) async fn http1<H, S>(
    service: Rc<H>,
    connection: Rc<Connection<H::Connection>>,
    mut stream: S,
    mut prefix: Vec<u8>,
) where
    H: Service,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let transport = service.transport();
    transport.idle_reaper.track(&connection.line);
    // Boxed, so that there is room for it only while it is needed.
    while let Some(dozing) = Box::pin(converse(&service, &connection, stream, prefix)).await {
        (stream, prefix) = (dozing, Vec::new());
        if !doze(transport, &mut stream, &mut prefix).await {
            // TLS says goodbye (RFC 8446 §6.1), to whoever takes it at once.
            let _ = tokio::time::timeout(LAST_CALL, stream.shutdown()).await;
            return;
        }
        connection.line.wake();
        transport.idle_reaper.track(&connection.line);
    }
}

/// Answers requests until the connection ends, or its client is silent for a while: then the stream
/// is handed back.
async fn converse<H, S>(
    service: &Rc<H>,
    connection: &Rc<Connection<H::Connection>>,
    stream: S,
    prefix: Vec<u8>,
) -> Option<S>
where
    H: Service,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let transport = service.transport();
    let limits = &transport.limits;
    let mut builder = hyper::server::conn::http1::Builder::new();
    // The wire keeps the deadlines; hyper's own would close idle connections with them.
    builder
        .max_headers(limits.headers)
        // With some room for blank lines: the wire has looked at the head already.
        .max_header_size(limits.header_bytes + 64)
        .header_read_timeout(None);
    let answering = {
        let (service, connection) = (service.clone(), connection.clone());
        service_fn(move |request| answer(service.clone(), connection.clone(), None, request))
    };
    let scanner = Some(Scanner::new(head_limits(transport)));
    let wire = Wire::new(
        stream,
        prefix,
        scanner,
        connection.line.clone(),
        limits.deadlines,
    );
    let serving = builder.serve_connection(TokioIo::new(wire), answering);
    let mut serving = serving.with_upgrades();
    let left = drive(
        transport,
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
async fn doze<S>(transport: &Transport, stream: &mut S, heard: &mut Vec<u8>) -> bool
where
    S: AsyncRead + Unpin,
{
    let idle = transport.limits.deadlines.idle;
    tokio::select! {
        biased;
        heard = wire::hear(stream, heard) => heard.is_ok(),
        () = transport.drain.begun() => false,
        () = tokio::time::sleep(idle.saturating_sub(DOZE_AFTER)) => false,
    }
}

/// Serves HTTP/2, of which `prefix` was read already.
pub(super) async fn http2<H, S>(
    service: Rc<H>,
    connection: Rc<Connection<H::Connection>>,
    stream: S,
    prefix: Vec<u8>,
) where
    H: Service,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let transport = service.transport();
    let limits = &transport.limits;
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
    let answering = {
        let (service, streams) = (service.clone(), streams.clone());
        service_fn(move |request| {
            let stream = Some(streams.begin());
            // Boxed: hyper moves the future of each stream about.
            Box::pin(answer(service.clone(), connection.clone(), stream, request))
        })
    };
    let serving = pin!(builder.serve_connection(TokioIo::new(wire), answering));
    let driven = drive(
        transport,
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
fn answer<H: Service>(
    service: Rc<H>,
    connection: Rc<Connection<H::Connection>>,
    stream: Option<Rc<Stream>>,
    request: http::Request<Incoming>,
) -> impl Future<Output = Result<http::Response<ResponseBody<H::Body>>, Infallible>> {
    let occupied = connection.line.occupy();
    async move {
        let answer = service.answer(&connection, request, stream.clone()).await;
        Ok(ResponseBody::carry(answer, occupied, stream))
    }
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
    transport: &Transport,
    line: &Line,
    mut serving: Pin<&mut C>,
    mut finish: impl FnMut(Pin<&mut C>),
) -> Left
where
    C: Future<Output = Result<(), E>>,
{
    let mut begun = pin!(transport.drain.begun());
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
        if told || !transport.drain.has_begun() {
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

fn head_limits(transport: &Transport) -> HeadLimits {
    HeadLimits {
        bytes: transport.limits.header_bytes,
        lines: transport.limits.headers,
        fragments: transport.heads.fragments,
        raw_bytes: transport.heads.raw_bytes,
    }
}
