//! The audit log: JSON lines in a chain of hashes, one per guarded decision and verification step.
//!
//! Callers put the text of an event into a bounded queue; one thread chains and writes the lines. What
//! happens when the log cannot be written is the operator's choice, see [`OnTrouble`].

mod chain;
mod direct;
mod error;
mod event;
mod line;
mod queue;
mod settings;
mod sink;
#[cfg(test)]
mod tests;

pub use chain::{ChainFault, LogLine, Report, read_log, verify};
pub use direct::DirectAudit;
pub use error::{AuditSetupError, AuditUnavailable};
pub use event::{Event, EventKind, Observer, Outcome};
pub use settings::{AuditSettings, AuditTarget, OnTrouble};
pub use sink::probe;

use crate::clock::Clock;
use queue::{Batch, EventQueue, WriterCommand};
use sink::Sink;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

/// Records events. Cheap to clone; shared by all threads.
#[derive(Clone, Debug)]
pub struct Audit(Arc<Recorder>);

/// Closes the queue when the last clone of [`Audit`] is dropped.
#[derive(Debug)]
struct Recorder {
    shared: Arc<WriterState>,
    on_trouble: OnTrouble,
    observer: OnceLock<Arc<dyn Observer>>,
    /// How many events found no room, and were lost.
    lost: AtomicU64,
    /// How often something was refused since it could not be recorded.
    refused: AtomicU64,
}

/// How the log is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHealth {
    /// How many events wait to be written.
    pub waiting: usize,
    /// How many found no room since the start.
    pub lost: u64,
    /// How often something was refused since the start, for it could not be recorded.
    pub refused: u64,
    /// Whether the last write failed.
    pub is_failing: bool,
    /// Whether what happens now is refused for it.
    pub is_refusing: bool,
}

/// Shared by the callers and the thread that writes.
#[derive(Debug)]
struct WriterState {
    queue: EventQueue,
    /// The last write failed.
    failing: AtomicBool,
    /// How many events were lost and not yet reported in the log.
    lost: AtomicU64,
}

impl Audit {
    /// Opens the log, continues its chain, and starts the thread that writes.
    pub fn start(settings: &AuditSettings, clock: Clock) -> Result<Self, AuditSetupError> {
        let sink = Sink::open(settings.target.clone(), clock.clone())?;
        let shared = Arc::new(WriterState {
            queue: EventQueue::new(settings.queue),
            failing: AtomicBool::new(false),
            lost: AtomicU64::new(0),
        });
        let writer = Writer {
            sink,
            clock,
            shared: Arc::clone(&shared),
        };
        thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run())
            .map_err(AuditSetupError::Thread)?;
        Ok(Self(Arc::new(Recorder {
            shared,
            on_trouble: settings.on_trouble,
            observer: OnceLock::new(),
            lost: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })))
    }

    /// Calls `observer` with everything that is recorded from now on. There is one; a second is ignored.
    pub fn set_observer(&self, observer: Arc<dyn Observer>) {
        let _ = self.0.observer.set(observer);
    }

    /// Records an event. Never waits for the disk: with a full queue it is not recorded.
    pub fn record(&self, event: &Event<'_>) -> Result<(), AuditUnavailable> {
        thread_local! {
            static TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        if self.refuses() {
            return Err(AuditUnavailable);
        }
        let is_queued = TEXT.with_borrow_mut(|text| {
            text.clear();
            line::write(event, text);
            self.0.shared.queue.push(text)
        });
        if !is_queued {
            self.0.shared.lost.fetch_add(1, Ordering::Relaxed);
            match self.0.on_trouble {
                OnTrouble::Drop => self.0.lost.fetch_add(1, Ordering::Relaxed),
                OnTrouble::Refuse => return Err(self.refuse()),
            };
        }
        // What is refused for want of a record did not happen, and is not counted.
        if let Some(observer) = self.0.observer.get() {
            observer.recorded(event);
        }
        Ok(())
    }

    /// Fails if an event could not be recorded now; to be asked before a decision is made.
    pub fn ready(&self) -> Result<(), AuditUnavailable> {
        if self.refuses() {
            return Err(self.refuse());
        }
        Ok(())
    }

    /// How the log is doing.
    pub fn health(&self) -> AuditHealth {
        AuditHealth {
            waiting: self.0.shared.queue.waiting(),
            lost: self.0.lost.load(Ordering::Relaxed),
            refused: self.0.refused.load(Ordering::Relaxed),
            is_failing: self.0.shared.failing.load(Ordering::Relaxed),
            is_refusing: self.refuses(),
        }
    }

    fn refuses(&self) -> bool {
        self.0.on_trouble == OnTrouble::Refuse && self.0.shared.failing.load(Ordering::Relaxed)
    }

    fn refuse(&self) -> AuditUnavailable {
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        AuditUnavailable
    }

    /// Opens the file again, after it was renamed by log rotation.
    pub fn reopen(&self) {
        self.0.shared.queue.command(WriterCommand::Reopen);
    }

    /// Waits until the events recorded so far are written; returns whether they were, within `limit`.
    ///
    /// Blocks the thread: for the end of the process.
    pub fn flush(&self, limit: Duration) -> bool {
        let (done, written) = sync_channel(1);
        self.0.shared.queue.command(WriterCommand::Flush(done));
        written.recv_timeout(limit).is_ok()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}

struct Writer {
    sink: Sink,
    clock: Clock,
    shared: Arc<WriterState>,
}

impl Writer {
    /// How long a failed write waits for the next try.
    const RETRY: Duration = Duration::from_millis(500);

    fn run(mut self) {
        let mut batch = Batch::default();
        loop {
            let drained = self.shared.queue.take(&mut batch);
            self.report_lost(&mut batch);
            self.write(&mut batch);
            if let Some(command) = drained.command {
                self.run_command(&command);
            }
            if drained.closed {
                return;
            }
        }
    }

    fn report_lost(&self, batch: &mut Batch) {
        let lost = self.shared.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let mut event = Event::new(self.clock.now(), EventKind::EventsLost, Outcome::Failed);
            event.count = Some(lost);
            line::write(&event, &mut batch.text);
            batch.events += 1;
        }
    }

    /// Writes the batch, and tries again until it is written; meanwhile the queue fills.
    fn write(&mut self, batch: &mut Batch) {
        while batch.events > 0 {
            let result = self.sink.write(batch);
            let was_failing = self.shared.failing.swap(result.is_err(), Ordering::Relaxed);
            match result {
                Ok(()) if was_failing => tracing::info!("the audit log is written again"),
                Ok(()) => {}
                Err(error) => {
                    if !was_failing {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(error, "the audit log cannot be written");
                    }
                    if self.shared.queue.is_closed() {
                        return;
                    }
                    thread::sleep(Self::RETRY);
                }
            }
        }
    }

    fn run_command(&mut self, command: &WriterCommand) {
        match command {
            WriterCommand::Flush(done) => {
                let _ = done.try_send(());
            }
            WriterCommand::Reopen => {
                if let Err(error) = self.sink.reopen() {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "the audit log cannot be reopened");
                }
            }
        }
    }
}
