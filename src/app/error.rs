//! Why the sidecar does not start, or stops.

use crate::admin::AdminAddress;
use crate::audit::AuditSetupError;
use crate::domain::TableError;
use crate::mail::MailSetupError;
use crate::settings::KeysError;
use crate::store::OpenError;
use crate::tls::TlsError;
use crate::transport::ListenAddress;
use crate::verification::StartError;
use crate::yaml::Diagnostics;
use std::io;

/// Why the sidecar does not start, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The admin endpoints cannot be listened for.
    #[error("cannot listen on `{address}` for the admin endpoints")]
    Admin {
        /// The address.
        address: AdminAddress,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] AuditSetupError),
    /// An address cannot be listened on.
    #[error("cannot listen on `{address}`")]
    Bind {
        /// The address.
        address: ListenAddress,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The secret.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The mail server's settings.
    #[error(transparent)]
    Mail(#[from] MailSetupError),
    /// What hashes passwords.
    #[error("cannot hash passwords")]
    Passwords(#[from] StartError),
    /// The policies cannot be used.
    #[error("the policies cannot be used")]
    Policies(#[source] Diagnostics),
    /// The store.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The routes together make no table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A thread or a runtime cannot be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// The certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A worker thread has ended without a signal to stop.
    #[error("a thread that serves requests has ended")]
    Worker(#[source] io::Error),
}
