//! Everything that can keep a request from its answer, with the word for it.

use crate::audit::AuditUnavailable;
use crate::domain::{Ambiguous, BodyRefusal, Reason, ReasonKind};
use crate::proxy::forward::ForwardError;
use crate::proxy::normalize::NormalizeError;
use crate::proxy::state::Worker;
use crate::request::body::{RequestBodyError, reason_of_broken};
use crate::request::context::RequestContext;
use crate::request::question::QuestionError;
use crate::session::{DoubledCredential, SubjectError};
use crate::store::StoreError;
use crate::telemetry::chain;
use crate::transport::upstream::{ConnectError, OutgoingError, SendError};
use crate::transport::wire::Violation;
use crate::web::endpoints::EndpointError;
use crate::web::respond::Failure;

/// Why a request is not answered by the application, other than by a decision.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    /// What happens cannot be recorded.
    #[error(transparent)]
    Audit(#[from] AuditUnavailable),
    /// A body that a route must read cannot be read in one way.
    #[error(transparent)]
    Body(#[from] BodyRefusal),
    /// A credential that is there twice.
    #[error(transparent)]
    Doubled(#[from] DoubledCredential),
    /// An endpoint of ours, or a challenge.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The application.
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// A request that is malformed or ambiguous.
    #[error(transparent)]
    Normalize(#[from] NormalizeError),
    /// A path that can be read in too many ways.
    #[error(transparent)]
    Path(#[from] Ambiguous),
    /// A proxy that asks, or what it asks about.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// Decided, and not in favor.
    #[error("{0}")]
    Refused(Reason),
    /// A body that cannot be read.
    #[error(transparent)]
    RequestBody(#[from] RequestBodyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not known whose the request is.
    #[error(transparent)]
    Subject(#[from] SubjectError),
}

impl ProxyError {
    /// The word for it.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Audit(_) | Self::Store(_) => Reason::StoreUnavailable,
            Self::Question(error) if error.is_about_asker() => Reason::NotFound,
            Self::Body(_) | Self::Doubled(_) | Self::Path(_) | Self::Question(_) => {
                Reason::AmbiguousRequest
            }
            Self::Endpoint(error) => error.reason(),
            Self::Forward(ForwardError::Switched) => Reason::InvalidUpstreamResponse,
            Self::Forward(ForwardError::TooManyOpen) => Reason::LimitReached,
            Self::Forward(ForwardError::Send(error)) => {
                outgoing(error).unwrap_or_else(|| reason_of(error))
            }
            Self::Normalize(error) => normalized(error),
            Self::Refused(reason) => *reason,
            Self::RequestBody(error) => error.reason(),
            Self::Subject(error) => error.reason(),
        }
    }

    /// What the client is answered.
    pub(super) fn failure(&self) -> Failure {
        Failure {
            reason: self.reason(),
            detail: self.is_shown_to_client().then(|| chain(self)),
            closes: self.closes(),
        }
    }

    /// Whether the client may see the message: it is about what the client itself sent.
    fn is_shown_to_client(&self) -> bool {
        match self {
            Self::Body(_) | Self::Doubled(_) | Self::Normalize(_) | Self::Path(_) => true,
            Self::Endpoint(error) => error.is_shown_to_client(),
            Self::Question(error) => !error.is_about_asker(),
            Self::RequestBody(error) => error.is_shown_to_client(),
            Self::Audit(_)
            | Self::Forward(_)
            | Self::Refused(_)
            | Self::Store(_)
            | Self::Subject(_) => false,
        }
    }

    /// Whether the connection is of no further use.
    fn closes(&self) -> bool {
        match self {
            Self::Endpoint(error) => matches!(error, EndpointError::RequestBody(_)),
            // The body may not have been read to its end: its rest would be taken for the next
            // request.
            Self::Forward(_) | Self::Normalize(_) | Self::Question(_) | Self::RequestBody(_) => {
                true
            }
            // RFC 9110 §15.5.20: the client may repeat it on another connection.
            Self::Refused(reason) => *reason == Reason::ConnectionAuthenticated,
            Self::Audit(_)
            | Self::Body(_)
            | Self::Doubled(_)
            | Self::Path(_)
            | Self::Store(_)
            | Self::Subject(_) => false,
        }
    }

    /// Logs it with its causes. A failure of ours is logged loudly, but not a thousand times a second.
    pub(super) fn log(&self, context: &RequestContext<'_>, worker: &Worker) {
        let (id, reason, cause) = (context.id, self.reason(), chain(self));
        // Of those that ask, the settings are wrong more often than the client.
        if reason.kind() == ReasonKind::Fault || matches!(self, Self::Question(_)) {
            let transport = &worker.transport;
            if let Some(untold) = transport.log_limit.allows(transport.clock.now()) {
                tracing::warn!(request_id = %id, %reason, %cause, untold, "request failed");
            } else {
                tracing::debug!(request_id = %id, %reason, %cause, "request failed");
            }
        } else {
            tracing::debug!(request_id = %id, %reason, %cause, "request refused");
        }
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
        | NormalizeError::ProtectedHeader(_)
        | NormalizeError::Wire(_) => Reason::AmbiguousRequest,
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
                OutgoingError::Client(error) => reason_of_broken(error),
                OutgoingError::TooLarge => Reason::BodyTooLarge,
            });
        }
        cause = error.source();
    }
    None
}
