//! One connection to the application, with its deadlines.

use super::target::UpstreamStream;
use crate::transport::gather::poll_write_gathered;
use crate::transport::timer::{Timer, deadline_after};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// How long the application may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkDeadlines {
    pub(super) response: Duration,
    pub(super) progress: Duration,
    pub(super) keep_alive: Duration,
}

/// The state of a connection, shared with the sender of its request.
#[derive(Debug)]
pub(super) struct Exchange {
    // Atomic as hyper wants an upgradeable stream to be `Send`. One thread uses them, so relaxed
    // ordering is enough.
    phase: AtomicU8,
    written: AtomicU64,
    late: AtomicBool,
    given_up: AtomicBool,
    open: Arc<AtomicUsize>,
}

/// What the connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum LinkPhase {
    /// The next request, in the pool.
    Idle = 0,
    /// The head of a response.
    Response = 1,
    /// More of a body.
    Body = 2,
    /// Not HTTP any more; the tunnel has deadlines of its own.
    Tunnel = 3,
}

impl Exchange {
    /// A connection that is counted in `open` until it is dropped.
    pub(super) fn counted(open: Arc<AtomicUsize>) -> Arc<Self> {
        open.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self {
            phase: AtomicU8::new(LinkPhase::Idle as u8),
            written: AtomicU64::new(0),
            late: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
            open,
        })
    }

    /// Sets what is waited for from now on.
    pub(super) fn enter(&self, phase: LinkPhase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// How many bytes were ever written on this connection.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Whether anything was written since `before`. If not, nothing ever will be: what is still
    /// on its way to the socket must not arrive after its sender was told that it did not.
    pub(super) fn give_up(&self, before: u64) -> bool {
        let reached = self.written() != before;
        self.given_up.store(!reached, Ordering::Relaxed);
        reached
    }

    /// Whether the connection was ended for being late.
    pub(super) fn was_late(&self) -> bool {
        self.late.load(Ordering::Relaxed)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The byte stream of one upstream connection, with its deadlines.
#[derive(Debug)]
pub(super) struct Link {
    stream: UpstreamStream,
    exchange: Arc<Exchange>,
    deadlines: LinkDeadlines,
    timer: Timer,
    phase: u8,
    since: Instant,
    stalled: Option<Instant>,
    write_timer: Timer,
}

impl Link {
    pub(super) fn new(
        stream: UpstreamStream,
        exchange: Arc<Exchange>,
        deadlines: LinkDeadlines,
    ) -> Self {
        Self {
            stream,
            exchange,
            deadlines,
            timer: Timer::default(),
            phase: LinkPhase::Idle as u8,
            since: Instant::now(),
            stalled: None,
            write_timer: Timer::default(),
        }
    }

    fn poll_read_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        const IDLE: u8 = LinkPhase::Idle as u8;
        const RESPONSE: u8 = LinkPhase::Response as u8;
        const BODY: u8 = LinkPhase::Body as u8;
        let phase = self.exchange.phase.load(Ordering::Relaxed);
        let now = Instant::now();
        if self.phase != phase {
            self.phase = phase;
            self.since = now;
        }
        let limit = match phase {
            IDLE => self.deadlines.keep_alive,
            RESPONSE => self.deadlines.response,
            BODY => self.deadlines.progress,
            _ => {
                // A tunnel: `tunnel::carry` keeps its deadline.
                self.timer.disarm();
                return Poll::Pending;
            }
        };
        let deadline = deadline_after(self.since, limit);
        match self.timer.poll(cx, now, deadline) {
            Poll::Pending => Poll::Pending,
            // An idle connection ends as if the application had closed it.
            Poll::Ready(()) if phase == IDLE => Poll::Ready(Ok(())),
            Poll::Ready(()) => Poll::Ready(Err(self.be_late())),
        }
    }

    fn refuse_if_given_up(&self) -> io::Result<()> {
        if self.exchange.given_up.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    fn be_late(&self) -> io::Error {
        self.exchange.late.store(true, Ordering::Relaxed);
        io::ErrorKind::TimedOut.into()
    }

    fn watch_write(
        &mut self,
        cx: &mut Context<'_>,
        wrote: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = wrote {
            self.stalled = None;
            if let Ok(bytes) = &result {
                self.exchange
                    .written
                    .fetch_add(*bytes as u64, Ordering::Relaxed);
            }
            // A long upload is not a late response: the wait begins with its last byte.
            if self.phase == LinkPhase::Response as u8 {
                self.since = Instant::now();
            }
            return Poll::Ready(result);
        }
        if self.exchange.phase.load(Ordering::Relaxed) == LinkPhase::Tunnel as u8 {
            return Poll::Pending;
        }
        let now = Instant::now();
        let deadline = deadline_after(*self.stalled.get_or_insert(now), self.deadlines.progress);
        self.write_timer
            .poll(cx, now, deadline)
            .map(|()| Err(self.be_late()))
    }
}

impl AsyncRead for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Pending => self.poll_read_deadline(cx),
            Poll::Ready(result) => {
                if self.phase == LinkPhase::Body as u8 {
                    self.since = Instant::now();
                }
                Poll::Ready(result)
            }
        }
    }
}

impl AsyncWrite for Link {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.refuse_if_given_up()?;
        let wrote = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch_write(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.refuse_if_given_up()?;
        let wrote = poll_write_gathered(Pin::new(&mut self.stream), cx, bufs);
        self.watch_write(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
