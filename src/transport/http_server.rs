//! HTTP on one connection: hyper's servers, and parking while no request is in flight.

use super::limits::DRAIN_GRACE;
use super::response_body::ResponseBody;
use super::service::{Connection, Service, Transport};
use super::streams::{Stream, Streams};
use super::wire::{self, ConnectionState, HeadLimits, HeadProgress, PARK_AFTER, Scanner, Wire};
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
/// An idle connection is parked: hyper's state and buffers are dropped, and only the socket is kept. Most
/// connections are idle most of the time, and hyper takes many times the memory of a socket.
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
    transport.idle_reaper.track(&connection.state);
    // Boxed, so that a parked connection does not hold the memory of the future.
    while let Some(parked) =
        Box::pin(serve_until_parked(&service, &connection, stream, prefix)).await
    {
        (stream, prefix) = (parked, Vec::new());
        if !wait_for_bytes(transport, &mut stream, &mut prefix).await {
            // RFC 8446 §6.1: sends close_notify, unless the socket takes longer.
            let _ = tokio::time::timeout(DRAIN_GRACE, stream.shutdown()).await;
            return;
        }
        connection.state.unpark();
        transport.idle_reaper.track(&connection.state);
    }
}

/// Serves requests until the connection ends (`None`) or is parked: then the stream is handed back.
async fn serve_until_parked<H, S>(
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
    // `Wire` keeps the deadlines; hyper's header timeout would also close idle connections.
    builder
        .max_headers(limits.headers)
        // `Wire` has checked the size already; 64 bytes more for the blank lines that RFC 9112 §2.2 allows.
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
        connection.state.clone(),
        limits.deadlines,
    );
    let serving = builder.serve_connection(TokioIo::new(wire), answering);
    let mut serving = serving.with_upgrades();
    let exit = drive(
        transport,
        &connection.state,
        Pin::new(&mut serving),
        hyper::server::conn::http1::UpgradeableConnection::graceful_shutdown,
    )
    .await;
    match exit {
        Exit::Ended => None,
        Exit::Parked => Some(serving.into_parts()?.io.into_inner().into_stream()),
    }
}

/// Waits for the next bytes of a parked connection; `false` if the client closes, the idle deadline
/// passes, or the worker drains.
async fn wait_for_bytes<S>(transport: &Transport, stream: &mut S, read: &mut Vec<u8>) -> bool
where
    S: AsyncRead + Unpin,
{
    let idle = transport.limits.deadlines.idle;
    tokio::select! {
        // Bytes first: a request that has arrived is served, also if the worker begins to drain.
        biased;
        result = wire::read_some(stream, read) => result.is_ok(),
        () = transport.drain.begun() => false,
        // It was idle for at least that long before it was parked.
        () = tokio::time::sleep(idle.saturating_sub(PARK_AFTER)) => false,
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
        // RFC 9113 §5.1.2. Each stream may hold a connection to the application.
        .max_concurrent_streams(limits.streams)
        // RFC 9113 §10.5.1: counted before compression, as a few bytes of HPACK expand to many.
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        // Streams that the client opens and resets (CVE-2023-44487), and those that we reset for
        // its errors (RUSTSEC-2024-0003): beyond these numbers h2 closes the connection.
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(256)
        // RFC 9113 §6.7: PING finds a client that is gone without having closed the connection.
        .keep_alive_interval(limits.deadlines.progress)
        .keep_alive_timeout(limits.deadlines.progress);
    let wire = Wire::new(
        stream,
        prefix,
        None,
        connection.state.clone(),
        limits.deadlines,
    );
    let state = connection.state.clone();
    let answering = {
        let (service, streams) = (service.clone(), streams.clone());
        service_fn(move |request| {
            let stream = Some(streams.begin());
            // Boxed: hyper moves the future of each stream.
            Box::pin(answer(service.clone(), connection.clone(), stream, request))
        })
    };
    let serving = pin!(builder.serve_connection(TokioIo::new(wire), answering));
    let driven = drive(
        transport,
        &state,
        serving,
        hyper::server::conn::http2::Connection::graceful_shutdown,
    );
    tokio::select! {
        _ = driven => {}
        never = streams.reset_stalled(limits.deadlines.progress) => match never {},
    }
}

/// Answers a request. It is in flight from here on, not from the first poll of the future: hyper reads
/// more bytes before that poll, and the connection must not count as idle then.
fn answer<H: Service>(
    service: Rc<H>,
    connection: Rc<Connection<H::Connection>>,
    stream: Option<Rc<Stream>>,
    request: http::Request<Incoming>,
) -> impl Future<Output = Result<http::Response<ResponseBody<H::Body>>, Infallible>> {
    let in_flight = connection.state.begin_request();
    async move {
        let answer = service.answer(&connection, request, stream.clone()).await;
        Ok(ResponseBody::carry(answer, in_flight, stream))
    }
}

/// Why hyper no longer serves a connection.
enum Exit {
    /// The connection ended.
    Ended,
    /// It is idle; its stream is kept.
    Parked,
}

/// Runs a connection until it ends or is parked, and calls `finish` once when the worker drains. A head
/// that has begun by then is waited for until its deadline.
async fn drive<C, E>(
    transport: &Transport,
    state: &ConnectionState,
    mut serving: Pin<&mut C>,
    mut finish: impl FnMut(Pin<&mut C>),
) -> Exit
where
    C: Future<Output = Result<(), E>>,
{
    let mut begun = pin!(transport.drain.begun());
    let mut grace = None;
    // The task of a connection stays the same, so that its waker is set only once.
    let (mut registered, mut finishing) = (false, false);
    poll_fn(|cx| {
        if !registered {
            registered = true;
            state.set_task(cx.waker());
            // Only registers the waker; the flag is read below.
            let _: Poll<()> = begun.as_mut().poll(cx);
        }
        if state.is_ended() {
            return Poll::Ready(Exit::Ended);
        }
        // First, so that bytes already in the socket are read before the checks below. An error is not
        // logged: the client has closed the connection.
        if serving.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Exit::Ended);
        }
        if state.is_parked() {
            return Poll::Ready(Exit::Parked);
        }
        if finishing || !transport.drain.has_begun() {
            return Poll::Pending;
        }
        let waits = match state.head_progress() {
            HeadProgress::Complete => false,
            HeadProgress::Partial => true,
            // A client that has just connected may have its first request on the way.
            HeadProgress::NotStarted => grace
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(DRAIN_GRACE)))
                .as_mut()
                .poll(cx)
                .is_pending(),
        };
        if waits {
            return Poll::Pending;
        }
        finishing = true;
        // The response in progress tells the client: `Connection: close` (RFC 9112 §9.6), GOAWAY
        // (RFC 9113 §6.8).
        finish(serving.as_mut());
        serving.as_mut().poll(cx).map(|_| Exit::Ended)
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
