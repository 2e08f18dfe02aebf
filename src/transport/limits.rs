//! The limits of clients.

use super::wire::ClientDeadlines;
use std::time::Duration;

/// The limits of clients.
#[derive(Clone, Copy, Debug)]
pub struct ClientLimits {
    /// Open connections, over all threads.
    pub connections: usize,
    /// Open connections of one address (IPv6: one /64).
    pub connections_per_address: usize,
    /// Tunnels and event streams of one session that are open at a time, over all threads.
    pub open_per_session: usize,
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

/// How long a connection without a request stays open once draining has begun.
pub(super) const DRAIN_GRACE: Duration = Duration::from_millis(200);
