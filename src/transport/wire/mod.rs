//! The client's side of a connection: its bytes, its deadlines, and what it was caught doing.

mod connection_state;
mod interim;
mod park;
mod scan;
mod tokens;
mod violation;

pub(crate) use connection_state::{ConnectionState, HeadProgress, InFlight};
pub(crate) use interim::Awaited;
pub(crate) use park::{PARK_AFTER, read_some};
pub(crate) use scan::{HeadLimits, Place, Scanner};
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

/// The bytes of one client connection, watched.
///
/// A head is handed on when it is whole and sound, so that hyper never meets one that it would refuse
/// on its own, without a word. In place of a broken one it gets [`REFUSED`], whose handler sees the
/// violation and says what was wrong; nothing is handed on after that.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    /// What was read to tell HTTP/2 from HTTP/1, still to be looked at.
    prefix: Vec<u8>,
    /// The beginning of a head, kept until its end has come.
    held: Vec<u8>,
    /// What was looked at and is to be handed on.
    cleared: Vec<u8>,
    refused: bool,
    /// It was a body that was refused: whoever reads it must hear so.
    broken: bool,
    /// What is left of an interim response that was begun; it comes before anything else.
    interim: Vec<u8>,
    lingering: Option<Instant>,
    /// `None` for HTTP/2, whose framing its own library checks.
    scanner: Option<Scanner>,
    state: Arc<ConnectionState>,
    deadlines: ClientDeadlines,
    reading: Waiting,
    writing: Waiting,
}

/// What one direction waits for, and since when.
#[derive(Debug)]
struct Waiting {
    timer: Timer,
    phase: Phase,
    since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Body,
    Head,
    Idle,
    /// Nothing is expected of the client now.
    Ours,
}

impl Waiting {
    fn new(now: Instant) -> Self {
        Self {
            timer: Timer::default(),
            phase: Phase::Idle,
            since: now,
        }
    }

    /// Notes what is waited for now; a change starts the clock anew.
    fn enter(&mut self, phase: Phase, now: Instant) {
        if self.phase != phase {
            self.phase = phase;
            self.since = now;
        }
    }
}

impl<S> Wire<S> {
    /// Watches `stream`, of which `prefix` was read already.
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

    fn phase(&self) -> Phase {
        let busy = self.state.is_busy();
        if self.refused {
            return if busy { Phase::Ours } else { Phase::Idle };
        }
        match self.scanner.as_ref().map(Scanner::place) {
            Some(Place::Body) => Phase::Body,
            Some(Place::Head) => Phase::Head,
            None | Some(Place::Idle) if busy => Phase::Ours,
            None | Some(Place::Idle) => Phase::Idle,
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
            // Whoever answers may be another task: look again before the client may be called idle.
            Phase::Ours => {
                let again = deadline_after(now, self.deadlines.idle);
                return match self.reading.timer.poll(cx, now, again) {
                    Poll::Ready(()) | Poll::Pending => Poll::Pending,
                };
            }
            Phase::Body => self.deadlines.progress,
            Phase::Head => self.deadlines.header,
            Phase::Idle if self.may_park() => {
                // `http1` keeps the idle deadline of a parked connection.
                self.state.park();
                return Poll::Pending;
            }
            Phase::Idle => self.deadlines.idle,
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

    /// Follows what was just read into `buf` after its first `before` bytes. What may not be handed on
    /// yet is taken out again; nothing of a broken body is handed on from the broken line.
    fn follow(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let Some(scanner) = &mut self.scanner else {
            return self.state.record_read(HeadProgress::Complete);
        };
        let read = buf.filled().get(before..).unwrap_or_default();
        let scanned = scanner.scan(read);
        let place = scanner.place();
        self.state.record_read(match place {
            Place::Head => HeadProgress::Partial,
            Place::Body | Place::Idle => HeadProgress::Complete,
        });
        match place {
            Place::Body => self.reading.since = Instant::now(),
            Place::Head => {}
            // The client is silent from the end of this request's answer on.
            Place::Idle => self.reading.phase = Phase::Ours,
        }
        if scanned.is_ok() && place != Place::Head && self.held.is_empty() {
            return;
        }
        // Up to here it belongs to messages that are sound; from here to a head that is not whole, or to
        // what is refused.
        let sound = match (place, scanned) {
            (Place::Body | Place::Idle, Ok(())) => read.len(),
            (Place::Body, Err(_)) => scanner.sound(),
            (Place::Head | Place::Idle, _) => scanner.head_at().unwrap_or(0),
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
            self.broken = place == Place::Body;
            self.refuse(violation);
        }
        buf.set_filled(before);
    }

    /// Hands on nothing that comes from now on. What was broken in a head is answered in its place.
    fn refuse(&mut self, violation: Violation) {
        self.state.catch(violation);
        self.refused = true;
        self.held = Vec::new();
        if !self.broken {
            self.cleared.extend_from_slice(REFUSED);
        }
    }

    /// Hands on what was looked at before.
    fn hand_on(&mut self, buf: &mut ReadBuf<'_>) {
        let take = self.cleared.len().min(buf.remaining());
        buf.put_slice(self.cleared.get(..take).unwrap_or_default());
        self.cleared.drain(..take);
        if self.cleared.is_empty() {
            self.cleared = Vec::new();
        }
    }
}

/// What hyper reads in place of a head that is refused. No client can send it: its answer is decided by
/// the violation that goes with it.
const REFUSED: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        if wire.is_tunnel() && !wire.held.is_empty() {
            // What came too early is not HTTP.
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
                // Nothing that follows is read as anything; see `poll_linger`.
                return wire.poll_read_deadline(cx).map(Err);
            } else {
                match Pin::new(&mut wire.stream).poll_read(cx, buf) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {
                        let late = ready!(wire.poll_read_deadline(cx));
                        if wire.reading.phase != Phase::Head {
                            return Poll::Ready(Err(late));
                        }
                        // Whoever began a request is told; a connection that is merely idle just ends.
                        wire.refuse(Violation::SlowHead);
                        continue;
                    }
                }
            }
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
    /// A client that stops reading is cut off; one that reads slowly is not.
    fn watch_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        wrote: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if wrote.is_ready() {
            self.writing.phase = Phase::Idle;
            return wrote;
        }
        if self.is_tunnel() {
            return Poll::Pending;
        }
        let now = Instant::now();
        self.writing.enter(Phase::Body, now);
        let deadline = deadline_after(self.writing.since, self.deadlines.progress);
        self.writing
            .timer
            .poll(cx, now, deadline)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> Wire<S> {
    /// Reads and forgets what a client still sends after its last answer, for a while: a socket that is
    /// closed with unread bytes resets the connection, and the answer is lost (RFC 9112 §9.6).
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let in_body = self.scanner.as_ref().map(Scanner::place) == Some(Place::Body);
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

/// Long enough for an honest client to hear us and stop.
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
        if self.lingering.is_none() {
            let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
            ready!(self.watch_write(cx, shut))?;
        }
        self.poll_linger(cx).map(Ok)
    }
}
