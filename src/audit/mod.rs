//! The audit log: JSON lines in a chain of hashes, one per guarded decision and verification step.
//!
//! Whoever has something to record sends a struct over a bounded channel; one thread writes. What
//! happens when the log cannot be written is the operator's choice, see [`OnTrouble`].

mod chain;
mod event;
mod sink;
#[cfg(test)]
mod tests;

pub use chain::{Fault, Report, verify};
pub use event::{Event, EventKind, Outcome};

use crate::clock::Clock;
use sink::Sink;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

/// How the log is kept.
#[derive(Clone, Debug)]
pub struct AuditSettings {
    /// Where it goes.
    pub target: AuditTarget,
    /// How many events may wait to be written.
    pub queue: usize,
    /// What happens when the log cannot be written, or not fast enough.
    pub on_trouble: OnTrouble,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            target: AuditTarget::Stdout,
            queue: 8192,
            on_trouble: OnTrouble::Refuse,
        }
    }
}

/// Where the log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditTarget {
    /// A file, made with mode 0600 and continued where it ended.
    File(PathBuf),
    /// Standard output; each start begins a new chain.
    Stdout,
}

/// What happens when the log cannot be written, or not fast enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTrouble {
    /// Events are lost; how many is written as soon as the log can be written again.
    Drop,
    /// What cannot be recorded is refused: guarded requests fail closed (ASVS 16.5.3). Unguarded
    /// ones record nothing and pass as ever.
    Refuse,
}

/// Why the log cannot be kept; the operator must act.
#[derive(Debug, thiserror::Error)]
pub enum AuditSetupError {
    /// Another process writes to it; two would break the chain.
    #[error("another process writes to the audit log `{path}`")]
    InUse {
        /// The file.
        path: String,
    },
    /// The file holds something else.
    #[error("`{path}` is not an audit log: it has no line that could be continued")]
    NotALog {
        /// The file.
        path: String,
    },
    /// The file cannot be opened.
    #[error("the audit log `{path}` cannot be opened")]
    Open {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The thread that writes cannot be started.
    #[error("the audit thread cannot be started")]
    Thread(#[source] io::Error),
    /// The file cannot be written.
    #[error("the audit log `{path}` cannot be written")]
    Write {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The event is not recorded, so what it tells of must not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log cannot be written")]
pub struct AuditUnavailable;

/// Records events. Cheap to clone; shared by all threads.
#[derive(Clone, Debug)]
pub struct Audit(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: SyncSender<Message>,
    on_trouble: OnTrouble,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The last write failed.
    failing: AtomicBool,
    /// How many events were lost and not yet told of.
    lost: AtomicU64,
    /// Nobody records any more.
    closed: AtomicBool,
}

#[derive(Debug)]
enum Message {
    Event(Box<Event>),
    Flush(SyncSender<()>),
    Reopen,
}

impl Audit {
    /// Opens the log, continues its chain, and starts the thread that writes.
    pub fn start(settings: &AuditSettings, clock: Clock) -> Result<Self, AuditSetupError> {
        let sink = Sink::open(settings.target.clone(), clock.clone())?;
        let (queue, messages) = sync_channel(settings.queue.max(1));
        let state = Arc::new(State::default());
        let writer = Writer {
            sink,
            clock,
            state: Arc::clone(&state),
            gathers: settings.queue >= 4 * Writer::BATCH,
        };
        thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run(&messages))
            .map_err(AuditSetupError::Thread)?;
        let on_trouble = settings.on_trouble;
        Ok(Self(Arc::new(Shared {
            queue,
            on_trouble,
            state,
        })))
    }

    /// Records an event. Never waits: the writer's queue takes it, or it cannot be recorded.
    pub fn record(&self, event: Event) -> Result<(), AuditUnavailable> {
        self.ready()?;
        match self.0.queue.try_send(Message::Event(Box::new(event))) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.0.state.lost.fetch_add(1, Ordering::Relaxed);
                match self.0.on_trouble {
                    OnTrouble::Drop => Ok(()),
                    OnTrouble::Refuse => Err(AuditUnavailable),
                }
            }
        }
    }

    /// Tells whether what happens now could be recorded; to be asked before something is judged.
    pub fn ready(&self) -> Result<(), AuditUnavailable> {
        let failing = self.0.state.failing.load(Ordering::Relaxed);
        if failing && self.0.on_trouble == OnTrouble::Refuse {
            return Err(AuditUnavailable);
        }
        Ok(())
    }

    /// Opens the file anew after it was renamed.
    pub fn reopen(&self) {
        // With a full queue the file is busy enough; the operator's next signal finds it free.
        if self.0.queue.try_send(Message::Reopen).is_err() {
            tracing::warn!("the audit log was not reopened: its queue is full");
        }
    }

    /// Waits until what was recorded before is written; tells whether it was, within `limit`.
    ///
    /// Blocks the thread: for the end of the process.
    pub fn flush(&self, limit: Duration) -> bool {
        let (done, written) = sync_channel(1);
        self.0.queue.try_send(Message::Flush(done)).is_ok() && written.recv_timeout(limit).is_ok()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.state.closed.store(true, Ordering::Relaxed);
    }
}

struct Writer {
    sink: Sink,
    clock: Clock,
    state: Arc<State>,
    /// The queue has room for what comes while we gather.
    gathers: bool,
}

impl Writer {
    /// How many events go out in one write.
    const BATCH: usize = 256;
    /// How long an event waits for others. Waking this thread for each would cost a request more
    /// than all else that is recorded about it: two switches and four system calls.
    const GATHER: Duration = Duration::from_millis(5);
    /// How long a failed write waits for the next try.
    const RETRY: Duration = Duration::from_millis(500);

