//! Draining a worker: no new connections, and time for the requests in flight.

use std::cell::Cell;
use std::rc::Rc;
use tokio::sync::Notify;

/// Signals the tasks of a thread to finish, and the thread once all of them have.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    begun: Cell<bool>,
    begin: Notify,
    working: Cell<usize>,
    done: Notify,
}

impl Drain {
    /// Begins to drain.
    pub(crate) fn begin(&self) {
        self.begun.set(true);
        self.begin.notify_waiters();
        if self.working.get() == 0 {
            self.done.notify_waiters();
        }
    }

    /// Whether draining has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.get()
    }

    /// Resolves when draining begins.
    pub(crate) async fn begun(&self) {
        // Made before the flag is read: `notify_waiters` wakes only those that wait by then.
        let notified = self.begin.notified();
        if !self.has_begun() {
            notified.await;
        }
    }

    /// Resolves when draining has begun and no [`Working`] guard is left.
    pub(crate) async fn finished(&self) {
        self.begun().await;
        // The number can rise again: connections in the accept queue are still taken.
        while self.working.get() > 0 {
            self.done.notified().await;
        }
    }

    /// Delays the end of draining until the guard is dropped.
    pub(crate) fn work(self: &Rc<Self>) -> Working {
        self.working.set(self.working.get() + 1);
        Working(self.clone())
    }
}

/// Delays the end of draining until it is dropped.
#[derive(Debug)]
pub(crate) struct Working(Rc<Drain>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.working.set(self.0.working.get() - 1);
        if self.0.working.get() == 0 && self.0.has_begun() {
            self.0.done.notify_waiters();
        }
    }
}
