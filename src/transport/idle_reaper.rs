//! Per-thread idle reaper: asks connections without traffic to release their HTTP state.
//!
//! A timer per connection would wake each of them many times a second while it is in use. The reaper
//! checks all of them on one timer, and wakes only those without traffic since its last check.

use super::wire::{ConnectionState, PARK_AFTER};
use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::{Arc, Weak};
use tokio::sync::Notify;

/// Tracks the connections of a thread that hold HTTP state.
#[derive(Debug, Default)]
pub(crate) struct IdleReaper {
    tracked: RefCell<Vec<Tracked>>,
    added: Notify,
}

#[derive(Debug)]
struct Tracked {
    state: Weak<ConnectionState>,
    /// The connection's activity counter at the last check.
    activity: u32,
}

impl IdleReaper {
    /// Tracks a connection until it is parked or ends.
    pub(crate) fn track(&self, state: &Arc<ConnectionState>) {
        if state.begin_tracking() {
            self.tracked.borrow_mut().push(Tracked {
                state: Arc::downgrade(state),
                activity: state.activity(),
            });
            // The notification is kept if `run` does not wait at this moment.
            self.added.notify_one();
        }
    }

    /// Checks the tracked connections every [`PARK_AFTER`]; waits without a timer while there are none.
    pub(crate) async fn run(&self) -> Infallible {
        loop {
            while self.tracked.borrow().is_empty() {
                self.added.notified().await;
            }
            tokio::time::sleep(PARK_AFTER).await;
            self.tracked.borrow_mut().retain_mut(Tracked::check);
        }
    }
}

impl Tracked {
    /// Asks the connection to park if it had no traffic since the last check. Returns whether it stays
    /// tracked.
    fn check(&mut self) -> bool {
        // The connection has ended; nothing else removes it from the list.
        let Some(state) = self.state.upgrade() else {
            return false;
        };
        if state.is_parked() {
            state.end_tracking();
            return false;
        }
        let activity = state.activity();
        if activity == self.activity && !state.is_busy() {
            state.request_park();
        }
        self.activity = activity;
        true
    }
}
