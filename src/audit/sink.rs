//! Where lines go: standard output, or a file that is continued where it ended.

use super::chain::{ChainPosition, LineHeader, MAX_LINE};
use super::error::AuditSetupError;
use super::event::{Event, EventKind, Outcome};
use super::line;
use super::queue::Batch;
use super::settings::AuditTarget;
use crate::clock::Clock;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// How many bytes are written at once. After a disk stall thousands of events wait, whose lines are not
/// all built in memory a second time.
const MOST_AT_ONCE: usize = 64 * 1024;

/// Writes lines to one target, and keeps the end of its chain.
pub(super) struct Sink {
    target: AuditTarget,
    file: Option<File>,
    position: ChainPosition,
    /// The position before the batch that is being written.
    before: ChainPosition,
    text: Vec<u8>,
    clock: Clock,
}

impl Sink {
    pub(super) fn open(target: AuditTarget, clock: Clock) -> Result<Self, AuditSetupError> {
        let mut sink = Self {
            target,
            file: None,
            position: ChainPosition::default(),
            before: ChainPosition::default(),
            text: Vec::new(),
            clock,
        };
        if let AuditTarget::File(path) = sink.target.clone() {
            sink.continue_file(&path)?;
        }
        Ok(sink)
    }

    /// Opens the file again, after it was renamed; the chain continues in the new one.
    ///
    /// If that fails, the old file is still written to.
    pub(super) fn reopen(&mut self) -> Result<(), AuditSetupError> {
        let AuditTarget::File(path) = self.target.clone() else {
            return Ok(());
        };
        let before = self.position.clone();
        // The old file is unlocked first: it may be the same file.
        let old = self.file.take();
        if let Some(old) = &old {
            let _ = old.unlock();
        }
        if let Err(error) = self.continue_file(&path) {
            (self.file, self.position) = (old, before);
            return Err(error);
        }
        if self.position.seq == 0 {
            self.position = before;
        }
        Ok(())
    }

    /// Writes up to [`MOST_AT_ONCE`] of a batch, and removes from it what is written.
    pub(super) fn write(&mut self, batch: &mut Batch) -> Result<(), AuditSetupError> {
        if self.file.is_none()
            && let AuditTarget::File(path) = self.target.clone()
        {
            // A write failed, and then the file could not be opened again either.
            self.recover(&path, batch)?;
        }
        self.before.clone_from(&self.position);
        self.text.clear();
        let mut events = 0;
        for event in batch.lines() {
            self.position.append(event, &mut self.text);
            events += 1;
            if self.text.len() >= MOST_AT_ONCE {
                break;
            }
        }
        // Not synced: each batch would wait for the disk. A crash of the process loses nothing that
        // is written here, one of the machine what the kernel still holds.
        let written = if let Some(file) = &mut self.file {
            file.write_all(&self.text)
        } else {
            let mut out = io::stdout().lock();
            out.write_all(&self.text).and_then(|()| out.flush())
        };
        let Err(source) = written else {
            batch.remove_first(events);
            return Ok(());
        };
        let before = self.before.clone();
        let AuditTarget::File(path) = self.target.clone() else {
            self.position = before;
            return Err(AuditSetupError::Write {
                path: "standard output".to_owned(),
                source,
            });
        };
        self.file = None;
        self.position = before;
        self.recover(&path, batch)?;
        Err(AuditSetupError::Write {
            path: path.display().to_string(),
            source,
        })
    }

    /// Opens the file again after a failed write. Some lines may have been written, the last of them
    /// in part: the events that the file holds are removed from the batch.
    fn recover(&mut self, path: &Path, batch: &mut Batch) -> Result<(), AuditSetupError> {
        let before = self.position.clone();
        let last = self.continue_file(path)?;
        let done = last.saturating_sub(before.seq);
        if self.position.seq == 0 {
            // A new file, which continues the chain of the lost one.
            self.position = before;
        }
        batch.remove_first(usize::try_from(done).unwrap_or(usize::MAX));
        Ok(())
    }

