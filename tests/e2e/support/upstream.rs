//! A real application server that records what it got and answers as it was told.

use super::soon;
use super::tls::TestCa;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, HeaderMap, UPGRADE};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// A request as the application got it.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) method: Method,
    /// Path and query, byte for byte.
    pub(crate) target: String,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
    /// On which connection, counted from 0.
    pub(crate) connection: usize,
}

impl Got {
    /// A header, empty if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

/// An application: what it does with each request.
pub(crate) type Application = Box<dyn Fn(&Got) -> Reply + Send + Sync>;

/// What the application does with a request.
pub(crate) enum Reply {
    /// Answers; the request's body is read and recorded first.
    Answer(Response<BoxBody<Bytes, io::Error>>),
    /// Reads the body first, and then decides; on an answer.
    ByBody(Box<dyn FnOnce(&Got) -> Self + Send>),
    /// Sends the body back while it arrives; nothing of it is recorded.
    Echo,
    /// Reads the body, however long, and answers with its length.
    Count,
    /// Answers with that many bytes, made while they are sent.
    Flood(u64),
    /// Never answers.
    Hang,
    /// Promises a body, sends these bytes of it, and closes.
    CutBody(&'static str),
    /// Sends each thing that [`Upstream::say`] says as a server-sent event, at once.
    Events,
    /// Switches to this protocol and sends back every byte.
    Upgrade(&'static str),
    /// A WebSocket that sends every message back.
    WebSocket,
}

/// An answer of text.
pub(crate) fn text(status: u16, body: &str) -> Reply {
    answer(status, &[("content-type", "text/plain")], body)
}

/// An answer with headers, in this order.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let body = Full::new(Bytes::from(body.to_owned())).map_err(|never| match never {});
    Reply::Answer(response.body(body.boxed()).unwrap())
}

/// An application server on a thread of its own; ends when dropped, connections included.
pub(crate) struct Upstream {
    addr: Option<SocketAddr>,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

struct Shared {
    application: Application,
    got: Mutex<Vec<Got>>,
    count: watch::Sender<usize>,
    raw: Mutex<Vec<Arc<Mutex<Vec<u8>>>>>,
    listeners: Mutex<Vec<mpsc::UnboundedSender<String>>>,
}

enum Door {
    Tcp(std::net::TcpListener),
    Tls(std::net::TcpListener, Arc<rustls::ServerConfig>),
    Unix(std::os::unix::net::UnixListener),
}

impl Upstream {
    /// An application on a port of its own. It decides on method, target and headers: what the
    /// body holds is known only to [`Reply::Answer`]'s record.
    pub(crate) fn start(application: impl Fn(&Got) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), application)
    }

    /// The same at an address, which may be that of one that is gone.
    pub(crate) fn start_at(
        addr: SocketAddr,
        application: impl Fn(&Got) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::behind(Door::Tcp(tcp(addr)), application)
    }

    /// The same over TLS, with the test CA's certificate.
    pub(crate) fn start_tls(
        ca: &TestCa,
        application: impl Fn(&Got) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::behind(
            Door::Tls(
                tcp((Ipv4Addr::LOCALHOST, 0).into()),
                ca.server(&["http/1.1"]),
            ),
            application,
        )
    }

    /// The same on a unix socket.
    pub(crate) fn start_unix(
        path: &Path,
        application: impl Fn(&Got) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = std::os::unix::net::UnixListener::bind(path).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self::behind(Door::Unix(listener), application)
    }

