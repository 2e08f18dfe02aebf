//! Why a store cannot be opened, or gives no answer.

use crate::tls::TlsError;
use std::path::PathBuf;
use std::time::Duration;

/// Why a store cannot be opened. A Redis that does not answer is not among it: we wait for it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file with the certificate authority.
    #[error("cannot read `{}`", path.display())]
    CaFile {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: std::io::Error,
    },
    /// The embedded store's file is not ours, or damaged.
    #[error("cannot open the store `{}`", path.display())]
    Database {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rusqlite::Error,
    },
    /// The embedded store's file or folder.
    #[error("cannot create `{}`", path.display())]
    File {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: std::io::Error,
    },
    /// A later version of Stepgate has written it.
    #[error("the store `{}` has schema {found}; this version knows up to {known}", path.display())]
    NewerSchema {
        /// Where it is.
        path: PathBuf,
        /// The schema it has.
        found: u32,
        /// The latest schema we know.
        known: u32,
    },
    /// Addresses end up in logs.
    #[error("the address of redis holds a password; name it by file or environment instead")]
    PasswordInUrl,
    /// The certificates that are trusted.
    #[error("cannot use the certificates for redis")]
    Tls(#[from] TlsError),
    /// The address of Redis.
    #[error("cannot use the address of redis")]
    Url(#[source] ::redis::RedisError),
}

/// What can go wrong between us and the store. Unknown is not granted.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A record cannot be read; it counts for nothing.
    #[error("a {what} record in the store is unreadable")]
    Corrupt {
        /// Which kind of record.
        what: &'static str,
    },
    /// The store answered too late.
    #[error("the store did not answer within {}ms", limit.as_millis())]
    Timeout {
        /// The deadline.
        limit: Duration,
    },
    /// The store cannot be reached, or refuses to write.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
