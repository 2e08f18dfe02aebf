//! The limits on open connections: over all threads, and for one client network.

use super::drain::{Drain, Working};
use super::limits::ClientLimits;
use crate::domain::ClientNetwork;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The open connections of all threads, and of each client network.
#[derive(Debug, Default)]
pub struct ConnectionLimit {
    open: AtomicUsize,
    refused: AtomicU64,
    by_network: Mutex<HashMap<ClientNetwork, usize>>,
}

impl ConnectionLimit {
    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// How many were refused since the start.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// A permit for one open connection; returned when dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    limit: Arc<ConnectionLimit>,
    network: ClientNetwork,
    _working: Working,
}

impl ConnectionPermit {
    /// A permit for a connection from `peer`; `None` if a limit is reached. The limit of one network does
    /// not apply to an address that many clients share.
    pub(super) fn acquire(
        limit: &Arc<ConnectionLimit>,
        limits: &ClientLimits,
        drain: &Rc<Drain>,
        peer: IpAddr,
        is_shared: bool,
    ) -> Option<Self> {
        let network = ClientNetwork::of(peer);
        {
            let mut by_network = limit
                .by_network
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let count = by_network.entry(network).or_insert(0);
            // The total is raised after the lock is released, so it may be exceeded by one for each
            // thread; nothing depends on the exact number.
            if limit.open.load(Ordering::Relaxed) >= limits.connections
                || (*count >= limits.connections_per_address && !is_shared)
            {
                // A refused network leaves no entry: a flood from many addresses must not grow the
                // map.
                if *count == 0 {
                    by_network.remove(&network);
                }
                limit.refused.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            *count += 1;
        }
        limit.open.fetch_add(1, Ordering::Relaxed);
        Some(Self {
            limit: limit.clone(),
            network,
            _working: drain.work(),
        })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.limit.open.fetch_sub(1, Ordering::Relaxed);
        let mut by_network = self
            .limit
            .by_network
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_network.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                by_network.remove(&self.network);
            }
        }
    }
}
