//! Why an endpoint of ours does not do what it was asked for.

use crate::audit::AuditUnavailable;
use crate::domain::{Ambiguous, Reason};
use crate::request::body::RequestBodyError;
use crate::session::{DoubledCredential, SubjectError};
use crate::store::StoreError;
use crate::verification::VerifyError;
use bytes::Bytes;
use http::Response;
use std::borrow::Cow;

/// Why an endpoint of ours does not do what it was asked for, or a challenge cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    /// What happens cannot be recorded.
    #[error(transparent)]
    Audit(#[from] AuditUnavailable),
    /// A fresh proof is needed, and the answer is a challenge for it.
    #[error("{}", Reason::StepUpRequired)]
    Challenged(Box<Response<Bytes>>),
    /// A call of one of our endpoints from somewhere else.
    #[error("this call must come from a page of this site")]
    CrossSite,
    /// A credential that is there twice.
    #[error(transparent)]
    Doubled(#[from] DoubledCredential),
    /// Something was sent that is not what the endpoint expects.
    #[error("expected {0}")]
    Malformed(Cow<'static, str>),
    /// A path that can be read in too many ways.
    #[error(transparent)]
    Path(#[from] Ambiguous),
    /// Decided, and not in favor.
    #[error("{0}")]
    Refused(Reason),
    /// A body that cannot be read.
    #[error(transparent)]
    RequestBody(#[from] RequestBodyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A verification that could not be judged.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// It is not known who calls.
    #[error(transparent)]
    Subject(#[from] SubjectError),
}

impl EndpointError {
    /// The word for it.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Audit(_) | Self::Store(_) => Reason::StoreUnavailable,
            Self::Challenged(_) => Reason::StepUpRequired,
            Self::CrossSite => Reason::CrossSite,
            Self::Doubled(_) | Self::Malformed(_) | Self::Path(_) => Reason::AmbiguousRequest,
            Self::Refused(reason) => *reason,
            Self::RequestBody(error) => error.reason(),
            Self::Verify(error) => match error {
                VerifyError::Audit(_) | VerifyError::Store(_) => Reason::StoreUnavailable,
                VerifyError::Busy(_) => Reason::LimitReached,
                VerifyError::NotJudged(_) => Reason::PasswordUnavailable,
                VerifyError::SignIn(error) => error.reason(),
            },
            Self::Subject(error) => error.reason(),
        }
    }

    /// Whether the client may see the message: it is about what the client itself sent.
    pub(crate) fn is_shown_to_client(&self) -> bool {
        match self {
            Self::CrossSite | Self::Doubled(_) | Self::Malformed(_) | Self::Path(_) => true,
            Self::RequestBody(error) => error.is_shown_to_client(),
            Self::Audit(_)
            | Self::Challenged(_)
            | Self::Refused(_)
            | Self::Store(_)
            | Self::Verify(_)
            | Self::Subject(_) => false,
        }
    }
}
