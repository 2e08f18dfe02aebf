//! Everything that can keep a request from its answer, with the word for it.

use super::content::RequestBodyError;
use super::forward::ForwardError;
use super::normalize::NormalizeError;
use crate::audit::AuditUnavailable;
use crate::domain::{Ambiguous, BodyRefusal, Reason};
use crate::session::DoubledCredential;
use crate::store::StoreError;
use crate::transport::upstream::{ConnectError, OutgoingError, SendError};
use crate::transport::wire::Violation;
use crate::verification::VerifyError;
use std::io;

/// Why a request is not answered by the application, other than by a decision.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EdgeError {
    /// What happens cannot be recorded.
    #[error(transparent)]
    Audit(#[from] AuditUnavailable),
    /// A body that a route must read cannot be read in one way.
    #[error(transparent)]
    Body(#[from] BodyRefusal),
    /// A call of one of our endpoints from somewhere else.
    #[error("this call must come from a page of this site")]
    CrossSite,
    /// A credential that is there twice.
    #[error(transparent)]
    Doubled(#[from] DoubledCredential),
    /// The application.
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// What no honest client sends.
    #[error(transparent)]
    Normalize(#[from] NormalizeError),
    /// Something was sent to an endpoint of ours that is not what it expects.
    #[error("expected {0}")]
    Malformed(&'static str),
    /// A path that can be read in too many ways.
    #[error(transparent)]
    Path(#[from] Ambiguous),
    /// A body that cannot be read.
    #[error(transparent)]
    RequestBody(#[from] RequestBodyError),
    /// Decided, and not in favor.
    #[error("{0}")]
    Refused(Reason),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A verification that could not be judged.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

impl EdgeError {
    /// The word for it.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Audit(_) | Self::Store(_) => Reason::StoreUnavailable,
            Self::Verify(error) => match error {
                VerifyError::Audit(_) | VerifyError::Store(_) => Reason::StoreUnavailable,
                VerifyError::Busy(_) => Reason::LimitReached,
            },
            Self::Body(_) | Self::Doubled(_) | Self::Malformed(_) | Self::Path(_) => {
                Reason::AmbiguousRequest
            }
            Self::Normalize(error) => normalized(error),
            Self::RequestBody(error) => match error {
                RequestBodyError::Broken(error) => broken(error),
                RequestBodyError::Slow => Reason::RequestTimeout,
                RequestBodyError::TooLarge(_) => Reason::BodyTooLarge,
            },
            Self::CrossSite => Reason::CrossSite,
            Self::Forward(ForwardError::Switched) => Reason::InvalidUpstreamResponse,
            Self::Forward(ForwardError::Send(error)) => {
                outgoing(error).unwrap_or_else(|| reason_of(error))
            }
            Self::Refused(reason) => *reason,
        }
    }

    /// Whether the client may hear the message: it is about what the client itself sent.
    pub(super) fn tells_client(&self) -> bool {
        matches!(
            self,
            Self::Body(_)
                | Self::CrossSite
                | Self::Doubled(_)
                | Self::Malformed(_)
                | Self::Normalize(_)
                | Self::Path(_)
                | Self::RequestBody(RequestBodyError::Slow | RequestBodyError::TooLarge(_))
        )
    }

    /// Whether the connection is of no further use.
    pub(super) fn closes(&self) -> bool {
        matches!(
            self,
            Self::Normalize(_)
                | Self::Forward(_)
                | Self::Refused(Reason::ConnectionAuthenticated)
                | Self::RequestBody(_)
        )
    }
}

fn normalized(error: &NormalizeError) -> Reason {
    match error {
        NormalizeError::Wire(Violation::HeadTooLarge | Violation::TooManyHeaders) => {
            Reason::HeadTooLarge
        }
        NormalizeError::Wire(Violation::TargetTooLong) => Reason::TargetTooLong,
        NormalizeError::Wire(Violation::SlowHead) => Reason::RequestTimeout,
        NormalizeError::ConnectionHeaders
        | NormalizeError::Host(_)
        | NormalizeError::Method
        | NormalizeError::Stolen(_)
        | NormalizeError::Wire(_) => Reason::AmbiguousRequest,
    }
}

/// Why the client's body is not whole: the wire has cut it off for being late, or it is broken.
fn broken(error: &hyper::Error) -> Reason {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref());
    if cause.map(io::Error::kind) == Some(io::ErrorKind::TimedOut) {
        Reason::RequestTimeout
    } else {
        Reason::AmbiguousRequest
    }
}

/// The reason for a response that never came.
fn reason_of(error: &SendError) -> Reason {
    match error {
        SendError::Connect(ConnectError::Exhausted(_)) => Reason::LimitReached,
        SendError::Connect(ConnectError::Timeout(_)) | SendError::Late { .. } => {
            Reason::UpstreamTimeout
        }
        SendError::Framing => Reason::InvalidUpstreamResponse,
        SendError::Broken { source, .. } if source.is_parse() => Reason::InvalidUpstreamResponse,
        SendError::Connect(_) | SendError::Broken { .. } => Reason::UpstreamUnreachable,
    }
}

/// Whether it was the client's body that broke off, rather than the application.
fn outgoing(error: &SendError) -> Option<Reason> {
    let SendError::Broken { source, .. } = error else {
        return None;
    };
    let mut cause = std::error::Error::source(source);
    while let Some(error) = cause {
        if let Some(outgoing) = error.downcast_ref::<OutgoingError>() {
            return Some(match outgoing {
                OutgoingError::Client(error) => broken(error),
                OutgoingError::TooLarge => Reason::BodyTooLarge,
            });
        }
        cause = error.source();
    }
    None
}