    /// Opens a file and continues its chain; returns the number of the last event that it holds.
    fn continue_file(&mut self, path: &Path) -> Result<u64, AuditSetupError> {
        let open = |source| AuditSetupError::Open {
            path: path.display().to_string(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            // O_APPEND: once logrotate has truncated the file (`copytruncate`), a write goes to its
            // new end.
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(open)?;
        // Two writers would break the chain. The kernel drops the lock with the process, so none is
        // left behind by a crash.
        file.try_lock().map_err(|error| match error {
            std::fs::TryLockError::Error(source) => open(source),
            std::fs::TryLockError::WouldBlock => AuditSetupError::InUse {
                path: path.display().to_string(),
            },
        })?;
        let end = read_end(&mut file).map_err(open)?;
        let Some((mut position, state)) = position_at(&end) else {
            return Err(AuditSetupError::NotALog {
                path: path.display().to_string(),
            });
        };
        let last = position.last_event();
        let mut text = Vec::new();
        if state != End::Whole {
            if !end.ends_with(b"\n") {
                text.push(b'\n');
            }
            if state == End::Torn {
                let now = self.clock.now();
                let resumed = Event::new(now, EventKind::LogResumed, Outcome::Succeeded);
                let mut event = Vec::new();
                line::write(&resumed, &mut event);
                position.append(event.trim_ascii_end(), &mut text);
            }
        }
        file.write_all(&text).map_err(open)?;
        self.file = Some(file);
        self.position = position;
        Ok(last)
    }
}

/// How a file ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// After a whole line that lacks only its line end.
    Open,
    /// In the middle of a line.
    Torn,
    /// After a whole line, or it is empty.
    Whole,
}

fn read_end(file: &mut File) -> io::Result<Vec<u8>> {
    let length = file.seek(SeekFrom::End(0))?;
    let start = length.saturating_sub(4 * MAX_LINE as u64);
    file.seek(SeekFrom::Start(start))?;
    let mut end = Vec::new();
    file.take(length - start).read_to_end(&mut end)?;
    Ok(end)
}

/// Finds the last whole line; `None` if there is text but no such line.
fn position_at(end: &[u8]) -> Option<(ChainPosition, End)> {
    if end.is_empty() {
        return Some((ChainPosition::default(), End::Whole));
    }
    let closed = end.strip_suffix(b"\n").unwrap_or(end);
    let mut fragments = Vec::new();
    for line in closed.rsplit(|byte| *byte == b'\n') {
        let Some(header) = LineHeader::read(line) else {
            fragments.push(line);
            continue;
        };
        let mut position = ChainPosition {
            seq: header.seq,
            tail: line.to_vec(),
        };
        let state = match (fragments.is_empty(), closed.len() == end.len()) {
            (false, _) => End::Torn,
            (true, true) => End::Open,
            (true, false) => End::Whole,
        };
        for fragment in fragments.iter().rev() {
            position.cut_off(fragment);
        }
        return Some((position, state));
    }
    // The very first line may have been cut off.
    let beginning = br#"{"seq":"#;
    let only_fragment = !closed.contains(&b'\n')
        && (closed.starts_with(beginning) || beginning.starts_with(closed));
    only_fragment.then(|| {
        let mut position = ChainPosition::default();
        position.cut_off(closed);
        (position, End::Torn)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::verify;
    use crate::domain::Timestamp;

    fn batch(events: &[&str]) -> Batch {
        let mut batch = Batch::default();
        for subject in events {
            let subject = crate::domain::Subject::new(*subject);
            let mut event = Event::new(
                Timestamp::from_millis(0),
                EventKind::Decision,
                Outcome::Denied,
            );
            event.subject = Some(&subject);
            line::write(&event, &mut batch.text);
            batch.events += 1;
        }
        batch
    }

    #[test]
    fn an_event_whose_line_a_full_disk_cuts_off_is_written_once_there_is_room() {
        let place = std::env::temp_dir().join(format!("stepgate-sink-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&place);
        std::fs::create_dir_all(&place).unwrap();
        let path = place.join("audit.jsonl");
        let clock = Clock::manual(Timestamp::from_millis(0));
        let mut sink = Sink::open(AuditTarget::File(path.clone()), clock).unwrap();
        sink.write(&mut batch(&["a", "b"])).unwrap();

        // As if the disk had been full in the middle of the second line.
        let file = sink.file.take().unwrap();
        file.set_len(file.metadata().unwrap().len() - 20).unwrap();
        drop(file);
        sink.position = ChainPosition::default();
        sink.file = Some(OpenOptions::new().write(true).open("/dev/full").unwrap());
        let mut waiting = batch(&["a", "b"]);
        sink.write(&mut waiting).unwrap_err();
        assert_eq!(waiting.events, 1);
        sink.write(&mut waiting).unwrap();

        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(r#""subject":"a""#).count(), 1);
        assert_eq!(text.matches(r#""subject":"b""#).count(), 1);
        let report = verify(text.as_bytes()).unwrap();
        assert_eq!(
            (report.lines, report.torn, report.fault),
            (3, vec![2], None)
        );
        std::fs::remove_dir_all(&place).unwrap();
    }
}
