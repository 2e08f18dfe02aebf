//! Events written at once, without queue and thread: for commands that act beside running sidecars.

use super::error::AuditSetupError;
use super::event::Event;
use super::line;
use super::queue::Batch;
use super::settings::AuditTarget;
use super::sink::Sink;
use crate::clock::Clock;

/// A log that is written by whoever records. Sidecars may write to the same file.
#[derive(Debug)]
pub struct DirectAudit(Sink);

impl DirectAudit {
    /// Opens the log; it fails if it cannot be written.
    pub fn open(target: AuditTarget, clock: Clock) -> Result<Self, AuditSetupError> {
        Sink::open(target, clock).map(Self)
    }

    /// Writes events. If that fails, some of them may be written.
    pub fn record<'e>(
        &mut self,
        events: impl IntoIterator<Item = Event<'e>>,
    ) -> Result<(), AuditSetupError> {
        let mut batch = Batch::default();
        for event in events {
            line::write(&event, &mut batch.text);
            batch.events += 1;
        }
        while batch.events > 0 {
            self.0.write(&mut batch)?;
        }
        Ok(())
    }
}
