//! The response body to the client.

use super::service::TimedResponse;
use super::streams::Stream;
use super::wire::InFlight;
use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use std::error::Error;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::time::{Sleep, sleep_until};

/// A response body; its request is in flight until it is dropped.
#[derive(Debug)]
pub(super) struct ResponseBody<B> {
    body: B,
    deadline: Option<Pin<Box<Sleep>>>,
    _in_flight: InFlight,
    /// The HTTP/2 stream that it goes to; reset when the client stalls.
    stream: Option<Rc<Stream>>,
    /// The rest of a frame that is sent in pieces.
    rest: Bytes,
}

/// Bytes given to an HTTP/2 stream at a time: small enough that a slow client is seen to make progress.
const PIECE: usize = 16 * 1024;

impl<B> ResponseBody<B> {
    /// The response, with this as its body.
    pub(super) fn carry(
        answer: TimedResponse<B>,
        in_flight: InFlight,
        stream: Option<Rc<Stream>>,
    ) -> Response<Self> {
        if let Some(stream) = &stream {
            stream.set_pending();
        }
        let deadline = answer.deadline.map(|at| Box::pin(sleep_until(at)));
        answer.response.map(|body| Self {
            body,
            deadline,
            _in_flight: in_flight,
            stream,
            rest: Bytes::new(),
        })
    }
}

impl<B> ResponseBody<B>
where
    B: Body<Data = Bytes, Error = Box<dyn Error + Send + Sync>>,
{
    /// The next piece for an HTTP/2 stream; hyper polls for it only once the client has taken the last.
    fn poll_piece(
        mut self: Pin<&mut Self>,
        stream: &Stream,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>>
    where
        B: Unpin,
    {
        if self.rest.is_empty() {
            stream.clear_pending();
            let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
            match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        stream.set_pending();
        let next = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(next)))))
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body<Data = Bytes, Error = Box<dyn Error + Send + Sync>> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            // An error and not an end: the client must see that the response is incomplete (RFC
            // 9112 §8).
            return Poll::Ready(Some(Err(
                "the request took longer than the settings allow".into()
            )));
        }
        match self.stream.clone() {
            Some(stream) => self.poll_piece(&stream, cx),
            None => Pin::new(&mut self.body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
