//! How many connections are open, over all threads and for one address.

use super::drain::{Drain, Working};
use super::limits::ClientLimits;
use crate::domain::ClientNetwork;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Who is inside, over all threads.
#[derive(Debug, Default)]
pub struct Census {
    open: AtomicUsize,
    refused: AtomicU64,
    by_network: Mutex<HashMap<ClientNetwork, usize>>,
}

impl Census {
    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// How many were refused since the start.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// A place inside; given up when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    census: Arc<Census>,
    network: ClientNetwork,
    _working: Working,
}

impl Place {
    /// Takes one for a connection from `peer`, unless a limit is reached. An address that is shared by
    /// many clients has none of its own.
    pub(super) fn take(
        census: &Arc<Census>,
        limits: &ClientLimits,
        drain: &Rc<Drain>,
        peer: IpAddr,
        is_shared: bool,
    ) -> Option<Self> {
        let network = ClientNetwork::of(peer);
        {
            let mut by_network = census
                .by_network
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let count = by_network.entry(network).or_insert(0);
            if census.open.load(Ordering::Relaxed) >= limits.connections
                || (*count >= limits.connections_per_address && !is_shared)
            {
                if *count == 0 {
                    by_network.remove(&network);
                }
                census.refused.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            *count += 1;
        }
        census.open.fetch_add(1, Ordering::Relaxed);
        Some(Self {
            census: census.clone(),
            network,
            _working: drain.work(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.census.open.fetch_sub(1, Ordering::Relaxed);
        let mut by_network = self
            .census
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
