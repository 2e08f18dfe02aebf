//! Why the log cannot be kept, or an event not be recorded.

use std::io;

/// Why the log cannot be kept; the operator must act.
#[derive(Debug, thiserror::Error)]
pub enum AuditSetupError {
    /// The file holds something else.
    #[error("`{path}` is not an audit log: it has no line that could be continued")]
    NotALog {
        /// The file.
        path: String,
    },
    /// The file cannot be opened.
    #[error("the audit log `{path}` cannot be opened")]
    Open {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The thread that writes cannot be started.
    #[error("the audit thread cannot be started")]
    Thread(#[source] io::Error),
    /// The file cannot be written.
    #[error("the audit log `{path}` cannot be written")]
    Write {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The event is not recorded, so what it tells of must not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log cannot be written")]
pub struct AuditUnavailable;
