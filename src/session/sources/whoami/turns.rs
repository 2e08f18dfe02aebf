//! Whose turn it is to ask: so many questions at once over all threads, and so many of one client.

use crate::domain::ClientNetwork;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// How many questions of one sidecar may be under way.
const MOST_AT_ONCE: usize = 64;
/// And how many of these for one client: whoever asks much more waits for themselves alone.
const MOST_OF_ONE_CLIENT: usize = 16;

/// The questions under way, over all threads and for each client network.
#[derive(Debug)]
pub(super) struct Turns {
    all: Semaphore,
    of_clients: Mutex<HashMap<ClientNetwork, Arc<Semaphore>>>,
}

/// A turn to ask, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'t> {
    _one_of_all: SemaphorePermit<'t>,
    _own: Own<'t>,
}

/// The share of a client, while any question of theirs is under way or waits.
#[derive(Debug)]
struct Own<'t> {
    turns: &'t Turns,
    network: ClientNetwork,
    share: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            all: Semaphore::new(MOST_AT_ONCE),
            of_clients: Mutex::default(),
        }
    }
}

impl Turns {
    /// Waits for a turn of this client; the caller limits for how long. `None` never comes while this lives.
    pub(super) async fn next(&self, client: IpAddr) -> Option<Turn<'_>> {
        let mut own = self.own(client);
        // First: who waits for their own share must not keep others from theirs.
        own.permit = own.share.clone().acquire_owned().await.ok();
        Some(Turn {
            _one_of_all: self.all.acquire().await.ok()?,
            _own: own,
        })
    }

    fn own(&self, client: IpAddr) -> Own<'_> {
        let network = ClientNetwork::of(client);
        let fresh = || Arc::new(Semaphore::new(MOST_OF_ONE_CLIENT));
        let share = self.lock().entry(network).or_insert_with(fresh).clone();
        Own {
            turns: self,
            network,
            share,
            permit: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientNetwork, Arc<Semaphore>>> {
        // A panic elsewhere leaves nothing half done here.
        let clients = self.of_clients.lock();
        clients.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        self.permit = None;
        let mut clients = self.turns.lock();
        // The map's and this one: nobody else waits for it or has a part of it.
        if Arc::strong_count(&self.share) == 2 {
            clients.remove(&self.network);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn client(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn now(turns: &Turns, client: IpAddr) -> Option<Turn<'_>> {
        turns.next(client).now_or_never().flatten()
    }

    #[test]
    fn one_client_leaves_turns_for_others() {
        let turns = Turns::default();
        let mut theirs: Vec<_> = (0..MOST_OF_ONE_CLIENT)
            .map(|_| now(&turns, client(1)).unwrap())
            .collect();
        assert!(now(&turns, client(1)).is_none());
        let other = now(&turns, client(2));
        assert!(other.is_some());
        theirs.pop();
        assert!(now(&turns, client(1)).is_some());
        // No share is kept of whoever has asked and gone.
        drop((theirs, other));
        assert!(turns.lock().is_empty());
        assert_eq!(turns.all.available_permits(), MOST_AT_ONCE);
    }

    #[test]
    fn all_clients_together_have_so_many() {
        let turns = Turns::default();
        let taken = (0..=255).map_while(|last| now(&turns, client(last)));
        assert_eq!(taken.collect::<Vec<_>>().len(), MOST_AT_ONCE);
    }
}
