//! The connections of one thread that wait for a request, and where one goes when its answer has ended.

use super::connection::Connection;
use super::link::Phase;
use super::options::UpstreamOptions;
use super::pinned::Pinned;
use crate::metrics::Metrics;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// What a pool and the answers that hold its connections share.
pub(super) struct Shared {
    pub(super) options: UpstreamOptions,
    pub(super) idle: RefCell<VecDeque<Connection>>,
    pub(super) open: Arc<AtomicUsize>,
    pub(super) pinned: Arc<AtomicUsize>,
    pub(super) metrics: Arc<Metrics>,
}

/// A connection that carries a response body, to be given back when that has ended.
pub(super) struct Lease {
    pub(super) connection: Connection,
    pub(super) pool: Rc<Shared>,
    pub(super) home: Home,
}

/// Where a connection goes when its answer has ended.
pub(super) enum Home {
    /// It ends.
    Nowhere,
    /// To the one client that it belongs to.
    Pinned(Rc<Pinned>),
    /// To everybody.
    Pool,
}

/// Of the connections that may be open, one in so many may wait for the one client that it belongs to:
/// whoever logs in on many must not keep everybody else from the application.
const PINNED_SHARE: usize = 2;

impl Lease {
    pub(super) fn give_back(self) {
        if self.connection.sender.is_closed() {
            return;
        }
        self.connection.exchange.enter(Phase::Idle);
        match self.home {
            Home::Nowhere => {}
            Home::Pinned(pinned) => {
                let most = self.pool.options.max_connections.div_ceil(PINNED_SHARE);
                pinned.keep(self.connection, &self.pool.pinned, most);
            }
            Home::Pool => {
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
