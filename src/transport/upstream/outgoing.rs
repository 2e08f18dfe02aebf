//! The body of a request on its way to the application.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A request body on its way to the application.
#[derive(Debug)]
pub enum Outgoing {
    /// Read already, because a matcher had to; sent byte for byte.
    Read(Option<Bytes>),
    /// Streamed as it comes, up to a number of bytes.
    Streamed {
        /// What the client sends.
        body: Incoming,
        /// How many bytes may still come.
        left: u64,
    },
}

/// Why a request body could not be passed on.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// The client stopped, or sent something that is no body.
    #[error("the client's body broke off")]
    Client(#[source] hyper::Error),
    /// It is longer than the settings allow.
    #[error("the request body is longer than the settings allow")]
    TooLarge,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = OutgoingError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, OutgoingError>>> {
        match self.get_mut() {
            Self::Read(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Streamed { body, left } => {
                Pin::new(body).poll_frame(cx).map(|frame| match frame? {
                    Err(error) => Some(Err(OutgoingError::Client(error))),
                    Ok(frame) => {
                        // Request trailers end here: an application might take them for headers.
                        let size = frame.data_ref()?.len() as u64;
                        match left.checked_sub(size) {
                            Some(rest) => *left = rest,
                            None => return Some(Err(OutgoingError::TooLarge)),
                        }
                        Some(Ok(frame))
                    }
                })
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Read(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Streamed { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Read(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Streamed { body, .. } => body.size_hint(),
        }
    }
}
