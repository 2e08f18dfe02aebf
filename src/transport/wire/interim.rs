//! Interim responses (RFC 9110 §15.2), written between the responses that hyper writes.
//!
//! hyper's server cannot send them, so the wire does, and only where it is certain to stand between two
//! messages. hyper handles one request of an HTTP/1.1 connection at a time and begins with it when
//! the answer before is encoded to its end; it flushes the wire only when its own buffer is empty.
//! Hence a flush while a request awaits its answer comes after the last byte of everything earlier,
//! and before the first byte of that answer. What cannot be written then is dropped.

use super::tokens::{is_text, is_token};
use super::{ConnectionState, Wire};
use http::{HeaderMap, StatusCode};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use tokio::io::AsyncWrite;

/// How many interim responses of one request are passed on, and how many bytes.
const MOST: u8 = 8;
const MOST_BYTES: usize = 16 * 1024;

/// The interim responses that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Interims(Mutex<InterimQueue>);

#[derive(Debug, Default)]
struct InterimQueue {
    /// The number of the request whose final response is still to come.
    awaited: Option<u32>,
    last: u32,
    sent: u8,
    /// Complete heads, ready to be written.
    heads: Vec<u8>,
}

impl Interims {
    fn lock(&self) -> MutexGuard<'_, InterimQueue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the complete heads that may be written now.
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.lock().heads)
    }
}

/// The final response is still to come until this is dropped; until then interim responses are passed on.
#[derive(Debug)]
pub(crate) struct Awaited {
    state: Arc<ConnectionState>,
    number: u32,
}

impl ConnectionState {
    /// Marks the one request in flight of an HTTP/1.1 connection as awaiting its final response.
    pub(crate) fn await_answer(self: &Arc<Self>) -> Awaited {
        let mut queue = self.interims.lock();
        queue.last = queue.last.wrapping_add(1);
        queue.sent = 0;
        queue.awaited = Some(queue.last);
        Awaited {
            state: self.clone(),
            number: queue.last,
        }
    }
}

impl Awaited {
    /// Takes interim responses to this request, and wakes the connection that is to write them.
    pub(crate) fn sender(&self, connection: Waker) -> impl Fn(StatusCode, HeaderMap) + use<> {
        let (state, number) = (self.state.clone(), self.number);
        move |status, headers| {
            let mut queue = state.interims.lock();
            // A late interim response must not come before the response to another request.
            if queue.awaited == Some(number) && queue.sent < MOST {
                let head = encode(status, &headers);
                if queue.heads.len() + head.len() <= MOST_BYTES {
                    queue.sent += 1;
                    queue.heads.extend_from_slice(&head);
                    connection.wake_by_ref();
                }
            }
        }
    }

    /// Yields once, so that `Wire` writes what came just before the final response.
    pub(crate) async fn flush(self) {
        if !self.state.interims.lock().heads.is_empty() {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        let mut queue = self.state.interims.lock();
        // hyper is about to write the final response, or the request was dropped.
        queue.awaited = None;
        queue.heads = Vec::new();
    }
}

/// The head, in the bytes of HTTP/1.1; there is no body.
fn encode(status: StatusCode, headers: &HeaderMap) -> Vec<u8> {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
    for (name, value) in headers {
        let (name, value) = (name.as_str().as_bytes(), value.as_bytes());
        // The types promise as much. Checked again, since a CR or LF here would split the response.
        if is_token(name) && is_text(value) {
            head.extend_from_slice(&[name, b": ", value, b"\r\n"].concat());
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    /// Writes the interim responses that wait. Must be called only where hyper has nothing left to write, or
    /// where a head was written in part: then the rest of it goes first.
    pub(super) fn poll_interims(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.interim.is_empty() {
            self.interim = self.state.interims.take();
        }
        while !self.interim.is_empty() {
            let wrote = Pin::new(&mut self.stream).poll_write(cx, &self.interim);
            let wrote = ready!(self.watch_write(cx, wrote))?;
            if wrote == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.interim.drain(..wrote);
            if self.interim.is_empty() {
                self.interim = Vec::new();
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
