//! The queue between the threads that record events and the writer: their text, in batches.

use std::collections::VecDeque;
use std::mem;
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Events of all threads, in the order in which they were recorded. Bounded.
#[derive(Debug)]
pub(super) struct EventQueue {
    state: Mutex<QueueState>,
    /// Notified when there is something for a writer that waits.
    available: Condvar,
    most: usize,
}

#[derive(Debug, Default)]
struct QueueState {
    /// Commands that the writer has not taken, each with the events recorded before it.
    commands: VecDeque<(Batch, WriterCommand)>,
    /// The events recorded since.
    batch: Batch,
    /// How many events wait in all.
    events: usize,
    /// No more events will be recorded.
    closed: bool,
    /// The writer waits until it is notified.
    writer_waits: bool,
}

/// The text of some events, each with its line end.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) text: Vec<u8>,
    pub(super) events: usize,
}

/// What the writer does after it has written the events recorded before.
#[derive(Debug)]
pub(super) enum WriterCommand {
    /// Notify the caller that they are written.
    Flush(SyncSender<()>),
    /// Open the file again.
    Reopen,
}

/// What the writer took, beside the batch.
#[derive(Debug)]
pub(super) struct Drained {
    pub(super) command: Option<WriterCommand>,
    /// The queue is closed and empty.
    pub(super) closed: bool,
}

/// With this many events the writer does not wait for more.
const MANY: usize = 256;
/// How long the writer waits for more events. Waking it for each would cost a request two context
/// switches and four system calls, more than formatting its event does.
const GATHER: Duration = Duration::from_millis(5);
/// How much capacity a batch keeps for the next one, in bytes.
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
        // A burst must not keep its memory for good.
        self.text.shrink_to(MOST_KEPT);
    }
}

impl EventQueue {
    /// A queue in which at most `most` events wait.
    pub(super) fn new(most: usize) -> Self {
        Self {
            state: Mutex::default(),
            available: Condvar::new(),
            most: most.max(1),
        }
    }

    /// Adds the text of an event; `false` if there is no room.
    pub(super) fn push(&self, text: &[u8]) -> bool {
        let mut state = self.lock();
        if state.events >= self.most {
            return false;
        }
        state.events += 1;
        state.batch.events += 1;
        state.batch.text.extend_from_slice(text);
        self.wake(state);
        true
    }

    /// Queues a command for the writer, after the events recorded so far.
    pub(super) fn command(&self, command: WriterCommand) {
        let mut state = self.lock();
        // What was recorded before a command is written before it.
        let before = mem::take(&mut state.batch);
        state.commands.push_back((before, command));
        self.wake(state);
    }

    /// Closes the queue: no more events will be recorded.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake(state);
    }

    /// How many events wait.
    pub(super) fn waiting(&self) -> usize {
        self.lock().events
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits for events or a command and takes them; `batch` becomes the events to write.
    pub(super) fn take(&self, batch: &mut Batch) -> Drained {
        let mut state = self.lock();
        while state.events == 0 && state.commands.is_empty() && !state.closed {
            state.writer_waits = true;
            state = self
                .available
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        // A short queue would be full before the writer has waited.
        let gathers = self.most >= 4 * MANY;
        if gathers && state.events < MANY && state.commands.is_empty() && !state.closed {
            drop(state);
            std::thread::sleep(GATHER);
            state = self.lock();
        }
        batch.clear();
        let command = if let Some((before, command)) = state.commands.pop_front() {
            *batch = before;
            Some(command)
        } else {
            mem::swap(batch, &mut state.batch);
            None
        };
        state.events -= batch.events;
        Drained {
            closed: state.closed && command.is_none(),
            command,
        }
    }

    /// Unlocks, then wakes the writer if it waits: woken first, it would wait for the lock.
    fn wake(&self, mut state: MutexGuard<'_, QueueState>) {
        let writer_waits = mem::take(&mut state.writer_waits);
        drop(state);
        if writer_waits {
            self.available.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
