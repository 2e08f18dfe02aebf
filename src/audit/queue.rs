//! What waits to be written: the text of events, gathered until the writer comes for them.

use std::collections::VecDeque;
use std::mem;
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Events of all threads, in the order in which they were recorded. Bounded.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// Somebody has something for a writer that sleeps.
    called: Condvar,
    most: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Orders that the writer has not come for, each with what was recorded before it.
    ordered: VecDeque<(Batch, Order)>,
    /// What was recorded since.
    batch: Batch,
    /// How many events there are in all.
    events: usize,
    /// Nobody records any more.
    closed: bool,
    /// The writer sleeps until it is called.
    asleep: bool,
}

/// The text of some events, each with its line end.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) text: Vec<u8>,
    pub(super) events: usize,
}

/// What the writer is to do after it has written what came before.
#[derive(Debug)]
pub(super) enum Order {
    /// Tell whoever waits that it is written.
    Flush(SyncSender<()>),
    /// Open the file anew.
    Reopen,
}

/// What the writer finds when it comes.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) order: Option<Order>,
    /// This is the end: nothing will come any more.
    pub(super) closed: bool,
}

/// How many events the writer does not wait for others to join.
const MANY: usize = 256;
/// How long an event waits for others. Waking the writer for each would cost a request more than all
/// else that is recorded about it: two switches and four system calls.
const GATHER: Duration = Duration::from_millis(5);
/// How much of the room for a batch is kept for the next one.
const MOST_KEPT: usize = 1 << 20;

impl Batch {
    /// The events, each without its line end.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        memchr::memchr_iter(b'\n', &self.text).filter_map(move |end| {
            let line = self.text.get(start..end);
            start = end + 1;
            line
        })
    }

    /// Removes the first events, or all that there are.
    pub(super) fn remove_first(&mut self, events: usize) {
        if events >= self.events {
            return self.clear();
        }
        let bytes: usize = self.lines().take(events).map(|event| event.len() + 1).sum();
        self.text.drain(..bytes);
        self.events -= events;
    }

    pub(super) fn clear(&mut self) {
        self.events = 0;
        self.text.clear();
        self.text.shrink_to(MOST_KEPT);
    }
}

impl Queue {
    /// A queue in which at most `most` events wait.
    pub(super) fn new(most: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            called: Condvar::new(),
            most: most.max(1),
        }
    }

    /// Adds the text of an event; `false` if there is no room.
    pub(super) fn push(&self, text: &[u8]) -> bool {
        let mut waiting = self.lock();
        if waiting.events >= self.most {
            return false;
        }
        waiting.events += 1;
        waiting.batch.events += 1;
        waiting.batch.text.extend_from_slice(text);
        self.call(waiting);
        true
    }

    /// Gives the writer an order; it is carried out after everything that was recorded before.
    pub(super) fn order(&self, order: Order) {
        let mut waiting = self.lock();
        let before = mem::take(&mut waiting.batch);
        waiting.ordered.push_back((before, order));
        self.call(waiting);
    }

    /// Nobody records any more.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        self.call(waiting);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits for something to write or to do, and takes it; `batch` becomes what is to be written.
    pub(super) fn take(&self, batch: &mut Batch) -> Taken {
        let mut waiting = self.lock();
        while waiting.events == 0 && waiting.ordered.is_empty() && !waiting.closed {
            waiting.asleep = true;
            waiting = self
                .called
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let gathers = self.most >= 4 * MANY;
        if gathers && waiting.events < MANY && waiting.ordered.is_empty() && !waiting.closed {
            drop(waiting);
            std::thread::sleep(GATHER);
            waiting = self.lock();
        }
        batch.clear();
        let order = if let Some((before, order)) = waiting.ordered.pop_front() {
            *batch = before;
            Some(order)
        } else {
            mem::swap(batch, &mut waiting.batch);
            None
        };
        waiting.events -= batch.events;
        Taken {
            closed: waiting.closed && order.is_none(),
            order,
        }
    }

    fn call(&self, mut waiting: MutexGuard<'_, Waiting>) {
        let asleep = mem::take(&mut waiting.asleep);
        drop(waiting);
        if asleep {
            self.called.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
