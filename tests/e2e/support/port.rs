//! Ports that stay ours although nobody listens on them.

use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr};

/// A loopback port that is nobody else's while this lives: bound, never listening. Whoever connects is
/// refused, unless somebody whom we told the address listens there (`SO_REUSEADDR` allows that).
pub(crate) struct HeldPort {
    addr: SocketAddr,
    _socket: Socket,
}

impl HeldPort {
    /// Takes one.
    pub(crate) fn take() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(&any.into()).unwrap();
        Self {
            addr: socket.local_addr().unwrap().as_socket().unwrap(),
            _socket: socket,
        }
    }

    /// Where it is.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}
