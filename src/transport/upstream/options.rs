//! How the application is reached.

use super::target::Target;
use std::sync::Arc;
use std::time::Duration;

/// How the application is reached.
#[derive(Clone, Debug)]
pub struct UpstreamOptions {
    /// Where it listens.
    pub target: Target,
    /// For `https://`: whom to trust.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// To connect, TLS included.
    pub connect: Duration,
    /// From the last byte of a request to the head of its response.
    pub response: Duration,
    /// Between two reads of a response body, and between two writes of a request body.
    pub progress: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// How many connections may be open, over all threads.
    pub max_connections: usize,
    /// How many header lines a response may have.
    pub max_headers: usize,
}
