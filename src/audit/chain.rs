//! The chain: each line names its number and the hash of what stands before it.
//!
//! `prev` is the SHA-256 of the last whole line, together with whatever a crash left after it. The
//! chain shows that nothing in the middle was changed, removed or added. It cannot show that the end
//! was cut off, nor withstand somebody who rewrites all of it: for that, ship the lines elsewhere.

use super::event::Event;
use crate::domain::{
    Action, ChallengeId, Enforcement, Factor, GrantId, Method, Reason, RiskLevel, RouteId, Subject,
    Timestamp,
};
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize, Serializer};
use std::io::{self, BufRead, Read};

/// The longest line; ours are far shorter.
pub(super) const MAX_LINE: usize = 64 * 1024;
/// The longest path that is written.
const MAX_PATH: usize = 2048;

/// Where a chain stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// The number of the last whole line; 0 before the first.
    pub(super) seq: u64,
    /// The last whole line and what follows it, without the last line end.
    pub(super) tail: Vec<u8>,
}

impl Clone for Position {
    fn clone(&self) -> Self {
        Self {
            seq: self.seq,
            tail: self.tail.clone(),
        }
    }

    // By hand, since a derived one does not keep the buffer.
    fn clone_from(&mut self, other: &Self) {
        self.seq = other.seq;
        self.tail.clone_from(&other.tail);
    }
}

impl Position {
    /// Writes `event` as the next line.
    pub(super) fn append(&mut self, event: &Event, out: &mut Vec<u8>) {
        self.seq += 1;
        let line = Line::new(self.seq, hash(&self.tail), event);
        self.tail.clear();
        // A line is made of strings and numbers, so that writing it to memory cannot fail.
        let _ = serde_json::to_writer(&mut self.tail, &line);
        out.extend_from_slice(&self.tail);
        out.push(b'\n');
    }
}

/// What the chain needs of a line.
#[derive(Debug, Deserialize)]
pub(super) struct Link {
    pub(super) seq: u64,
    prev: String,
    event: String,
}

impl Link {
    /// Reads a line; `None` if it is not a whole line of ours.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

/// What is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
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
    pub fault: Option<Fault>,
}

/// Checks a log and names the first line at which the chain is broken.
pub fn verify(mut log: impl BufRead) -> io::Result<Report> {
    let mut report = Report::default();
    let mut position = Position::default();
    let mut torn = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let limit = MAX_LINE as u64 + 1;
        if (&mut log).take(limit).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let whole = line.pop_if(|byte| *byte == b'\n').is_some();
        match Link::read(&line) {
            Some(link) if whole => {
                report.fault = check(&link, number, &position, &torn, &mut report);
                if report.fault.is_some() {
                    break;
                }
                report.torn.append(&mut torn);
                (position.seq, position.tail) = (link.seq, line.clone());
            }
            // Longer than any of ours: not torn, but foreign.
            _ if line.len() > MAX_LINE => {
                report.fault = Some(Fault::Unreadable { line: number });
                break;
            }
            _ => {
                torn.push(number);
                position.cut_off(&line);
                report.ends_torn = !whole;
            }
        }
    }
    report.head = report
        .last
        .is_some()
        .then(|| hash(&position.tail).as_str().to_owned());
    if report.fault.is_none()
        && let Some(line) = torn.first()
        && !(report.ends_torn && torn.len() == 1)
    {
        report.fault = Some(Fault::Unreadable { line: *line });
    }
    Ok(report)
}

impl Position {
    /// Adds what a crash left after the last whole line.
    pub(super) fn cut_off(&mut self, fragment: &[u8]) {
        if !self.tail.is_empty() {
            self.tail.push(b'\n');
        }
        self.tail.extend_from_slice(fragment);
    }
}

fn check(
    link: &Link,
    line: u64,
    position: &Position,
    torn: &[u64],
    report: &mut Report,
) -> Option<Fault> {
    // Only the line that says so goes on after a cut-off one.
    if let Some(first) = torn.first()
        && link.event != super::EventKind::LogResumed.as_str()
    {
        return Some(Fault::Unreadable { line: *first });
    }
    if report.first.is_none() {
        // The first line may continue an earlier file; then its `prev` cannot be checked here.
        report.first = Some(link.seq);
        report.continues = (link.seq > 1).then(|| link.prev.clone());
        if link.seq <= 1 && link.prev != hash(&position.tail).as_str() {
            return Some(Fault::Changed { line });
        }
    } else if link.prev != hash(&position.tail).as_str() {
        return Some(Fault::Changed { line });
    } else if link.seq != position.seq + 1 {
        let (expected, found) = (position.seq + 1, link.seq);
        return Some(Fault::Missing {
            line,
            expected,
            found,
        });
    }
    report.lines += 1;
    report.last = Some(link.seq);
    None
}

