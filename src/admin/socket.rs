//! Where the admin endpoints listen: an address of this machine, or a socket in the file system.

use crate::transport::{ListenAddress, UnixSocket};
use std::fmt;
use std::io;

/// Where the admin endpoints listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminAddress(pub ListenAddress);

impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ListenAddress::Tcp(address) => write!(f, "http://{address}"),
            unix @ ListenAddress::Unix(_) => unix.fmt(f),
        }
    }
}

/// The socket, open.
#[derive(Debug)]
pub struct AdminSocket {
    address: AdminAddress,
    listener: Socket,
}

#[derive(Debug)]
enum Socket {
    Tcp(std::net::TcpListener),
    Unix(UnixSocket),
}

/// The socket on a runtime.
pub(super) enum OnRuntime {
    Tcp(tokio::net::TcpListener),
    Unix(tokio::net::UnixListener),
}

impl AdminSocket {
    /// Opens it.
    pub fn bind(address: &AdminAddress) -> io::Result<Self> {
        match &address.0 {
            ListenAddress::Tcp(address) => {
                let listener = std::net::TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                Ok(Self {
                    address: AdminAddress(ListenAddress::Tcp(listener.local_addr()?)),
                    listener: Socket::Tcp(listener),
                })
            }
            ListenAddress::Unix(path) => Ok(Self {
                address: address.clone(),
                listener: Socket::Unix(UnixSocket::bind(path)?),
            }),
        }
    }

    /// Where it listens, with the port that was free.
    pub fn address(&self) -> &AdminAddress {
        &self.address
    }

    /// The same on the runtime of the calling thread.
    pub(super) fn listener(&self) -> io::Result<OnRuntime> {
        Ok(match &self.listener {
            Socket::Tcp(listener) => {
                OnRuntime::Tcp(tokio::net::TcpListener::from_std(listener.try_clone()?)?)
            }
            Socket::Unix(socket) => {
                OnRuntime::Unix(tokio::net::UnixListener::from_std(socket.listener()?)?)
            }
        })
    }
}
