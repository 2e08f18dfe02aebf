//! Where the application listens, and how to get through to it.

use rustls::pki_types::ServerName;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where the application listens: `http://host:port`, `https://host:port` or `unix:/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nowhere: this sidecar has no application, and other proxies ask it. No text means this.
    Absent,
    /// In the clear, over TCP.
    Http {
        /// Name or address.
        host: String,
        /// Port, 80 where none is written.
        port: u16,
    },
    /// Over TLS; the certificate must be for `host`.
    Https {
        /// Name or address.
        host: String,
        /// Port, 443 where none is written.
        port: u16,
    },
    /// A socket in the file system.
    Unix(PathBuf),
}

/// A text that is no such place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not an upstream: {wrong}; expected `http://host:port`, `https://host:port` or `unix:/path`"
)]
pub struct TargetError {
    text: String,
    wrong: &'static str,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let wrong = |wrong| TargetError {
            text: text.to_owned(),
            wrong,
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = Path::new(path);
            return if path.is_absolute() {
                Ok(Self::Unix(path.to_owned()))
            } else {
                Err(wrong("the socket's path must be absolute"))
            };
        }
        let uri: http::Uri = text.parse().map_err(|_| wrong("it is not a URL"))?;
        if uri
            .path_and_query()
            .is_some_and(|path| path.as_str() != "/")
        {
            return Err(wrong("it has a path, and paths are forwarded as they came"));
        }
        let host = uri
            .host()
            .filter(|host| !host.is_empty())
            .ok_or_else(|| wrong("it has no host"))?;
        if uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
        {
            return Err(wrong("it holds a user name or password"));
        }
        // RFC 3986 §3.2.2 brackets IPv6 addresses; resolvers and certificates know them without.
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        match uri.scheme_str() {
            Some("http") => Ok(Self::Http {
                host,
                port: uri.port_u16().unwrap_or(80),
            }),
            Some("https") => Ok(Self::Https {
                host,
                port: uri.port_u16().unwrap_or(443),
            }),
            Some(_) | None => Err(wrong("its scheme is neither http nor https")),
        }
    }
}

impl Target {
    /// Its name in a `Host` header (RFC 9112 §3.2).
    pub(crate) fn authority(&self) -> String {
        match self {
            Self::Http { host, port } | Self::Https { host, port } => {
                let is_v6 = host.contains(':');
                let (open, close) = if is_v6 { ("[", "]") } else { ("", "") };
                format!("{open}{host}{close}:{port}")
            }
            // RFC 9112 §3.2 wants a host, and a socket in the file system has no name.
            Self::Absent | Self::Unix(_) => "localhost".to_owned(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("none"),
            Self::Http { host, port } => write!(f, "http://{host}:{port}"),
            Self::Https { host, port } => write!(f, "https://{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Why no connection came about. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The host, or the socket, does not answer.
    #[error("cannot connect to the upstream")]
    Connect(#[source] io::Error),
    /// As many connections as the settings allow are open already.
    #[error("all {0} connections to the upstream are in use")]
    Exhausted(usize),
    /// Its name is none that a certificate could be for.
    #[error("the upstream's name cannot be checked against a certificate")]
    Name,
    /// It took longer than the settings allow.
    #[error("the upstream did not accept a connection within {}ms", .0.as_millis())]
    Timeout(Duration),
    /// TLS failed, such as a certificate that is not for this name.
    #[error("no TLS with the upstream")]
    Tls(#[source] io::Error),
}

/// A connected stream of whichever kind.
#[derive(Debug)]
pub(in crate::transport) enum UpstreamStream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

impl Target {
    /// Connects, within `limit`.
    pub(in crate::transport) async fn connect(
        &self,
        tls: Option<&Arc<rustls::ClientConfig>>,
        limit: Duration,
    ) -> Result<UpstreamStream, ConnectError> {
        tokio::time::timeout(limit, self.connect_unbounded(tls))
            .await
            .unwrap_or(Err(ConnectError::Timeout(limit)))
    }

    async fn connect_unbounded(
        &self,
        tls: Option<&Arc<rustls::ClientConfig>>,
    ) -> Result<UpstreamStream, ConnectError> {
        match self {
            Self::Absent => Err(ConnectError::Connect(io::ErrorKind::NotFound.into())),
            Self::Unix(path) => UnixStream::connect(path)
                .await
                .map(UpstreamStream::Unix)
                .map_err(ConnectError::Connect),
            Self::Http { host, port } => tcp(host, *port).await.map(UpstreamStream::Tcp),
            Self::Https { host, port } => {
                let config = tls.ok_or(ConnectError::Name)?.clone();
                let name = ServerName::try_from(host.clone()).map_err(|_| ConnectError::Name)?;
                let stream = tcp(host, *port).await?;
                let stream = TlsConnector::from(config).connect(name, stream).await;
                stream
                    .map(|stream| UpstreamStream::Tls(Box::new(stream)))
                    .map_err(ConnectError::Tls)
            }
        }
    }
}

async fn tcp(host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let stream = TcpStream::connect((host, port))
        .await
        .map_err(ConnectError::Connect)?;
    // Heads and bodies are written in large pieces: waiting to fill a segment would only delay
    // their last one (RFC 9293 §3.7.4).
    stream.set_nodelay(true).map_err(ConnectError::Connect)?;
    Ok(stream)
}

macro_rules! each {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream {
            UpstreamStream::Tcp($inner) => $call,
            UpstreamStream::Tls($inner) => $call,
            UpstreamStream::Unix($inner) => $call,
        }
    };
}

impl AsyncRead for UpstreamStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for UpstreamStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        each!(self, stream => stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_kinds_of_upstream_are_read() {
        assert_eq!(
            "http://app:8000".parse(),
            Ok(Target::Http {
                host: "app".to_owned(),
                port: 8000
            })
        );
        assert_eq!(
            "https://[::1]/".parse(),
            Ok(Target::Https {
                host: "::1".to_owned(),
                port: 443
            })
        );
        assert_eq!(
            "unix:/run/app.sock".parse(),
            Ok(Target::Unix("/run/app.sock".into()))
        );
    }

    #[test]
    fn what_is_no_upstream_is_said_plainly() {
        for text in [
            "app:8000",
            "ftp://app",
            "http://u:p@app",
            "http://app/base",
            "unix:run",
            "",
            "http://",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
