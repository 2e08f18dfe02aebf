//! Where we listen: an address of this machine, or a socket in the file system.

use std::fmt;
use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Where we listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// An address; port 0 is any that is free.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl ListenAddress {
    /// The address, if it is one.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A socket in the file system, open; it is removed with it.
#[derive(Debug)]
pub struct UnixSocket {
    path: PathBuf,
    listener: UnixListener,
}

impl UnixSocket {
    /// Opens it. A socket that a process left behind is replaced; one that is in use is not.
    pub fn bind(path: &Path) -> io::Result<Self> {
        remove_stale(path)?;
        let listener = UnixListener::bind(path)?;
        let socket = Self {
            path: path.to_owned(),
            listener,
        };
        // In between the umask keeps others out.
        fs::set_permissions(path, Permissions::from_mode(MODE))?;
        socket.listener.set_nonblocking(true)?;
        Ok(socket)
    }

    /// The same for a thread of its own.
    pub fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
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
