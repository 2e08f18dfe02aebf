//! The client's side of a connection: its bytes, its deadlines, and its protocol violations.

mod connection_state;
mod interim;
mod park;
mod scan;
mod stream;
mod tokens;
mod violation;

pub(crate) use connection_state::{ConnectionState, HeadProgress, InFlight};
pub(crate) use interim::Awaited;
pub(crate) use park::{PARK_AFTER, read_some};
pub(crate) use scan::{HeadLimits, MessagePart, Scanner};
use stream::REFUSED;
pub(crate) use violation::Violation;

use super::timer::{Timer, deadline_after};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::ReadBuf;
use tokio::time::Instant;

/// How long the client's side may take.
#[derive(Clone, Copy, Debug)]
pub struct ClientDeadlines {
    /// From the first byte of a request to the end of its headers.
    pub header: Duration,
    /// All of a request body that we read ourselves, for matching or as an answer to a challenge.
    pub body: Duration,
    /// Between two reads of a request body, and between two writes of a response.
    pub progress: Duration,
    /// Between two requests on a kept-alive connection.
    pub idle: Duration,
}

/// The byte stream of one client connection, with its deadlines and the checks on its framing.
///
/// hyper is given a head only when it is complete and valid: hyper answers an invalid one itself, with an
/// empty response. In place of an invalid head it is given [`REFUSED`], whose handler reads the violation
/// and answers with its reason; nothing is passed on after that.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    /// What was read to tell HTTP/2 from HTTP/1, not scanned yet.
    prefix: Vec<u8>,
    /// The bytes of an incomplete head.
    held: Vec<u8>,
    /// Bytes that were scanned and not yet read by hyper.
    cleared: Vec<u8>,
    refused: bool,
    /// The violation was in a body: its reader is given an error.
    broken: bool,
    /// The rest of an interim response (1xx) that was partly written; nothing is written before it.
    interim: Vec<u8>,
    lingering: Option<Instant>,
    /// `None` for HTTP/2, whose framing the h2 crate checks.
    scanner: Option<Scanner>,
    state: Arc<ConnectionState>,
    deadlines: ClientDeadlines,
    reading: Waiting,
    writing: Waiting,
}

/// What one direction of the connection waits for, and since when.
#[derive(Debug)]
struct Waiting {
    timer: Timer,
    phase: WirePhase,
    since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WirePhase {
    Body,
    Head,
    Idle,
    /// A response is being made; no deadline of the client runs.
    Ours,
}

impl Waiting {
    fn new(now: Instant) -> Self {
        Self {
            timer: Timer::default(),
            phase: WirePhase::Idle,
            since: now,
        }
    }

    /// Sets what is waited for; a change restarts the deadline.
    fn enter(&mut self, phase: WirePhase, now: Instant) {
        if self.phase != phase {
            self.phase = phase;
            self.since = now;
        }
    }
}

impl<S> Wire<S> {
    /// Wraps `stream`, of which `prefix` was read already.
    pub(crate) fn new(
        stream: S,
        prefix: Vec<u8>,
        scanner: Option<Scanner>,
        state: Arc<ConnectionState>,
        deadlines: ClientDeadlines,
    ) -> Self {
        let now = Instant::now();
        Self {
            stream,
            prefix,
            held: Vec::new(),
            cleared: Vec::new(),
            refused: false,
            broken: false,
            interim: Vec::new(),
            lingering: None,
            scanner,
            state,
            deadlines,
            reading: Waiting::new(now),
            writing: Waiting::new(now),
        }
    }

    fn phase(&self) -> WirePhase {
        let busy = self.state.is_busy();
        if self.refused {
            return if busy {
                WirePhase::Ours
            } else {
                WirePhase::Idle
            };
        }
        match self.scanner.as_ref().map(Scanner::part) {
            Some(MessagePart::Body) => WirePhase::Body,
            Some(MessagePart::Head) => WirePhase::Head,
            None | Some(MessagePart::Between) if busy => WirePhase::Ours,
            None | Some(MessagePart::Between) => WirePhase::Idle,
        }
    }

