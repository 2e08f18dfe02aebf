//! What hyper reads from the wire, and writes to it.

use super::scan::{MessagePart, Scanner};
use super::{Violation, Wire, WirePhase};
use crate::transport::gather::poll_write_gathered;
use crate::transport::timer::deadline_after;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// What hyper reads in place of an invalid head. The recorded violation decides its response, not
/// these bytes: a client that sends the same is served as usual.
pub(super) const REFUSED: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

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
    pub(super) fn watch_write<T>(
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

/// Enough for a client to read the response and stop sending.
const LONGEST_LINGER: Duration = Duration::from_secs(2);

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
