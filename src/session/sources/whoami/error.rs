//! Why the application did not say who somebody is.

use crate::domain::Reason;
use crate::session::exchange::ExchangeError;

/// Why the application did not say who somebody is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the message of each variant is its description
pub enum WhoamiError {
    #[error("asked at `{path}`")]
    Exchange {
        path: String,
        #[source]
        source: ExchangeError,
    },
    #[error(
        "asked at `{path}` it answered {status}, which is neither a success nor a sign of `nobody`{}",
        if *status == 404 { ": is its `url` in the settings right?" } else { "" }
    )]
    Other { path: String, status: u16 },
    #[error(
        "beside what names somebody the request brings a key or a token in its body, or as the subprotocol of a \
         WebSocket, of which no question tells"
    )]
    KeyUnasked,
    #[error("the request brings so many credentials that the application is not asked about each")]
    ManyCredentials,
    #[error("no question of the settings is for this path")]
    NoQuestion,
    #[error("it names different people by the several credentials of the request")]
    SeveralPeople,
    #[error("the path can be read in several ways, for which different questions are asked")]
    UnclearPath,
}

impl WhoamiError {
    /// Whether it answered that what was asked is not to be had in this form (RFC 9110 §15.5), rather than later
    /// (§15.5.9, RFC 8470 §5.2, RFC 6585 §4).
    pub(super) fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Other {
                status: 400..=499,
                ..
            }
        ) && !matches!(
            self,
            Self::Other {
                status: 408 | 425 | 429,
                ..
            }
        )
    }

    /// The word for it.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::KeyUnasked | Self::SeveralPeople => Reason::SubjectMismatch,
            Self::ManyCredentials | Self::UnclearPath => Reason::AmbiguousRequest,
            Self::Exchange { .. } | Self::Other { .. } | Self::NoQuestion => {
                Reason::SubjectUnavailable
            }
        }
    }
}
