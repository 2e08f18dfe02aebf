//! Why a store cannot be opened, and why an operation fails.

use crate::tls::TlsError;
use std::path::PathBuf;
use std::time::Duration;

/// Why a store cannot be opened. An unreachable Redis is no reason: it is connected to in the background.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file with the certificate authority cannot be read.
    #[error("cannot read `{}`", path.display())]
    CaFile {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a database of Stepgate, or is damaged.
    #[error("cannot open the store `{}`", path.display())]
    Database {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rusqlite::Error,
    },
    /// The file or its folder cannot be created.
    #[error("cannot create `{}`", path.display())]
    File {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: std::io::Error,
    },
    /// A later version of Stepgate has migrated the database.
    #[error("the store `{}` has schema {found}; this version knows up to {known}", path.display())]
    NewerSchema {
        /// Where it is.
        path: PathBuf,
        /// The schema it has.
        found: u32,
        /// The latest schema that this version knows.
        known: u32,
    },
    /// The address holds a password, but addresses are logged.
    #[error("the address of redis holds a password; name it by file or environment instead")]
    PasswordInUrl,
    /// The trusted certificates cannot be used.
    #[error("cannot use the certificates for redis")]
    Tls(#[from] TlsError),
    /// The address of Redis cannot be used.
    #[error("cannot use the address of redis")]
    Url(#[source] ::redis::RedisError),
}

/// Why an operation failed. A guarded request is refused then.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A record cannot be decoded; it is never evidence.
    #[error("a {what} record in the store is unreadable")]
    Corrupt {
        /// Which kind of record.
        what: &'static str,
    },
    /// The store did not answer within the deadline.
    #[error("the store did not answer within {}ms", limit.as_millis())]
    Timeout {
        /// The deadline.
        limit: Duration,
    },
    /// The store cannot be reached, or answered with an error.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
