//! Why the application did not say who somebody is.

use crate::domain::Reason;

/// Why the application did not say who somebody is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the message of each variant is its description
pub enum WhoamiError {
    #[error("its answer is compressed as `{0}`, which is not read")]
    Encoding(String),
    #[error("it did not answer in time")]
    Late,
    #[error("it answered {0}, which is neither a success nor a sign of `nobody`")]
    Other(u16),
    #[error("its answer is longer than 1 MiB, or broke off")]
    Spoilt,
    #[error("the path can be read in several ways, for which different questions are asked")]
    UnclearPath,
    #[error("it could not be reached: {0}")]
    Unreachable(String),
}

impl WhoamiError {
    /// The word for it.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::UnclearPath => Reason::AmbiguousRequest,
            Self::Encoding(_)
            | Self::Late
            | Self::Other(_)
            | Self::Spoilt
            | Self::Unreachable(_) => Reason::SubjectUnavailable,
        }
    }
}
