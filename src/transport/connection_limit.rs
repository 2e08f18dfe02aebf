//! How many connections are open, over all threads and for one address.

use super::drain::{Drain, Working};
use super::limits::ClientLimits;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Who is inside, over all threads.
#[derive(Debug, Default)]
pub struct Census {
    open: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// A place inside; given up when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    census: Arc<Census>,
    address: IpAddr,
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
        let address = bucket(peer);
        {
            let mut by_address = census
                .by_address
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let count = by_address.entry(address).or_insert(0);
            if census.open.load(Ordering::Relaxed) >= limits.connections
                || (*count >= limits.connections_per_address && !is_shared)
            {
                if *count == 0 {
                    by_address.remove(&address);
                }
                return None;
            }
            *count += 1;
        }
        census.open.fetch_add(1, Ordering::Relaxed);
        Some(Self {
            census: census.clone(),
            address,
            _working: drain.work(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.census.open.fetch_sub(1, Ordering::Relaxed);
        let mut by_address = self
            .census
            .by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

/// One household is counted as one: an IPv4 address, or an IPv6 /64.
fn bucket(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
    }
}
