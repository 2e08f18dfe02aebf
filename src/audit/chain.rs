//! The chain: each line names its number and the hash of what stands before it.
//!
//! `prev` is the SHA-256 of the last whole line, together with whatever a crash left after it. The
//! chain shows that nothing in the middle was changed, removed or added. It cannot show that the end
//! was cut off, nor withstand somebody who rewrites all of it: for that, ship the lines elsewhere.

use super::event::EventKind;
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;

/// The longest line; ours are far shorter.
pub(super) const MAX_LINE: usize = 64 * 1024;

/// The end of a chain so far, which the next line continues.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ChainPosition {
    /// The number of the last whole line; 0 before the first.
    pub(super) seq: u64,
    /// The last whole line and what follows it, without the last line end.
    pub(super) tail: Vec<u8>,
}

impl Clone for ChainPosition {
    fn clone(&self) -> Self {
        Self {
            seq: self.seq,
            tail: self.tail.clone(),
        }
    }

    // By hand, since a derived one allocates a new buffer each time.
    fn clone_from(&mut self, other: &Self) {
        self.seq = other.seq;
        self.tail.clone_from(&other.tail);
    }
}

impl ChainPosition {
    /// Adds the next line to `out`; `event` is what [`line`](super::line) makes of an event.
    pub(super) fn append(&mut self, event: &[u8], out: &mut Vec<u8>) {
        self.seq += 1;
        let start = out.len();
        out.extend_from_slice(br#"{"seq":"#);
        out.extend_from_slice(itoa::Buffer::new().format(self.seq).as_bytes());
        out.extend_from_slice(br#","prev":""#);
        out.extend_from_slice(&hash(&self.tail));
        out.extend_from_slice(br#"","#);
        out.extend_from_slice(event);
        self.tail.clear();
        self.tail
            .extend_from_slice(out.get(start..).unwrap_or_default());
        out.push(b'\n');
    }
}

impl ChainPosition {
    /// The number of the last event; a `log-resumed` line after a crash is not one.
    pub(super) fn last_event(&self) -> u64 {
        let line = self.tail.split(|byte| *byte == b'\n').next();
        let resumes = |header: LineHeader| header.event == EventKind::LogResumed.as_str();
        let is_resumed = line.and_then(LineHeader::read).is_some_and(resumes);
        self.seq.saturating_sub(u64::from(is_resumed))
    }
}

/// The members of a line that the chain needs.
#[derive(Debug, Deserialize)]
pub(super) struct LineHeader {
    pub(super) seq: u64,
    prev: String,
    event: String,
}

impl LineHeader {
    /// Reads a line; `None` if it is not a complete line of an audit log.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

/// What is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// A line was changed, or one before it was removed or added.
    #[error("line {line} does not continue the line before it: one of the two was changed")]
    Changed {
        /// Which line.
        line: u64,
    },
    /// Lines are missing.
    #[error("line {line} has number {found}, expected {expected}: lines were removed or added")]
    Missing {
        /// Which line.
        line: u64,
        /// The number expected.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// A line is not one of ours, and no crash explains it.
    #[error("line {line} is not a line of an audit log")]
    Unreadable {
        /// Which line.
        line: u64,
    },
}

/// What a check of a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many whole lines were read.
    pub lines: u64,
    /// The number of the first line; above 1 the log continues an earlier file.
    pub first: Option<u64>,
    /// The number of the last whole line.
    pub last: Option<u64>,
    /// The `prev` that the first line names; the `head` of the file it continues.
    pub continues: Option<String>,
    /// The `prev` that a next line would name.
    pub head: Option<String>,
    /// Lines that a crash cut off, and that the chain vouches for.
    pub torn: Vec<u64>,
    /// The last line is cut off: a crash, and nothing was written since.
    pub ends_torn: bool,
    /// The first thing that is wrong; what follows it was not looked at.
    pub fault: Option<ChainFault>,
}

/// Checks a log and names the first line at which the chain is broken.
pub fn verify(log: impl BufRead) -> io::Result<Report> {
    read_log(log, |line| match line.fault {
        Some(_) => ControlFlow::Break(()),
        None => ControlFlow::Continue(()),
    })
}

/// One line of a log, as [`read_log`] hands it on.
#[derive(Clone, Copy, Debug)]
pub struct LogLine<'l> {
    /// Its number in the file, from 1.
    pub number: u64,
    /// The line without its end, up to the longest that ours can be.
    pub text: &'l [u8],
    /// What is wrong with the chain so far.
    pub fault: Option<&'l ChainFault>,
}

/// Reads a log line by line, and checks its chain as far as the first fault; what follows that is handed on
/// unchecked, for as long as `each` wants more.
pub fn read_log(
    mut log: impl BufRead,
    mut each: impl FnMut(LogLine<'_>) -> ControlFlow<()>,
) -> io::Result<Report> {
    let mut check = ChainCheck::default();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let limit = MAX_LINE as u64 + 1;
        if (&mut log).take(limit).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let whole = line.pop_if(|byte| *byte == b'\n').is_some();
        check.line(number, &line, whole);
        if line.len() > MAX_LINE {
            log.skip_until(b'\n')?;
        }
        let line = LogLine {
            number,
            text: &line,
            fault: check.report.fault.as_ref(),
        };
        if each(line).is_break() {
            break;
        }
    }
    Ok(check.finish())
}

/// The check of a chain under way.
#[derive(Debug, Default)]
struct ChainCheck {
    report: Report,
    position: ChainPosition,
    torn: Vec<u64>,
}

impl ChainCheck {
    fn line(&mut self, number: u64, line: &[u8], whole: bool) {
        let report = &mut self.report;
        if report.fault.is_some() {
            return;
        }
        match LineHeader::read(line) {
            Some(header) if whole => {
                report.fault = check(&header, number, &self.position, &self.torn, report);
                if report.fault.is_none() {
                    report.torn.append(&mut self.torn);
                    self.position.seq = header.seq;
                    self.position.tail.clear();
                    self.position.tail.extend_from_slice(line);
                }
            }
            // Longer than any line of an audit log: not torn by a crash, but foreign.
            _ if line.len() > MAX_LINE => {
                report.fault = Some(ChainFault::Unreadable { line: number });
            }
            _ => {
                // A crash leaves one; of a file that is something else the first is told.
                if self.torn.len() < MOST_TORN {
                    self.torn.push(number);
                    self.position.cut_off(line);
                } else {
                    let line = self.torn.first().copied().unwrap_or(number);
                    report.fault = Some(ChainFault::Unreadable { line });
                }
                report.ends_torn = !whole;
            }
        }
    }

    fn finish(self) -> Report {
        let Self {
            mut report,
            position,
            torn,
        } = self;
        report.head = report
            .last
            .is_some()
            .then(|| hash(&position.tail).map(char::from).iter().collect());
        if report.fault.is_none()
            && let Some(line) = torn.first()
            // A crash leaves one incomplete line, and leaves it last.
            && !(report.ends_torn && torn.len() == 1)
        {
            report.fault = Some(ChainFault::Unreadable { line: *line });
        }
        report
    }
}

/// How many lines in a row may be cut off: bounds what is kept of a file that is no audit log.
const MOST_TORN: usize = 16;

impl ChainPosition {
    /// Adds what a crash left after the last whole line.
    pub(super) fn cut_off(&mut self, fragment: &[u8]) {
        if !self.tail.is_empty() {
            self.tail.push(b'\n');
        }
        self.tail.extend_from_slice(fragment);
    }
}

fn check(
    header: &LineHeader,
    line: u64,
    position: &ChainPosition,
    torn: &[u64],
    report: &mut Report,
) -> Option<ChainFault> {
    // After a torn line there must be a `log-resumed` line.
    if let Some(first) = torn.first()
        && header.event != EventKind::LogResumed.as_str()
    {
        return Some(ChainFault::Unreadable { line: *first });
    }
    if report.first.is_none() {
        // The first line may continue an earlier file; then its `prev` cannot be checked here.
        report.first = Some(header.seq);
        report.continues = (header.seq > 1).then(|| header.prev.clone());
        if header.seq <= 1 && header.prev.as_bytes() != hash(&position.tail) {
            return Some(ChainFault::Changed { line });
        }
    } else if header.prev.as_bytes() != hash(&position.tail) {
        return Some(ChainFault::Changed { line });
    } else if header.seq != position.seq + 1 {
        let (expected, found) = (position.seq + 1, header.seq);
        return Some(ChainFault::Missing {
            line,
            expected,
            found,
        });
    }
    report.lines += 1;
    report.last = Some(header.seq);
    None
}

/// SHA-256 in hexadecimal; zeros for nothing, which is what the first line continues.
fn hash(tail: &[u8]) -> [u8; 64] {
    let mut text = [b'0'; 64];
    if !tail.is_empty() {
        HEXLOWER.encode_mut(digest(&SHA256, tail).as_ref(), &mut text);
    }
    text
}
