//! The client's side of a connection: its bytes, its deadlines, and what it was caught doing.

mod scan;

pub(crate) use scan::{Place, Scanner, Violation};

use super::alarm::{Alarm, later};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// How long the client's side may take.
#[derive(Clone, Copy, Debug)]
pub struct ClientDeadlines {
    /// From the first byte of a request to the end of its headers.
    pub header: Duration,
    /// Between two reads of a request body, and between two writes of a response.
    pub progress: Duration,
    /// Between two requests on a kept-alive connection.
    pub idle: Duration,
}

/// What the handlers of a connection and its bytes know of each other.
#[derive(Debug, Default)]
pub(crate) struct Line {
    violation: OnceLock<Violation>,
    in_flight: AtomicUsize,
    tunnel: AtomicBool,
}

impl Line {
    /// What the client was caught doing on this connection, if anything.
    pub(crate) fn violation(&self) -> Option<Violation> {
        self.violation.get().copied()
    }

    /// Tells the connection that a request is being answered, until the guard is dropped.
    pub(crate) fn occupy(self: &Arc<Self>) -> Occupied {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Occupied(self.clone())
    }

    /// From here on the bytes are not HTTP any more; the tunnel has deadlines of its own.
    pub(crate) fn become_tunnel(&self) {
        self.tunnel.store(true, Ordering::Relaxed);
    }

    fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0
    }
}

/// A request is being answered while this lives.
#[derive(Debug)]
pub(crate) struct Occupied(Arc<Line>);

impl Drop for Occupied {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The bytes of one client connection, watched.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    /// What was read to tell HTTP/2 from HTTP/1, still to be handed on.
    prefix: Vec<u8>,
    /// `None` for HTTP/2, whose framing its own library checks.
    scanner: Option<Scanner>,
    line: Arc<Line>,
    deadlines: ClientDeadlines,
    reading: Waiting,
    writing: Waiting,
}

/// What one direction waits for, and since when.
#[derive(Debug)]
struct Waiting {
    alarm: Alarm,
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
            alarm: Alarm::default(),
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
        line: Arc<Line>,
        deadlines: ClientDeadlines,
    ) -> Self {
        let now = Instant::now();
        Self {
            stream,
            prefix,
            scanner,
            line,
            deadlines,
            reading: Waiting::new(now),
            writing: Waiting::new(now),
        }
    }

    fn phase(&self) -> Phase {
        let busy = self.line.is_busy();
        match self.scanner.as_ref().map(Scanner::place) {
            Some(Place::Body) => Phase::Body,
            Some(Place::Head) => Phase::Head,
            None | Some(Place::Idle) if busy => Phase::Ours,
            None | Some(Place::Idle) => Phase::Idle,
        }
    }

    fn poll_read_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if self.line.tunnel.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let now = Instant::now();
        let phase = self.phase();
        self.reading.enter(phase, now);
        let limit = match phase {
            // Whoever answers may be another task: look again before the client may be called idle.
            Phase::Ours => {
                let again = later(now, self.deadlines.idle);
                return match self.reading.alarm.poll(cx, now, again) {
                    Poll::Ready(()) | Poll::Pending => Poll::Pending,
                };
            }
            Phase::Body => self.deadlines.progress,
            Phase::Head => self.deadlines.header,
            Phase::Idle => self.deadlines.idle,
        };
        let deadline = later(self.reading.since, limit);
        self.reading
            .alarm
            .poll(cx, now, deadline)
            .map(|()| io::ErrorKind::TimedOut.into())
    }

    /// Follows what was just read. A broken head is answered by the handler, which sees the
    /// violation; a broken body is an error at once, before any of it is handed on.
    fn follow(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.line.tunnel.load(Ordering::Relaxed) {
            self.scanner = None;
            return Ok(());
        }
        let Some(scanner) = &mut self.scanner else {
            return Ok(());
        };
        if self.line.violation.get().is_some() {
            return Ok(());
        }
        let Err(violation) = scanner.scan(bytes) else {
            if scanner.place() == Place::Body {
                self.reading.since = Instant::now();
            }
            return Ok(());
        };
        let _ = self.line.violation.set(violation);
        if scanner.place() == Place::Body && violation != Violation::Fragment {
            return Err(io::Error::new(io::ErrorKind::InvalidData, violation));
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        let before = buf.filled().len();
        if wire.prefix.is_empty() {
            match Pin::new(&mut wire.stream).poll_read(cx, buf) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return wire.poll_read_deadline(cx).map(Err),
            }
        } else {
            let take = wire.prefix.len().min(buf.remaining());
            buf.put_slice(wire.prefix.get(..take).unwrap_or_default());
            wire.prefix.drain(..take);
            if wire.prefix.is_empty() {
                wire.prefix = Vec::new();
            }
        }
        let read = buf.filled().get(before..).unwrap_or_default();
        Poll::Ready(wire.follow(read))
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
        if self.line.tunnel.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let now = Instant::now();
        self.writing.enter(Phase::Body, now);
        let deadline = later(self.writing.since, self.deadlines.progress);
        self.writing
            .alarm
            .poll(cx, now, deadline)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch_write(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch_write(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch_write(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch_write(cx, shut)
    }
}