    fn poll_read_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if self.is_tunnel() {
            return Poll::Pending;
        }
        let now = Instant::now();
        let phase = self.phase();
        self.reading.enter(phase, now);
        let limit = match phase {
            // Another task may make the response, and its end does not wake this one: check again within
            // the idle deadline.
            WirePhase::Ours => {
                let again = deadline_after(now, self.deadlines.idle);
                return match self.reading.timer.poll(cx, now, again) {
                    Poll::Ready(()) | Poll::Pending => Poll::Pending,
                };
            }
            WirePhase::Body => self.deadlines.progress,
            WirePhase::Head => self.deadlines.header,
            WirePhase::Idle if self.may_park() => {
                // `http1` keeps the idle deadline of a parked connection.
                self.state.park();
                return Poll::Pending;
            }
            WirePhase::Idle => self.deadlines.idle,
        };
        let deadline = deadline_after(self.reading.since, limit);
        self.reading
            .timer
            .poll(cx, now, deadline)
            .map(|()| io::ErrorKind::TimedOut.into())
    }

    fn is_tunnel(&self) -> bool {
        self.state.is_tunnel()
    }

    /// Scans what was just read into `buf` after its first `before` bytes. An incomplete head is taken out
    /// again and held; of an invalid body, everything from the invalid line on is dropped.
    fn follow(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let Some(scanner) = &mut self.scanner else {
            return self.state.record_read(HeadProgress::Complete);
        };
        let read = buf.filled().get(before..).unwrap_or_default();
        let scanned = scanner.scan(read);
        let part = scanner.part();
        self.state.record_read(match part {
            MessagePart::Head => HeadProgress::Partial,
            MessagePart::Body | MessagePart::Between => HeadProgress::Complete,
        });
        match part {
            MessagePart::Body => self.reading.since = Instant::now(),
            MessagePart::Head => {}
            // The idle deadline runs from the end of this request's response.
            MessagePart::Between => self.reading.phase = WirePhase::Ours,
        }
        if scanned.is_ok() && part != MessagePart::Head && self.held.is_empty() {
            return;
        }
        // The bytes before `sound` belong to valid messages; those after it to an incomplete head or to a
        // violation.
        let sound = match (part, scanned) {
            (MessagePart::Body | MessagePart::Between, Ok(())) => read.len(),
            (MessagePart::Body, Err(_)) => scanner.sound(),
            (MessagePart::Head | MessagePart::Between, _) => scanner.head_at().unwrap_or(0),
        };
        let (sound, rest) = read.split_at_checked(sound).unwrap_or((read, &[]));
        if sound.is_empty() && scanned.is_ok() {
            self.held.extend_from_slice(rest);
        } else {
            if !sound.is_empty() {
                self.cleared = std::mem::take(&mut self.held);
                self.cleared.extend_from_slice(sound);
            }
            self.held = rest.to_vec();
        }
        if let Err(violation) = scanned {
            self.broken = part == MessagePart::Body;
            self.refuse(violation);
        }
        buf.set_filled(before);
    }

    /// Passes on nothing from now on. A violation in a head is answered by way of [`REFUSED`].
    fn refuse(&mut self, violation: Violation) {
        self.state.record_violation(violation);
        self.refused = true;
        self.held = Vec::new();
        if !self.broken {
            self.cleared.extend_from_slice(REFUSED);
        }
    }

    /// Gives hyper bytes that were scanned before.
    fn hand_on(&mut self, buf: &mut ReadBuf<'_>) {
        let take = self.cleared.len().min(buf.remaining());
        buf.put_slice(self.cleared.get(..take).unwrap_or_default());
        self.cleared.drain(..take);
        if self.cleared.is_empty() {
            self.cleared = Vec::new();
        }
    }
}
