//! Parking: between requests that are far apart a connection keeps only its stream.

use super::{Wire, WirePhase};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};

/// A connection is parked after one to two times this without traffic: longer than the pause between the
/// requests of one page, and short beside the idle deadline.
pub(crate) const PARK_AFTER: Duration = Duration::from_millis(50);

impl<S> Wire<S> {
    /// The stream of a parked connection.
    pub(crate) fn into_stream(self) -> S {
        self.stream
    }

    /// Whether the idle reaper asked for it, and the stream is all there is to keep: everything is
    /// written, and no violation is waiting for its response.
    pub(super) fn may_park(&self) -> bool {
        self.state.is_park_requested()
            && self.scanner.is_some()
            && !self.refused
            && self.interim.is_empty()
            && self.writing.phase == WirePhase::Idle
            && PARK_AFTER < self.deadlines.idle
    }
}

/// Appends the next bytes of `stream` to `read`; fails at its end. The buffer is there only while it is
/// polled: thousands of parked connections wait here.
pub(crate) async fn read_some<S>(stream: &mut S, read: &mut Vec<u8>) -> io::Result<()>
where
    S: AsyncRead + Unpin,
{
    poll_fn(|cx| {
        let mut buffer = [0; 2048];
        let mut buffer = ReadBuf::new(&mut buffer);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        read.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(()))
    })
    .await
}
