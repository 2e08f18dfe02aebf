//! Moves the bytes of one connection: commands out, replies in, each to the seat whose turn it is.

use super::pipeline::{CallError, ConnectionError, Pipeline};
use super::reply::{Frames, MalformedReply, Reply};
use bytes::BytesMut;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// Room for what is received, made when there is less than the second. A reply that is larger
/// takes its buffer along.
const ROOM: usize = 16 * 1024;
const LEAST_ROOM: usize = 1024;

/// A way to the server.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The task of a connection; it ends with why the connection did.
///
/// It is woken once for all commands of a turn of the runtime, and sends them in one piece.
pub(super) struct Driver {
    stream: Box<dyn Stream>,
    pipeline: Arc<Pipeline>,
    sending: Vec<u8>,
    /// How much of that is sent.
    sent: usize,
    received: BytesMut,
    frames: Frames,
    woken: Vec<Waker>,
}

impl Driver {
    pub(super) fn new(stream: Box<dyn Stream>, pipeline: Arc<Pipeline>) -> Self {
        Self {
            stream,
            pipeline,
            sending: Vec::new(),
            sent: 0,
            received: BytesMut::new(),
            frames: Frames::default(),
            woken: Vec::new(),
        }
    }

    /// Sends until nothing is left to send; ready only with a failure.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<ConnectionError> {
        loop {
            if let Err(cause) = self.pipeline.collect(&mut self.sending, context) {
                return Poll::Ready(cause);
            }
            let Some(rest @ [_, ..]) = self.sending.get(self.sent..) else {
                break;
            };
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest)) {
                Ok(0) => return Poll::Ready(ConnectionError::Broken),
                Ok(count) => self.sent += count,
                Err(error) => return Poll::Ready(error.into()),
            }
            if self.sent == self.sending.len() {
                self.sending.clear();
                self.sent = 0;
            }
        }
        match ready!(Pin::new(&mut self.stream).poll_flush(context)) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(error.into()),
        }
    }

    /// Receives until nothing is there to receive; ready only with a failure.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<ConnectionError> {
        loop {
            if self.received.capacity() - self.received.len() < LEAST_ROOM {
                self.received.reserve(ROOM);
            }
            let reading = pin!(self.stream.read_buf(&mut self.received));
            match ready!(reading.poll(context)) {
                Ok(0) => return Poll::Ready(ConnectionError::Broken),
                Ok(_) => {}
                Err(error) => return Poll::Ready(error.into()),
            }
            let outcome = self.hand_out();
            self.woken.drain(..).for_each(Waker::wake);
            if let Err(malformed) = outcome {
                return Poll::Ready(malformed.into());
            }
        }
    }

    fn hand_out(&mut self) -> Result<(), MalformedReply> {
        let (received, frames) = (&mut self.received, &mut self.frames);
        let next = || {
            let Some(length) = frames.next(received)? else {
                return Ok(None);
            };
            let reply = Reply::new(received.split_to(length).freeze());
            if length > ROOM {
                *received = BytesMut::from(&received[..]);
            }
            Ok(Some(reply))
        };
        self.pipeline.hand_out(next, &mut self.woken)?;
        if !self.received.is_empty() && !self.pipeline.is_waiting() {
            return Err(MalformedReply::Unasked);
        }
        Ok(())
    }
}

impl Future for Driver {
    type Output = ConnectionError;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<ConnectionError> {
        let driver = self.get_mut();
        let sending = driver.poll_send(context);
        // What came before the connection broke is still handed out.
        let receiving = driver.poll_receive(context);
        let ((Poll::Ready(cause), _) | (_, Poll::Ready(cause))) = (sending, receiving) else {
            return Poll::Pending;
        };
        driver
            .pipeline
            .end(CallError::ConnectionLost(cause.clone()));
        Poll::Ready(cause)
    }
}
