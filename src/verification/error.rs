//! Faults that keep an answer from being checked.

use super::oidc::SignInError;
use super::password_hash::Busy;
use super::trial::NotJudged;
use crate::audit::AuditUnavailable;
use crate::store::StoreError;

/// Why an answer could not be checked. It is then refused.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The audit log cannot be written.
    #[error(transparent)]
    Audit(#[from] AuditUnavailable),
    /// Too many passwords are being checked.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The application did not say whether a password is right.
    #[error(transparent)]
    NotJudged(#[from] NotJudged),
    /// The identity provider did not say whether somebody has signed in.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The store did not answer, or not with a record.
    #[error(transparent)]
    Store(#[from] StoreError),
}
