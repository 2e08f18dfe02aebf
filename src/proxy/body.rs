//! The response body: ours, or the application's.

use super::injection::{InjectedBody, Injector};
use crate::request::headers::cleanse_trailers;
use crate::session::open::Opened;
use crate::transport::upstream::UpstreamBody;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A response body.
#[derive(Debug)]
pub(crate) struct ProxyBody {
    source: BodySource,
    /// Ends the response with its session.
    opened: Option<Opened>,
}

#[derive(Debug)]
enum BodySource {
    /// The application's, with our tag in it.
    Injected(Box<InjectedBody<ProxyBody>>),
    Own(Option<Bytes>),
    /// A message of gRPC, and what comes behind it.
    Rpc(Option<Bytes>, Option<HeaderMap>),
    Upstream(UpstreamBody),
    /// The application's, of which the beginning was read.
    Continued(Option<Bytes>, UpstreamBody),
}

impl ProxyBody {
    /// A body of ours.
    pub(crate) fn own(bytes: impl Into<Bytes>) -> Self {
        Self::of(BodySource::Own(
            Some(bytes.into()).filter(|bytes: &Bytes| !bytes.is_empty()),
        ))
    }

    /// A message of gRPC: its trailers say that it is all.
    pub(crate) fn rpc(message: Bytes, trailers: HeaderMap) -> Self {
        Self::of(BodySource::Rpc(Some(message), Some(trailers)))
    }

    /// The bytes of a body of ours.
    pub(crate) fn into_own(self) -> Bytes {
        match self.source {
            BodySource::Own(bytes) => bytes.unwrap_or_default(),
            BodySource::Injected(_)
            | BodySource::Rpc(..)
            | BodySource::Upstream(_)
            | BodySource::Continued(..) => Bytes::new(),
        }
    }

    /// The application's body, of which `read` was read already.
    pub(crate) fn continued(read: Bytes, rest: UpstreamBody) -> Self {
        Self::of(if read.is_empty() {
            BodySource::Upstream(rest)
        } else {
            BodySource::Continued(Some(read), rest)
        })
    }

    /// Puts our tag into it, if it is to.
    pub(crate) fn injected(self, injector: Option<Injector>) -> Self {
        match injector {
            Some(injector) => {
                let body = InjectedBody::new(self, injector);
                Self::of(BodySource::Injected(Box::new(body)))
            }
            None => self,
        }
    }

    fn of(source: BodySource) -> Self {
        Self {
            source,
            opened: None,
        }
    }

    /// Whether the application still sends it; a body of ours is complete.
    pub(crate) fn is_streamed(&self) -> bool {
        !matches!(self.source, BodySource::Own(_) | BodySource::Rpc(..))
    }

    /// Registers the response as open until its last byte.
    pub(crate) fn opened(mut self, opened: Option<Opened>) -> Self {
        self.opened = opened;
        self
    }
}

impl Body for ProxyBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut self.get_mut().source {
            BodySource::Injected(body) => Pin::new(body).poll_frame(cx),
            BodySource::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            // gRPC over HTTP/2: without `grpc-status` behind it a message counts for nothing.
            BodySource::Rpc(None, trailers) => Poll::Ready(
                trailers
                    .take()
                    .map(|trailers| Ok(Frame::trailers(trailers))),
            ),
            BodySource::Rpc(read @ Some(_), _) | BodySource::Continued(read @ Some(_), _) => {
                Poll::Ready(read.take().map(|bytes| Ok(Frame::data(bytes))))
            }
            BodySource::Continued(None, body) | BodySource::Upstream(body) => {
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
        match &self.source {
            BodySource::Injected(body) => body.is_end_stream(),
            BodySource::Own(bytes) => bytes.is_none(),
            BodySource::Rpc(message, trailers) => message.is_none() && trailers.is_none(),
            BodySource::Continued(read, rest) => read.is_none() && rest.is_end_stream(),
            BodySource::Upstream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            BodySource::Injected(body) => body.size_hint(),
            BodySource::Own(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
            // `Content-Length`, where the application sent one, tells the length.
            BodySource::Rpc(..) | BodySource::Continued(..) => SizeHint::default(),
            BodySource::Upstream(body) => body.size_hint(),
        }
    }
}
