//! The streams of an HTTP/2 connection: their tasks, and the reset of stalled ones.
//!
//! When a client opens no flow-control window (RFC 9113 §5.2), hyper does not poll the response body: no
//! deadline within the body is checked, and each such stream would hold a connection to the application.
//! So the task of the connection checks its streams.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Checks within the progress deadline; a stream is reset that fraction of it late at most.
const CHECKS: u32 = 4;

/// Spawns the stream tasks of a connection on its thread, and tracks them.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams(Rc<RefCell<StreamList>>);

#[derive(Debug, Default)]
struct StreamList {
    /// The stream whose request hyper handed over last; its task is spawned next.
    begun: Option<Rc<Stream>>,
    streams: Vec<Weak<Stream>>,
    /// At this length ended streams are removed.
    most: usize,
}

/// The state of one stream, shared by its response body and the checks.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Since when the client has taken no byte of the data that is ready for it.
    pending_since: Cell<Option<Instant>>,
    reset: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Streams {
    /// A request was received; the task of its stream is spawned next.
    pub(super) fn begin(&self) -> Rc<Stream> {
        let stream = Rc::new(Stream::default());
        self.0.borrow_mut().begun = Some(stream.clone());
        stream
    }

    /// Resets every stream whose client takes no byte of the response for `limit`.
    pub(super) async fn reset_stalled(&self, limit: Duration) -> Infallible {
        loop {
            sleep(limit / CHECKS).await;
            let now = Instant::now();
            let list = self.0.borrow();
            let streams = list.streams.iter().filter_map(Weak::upgrade);
            for stream in streams.filter(|stream| stream.is_stalled(now, limit)) {
                stream.cut_off();
            }
        }
    }
}

impl StreamList {
    fn spawned(&mut self, stream: &Rc<Stream>) {
        if self.streams.len() >= self.most {
            self.streams.retain(|stream| stream.strong_count() > 0);
            // Doubled, so that the removal costs each stream the same however many there are.
            self.most = 32.max(2 * self.streams.len());
        }
        self.streams.push(Rc::downgrade(stream));
    }
}

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Streams {
    fn execute(&self, future: F) {
        let mut list = self.0.borrow_mut();
        let Some(stream) = list.begun.take() else {
            // A task of hyper's own, not of a request.
            tokio::task::spawn_local(future);
            return;
        };
        list.spawned(&stream);
        let future = Box::pin(future);
        tokio::task::spawn_local(StreamTask { future, stream });
    }
}

/// Runs a stream to its end, or until it is reset. Boxed, as it is large, and is moved.
struct StreamTask<F> {
    future: Pin<Box<F>>,
    stream: Rc<Stream>,
}

impl<F: Future<Output = ()>> Future for StreamTask<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // hyper sends RST_STREAM when the future is dropped before its end (RFC 9113 §5.4.2).
        if self.stream.reset.get() {
            return Poll::Ready(());
        }
        // A task's waker stays the same.
        let mut waker = self.stream.waker.borrow_mut();
        waker.get_or_insert_with(|| cx.waker().clone());
        drop(waker);
        self.future.as_mut().poll(cx)
    }
}

impl Stream {
    /// Data is ready for the client.
    pub(super) fn set_pending(&self) {
        self.pending_since.set(Some(Instant::now()));
    }

    /// The client has taken all data that was ready.
    pub(super) fn clear_pending(&self) {
        self.pending_since.set(None);
    }

    fn is_stalled(&self, now: Instant, limit: Duration) -> bool {
        let since = self.pending_since.get();
        since.is_some_and(|since| now.duration_since(since) >= limit)
    }

    /// Resets the stream, whether its response has begun or not.
    pub(crate) fn cut_off(&self) {
        self.reset.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
