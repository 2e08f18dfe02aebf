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
    #[error("no question of the settings is for this path")]
    NoQuestion,
    #[error("it names different people by the cookies and by the other credentials of the request")]
    SeveralPeople,
    #[error("the path can be read in several ways, for which different questions are asked")]
    UnclearPath,
}

impl WhoamiError {
    /// The word for it.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::SeveralPeople => Reason::SubjectMismatch,
            Self::UnclearPath => Reason::AmbiguousRequest,
            Self::Exchange { .. } | Self::Other { .. } | Self::NoQuestion => {
                Reason::SubjectUnavailable
            }
        }
    }
}
