//! The tunnel of an upgraded connection: bytes both ways, until both sides end, an idle deadline passes, or it is
//! ended from outside.

use super::timer::deadline_after;
use super::web_socket::{self, FrameCursor};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::cell::Cell;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, copy, copy_bidirectional, sink};
use tokio::time::{Instant, sleep_until, timeout};

/// How long the frame under way may take to end, and how long the client may take to hang up, once a WebSocket is ended.
const GRACE: Duration = Duration::from_millis(300);

/// What is said in a tunnel, as far as that matters for its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoken {
    /// Bytes that nobody here can read.
    Bytes,
    /// WebSocket frames (RFC 6455 §5.2): the client is told of the end by one of them.
    WebSocket,
}

/// Copies bytes both ways until both sides have ended, or neither sent a byte for `silence`, or `end` resolves. Then the
/// client of a WebSocket gets a close frame with 1008 (RFC 6455 §7.4.1), and nothing more is read of what it sends.
pub(crate) async fn carry(
    client: Upgraded,
    upstream: Upgraded,
    spoken: Spoken,
    silence: Duration,
    end: impl Future<Output = ()>,
) {
    let last_read = Rc::new(Cell::new(Instant::now()));
    let is_ending = Cell::new(false);
    let mut client = TunnelClient {
        side: TunnelSide::new(client, &last_read),
        sent: FrameCursor::default(),
        spoken,
        is_ending: &is_ending,
    };
    let mut upstream = TunnelSide::new(upstream, &last_read);
    // One deadline for both directions: in a download only one side sends.
    let both_silent = async {
        loop {
            let deadline = deadline_after(last_read.get(), silence);
            if Instant::now() >= deadline {
                return;
            }
            sleep_until(deadline).await;
        }
    };
    let was_ended = {
        let mut copying = pin!(copy_bidirectional(&mut client, &mut upstream));
        tokio::select! {
            ended = &mut copying => {
                // On an error both sides are closed by the drop.
                let _: io::Result<(u64, u64)> = ended;
                false
            }
            () = both_silent => false,
            () = end => {
                is_ending.set(true);
                if spoken == Spoken::WebSocket {
                    // To the end of the frame under way, where the copying fails.
                    let _ = timeout(GRACE, copying).await;
                }
                true
            }
        }
    };
    if was_ended {
        client.say_why().await;
    }
}

/// One side of the tunnel, which records the time of its last read.
struct TunnelSide {
    side: TokioIo<Upgraded>,
    at: Rc<Cell<Instant>>,
}

impl TunnelSide {
    fn new(side: Upgraded, at: &Rc<Cell<Instant>>) -> Self {
        Self {
            side: TokioIo::new(side),
            at: at.clone(),
        }
    }
}

/// The client's side, which knows whether a frame to the client is under way.
struct TunnelClient<'t> {
    side: TunnelSide,
    sent: FrameCursor,
    spoken: Spoken,
    is_ending: &'t Cell<bool>,
}

impl TunnelClient<'_> {
    /// Sends the close frame, if none is under way that it would be taken for a part of.
    async fn say_why(&mut self) {
        if self.spoken != Spoken::WebSocket || !self.sent.takes_frame() {
            return;
        }
        let client = &mut self.side.side;
        let farewell = async {
            client.write_all(web_socket::POLICY_VIOLATION).await?;
            client.shutdown().await?;
            // With bytes unread, closing is a reset, and may overtake the frame.
            copy(client, &mut sink()).await
        };
        let _ = timeout(GRACE, farewell).await;
    }
}

impl AsyncRead for TunnelClient<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_ending.get() {
            return Poll::Pending;
        }
        Pin::new(&mut self.side).poll_read(cx, buf)
    }
}

impl AsyncWrite for TunnelClient<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.spoken == Spoken::Bytes {
            return Pin::new(&mut this.side).poll_write(cx, buf);
        }
        if this.is_ending.get() {
            buf = this.sent.rest_of_frame(buf);
            if buf.is_empty() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
        }
        let written = Pin::new(&mut this.side).poll_write(cx, buf);
        if let Poll::Ready(Ok(count)) = written {
            this.sent.pass(buf.get(..count).unwrap_or(buf));
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.side).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.side).poll_shutdown(cx)
    }
}

impl AsyncRead for TunnelSide {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.side).poll_read(cx, buf);
        if read.is_ready() {
            self.at.set(Instant::now());
        }
        read
    }
}

impl AsyncWrite for TunnelSide {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.side).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.side).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.side).poll_shutdown(cx)
    }
}
