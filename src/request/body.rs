//! The request body until it is forwarded: a stream with deadlines, or the bytes if it was read.

use crate::domain::Reason;
use crate::transport::timer::deadline_after;
use crate::transport::upstream::Outgoing;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::io;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A request body: a stream, or its bytes once a route or an endpoint has read it; or one that we are not shown.
#[derive(Debug)]
pub(crate) enum RequestBody {
    Read(Bytes),
    Streamed {
        body: Incoming,
        /// The limit on its length, in bytes.
        limit: u64,
        deadlines: BodyDeadlines,
    },
    /// The proxy that asks about the request keeps it to itself: it may hold anything.
    Withheld,
}

/// Why a request body cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestBodyError {
    /// The connection or stream ended within it.
    #[error("the body of the request broke off")]
    Broken(#[source] hyper::Error),
    /// A deadline passed.
    #[error("the body of the request did not come in time")]
    Slow,
    /// It is over the limit.
    #[error("the body is larger than {0} bytes, and a guarded route must read all of it")]
    TooLarge(usize),
    /// The proxy that asks does not tell it.
    #[error("what the request needs depends on its body, which the proxy that asks does not tell")]
    Withheld,
}

impl RequestBodyError {
    /// The reason in responses and the audit log.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Broken(error) => reason_of_broken(error),
            Self::Slow => Reason::RequestTimeout,
            Self::TooLarge(_) => Reason::BodyTooLarge,
            Self::Withheld => Reason::AmbiguousRequest,
        }
    }

    /// Whether the client is sent the message: it is about what the client sent itself.
    pub(crate) fn is_shown_to_client(&self) -> bool {
        match self {
            Self::Broken(_) => false,
            Self::Slow | Self::TooLarge(_) | Self::Withheld => true,
        }
    }
}

/// The reason for an incomplete body: a deadline that `Wire` keeps, or a broken connection.
pub(crate) fn reason_of_broken(error: &hyper::Error) -> Reason {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref());
    if cause.map(io::Error::kind) == Some(io::ErrorKind::TimedOut) {
        Reason::RequestTimeout
    } else {
        Reason::AmbiguousRequest
    }
}

/// The deadlines of a request body that is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyDeadlines {
    /// Between two frames. For HTTP/1 `Wire` keeps it as well; streams of HTTP/2 share one connection.
    pub(crate) progress: Duration,
    /// The whole body: a client that sends a byte now and then makes progress for ever.
    pub(crate) whole: Duration,
    /// The deadline of the whole request, if it has one.
    pub(crate) until: Option<Instant>,
}

impl BodyDeadlines {
    /// The deadline of a body that is read from now on.
    fn end(self) -> Instant {
        let end = deadline_after(Instant::now(), self.whole);
        self.until.map_or(end, |until| until.min(end))
    }

    /// The deadline of the next frame.
    fn next(self, end: Instant) -> Instant {
        deadline_after(Instant::now(), self.progress).min(end)
    }
}

impl RequestBody {
    /// A streamed body of at most `limit` bytes.
    pub(crate) fn new(body: Incoming, limit: u64, deadlines: BodyDeadlines) -> Self {
        Self::Streamed {
            body,
            limit,
            deadlines,
        }
    }

    /// Reads all of it, up to `limit` bytes. The same bytes are forwarded.
    pub(crate) async fn read(&mut self, limit: usize) -> Result<Bytes, RequestBodyError> {
        let too_large = RequestBodyError::TooLarge(limit);
        let (body, deadlines) = match self {
            Self::Read(bytes) => return Ok(bytes.clone()),
            Self::Withheld => return Err(RequestBodyError::Withheld),
            Self::Streamed {
                body, deadlines, ..
            } => (body, *deadlines),
        };
        if body.is_end_stream() {
            *self = Self::Read(Bytes::new());
            return Ok(Bytes::new());
        }
        // Announced by `Content-Length`: refused before a byte of it is read.
        if body.size_hint().lower() > limit as u64 {
            return Err(too_large);
        }
        // Grows with what arrives: an announced length alone takes no memory.
        let mut whole = BytesMut::new();
        let end = deadlines.end();
        while let Some(frame) = timeout_at(deadlines.next(end), body.frame())
            .await
            .map_err(|_| RequestBodyError::Slow)?
        {
            // Trailers are dropped; see `upstream::outgoing`.
            let Ok(data) = frame.map_err(RequestBodyError::Broken)?.into_data() else {
                continue;
            };
            if whole.len() + data.len() > limit {
                return Err(too_large);
            }
            whole.extend_from_slice(&data);
        }
        let bytes = whole.freeze();
        *self = Self::Read(bytes.clone());
        Ok(bytes)
    }

    /// Whether we are not shown it.
    pub(crate) fn is_withheld(&self) -> bool {
        matches!(self, Self::Withheld)
    }

    /// Whether its `Content-Length`, if any, is at most `limit` bytes.
    pub(crate) fn announces_at_most(&self, limit: usize) -> bool {
        match self {
            Self::Read(bytes) => bytes.len() <= limit,
            Self::Withheld => false,
            Self::Streamed { body, .. } => body.size_hint().lower() <= limit as u64,
        }
    }

    /// Its length, where that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Read(bytes) => u64::try_from(bytes.len()).ok(),
            Self::Withheld => None,
            Self::Streamed { body, .. } if body.is_end_stream() => Some(0),
            Self::Streamed { body, .. } => body.size_hint().exact(),
        }
    }

    /// Whether there is none, as far as it is known yet.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Read(bytes) => bytes.is_empty(),
            Self::Withheld => false,
            Self::Streamed { body, .. } => body.is_end_stream(),
        }
    }

    /// The bytes, if it was read.
    pub(crate) fn as_read(&self) -> Option<&Bytes> {
        match self {
            Self::Read(bytes) => Some(bytes),
            Self::Streamed { .. } | Self::Withheld => None,
        }
    }

    /// The body of the request to the application.
    pub(crate) fn into_outgoing(self) -> Outgoing {
        match self {
            Self::Read(bytes) => Outgoing::Read(Some(bytes)),
            Self::Withheld => Outgoing::Read(None),
            Self::Streamed { body, limit, .. } => Outgoing::Streamed { body, left: limit },
        }
    }
}
