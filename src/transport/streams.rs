//! The streams of an HTTP/2 connection: where they run, and when they are cut off.
//!
//! A client that opens no window takes nothing of its answers, and hyper asks for no more of them: no
//! deadline within the answer would ever be looked at, and each would keep a connection to the
//! application. So whoever serves the connection looks after its streams from outside.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Looks in the time that a stream may stand still; it is cut off that much late at most.
const LOOKS: u32 = 4;

/// Spawns the streams of a connection where the connection is, and knows them.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams(Rc<RefCell<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// The stream whose request was handed to us last; hyper spawns it next.
    begun: Option<Rc<Stream>>,
    streams: Vec<Weak<Stream>>,
    /// When there are that many, those that are over are forgotten.
    most: usize,
}

/// One stream, as its answer and whoever looks after it know it.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Since when the client has taken nothing of what is there for it.
    owed_since: Cell<Option<Instant>>,
    cut: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Streams {
    /// A request was received; its stream is spawned next.
    pub(super) fn begin(&self) -> Rc<Stream> {
        let stream = Rc::new(Stream::default());
        self.0.borrow_mut().begun = Some(stream.clone());
        stream
    }

    /// Cuts off every stream whose client takes nothing of its answer for `patience`.
    pub(super) async fn look_after(&self, patience: Duration) -> Infallible {
        loop {
            sleep(patience / LOOKS).await;
            let now = Instant::now();
            let known = self.0.borrow();
            let overdue = known.streams.iter().filter_map(Weak::upgrade);
            for stream in overdue.filter(|stream| stream.is_overdue(now, patience)) {
                stream.cut_off();
            }
        }
    }
}

impl Known {
    fn spawned(&mut self, stream: &Rc<Stream>) {
        if self.streams.len() >= self.most {
            self.streams.retain(|known| known.strong_count() > 0);
            self.most = 32.max(2 * self.streams.len());
        }
        self.streams.push(Rc::downgrade(stream));
    }
}

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Streams {
    fn execute(&self, future: F) {
        let mut known = self.0.borrow_mut();
        let Some(stream) = known.begun.take() else {
            // No stream of a request, but what hyper has beside them.
            tokio::task::spawn_local(future);
            return;
        };
        known.spawned(&stream);
        let future = Box::pin(future);
        tokio::task::spawn_local(Watched { future, stream });
    }
}

/// A stream until its end, or until it is cut off. Boxed, for it is large, and is moved about.
struct Watched<F> {
    future: Pin<Box<F>>,
    stream: Rc<Stream>,
}

impl<F: Future<Output = ()>> Future for Watched<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // What is dropped before its end resets the stream (RFC 9113 §5.4.2).
        if self.stream.cut.get() {
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
    /// There is something for the client, which has not been taken.
    pub(super) fn owes(&self) {
        self.owed_since.set(Some(Instant::now()));
    }

    /// The client waits for more.
    pub(super) fn owes_nothing(&self) {
        self.owed_since.set(None);
    }

    fn is_overdue(&self, now: Instant, patience: Duration) -> bool {
        let since = self.owed_since.get();
        since.is_some_and(|since| now.duration_since(since) >= patience)
    }

    /// Ends it, answered or not.
    pub(crate) fn cut_off(&self) {
        self.cut.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
