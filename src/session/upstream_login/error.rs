//! Why it is not known whether a password is right.

use crate::session::SubjectError;
use crate::session::exchange::ExchangeError;

/// Why the application did not say whether a password is right.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The form is sent to another site.
    #[error("the form of its login page is sent to another site")]
    Elsewhere,
    /// There is no answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// It let the trial in, and nothing says as whom.
    #[error(
        "the session of the trial has no token or cookie that the settings read, and nobody else says whose it is"
    )]
    NotSaid,
    /// It let the trial in, and the source of subjects does not say as whom.
    #[error("it is not known whom it let in")]
    Unnamed(#[from] SubjectError),
    /// There is no form with name and password.
    #[error("its login page has no form with a field for the name and one for the password")]
    NoForm,
    /// It answered with an error that is none about the password.
    #[error("it answered {0}, which says nothing of the password")]
    Status(u16),
}
