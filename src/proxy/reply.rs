//! The body of an answer: ours, or the application's.

use crate::request::headers::cleanse_trailers;
use crate::session::open::Opened;
use crate::transport::upstream::UpstreamBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The body of an answer.
#[derive(Debug)]
pub(crate) struct Reply {
    content: Content,
    /// It ends with its session.
    opened: Option<Opened>,
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
            opened: None,
        }
    }

    /// Whether it is still to come, in part at least; an answer of ours is there already.
    pub(crate) fn is_streamed(&self) -> bool {
        !matches!(self.content, Content::Own(_))
    }

    /// Is known to be open until the last byte.
    pub(crate) fn opened(mut self, opened: Option<Opened>) -> Self {
        self.opened = opened;
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
        match &mut self.get_mut().content {
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
