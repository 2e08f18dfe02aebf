//! The idle connections of one thread, and where one goes when its response has ended.

use super::connection::UpstreamConnection;
use super::link::LinkPhase;
use super::options::UpstreamOptions;
use super::pinned::Pinned;
use crate::metrics::Metrics;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// Shared by a pool and the responses that hold its connections.
pub(super) struct Shared {
    pub(super) options: UpstreamOptions,
    pub(super) idle: RefCell<VecDeque<UpstreamConnection>>,
    pub(super) open: Arc<AtomicUsize>,
    pub(super) pinned: Arc<AtomicUsize>,
    pub(super) metrics: Arc<Metrics>,
}

/// A connection that carries a response body; given back when that has ended.
pub(super) struct Lease {
    pub(super) connection: UpstreamConnection,
    pub(super) pool: Rc<Shared>,
    pub(super) after_response: AfterResponse,
}

/// Where a connection goes when its response has ended.
pub(super) enum AfterResponse {
    /// It is closed.
    Close,
    /// Kept for the one client connection that it is pinned to.
    Pinned(Rc<Pinned>),
    /// To the pool, for any client.
    Pool,
}

/// Of `max_connections`, one in so many may be pinned and idle: a client that logs in on many connections
/// must not use up those of all others.
const PINNED_SHARE: usize = 2;

impl Lease {
    pub(super) fn give_back(self) {
        // The application closed it after this response (RFC 9112 §9.6).
        if self.connection.sender.is_closed() {
            return;
        }
        self.connection.exchange.enter(LinkPhase::Idle);
        match self.after_response {
            AfterResponse::Close => {}
            AfterResponse::Pinned(pinned) => {
                let most = self.pool.options.max_connections.div_ceil(PINNED_SHARE);
                pinned.keep(self.connection, &self.pool.pinned, most);
            }
            AfterResponse::Pool => {
                let mut idle = self.pool.idle.borrow_mut();
                idle.push_back(self.connection);
                self.pool.metrics.upstream_idle(idle.len());
            }
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease")
    }
}
