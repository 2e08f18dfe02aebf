//! The I/O task of one connection: writes commands, reads replies, and completes their slots.

use super::pipeline::{CallError, ConnectionError, Pipeline};
use super::reply::{Frames, MalformedReply, Reply};
use bytes::BytesMut;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// Size of the read buffer, in bytes, and the free space below which it is grown. A larger reply
/// keeps the buffer it was read into.
const ROOM: usize = 16 * 1024;
const LEAST_ROOM: usize = 1024;

/// A connection to the server: TCP, TLS or a Unix socket.
pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// The future of the task; it completes with why the connection ended.
///
/// It is woken once for all commands of one iteration of the runtime, and sends them in one write.
pub(super) struct Driver {
    stream: Box<dyn ByteStream>,
    pipeline: Arc<Pipeline>,
    sending: Vec<u8>,
    /// How many bytes of `sending` are sent.
    sent: usize,
    received: BytesMut,
    frames: Frames,
    woken: Vec<Waker>,
}

impl Driver {
    pub(super) fn new(stream: Box<dyn ByteStream>, pipeline: Arc<Pipeline>) -> Self {
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

    /// Writes until nothing is left to send; ready only with an error.
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

    /// Reads until nothing is left to read; ready only with an error.
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
            let outcome = self.deliver();
            self.woken.drain(..).for_each(Waker::wake);
            if let Err(malformed) = outcome {
                return Poll::Ready(malformed.into());
            }
        }
    }

    fn deliver(&mut self) -> Result<(), MalformedReply> {
        let (received, frames) = (&mut self.received, &mut self.frames);
        let next = || {
            let Some(length) = frames.next(received)? else {
                return Ok(None);
            };
            let reply = Reply::new(received.split_to(length).freeze());
            // The rest is copied: it would keep the memory of the large reply.
            if length > ROOM {
                *received = BytesMut::from(&received[..]);
            }
            Ok(Some(reply))
        };
        self.pipeline.deliver(next, &mut self.woken)?;
        // The next command would take this for its reply, and every later one the reply of another.
        // Bytes without a command: the replies behind them would go to the wrong callers.
        if !self.received.is_empty() && !self.pipeline.is_waiting() {
            return Err(MalformedReply::Unrequested);
        }
        Ok(())
    }
}

impl Future for Driver {
    type Output = ConnectionError;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<ConnectionError> {
        let driver = self.get_mut();
        let sending = driver.poll_send(context);
        // Replies that arrived before the connection broke are still delivered.
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
