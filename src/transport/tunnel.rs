//! What an upgrade becomes: bytes both ways, until one side ends or both fall silent.

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

/// Carries bytes between the two sides until both have ended, or none spoke for `silence`.
pub(crate) async fn carry(client: Upgraded, upstream: Upgraded, silence: Duration) {
    let heard = Rc::new(Cell::new(Instant::now()));
    let mut client = Heard {
        side: TokioIo::new(client),
        at: heard.clone(),
    };
    let mut upstream = Heard {
        side: TokioIo::new(upstream),
        at: heard.clone(),
    };
    let both_silent = async {
        loop {
            let deadline = deadline_after(heard.get(), silence);
            if Instant::now() >= deadline {
                return;
            }
            sleep_until(deadline).await;
        }
    };
    tokio::select! {
        ended = copy_bidirectional(&mut client, &mut upstream) => {
            // Whichever side broke off, the other hears the end of it when both are dropped.
            let _: io::Result<(u64, u64)> = ended;
        }
        () = both_silent => {}
    }
}

/// Notes when something was last read.
struct Heard {
    side: TokioIo<Upgraded>,
    at: Rc<Cell<Instant>>,
}

impl AsyncRead for Heard {
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

impl AsyncWrite for Heard {
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
