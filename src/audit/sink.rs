//! Where lines go: standard output, or a file that is continued where it ended.

use super::chain::{ChainPosition, LineHeader, MAX_LINE};
use super::error::AuditSetupError;
use super::event::{Event, EventKind, Outcome};
use super::line;
use super::queue::Batch;
use super::settings::AuditTarget;
use crate::clock::Clock;
use rustix::fs::{Access, access};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// How many bytes are written at once. After a disk stall thousands of events wait, whose lines are not
/// all built in memory a second time.
const MOST_AT_ONCE: usize = 64 * 1024;
/// How often, and how far apart, the lock of a file is tried: for 2 seconds in all.
const TRIES: u32 = 1_000;
const PAUSE: Duration = Duration::from_millis(2);

/// Writes lines to one target, and keeps the end of its chain.
///
/// A file may have several writers: sidecars, and commands beside them. Each holds its lock while it
/// appends, and first reads on where another has written since.
#[derive(Debug)]
pub(super) struct Sink {
    target: AuditTarget,
    file: Option<File>,
    position: ChainPosition,
    text: Vec<u8>,
    clock: Clock,
}

impl Sink {
    pub(super) fn open(target: AuditTarget, clock: Clock) -> Result<Self, AuditSetupError> {
        let mut sink = Self {
            target,
            file: None,
            position: ChainPosition::default(),
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
        let old = (self.file.take(), self.position.clone());
        let reopened = self.continue_file(&path);
        if reopened.is_err() {
            (self.file, self.position) = old;
        }
        reopened
    }

    /// Writes up to [`MOST_AT_ONCE`] of a batch, and removes from it what is written.
    pub(super) fn write(&mut self, batch: &mut Batch) -> Result<(), AuditSetupError> {
        match self.target.clone() {
            AuditTarget::File(path) => self.write_file(&path, batch),
            AuditTarget::Stderr => self.write_stream("standard error", io::stderr().lock(), batch),
            AuditTarget::Stdout => self.write_stream("standard output", io::stdout().lock(), batch),
        }
    }

    fn write_stream(
        &mut self,
        name: &str,
        mut stream: impl Write,
        batch: &mut Batch,
    ) -> Result<(), AuditSetupError> {
        let before = self.position.clone();
        let events = self.chain(batch);
        let written = stream.write_all(&self.text).and_then(|()| stream.flush());
        if let Err(source) = written {
            self.position = before;
            let path = name.to_owned();
            return Err(AuditSetupError::Write { path, source });
        }
        batch.remove_first(events);
        Ok(())
    }

    fn write_file(&mut self, path: &Path, batch: &mut Batch) -> Result<(), AuditSetupError> {
        // A write failed, or the file could not be opened again.
        if self.file.is_none() {
            self.continue_file(path)?;
        }
        let Some(mut file) = self.file.take() else {
            return Ok(());
        };
        lock(&file).map_err(opening(path))?;
        let caught_up = self.catch_up(&mut file, path);
        let written = caught_up.and_then(|()| self.append(&mut file, path, batch));
        let _ = file.unlock();
        // After a failure the file is opened anew: its disk may be another one then.
        self.file = written.is_ok().then_some(file);
        written
    }

    /// Appends to a locked file. If that fails in the middle, the events that the file holds are removed
    /// from the batch.
    fn append(
        &mut self,
        file: &mut File,
        path: &Path,
        batch: &mut Batch,
    ) -> Result<(), AuditSetupError> {
        let before = self.position.clone();
        let events = self.chain(batch);
        // Not synced: each batch would wait for the disk. A crash of the process loses nothing that
        // is written here, one of the machine what the kernel still holds.
        let Err(source) = file.write_all(&self.text) else {
            batch.remove_first(events);
            return Ok(());
        };
        self.position = before;
        self.remove_written(file, batch);
        let path = path.display().to_string();
        Err(AuditSetupError::Write { path, source })
    }

    /// Removes from a batch the events that a failed write has written to a locked file.
    fn remove_written(&mut self, file: &mut File, batch: &mut Batch) {
        let end = read_end(file).ok().and_then(|end| position_at(&end));
        let Some((position, _)) = end.filter(|(end, _)| end.seq > self.position.seq) else {
            return;
        };
        let done = position.last_event().saturating_sub(self.position.seq);
        batch.remove_first(usize::try_from(done).unwrap_or(usize::MAX));
        self.position = position;
    }

    /// Makes the lines of the first events of a batch; returns of how many.
    fn chain(&mut self, batch: &Batch) -> usize {
        self.text.clear();
        let mut events = 0;
        for event in batch.lines() {
            self.position.append(event, &mut self.text);
            events += 1;
            if self.text.len() >= MOST_AT_ONCE {
                break;
            }
        }
        events
    }

    /// Opens a file and continues its chain; one that is empty continues ours.
    fn continue_file(&mut self, path: &Path) -> Result<(), AuditSetupError> {
        let mut file = OpenOptions::new()
            .read(true)
            // O_APPEND: once logrotate has truncated the file (`copytruncate`), a write goes to its
            // new end.
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(opening(path))?;
        lock(&file).map_err(opening(path))?;
        let caught_up = self.catch_up(&mut file, path);
        let _ = file.unlock();
        caught_up?;
        self.file = Some(file);
        Ok(())
    }

    /// Finds the end of the chain in a locked file, if it is not where we left it.
    fn catch_up(&mut self, file: &mut File, path: &Path) -> Result<(), AuditSetupError> {
        if self.position.is_end_of(file).map_err(opening(path))? {
            return Ok(());
        }
        let end = read_end(file).map_err(opening(path))?;
        if end.is_empty() {
            return Ok(());
        }
        let Some((mut position, state)) = position_at(&end) else {
            return Err(AuditSetupError::NotALog {
                path: path.display().to_string(),
            });
        };
        let mut text = Vec::new();
        if state != End::Whole && !end.ends_with(b"\n") {
            text.push(b'\n');
        }
        if state == End::Torn {
            let now = self.clock.now();
            let resumed = Event::new(now, EventKind::LogResumed, Outcome::Succeeded);
            let mut event = Vec::new();
            line::write(&resumed, &mut event);
            position.append(event.trim_ascii_end(), &mut text);
        }
        file.write_all(&text).map_err(opening(path))?;
        self.position = position;
        Ok(())
    }
}

/// Finds out whether a log could be opened and continued by this user; creates and changes nothing.
pub fn probe(target: &AuditTarget) -> Result<(), AuditSetupError> {
    let AuditTarget::File(path) = target else {
        return Ok(());
    };
    let mut file = match OpenOptions::new().read(true).append(true).open(path) {
        Ok(file) => file,
        // It is made at the start, if its folder can be written.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| *folder != Path::new(""));
            let folder = folder.unwrap_or(Path::new("."));
            let writable = access(folder, Access::WRITE_OK | Access::EXEC_OK);
            return writable.map_err(|error| opening(path)(error.into()));
        }
        Err(error) => return Err(opening(path)(error)),
    };
    let end = read_end(&mut file).map_err(opening(path))?;
    if position_at(&end).is_none() {
        let path = path.display().to_string();
        return Err(AuditSetupError::NotALog { path });
    }
    Ok(())
}

impl ChainPosition {
    /// Whether a file ends with the last line: it names its number and what is before it, so nothing
    /// else was written meanwhile.
    fn is_end_of(&self, file: &File) -> io::Result<bool> {
        let length = self.tail.len() + 1;
        let Some(start) = file.metadata()?.len().checked_sub(length as u64) else {
            return Ok(false);
        };
        let mut end = vec![0; length];
        file.read_exact_at(&mut end, start)?;
        Ok(self.seq > 0 && end.strip_suffix(b"\n") == Some(&*self.tail))
    }
}

/// Locks a file against other writers, who hold it for the time of a write. The kernel drops the lock
/// with the process, so none is left behind by a crash.
fn lock(file: &File) -> io::Result<()> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::TimedOut,
        "another process has held its lock for 2 seconds",
    ))
}

fn opening(path: &Path) -> impl Fn(io::Error) -> AuditSetupError {
    |source| AuditSetupError::Open {
        path: path.display().to_string(),
        source,
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
        let mut file = sink.file.take().unwrap();
        file.set_len(file.metadata().unwrap().len() - 20).unwrap();
        sink.position = ChainPosition::default();
        let mut waiting = batch(&["a", "b"]);
        sink.remove_written(&mut file, &mut waiting);
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
