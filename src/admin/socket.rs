//! Where the admin endpoints listen: an address of this machine, or a socket in the file system.

use std::fmt;
use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Where the admin endpoints listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminAddress {
    /// An address; port 0 is any that is free.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The socket, open. One in the file system is removed with it.
#[derive(Debug)]
pub struct AdminSocket {
    address: AdminAddress,
    listener: Socket,
}

#[derive(Debug)]
enum Socket {
    Tcp(std::net::TcpListener),
    Unix(UnixListener),
}

/// The socket on a runtime.
pub(super) enum OnRuntime {
    Tcp(tokio::net::TcpListener),
    Unix(tokio::net::UnixListener),
}

impl AdminSocket {
    /// Opens it. A socket that a process left behind is replaced; one that is in use is not.
    pub fn bind(address: &AdminAddress) -> io::Result<Self> {
        match address {
            AdminAddress::Tcp(address) => {
                let listener = std::net::TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                Ok(Self {
                    address: AdminAddress::Tcp(listener.local_addr()?),
                    listener: Socket::Tcp(listener),
                })
            }
            AdminAddress::Unix(path) => {
                remove_stale(path)?;
                let listener = UnixListener::bind(path)?;
                // In between the umask keeps others out; they could read no more than the endpoints tell.
                fs::set_permissions(path, Permissions::from_mode(MODE))?;
                listener.set_nonblocking(true)?;
                Ok(Self {
                    address: address.clone(),
                    listener: Socket::Unix(listener),
                })
            }
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
            Socket::Unix(listener) => {
                OnRuntime::Unix(tokio::net::UnixListener::from_std(listener.try_clone()?)?)
            }
        })
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        if let AdminAddress::Unix(path) = &self.address {
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes a socket that no process listens on any more; anything else is left for `bind` to fail at.
fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refused = || UnixStream::connect(path).is_err_and(|error| error.kind() == REFUSED);
    if is_socket && refused() {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Our user and group, whoever else may enter the folder.
const MODE: u32 = 0o660;
const REFUSED: io::ErrorKind = io::ErrorKind::ConnectionRefused;
