//! A response on its way to the client.

use super::upstream::UpstreamBody;
use super::wire::Occupied;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep, sleep_until};

/// The body of a response; while it lives, its connection is not idle.
#[derive(Debug)]
pub(crate) struct Reply {
    content: Content,
    deadline: Option<Pin<Box<Sleep>>>,
    occupied: Option<Occupied>,
}

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
        match &mut this.content {
            Content::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Continued(read @ Some(_), _) => {
                Poll::Ready(read.take().map(|bytes| Ok(Frame::data(bytes))))
            }
            Content::Continued(None, body) | Content::Upstream(body) => Pin::new(body)
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(Into::into))),
        }
    }

    fn is_end_stream(&self) -> bool {
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
