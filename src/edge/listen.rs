//! The door: sockets, limits, TLS, and which HTTP the client speaks.

use super::headers::{Hop, Peer};
use super::house::{Connection, Worker};
use super::respond;
use super::speak;
use super::wire::{self, ClientDeadlines, Line};
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::HashMap;
use std::future::poll_fn;
use std::io::{self, Write};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What a client may take up.
#[derive(Clone, Copy, Debug)]
pub struct ClientLimits {
    /// Open connections, over all threads.
    pub connections: usize,
    /// Open connections of one address (IPv6: one /64).
    pub connections_per_address: usize,
    /// Bytes of a request head; also of one line of it.
    pub header_bytes: usize,
    /// Header lines of a request.
    pub headers: usize,
    /// HTTP/2 streams of one connection.
    pub streams: u32,
    /// Bytes of a request body.
    pub body: u64,
    /// TLS handshakes take no longer than this.
    pub handshake: Duration,
    /// The other deadlines.
    pub deadlines: ClientDeadlines,
}

/// Who is inside, over all threads.
#[derive(Debug, Default)]
pub struct Census {
    open: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// Opens one listening socket; every thread opens its own on the same address (`SO_REUSEPORT`), and
/// the kernel spreads the connections.
pub fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

/// Lets clients in until the worker drains; then serves whoever stood at the door already.
pub(super) async fn accept(
    worker: Rc<Worker>,
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
) {
    let tls = tls.map(TlsAcceptor::from);
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            () = worker.drain.begun() => break,
        };
        match accepted {
            Ok((stream, peer)) => admit(&worker, stream, peer, tls.as_ref()),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                // Out of file descriptors: only time helps, and spinning takes it from the others.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    while let Some(Ok((stream, peer))) = poll_fn(|cx| match listener.poll_accept(cx) {
        Poll::Ready(accepted) => Poll::Ready(Some(accepted)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
    {
        admit(&worker, stream, peer, tls.as_ref());
    }
}

fn admit(worker: &Rc<Worker>, stream: TcpStream, peer: SocketAddr, tls: Option<&TlsAcceptor>) {
    let Some(place) = Place::take(worker, peer.ip()) else {
        if let Some(untold) = worker.complaints.admit(worker.house.clock.now()) {
            let client = peer.ip();
            tracing::warn!(%client, untold, "connection refused: a limit on connections is reached");
        }
        if tls.is_none() {
            turn_away(stream);
        }
        return;
    };
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let worker = worker.clone();
    let tls = tls.cloned();
    let place = Rc::new(place);
    tokio::task::spawn_local(async move {
        match tls {
            None => greet(worker, stream, peer, place, None).await,
            // Boxed, here and below: a task is as large as the largest of its ways, and thousands
            // of idle connections take the shortest.
            Some(acceptor) => Box::pin(greet_over_tls(worker, stream, peer, place, acceptor)).await,
        }
    });
}

/// Tells a client in plain HTTP that it is one too many: what the empty socket takes at once is all it
/// hears, and nothing is read or waited for.
fn turn_away(stream: TcpStream) {
    if let Ok(mut stream) = stream.into_std() {
        // Whoever has gone by now did not want to know.
        let _ = stream.write(respond::ONE_TOO_MANY);
        let _ = stream.shutdown(Shutdown::Write);
    }
}

async fn greet_over_tls(
    worker: Rc<Worker>,
    stream: TcpStream,
    peer: SocketAddr,
    place: Rc<Place>,
    acceptor: TlsAcceptor,
) {
    let limit = worker.house.options.limits.handshake;
    let Ok(Ok(stream)) = tokio::time::timeout(limit, acceptor.accept(stream)).await else {
        return;
    };
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    // A boxed stream is moved in one word; a future keeps room for each place where it stays.
    greet(worker, Box::new(stream), peer, place, Some(h2)).await;
}

/// Tells which HTTP is spoken, where ALPN did not, and serves the connection to its end.
async fn greet<S>(
    worker: Rc<Worker>,
    mut stream: S,
    peer: SocketAddr,
    place: Rc<Place>,
    alpn: Option<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let deadlines = worker.house.options.limits.deadlines;
    let mut prefix = Vec::new();
    let h2 = if let Some(h2) = alpn {
        h2
    } else {
        let sniffed = tokio::time::timeout(deadlines.header, sniff(&mut stream, &mut prefix));
        // Whoever has not said a word when the worker drains is not waited for.
        let silent = async {
            worker.drain.begun().await;
            tokio::time::sleep(LAST_CALL).await;
        };
        let told = tokio::select! {
            told = sniffed => told.ok(),
            () = silent => None,
        };
        match told {
            Some(Ok(h2)) => h2,
            // A request that stopped within the letters that HTTP/2 begins with.
            None if !prefix.is_empty() => false,
            Some(Err(_)) | None => return,
        }
    };
    let scheme = if alpn.is_some() { "https" } else { "http" };
    let trust = worker.house.options.trusted_proxies.judge(peer.ip());
    let connection = Rc::new(Connection {
        peer: peer.ip(),
        hop: Hop::new(peer.ip(), scheme, trust),
        line: Arc::new(Line::default()),
        place,
        // RFC 9113 knows no authentication of connections, and a proxy brings many people on one.
        pinned: (!h2 && trust == Peer::Anyone).then(Rc::default),
    });
    if h2 {
        Box::pin(speak::http2(worker, connection, stream, prefix)).await;
    } else {
        speak::http1(worker, connection, stream, prefix).await;
    }
}

/// What a request of a new connection may need to come in when draining has begun.
pub(super) const LAST_CALL: Duration = Duration::from_millis(200);

/// RFC 9113 §3.4: a client with prior knowledge begins with a text that no HTTP/1 request begins with.
async fn sniff<S: AsyncRead + Unpin>(stream: &mut S, read: &mut Vec<u8>) -> io::Result<bool> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    loop {
        wire::hear(stream, read).await?;
        let compared = read.len().min(PREFACE.len());
        if read.get(..compared) != PREFACE.get(..compared) {
            return Ok(false);
        }
        if compared == PREFACE.len() {
            return Ok(true);
        }
    }
}

/// A place inside; given up when dropped.
#[derive(Debug)]
pub(super) struct Place {
    census: Arc<Census>,
    address: IpAddr,
    _working: super::drain::Working,
}

impl Place {
    fn take(worker: &Worker, peer: IpAddr) -> Option<Self> {
        let census = worker.house.census.clone();
        let address = bucket(peer);
        let limits = &worker.house.options.limits;
        {
            let mut by_address = census
                .by_address
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let count = by_address.entry(address).or_insert(0);
            // A trusted proxy brings everybody.
            let trusted = worker.house.options.trusted_proxies.contains(peer);
            if census.open.load(Ordering::Relaxed) >= limits.connections
                || (*count >= limits.connections_per_address && !trusted)
            {
                if *count == 0 {
                    by_address.remove(&address);
                }
                return None;
            }
            *count += 1;
        }
        census.open.fetch_add(1, Ordering::Relaxed);
        Some(Self {
            census,
            address,
            _working: worker.drain.work(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.census.open.fetch_sub(1, Ordering::Relaxed);
        let mut by_address = self
            .census
            .by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

/// One household is counted as one: an IPv4 address, or an IPv6 /64.
fn bucket(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
    }
}
