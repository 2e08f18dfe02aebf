//! Listening sockets: accepts connections, terminates TLS, and detects HTTP/1 or HTTP/2.

use super::connection_limit::ConnectionPermit;
use super::http_server;
use super::limits::DRAIN_GRACE;
use super::service::{Connection, Protocol, Service};
use super::wire::{self, ConnectionState};
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

/// A socket that one thread accepts connections on.
#[derive(Debug)]
pub enum ListenSocket {
    /// At an address.
    Tcp(std::net::TcpListener),
    /// In the file system.
    Unix(std::os::unix::net::UnixListener),
}

/// Opens one listening socket; every thread opens its own on the same address (`SO_REUSEPORT`), and
/// the kernel spreads the connections.
pub fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(socket2::Protocol::TCP),
    )?;
    // SO_REUSEADDR: a restart does not wait for connections in TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    // The kernel lowers it to `net.core.somaxconn`.
    socket.listen(4096)?;
    Ok(socket.into())
}

/// Accepts connections for `service` until its thread drains, and then those that are already in the
/// accept queue.
pub(crate) async fn accept<H: Service>(
    service: Rc<H>,
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
) {
    let tls = tls.map(TlsAcceptor::from);
    // The thread does not end before the queue is empty.
    let _working = service.transport().drain.work();
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
    // What came just before is known to the socket, and to this task only once the I/O driver has looked.
    tokio::task::yield_now().await;
    while let Some(Ok((stream, peer))) = poll_fn(|cx| match listener.poll_accept(cx) {
        Poll::Ready(accepted) => Poll::Ready(Some(accepted)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
    {
        admit(&service, stream, peer, tls.as_ref());
    }
}

/// Accepts connections for `service` on a socket in the file system, until its thread drains. Clients have no address there: they
/// count as of this machine.
pub(crate) async fn accept_unix<H: Service>(service: Rc<H>, listener: UnixListener) {
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            () = service.transport().drain.begun() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                if let Some(permit) = permit(&service, peer) {
                    let service = service.clone();
                    tokio::task::spawn_local(serve_connection(service, stream, peer, permit, None));
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
    let Some(permit) = permit(service, peer) else {
        // Over TLS a response would cost a handshake first, more than what is saved by refusing.
        if tls.is_none() {
            refuse(stream, H::OVER_LIMIT);
        }
        return;
    };
    // Nagle's algorithm (RFC 1122 §4.2.3.4) would hold back the end of a response until the client
    // has acknowledged what came before.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service.clone();
    let tls = tls.cloned();
    tokio::task::spawn_local(async move {
        match tls {
            None => serve_connection(service, stream, peer, permit, None).await,
            // Boxed, here and below: a future is as large as its largest branch, and thousands of idle
            // connections are in the smallest.
            Some(acceptor) => {
                Box::pin(serve_over_tls(service, stream, peer, permit, acceptor)).await;
            }
        }
    });
}

/// The permit for a connection; `None` if a limit is reached, which is logged.
fn permit<H: Service>(service: &Rc<H>, peer: SocketAddr) -> Option<Rc<ConnectionPermit>> {
    let transport = service.transport();
    let permit = ConnectionPermit::acquire(
        &transport.connection_limit,
        &transport.limits,
        &transport.drain,
        peer.ip(),
        service.is_shared(peer.ip()),
    );
    if permit.is_none()
        && let Some(untold) = transport.log_limit.allows(transport.clock.now())
    {
        let client = peer.ip();
        tracing::warn!(%client, untold, "connection refused: a limit on connections is reached");
    }
    permit.map(Rc::new)
}

/// Mostly EMFILE: a pause lets other connections close, where a retry at once would spin.
async fn pause(error: &io::Error) {
    tracing::warn!(%error, "cannot accept a connection");
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Sends the response for a plain-text connection over the connection limit, with one write that does
/// not block; nothing is read.
fn refuse(stream: TcpStream, response: &[u8]) {
    if let Ok(mut stream) = stream.into_std() {
        // An error means that the client has closed the connection.
        let _ = stream.write(response);
        let _ = stream.shutdown(Shutdown::Write);
    }
}

async fn serve_over_tls<H: Service>(
    service: Rc<H>,
    stream: TcpStream,
    peer: SocketAddr,
    permit: Rc<ConnectionPermit>,
    acceptor: TlsAcceptor,
) {
    let limit = service.transport().limits.handshake;
    // A failure is not logged: scanners cause any number of them.
    let Ok(Ok(stream)) = tokio::time::timeout(limit, acceptor.accept(stream)).await else {
        return;
    };
    // RFC 9113 §3.2: over TLS it is ALPN that selects HTTP/2, not the preface.
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    // A boxed stream is one pointer in the future, which holds a slot for each place it is moved to.
    serve_connection(service, Box::new(stream), peer, permit, Some(h2)).await;
}

/// Detects the protocol, where ALPN did not tell it, and serves the connection to its end.
async fn serve_connection<H, S>(
    service: Rc<H>,
    mut stream: S,
    peer: SocketAddr,
    permit: Rc<ConnectionPermit>,
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
        // A connection without a byte is closed soon after the worker begins to drain.
        let silent = async {
            service.transport().drain.begun().await;
            tokio::time::sleep(DRAIN_GRACE).await;
        };
        let protocol = tokio::select! {
            // What is there already counts, however late this task comes to look.
            biased;
            protocol = sniffed => protocol.ok(),
            () = silent => None,
        };
        match protocol {
            Some(Ok(h2)) => h2,
            // The client stopped within the preface, or at the `P` of `POST`: HTTP/1 has a deadline for it.
            None if !prefix.is_empty() => false,
            Some(Err(_)) | None => return,
        }
    };
    let scheme = if alpn.is_some() { "https" } else { "http" };
    let protocol = if h2 { Protocol::Http2 } else { Protocol::Http1 };
    let connection = Rc::new(Connection {
        peer: peer.ip(),
        state: Arc::new(ConnectionState::default()),
        permit,
        data: service.connect(peer.ip(), scheme, protocol),
    });
    match protocol {
        Protocol::Http2 => Box::pin(http_server::http2(service, connection, stream, prefix)).await,
        Protocol::Http1 => http_server::http1(service, connection, stream, prefix).await,
    }
}

/// Whether the connection begins with the preface of HTTP/2 (RFC 9113 §3.4).
async fn sniff<S: AsyncRead + Unpin>(stream: &mut S, read: &mut Vec<u8>) -> io::Result<bool> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    loop {
        wire::read_some(stream, read).await?;
        let compared = read.len().min(PREFACE.len());
        if read.get(..compared) != PREFACE.get(..compared) {
            return Ok(false);
        }
        if compared == PREFACE.len() {
            return Ok(true);
        }
    }
}
