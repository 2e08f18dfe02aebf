//! What a client may take up.

use super::wire::ClientDeadlines;
use std::time::Duration;

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

/// What a request of a new connection may need to come in when draining has begun.
pub(super) const LAST_CALL: Duration = Duration::from_millis(200);
