//! Listening sockets: accepts connections, ends TLS, and tells which HTTP the client speaks.

use super::connection_limit::Place;
use super::limits::LAST_CALL;
use super::service::{Connection, Protocol, Service};
use super::speak;
use super::wire::{self, Line};
use socket2::{Domain, Socket, Type};
use std::future::poll_fn;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_rustls::TlsAcceptor;

/// Opens one listening socket; every thread opens its own on the same address (`SO_REUSEPORT`), and
/// the kernel spreads the connections.
pub fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(socket2::Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

/// Accepts connections for `service` until its thread drains, and then those that the kernel had
/// completed before.
pub(crate) async fn accept<H: Service>(
    service: Rc<H>,
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
) {
    let tls = tls.map(TlsAcceptor::from);
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            () = service.transport().drain.begun() => break,
        };
        match accepted {
            Ok((stream, peer)) => admit(&service, stream, peer, tls.as_ref()),
            Err(error) => pause(&error).await,
        }
    }
    while let Some(Ok((stream, peer))) = poll_fn(|cx| match listener.poll_accept(cx) {
        Poll::Ready(accepted) => Poll::Ready(Some(accepted)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
    {
        admit(&service, stream, peer, tls.as_ref());
    }
}

/// Accepts connections for `service` on a socket in the file system, whose clients have no address.
pub(crate) async fn accept_unix<H: Service>(service: Rc<H>, listener: UnixListener) {
    let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Some(place) = place(&service, nobody) {
                    let service = service.clone();
                    tokio::task::spawn_local(greet(service, stream, nobody, place, None));
                }
            }
            Err(error) => pause(&error).await,
        }
    }
}

fn admit<H: Service>(
    service: &Rc<H>,
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<&TlsAcceptor>,
) {
    let Some(place) = place(service, peer) else {
        if tls.is_none() {
            turn_away(stream, H::OVER_LIMIT);
        }
        return;
    };
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service.clone();
    let tls = tls.cloned();
    tokio::task::spawn_local(async move {
        match tls {
            None => greet(service, stream, peer, place, None).await,
            // Boxed, here and below: a task is as large as the largest of its ways, and thousands
            // of idle connections take the shortest.
            Some(acceptor) => {
                Box::pin(greet_over_tls(service, stream, peer, place, acceptor)).await;
            }
        }
    });
}

/// A place for a connection, unless a limit is reached, which is logged.
fn place<H: Service>(service: &Rc<H>, peer: SocketAddr) -> Option<Rc<Place>> {
    let transport = service.transport();
    let place = Place::take(
        &transport.connections,
        &transport.limits,
        &transport.drain,
        peer.ip(),
        service.is_shared(peer.ip()),
    );
    if place.is_none()
        && let Some(untold) = transport.complaints.admit(transport.clock.now())
    {
        let client = peer.ip();
        tracing::warn!(%client, untold, "connection refused: a limit on connections is reached");
    }
    place.map(Rc::new)
}

/// Out of file descriptors: only time helps, and spinning takes it from the others.
async fn pause(error: &io::Error) {
    tracing::warn!(%error, "cannot accept a connection");
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Tells a client in plain HTTP that it is over the limit: what the empty send buffer takes at once is
/// all it gets, and nothing is read or waited for.
fn turn_away(stream: TcpStream, response: &[u8]) {
    if let Ok(mut stream) = stream.into_std() {
        // A client that has gone by now needs no answer.
        let _ = stream.write(response);
        let _ = stream.shutdown(Shutdown::Write);
    }
}

async fn greet_over_tls<H: Service>(
    service: Rc<H>,
    stream: TcpStream,
    peer: SocketAddr,
    place: Rc<Place>,
    acceptor: TlsAcceptor,
) {
    let limit = service.transport().limits.handshake;
    let Ok(Ok(stream)) = tokio::time::timeout(limit, acceptor.accept(stream)).await else {
        return;
    };
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    // A boxed stream is moved in one word; a future keeps room for each place where it stays.
    greet(service, Box::new(stream), peer, place, Some(h2)).await;
}

/// Tells which HTTP is spoken, where ALPN did not, and serves the connection to its end.
async fn greet<H, S>(
    service: Rc<H>,
    mut stream: S,
    peer: SocketAddr,
    place: Rc<Place>,
    alpn: Option<bool>,
) where
    H: Service,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let deadlines = service.transport().limits.deadlines;
    let mut prefix = Vec::new();
    let h2 = if let Some(h2) = alpn {
        h2
    } else {
        let sniffed = tokio::time::timeout(deadlines.header, sniff(&mut stream, &mut prefix));
        // Whoever has not said a word when the worker drains is not waited for.
        let silent = async {
            service.transport().drain.begun().await;
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
    let protocol = if h2 { Protocol::Http2 } else { Protocol::Http1 };
    let connection = Rc::new(Connection {
        peer: peer.ip(),
        line: Arc::new(Line::default()),
        place,
        data: service.connect(peer.ip(), scheme, protocol),
    });
    match protocol {
        Protocol::Http2 => Box::pin(speak::http2(service, connection, stream, prefix)).await,
        Protocol::Http1 => speak::http1(service, connection, stream, prefix).await,
    }
}

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
