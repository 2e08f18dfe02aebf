//! A response on its way to the client.

use super::headers::cleanse_trailers;
use super::open::Opened;
use super::streams::Stream;
use super::upstream::UpstreamBody;
use super::wire::Occupied;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::error::Error;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep, sleep_until};

/// The body of a response; while it lives, its connection is not idle.
#[derive(Debug)]
pub(crate) struct Reply {
    content: Content,
    deadline: Option<Pin<Box<Sleep>>>,
    occupied: Option<Occupied>,
    /// It ends with its session.
    opened: Option<Opened>,
    /// The stream of HTTP/2 that it goes to.
    stream: Option<Rc<Stream>>,
    /// What is left of a frame that is handed out in pieces.
    rest: Bytes,
}

/// What a stream of HTTP/2 is given at a time: a slow client must be seen to take something.
const PIECE: usize = 16 * 1024;

#[derive(Debug)]
enum Content {
    Own(Option<Bytes>),
    Upstream(UpstreamBody),
    /// The application's, of which the beginning was read.
    Continued(Option<Bytes>, UpstreamBody),
}

impl Reply {
    /// A body of ours.
    pub(crate) fn own(bytes: impl Into<Bytes>) -> Self {
        Self::of(Content::Own(
            Some(bytes.into()).filter(|bytes: &Bytes| !bytes.is_empty()),
        ))
    }

    /// The application's body, streamed.
    pub(crate) fn upstream(body: UpstreamBody) -> Self {
        Self::of(Content::Upstream(body))
    }

    /// The application's body, of which `read` was read already.
    pub(crate) fn continued(read: Bytes, rest: UpstreamBody) -> Self {
        Self::of(if read.is_empty() {
            Content::Upstream(rest)
        } else {
            Content::Continued(Some(read), rest)
        })
    }

    fn of(content: Content) -> Self {
        Self {
            content,
            deadline: None,
            occupied: None,
            opened: None,
            stream: None,
            rest: Bytes::new(),
        }
    }

    /// Breaks the response off when the whole request has taken until `deadline`.
    pub(crate) fn until(mut self, deadline: Option<Instant>) -> Self {
        // An answer of ours is there already, and may be the one that tells of the deadline.
        let is_streamed = !matches!(self.content, Content::Own(_));
        let deadline = deadline.filter(|_| is_streamed);
        self.deadline = deadline.map(|deadline| Box::pin(sleep_until(deadline)));
        self
    }

    /// Keeps the connection occupied until the last byte.
    pub(crate) fn occupying(mut self, occupied: Occupied) -> Self {
        self.occupied = Some(occupied);
        self
    }

    /// Is known to be open until the last byte.
    pub(crate) fn opened(mut self, opened: Option<Opened>) -> Self {
        self.opened = opened;
        self
    }

    /// Goes to a stream of HTTP/2, which is cut off when its client takes nothing of it.
    pub(crate) fn on(mut self, stream: Rc<Stream>) -> Self {
        stream.owes();
        self.stream = Some(stream);
        self
    }

    /// The next piece for a stream of HTTP/2: it is asked for only once the client has taken the last.
    fn poll_piece(
        &mut self,
        stream: &Stream,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, <Self as Body>::Error>>> {
        if self.rest.is_empty() {
            stream.owes_nothing();
            match ready!(self.poll_content(cx)).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        stream.owes();
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn poll_content(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, <Self as Body>::Error>>> {
        match &mut self.content {
            Content::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Continued(read @ Some(_), _) => {
                Poll::Ready(read.take().map(|bytes| Ok(Frame::data(bytes))))
            }
            Content::Continued(None, body) | Content::Upstream(body) => {
                let mut frame = ready!(Pin::new(body).poll_frame(cx));
                if let Some(Ok(frame)) = &mut frame
                    && let Some(trailers) = frame.trailers_mut()
                {
                    cleanse_trailers(trailers);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if let Some(deadline) = &mut this.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Some(Err(
                "the request took longer than the settings allow".into()
            )));
        }
        match this.stream.clone() {
            Some(stream) => this.poll_piece(&stream, cx),
            None => this.poll_content(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        if !self.rest.is_empty() {
            return false;
        }
        match &self.content {
            Content::Own(bytes) => bytes.is_none(),
            Content::Continued(read, rest) => read.is_none() && rest.is_end_stream(),
            Content::Upstream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Own(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
            // The head tells the length where it is known.
            Content::Continued(..) => SizeHint::default(),
            Content::Upstream(body) => body.size_hint(),
        }
    }
}
