//! The client's side of a connection: its bytes, its deadlines, and its protocol violations.

mod connection_state;
mod interim;
mod park;
mod scan;
mod tokens;
mod violation;

pub(crate) use connection_state::{ConnectionState, HeadProgress, InFlight};
pub(crate) use interim::Awaited;
pub(crate) use park::{PARK_AFTER, read_some};
pub(crate) use scan::{HeadLimits, MessagePart, Scanner};
pub(crate) use violation::Violation;

use super::gather::poll_write_gathered;
use super::timer::{Timer, deadline_after};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
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

/// What hyper reads in place of an invalid head. The recorded violation decides its response, not
/// these bytes: a client that sends the same is served as usual.
const REFUSED: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        if wire.is_tunnel() && !wire.held.is_empty() {
            // Bytes that the client sent before the upgrade was done belong to the tunnel.
            let held = std::mem::take(&mut wire.held);
            wire.cleared.extend_from_slice(&held);
        }
        loop {
            if !wire.cleared.is_empty() {
                wire.hand_on(buf);
                return Poll::Ready(Ok(()));
            }
            let before = buf.filled().len();
            if !wire.prefix.is_empty() {
                let take = wire.prefix.len().min(buf.remaining());
                buf.put_slice(wire.prefix.get(..take).unwrap_or_default());
                wire.prefix.drain(..take);
                if wire.prefix.is_empty() {
                    wire.prefix = Vec::new();
                }
            } else if wire.broken {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            } else if wire.refused {
                // RFC 9112 §9.6: what follows is discarded; see `poll_linger`.
                return wire.poll_read_deadline(cx).map(Err);
            } else {
                match Pin::new(&mut wire.stream).poll_read(cx, buf) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {
                        let late = ready!(wire.poll_read_deadline(cx));
                        if wire.reading.phase != WirePhase::Head {
                            return Poll::Ready(Err(late));
                        }
                        // RFC 9110 §15.5.9: 408 for a head that was begun; an idle connection is
                        // closed without a response.
                        wire.refuse(Violation::SlowHead);
                        continue;
                    }
                }
            }
            // The end of the stream; hyper knows whether it leaves a message incomplete (RFC 9112
            // §8).
            let end = buf.filled().len() == before;
            if end || wire.is_tunnel() {
                return Poll::Ready(Ok(()));
            }
            wire.follow(buf, before);
            if buf.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    /// Fails when the client reads nothing for the progress deadline.
    fn watch_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        wrote: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if wrote.is_ready() {
            self.writing.phase = WirePhase::Idle;
            return wrote;
        }
        if self.is_tunnel() {
            return Poll::Pending;
        }
        let now = Instant::now();
        self.writing.enter(WirePhase::Body, now);
        let deadline = deadline_after(self.writing.since, self.deadlines.progress);
        self.writing
            .timer
            .poll(cx, now, deadline)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> Wire<S> {
    /// Discards what a client still sends after the last response, for [`LONGEST_LINGER`] at most: closing
    /// a socket with unread bytes resets the connection, and the response is lost (RFC 9112 §9.6).
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let in_body = self.scanner.as_ref().map(Scanner::part) == Some(MessagePart::Body);
        if self.is_tunnel() || !(self.refused || in_body) {
            return Poll::Ready(());
        }
        let now = Instant::now();
        let until = *self.lingering.get_or_insert_with(|| {
            deadline_after(now, self.deadlines.progress.min(LONGEST_LINGER))
        });
        let mut scrap = [0; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut scrap);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() && Instant::now() < until => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.reading.timer.poll(cx, now, until),
            }
        }
    }
}

/// Enough for a client to read the response and stop sending.
const LONGEST_LINGER: Duration = Duration::from_secs(2);

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.interim.is_empty() {
            ready!(self.poll_interims(cx))?;
        }
        let wrote = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch_write(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.interim.is_empty() {
            ready!(self.poll_interims(cx))?;
        }
        let wrote = poll_write_gathered(Pin::new(&mut self.stream), cx, bufs);
        self.watch_write(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_interims(cx))?;
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch_write(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // RFC 9112 §9.6: in stages. Our side is closed first, so that the client sees the end of
        // the response; the socket is closed once what the client still sends has been read.
        if self.lingering.is_none() {
            let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
            ready!(self.watch_write(cx, shut))?;
        }
        self.poll_linger(cx).map(Ok)
    }
}