    fn behind(door: Door, application: impl Fn(&Got) -> Reply + Send + Sync + 'static) -> Self {
        let addr = match &door {
            Door::Tcp(listener) | Door::Tls(listener, _) => listener.local_addr().ok(),
            Door::Unix(_) => None,
        };
        let shared = Arc::new(Shared {
            application: Box::new(application),
            got: Mutex::default(),
            count: watch::Sender::new(0),
            raw: Mutex::default(),
            listeners: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = accept(door, serving) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            addr,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it listens; not for unix sockets.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr.unwrap()
    }

    /// Everything it got so far, in order of arrival.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.shared.got.lock().unwrap().clone()
    }

    /// The last request it got.
    pub(crate) fn last(&self) -> Got {
        self.got().pop().expect("the application got nothing")
    }

    /// Waits until it has got `count` requests in all.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Got> {
        let mut counted = self.shared.count.subscribe();
        let arrived = counted.wait_for(|now| *now >= count);
        soon("a request at the application", arrived).await.unwrap();
        self.got()
    }

    /// The first bytes of every connection, as they came (64 KiB of each).
    pub(crate) fn raw(&self) -> Vec<String> {
        let raw = self.shared.raw.lock().unwrap();
        raw.iter()
            .map(|bytes| String::from_utf8_lossy(&bytes.lock().unwrap()).into_owned())
            .collect()
    }

    /// Says something to everybody who listens to [`Reply::Events`].
    pub(crate) fn say(&self, event: &str) {
        let mut listeners = self.shared.listeners.lock().unwrap();
        listeners.retain(|listener| listener.send(event.to_owned()).is_ok());
    }

    /// Ends all event streams.
    pub(crate) fn fall_silent(&self) {
        self.shared.listeners.lock().unwrap().clear();
    }
}

impl Display for Upstream {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.addr())
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn tcp(addr: SocketAddr) -> std::net::TcpListener {
    let listener = std::net::TcpListener::bind(addr).unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

async fn accept(door: Door, shared: Arc<Shared>) {
    match door {
        Door::Tcp(listener) => {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                tokio::spawn(converse(stream, Arc::clone(&shared)));
            }
        }
        Door::Tls(listener, config) => {
            let listener = TcpListener::from_std(listener).unwrap();
            let acceptor = TlsAcceptor::from(config);
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    // A client that mistrusts us ends here; its own test sees it.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        converse(stream, shared).await;
                    }
                });
            }
        }
        Door::Unix(listener) => {
            let listener = UnixListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&shared)));
            }
        }
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    shared: Arc<Shared>,
) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let connection = {
        let mut raw = shared.raw.lock().unwrap();
        raw.push(Arc::clone(&seen));
        raw.len() - 1
    };
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(respond(request, connection, &shared).await) }
    });
    // How it ends is for the other side to tell.
    let _ = http1::Builder::new()
        .preserve_header_case(true)
        .serve_connection(TokioIo::new(Tee { stream, seen }), service)
        .with_upgrades()
        .await;
}

type Answered = Response<BoxBody<Bytes, io::Error>>;

async fn respond(mut request: Request<Incoming>, connection: usize, shared: &Shared) -> Answered {
    let mut got = Got {
        method: request.method().clone(),
        target: request.uri().to_string(),
        version: request.version(),
        headers: request.headers().clone(),
        body: Bytes::new(),
        trailers: None,
        connection,
    };
    let reply = (shared.application)(&got);
    if matches!(reply, Reply::Answer(_) | Reply::ByBody(_)) {
        match request.body_mut().collect().await {
            Ok(body) => {
                got.trailers = body.trailers().cloned();
                got.body = body.to_bytes();
            }
            Err(_) => return plain(StatusCode::BAD_REQUEST, "the body broke off"),
        }
        let reply = if let Reply::ByBody(decide) = reply {
            decide(&got)
        } else {
            reply
        };
        shared.note(got);
        return if let Reply::Answer(response) = reply {
            response
        } else {
            plain(StatusCode::INTERNAL_SERVER_ERROR, "the body is read")
        };
    }
    shared.note(got);
    match reply {
        Reply::Answer(_) | Reply::ByBody(_) => unreachable!(),
        Reply::Echo => Response::new(request.into_body().map_err(io::Error::other).boxed()),
        Reply::Count => count(request.into_body()).await,
        Reply::Flood(bytes) => Response::new(flood(bytes)),
        Reply::Hang => std::future::pending().await,
        Reply::CutBody(sent) => cut(sent),
        Reply::Events => shared.events(),
        Reply::Upgrade(protocol) => upgrade(request, protocol),
        Reply::WebSocket => web_socket(request),
    }
}

