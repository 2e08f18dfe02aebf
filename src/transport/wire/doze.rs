//! Rest between requests: a connection whose client is silent gives up all but its socket.

use super::{Phase, Wire};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};

/// How long a client is silent at least before its connection dozes, and at most twice as long: longer
/// than between the requests of one page, and short beside the time that connections are kept.
pub(crate) const DOZE_AFTER: Duration = Duration::from_millis(50);

impl<S> Wire<S> {
    /// The stream, of a connection that dozes.
    pub(crate) fn into_stream(self) -> S {
        self.stream
    }

    /// Whether the client has been silent for a while, and the stream is all there is to keep: what was
    /// answered is written, and nothing will be refused.
    pub(super) fn may_doze(&self) -> bool {
        self.line.is_drowsy()
            && self.scanner.is_some()
            && !self.refused
            && self.interim.is_empty()
            && self.writing.phase == Phase::Idle
            && DOZE_AFTER < self.deadlines.idle
    }
}

/// Waits for the next bytes. Nothing is kept ready for them meanwhile: thousands wait here.
pub(crate) async fn hear<S>(stream: &mut S, heard: &mut Vec<u8>) -> io::Result<()>
where
    S: AsyncRead + Unpin,
{
    poll_fn(|cx| {
        let mut room = [0; 2048];
        let mut room = ReadBuf::new(&mut room);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut room))?;
        if room.filled().is_empty() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        heard.extend_from_slice(room.filled());
        Poll::Ready(Ok(()))
    })
    .await
}