/// SHA-256 in hexadecimal; zeros for nothing, which is what the first line continues.
fn hash(tail: &[u8]) -> Ascii<64> {
    let mut text = Ascii([b'0'; 64]);
    if !tail.is_empty() {
        HEXLOWER.encode_mut(digest(&SHA256, tail).as_ref(), &mut text.0);
    }
    text
}

/// A text of known length; every line has several, and none of them needs the heap.
struct Ascii<const N: usize>([u8; N]);

impl<const N: usize> Ascii<N> {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl<const N: usize> Serialize for Ascii<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A line as it is written; JSON escapes every control character, so that no value ends a line.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    prev: Ascii<64>,
    time: Ascii<24>,
    event: &'static str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "names")]
    routes: &'a [RouteId],
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enforcement: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Ascii<16>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    factor: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_us: Option<u64>,
}

impl<'a> Line<'a> {
    fn new(seq: u64, prev: Ascii<64>, event: &'a Event) -> Self {
        Self {
            seq,
            prev,
            time: rfc3339(event.at),
            event: event.kind.as_str(),
            outcome: event.outcome.as_str(),
            reason: event.reason.map(Reason::as_str),
            request_id: event.request_id.as_deref(),
            routes: &event.routes,
            action: event.action.as_ref().map(Action::as_str),
            level: event.level.map(RiskLevel::number),
            enforcement: event.enforcement.map(|enforcement| match enforcement {
                Enforcement::Enforce => "enforce",
                Enforcement::Report => "report",
            }),
            subject: event.subject.as_ref().map(Subject::as_str),
            session: event.session.map(|session| {
                let mut head = Ascii([b'0'; 16]);
                let (bytes, _) = session.as_bytes().split_at(8);
                HEXLOWER.encode_mut(bytes, &mut head.0);
                head
            }),
            client: event.client.map(|client| client.to_string()),
            method: event.method.map(Method::as_str),
            path: event.path.as_deref().map(shown_path),
            factor: event.factor.map(Factor::as_str),
            challenge: event.challenge.map(ChallengeId::to_hex),
            grant: event.grant.map(GrantId::to_hex),
            count: event.count,
            latency_us: event
                .latency
                .map(|latency| u64::try_from(latency.as_micros()).unwrap_or(u64::MAX)),
        }
    }
}

fn shown_path(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.get(..path.floor_char_boundary(MAX_PATH))
        .unwrap_or(path)
}

fn names<S: Serializer>(routes: &[RouteId], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(routes.iter().map(RouteId::as_str))
}

/// The time in UTC, to the millisecond; by hand, since it stands in every line. Years are counted
/// from March, so that the day that comes and goes is the last one (era: 400 years, always alike).
fn rfc3339(at: Timestamp) -> Ascii<24> {
    const LAST: u64 = 253_402_300_799_999; // the year 9999 has an end
    let millis = at.as_millis().min(LAST);
    let (days, in_day) = (millis / 86_400_000 + 719_468, millis % 86_400_000);
    let (era, in_era) = (days / 146_097, days % 146_097);
    let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * from_march + 2) / 5 + 1;
    let (month, next) = if from_march < 10 {
        (from_march + 3, 0)
    } else {
        (from_march - 9, 1)
    };
    let numbers = [
        (0..4, year + era * 400 + next),
        (5..7, month),
        (8..10, day),
        (11..13, in_day / 3_600_000),
        (14..16, in_day / 60_000 % 60),
        (17..19, in_day / 1_000 % 60),
        (20..23, in_day % 1_000),
    ];
    let mut text = Ascii(*b"0000-00-00T00:00:00.000Z");
    for (place, mut number) in numbers {
        for digit in text.0.get_mut(place).into_iter().flatten().rev() {
            *digit = b'0' + (number % 10).to_le_bytes()[0];
            number /= 10;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let leap = [951_782_399_999, 951_782_400_000, 4_107_542_400_000];
        let spread = (0..2_000).map(|step| step * 126_701_150_399);
        for millis in spread.chain(leap) {
            let time = jiff::Timestamp::from_millisecond(millis).unwrap();
            let text = rfc3339(Timestamp::from_millis(millis.unsigned_abs()));
            assert_eq!(text.as_str(), format!("{time:.3}"));
        }
    }
}
