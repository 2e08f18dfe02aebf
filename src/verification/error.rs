//! What keeps an answer from being judged.

use super::password_hash::Busy;
use crate::audit::AuditUnavailable;
use crate::store::StoreError;

/// Why nothing could be judged. Unknown is not granted.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// What happens cannot be recorded.
    #[error(transparent)]
    Audit(#[from] AuditUnavailable),
    /// Too many passwords are being checked.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}
