//! Why it is not known whose a request is.

use super::{TokenError, WhoamiError};
use crate::domain::Reason;

/// Why a source that names the subject of every request does not.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// The token is not believed.
    #[error("the token of the request names nobody")]
    Token(#[from] TokenError),
    /// The application was asked.
    #[error("the application does not say whose request it is")]
    Whoami(#[from] WhoamiError),
}

impl SubjectError {
    /// The word for it.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Token(error) => error.reason(),
            Self::Whoami(error) => error.reason(),
        }
    }
}