    fn run(mut self, messages: &Receiver<Message>) {
        let mut batch = Vec::with_capacity(Self::BATCH);
        let mut was_full = false;
        loop {
            // Wakes now and then even when nothing comes, to tell of events that were lost.
            let mut next = match messages.recv_timeout(Self::RETRY) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if self.gathers && !was_full && matches!(next, Some(Message::Event(_))) {
                thread::sleep(Self::GATHER);
            }
            let mut order = None;
            while let Some(message) = next.take() {
                match message {
                    Message::Event(event) => batch.push(*event),
                    other @ (Message::Flush(_) | Message::Reopen) => {
                        order = Some(other);
                        break;
                    }
                }
                if batch.len() < Self::BATCH {
                    next = messages.try_recv().ok();
                }
            }
            was_full = batch.len() >= Self::BATCH;
            self.tell_of_lost(&mut batch);
            self.write(&mut batch);
            if let Some(order) = order {
                self.obey(&order);
            }
        }
    }

    fn tell_of_lost(&self, batch: &mut Vec<Event>) {
        let lost = self.state.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let mut event = Event::new(self.clock.now(), EventKind::EventsLost, Outcome::Failed);
            event.count = Some(lost);
            batch.push(event);
        }
    }

    /// Writes the batch, and tries again until it is written; meanwhile the queue fills.
    fn write(&mut self, batch: &mut Vec<Event>) {
        while !batch.is_empty() {
            let result = self.sink.write(batch);
            let was_failing = self.state.failing.swap(result.is_err(), Ordering::Relaxed);
            match result {
                Ok(()) if was_failing => tracing::info!("the audit log is written again"),
                Ok(()) => {}
                Err(error) => {
                    if !was_failing {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(error, "the audit log cannot be written");
                    }
                    if self.state.closed.load(Ordering::Relaxed) {
                        return;
                    }
                    thread::sleep(Self::RETRY);
                }
            }
        }
    }

    fn obey(&mut self, order: &Message) {
        match order {
            Message::Event(_) => {}
            Message::Flush(done) => {
                let _ = done.try_send(());
            }
            Message::Reopen => {
                if let Err(error) = self.sink.reopen() {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "the audit log cannot be reopened");
                }
            }
        }
    }
}
