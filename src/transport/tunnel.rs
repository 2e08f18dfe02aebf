//! The tunnel of an upgraded connection: bytes both ways, until both sides end or an idle deadline passes.

use super::timer::deadline_after;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::time::{Instant, sleep_until};

/// Copies bytes both ways until both sides have ended, or neither sent a byte for `silence`.
pub(crate) async fn carry(client: Upgraded, upstream: Upgraded, silence: Duration) {
    let last_read = Rc::new(Cell::new(Instant::now()));
    let mut client = TunnelSide {
        side: TokioIo::new(client),
        at: last_read.clone(),
    };
    let mut upstream = TunnelSide {
        side: TokioIo::new(upstream),
        at: last_read.clone(),
    };
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
    tokio::select! {
        ended = copy_bidirectional(&mut client, &mut upstream) => {
            // On an error both sides are closed by the drop.
            let _: io::Result<(u64, u64)> = ended;
        }
        () = both_silent => {}
    }
}

/// One side of the tunnel, which records the time of its last read.
struct TunnelSide {
    side: TokioIo<Upgraded>,
    at: Rc<Cell<Instant>>,
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
