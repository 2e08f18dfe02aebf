//! Passwords that the application judges: what verification asks of whoever can ask it.

use crate::domain::{Secret, Subject};
use std::error::Error;
use std::fmt;
use std::pin::Pin;

/// Whose password the password is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PasswordSource {
    /// That of the directory: its hash is checked.
    #[default]
    Directory,
    /// That of the application: it is tried at the application's login.
    UpstreamLogin,
}

/// A way to try a password at the application.
pub trait PasswordTrial: fmt::Debug {
    /// Whether the application takes this password for this subject.
    fn matches<'t>(&'t self, subject: &'t Subject, password: &'t Secret<String>)
    -> TrialResult<'t>;
}

/// The application's judgement, once it has come.
pub type TrialResult<'t> = Pin<Box<dyn Future<Output = Result<bool, NotJudged>> + 't>>;

/// The application did not say whether a password is right.
#[derive(Debug, thiserror::Error)]
#[error("the application's login does not say whether a password is right")]
pub struct NotJudged(#[source] pub Box<dyn Error + Send + Sync>);