impl Shared {
    fn note(&self, got: Got) {
        self.got.lock().unwrap().push(got);
        self.count.send_modify(|count| *count += 1);
    }

    fn events(&self) -> Answered {
        let (sender, receiver) = mpsc::unbounded_channel::<String>();
        self.listeners.lock().unwrap().push(sender);
        let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
            let event = receiver.recv().await?;
            let frame = Frame::data(Bytes::from(format!("data: {event}\n\n")));
            Some((Ok::<_, io::Error>(frame), receiver))
        });
        let mut response = Response::new(BodyExt::boxed(StreamBody::new(stream)));
        let kind = "text/event-stream".parse().unwrap();
        response.headers_mut().insert("content-type", kind);
        response
    }
}

fn plain(status: StatusCode, body: impl Into<Bytes>) -> Answered {
    let body = Full::new(body.into()).map_err(|never| match never {});
    let mut response = Response::new(body.boxed());
    *response.status_mut() = status;
    response
}

async fn count(mut body: Incoming) -> Answered {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes += frame.data_ref().map_or(0, Bytes::len),
            Err(_) => return plain(StatusCode::BAD_REQUEST, "the body broke off"),
        }
    }
    plain(StatusCode::OK, bytes.to_string())
}

fn flood(bytes: u64) -> BoxBody<Bytes, io::Error> {
    static WATER: [u8; 64 * 1024] = [b'~'; 64 * 1024];
    let stream = futures_util::stream::unfold(bytes, |left| async move {
        let now = left.min(WATER.len() as u64);
        let piece = WATER.get(..usize::try_from(now).ok()?)?;
        (now > 0).then(|| (Ok(Frame::data(Bytes::from_static(piece))), left - now))
    });
    BodyExt::boxed(StreamBody::new(stream))
}

fn cut(sent: &'static str) -> Answered {
    let stream = futures_util::stream::unfold(0, move |step| async move {
        let frame = if step == 0 {
            Ok(Frame::data(Bytes::from_static(sent.as_bytes())))
        } else {
            // hyper writes what it has when the body pauses; without this it drops it all.
            tokio::task::yield_now().await;
            Err(io::Error::other("cut on purpose"))
        };
        Some((frame, step + 1))
    });
    let mut response = Response::new(BodyExt::boxed(StreamBody::new(stream)));
    let promised = (sent.len() + 1_000).into();
    response.headers_mut().insert("content-length", promised);
    response
}

fn upgrade(request: Request<Incoming>, protocol: &'static str) -> Answered {
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else {
            return;
        };
        let mut stream = TokioIo::new(upgraded);
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            if stream.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    });
    switching(protocol)
}

fn web_socket(request: Request<Incoming>) -> Answered {
    let key = request.headers().get("sec-websocket-key");
    let accept = derive_accept_key(key.map_or(b"", |key| key.as_bytes()));
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else {
            return;
        };
        let stream = TokioIo::new(upgraded);
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                return;
            }
        }
    });
    let mut response = switching("websocket");
    let headers = response.headers_mut();
    headers.insert("sec-websocket-accept", accept.parse().unwrap());
    response
}

fn switching(protocol: &'static str) -> Answered {
    let body = Empty::new().map_err(|never| match never {});
    let mut response = Response::new(body.boxed());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, "upgrade".parse().unwrap());
    headers.insert(UPGRADE, protocol.parse().unwrap());
    response
}

/// A stream that remembers the first bytes it was read.
struct Tee<S> {
    stream: S,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Tee<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let mut seen = self.seen.lock().unwrap();
        let room = RAW_KEPT.saturating_sub(seen.len());
        seen.extend(buffer.filled()[before..].iter().take(room));
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tee<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

const RAW_KEPT: usize = 64 * 1024;
