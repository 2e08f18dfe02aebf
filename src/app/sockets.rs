//! The sockets of all listeners, open before anything is served.

use super::error::AppError;
use crate::settings::Listener;
use crate::transport::{ListenAddress, ListenSocket, UnixSocket, bind};
use std::net::{SocketAddr, TcpListener};

/// All of them.
#[derive(Debug)]
pub(super) struct Sockets {
    /// Where they are, with the ports that were free.
    pub(super) listeners: Vec<Listener>,
    /// For each thread one of each listener.
    pub(super) of_threads: Vec<Vec<ListenSocket>>,
    /// Those in the file system; they are removed with this.
    pub(super) in_files: Vec<UnixSocket>,
}

impl Sockets {
    /// Opens an address once for each thread, so that the kernel spreads the connections, and a socket in the file system once
    /// for all.
    pub(super) fn open(listeners: &[Listener], threads: usize) -> Result<Self, AppError> {
        let mut sockets = Self {
            listeners: Vec::new(),
            of_threads: (0..threads).map(|_| Vec::new()).collect(),
            in_files: Vec::new(),
        };
        for listener in listeners {
            let mut listener = listener.clone();
            let failed = |source| AppError::Bind {
                address: listener.address.clone(),
                source,
            };
            match &listener.address {
                ListenAddress::Tcp(address) => {
                    let address = sockets.open_tcp(*address).map_err(failed)?;
                    listener.address = ListenAddress::Tcp(address);
                }
                ListenAddress::Unix(path) => {
                    let socket = UnixSocket::bind(path).map_err(failed)?;
                    for own in &mut sockets.of_threads {
                        own.push(ListenSocket::Unix(socket.listener().map_err(failed)?));
                    }
                    sockets.in_files.push(socket);
                }
            }
            sockets.listeners.push(listener);
        }
        Ok(sockets)
    }

    fn open_tcp(&mut self, mut address: SocketAddr) -> std::io::Result<SocketAddr> {
        // Sockets that share a port would also share it with a sidecar that runs already.
        drop(TcpListener::bind(address)?);
        for own in &mut self.of_threads {
            let socket = bind(address)?;
            // The first of them finds the free port, the others must take the same.
            address = socket.local_addr()?;
            own.push(ListenSocket::Tcp(socket));
        }
        Ok(address)
    }
}
