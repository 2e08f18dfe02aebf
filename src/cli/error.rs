//! Why a command failed, and with which exit code.

use super::BAD_CONFIGURATION;
use super::output::Output;
use crate::app::AppError;
use crate::audit::AuditSetupError;
use crate::store::{OpenError, StoreError};
use crate::telemetry;
use crate::yaml::Diagnostics;
use std::io;
use std::process::ExitCode;

/// Why a command did not work.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The sidecar.
    #[error(transparent)]
    App(#[from] AppError),
    /// Settings or policies are wrong.
    #[error("the configuration cannot be used")]
    Configuration(#[source] Diagnostics),
    /// It cannot be done, for the reason given.
    #[error("{0}")]
    Impossible(String),
    /// A file or the terminal.
    #[error("{what}")]
    Io {
        /// What was being done.
        what: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The secret.
    #[error(transparent)]
    Keys(#[from] crate::settings::KeysError),
    /// The log level.
    #[error(transparent)]
    Level(#[from] telemetry::WrongLevel),
    /// The audit log: an act that cannot be recorded is not done.
    #[error("not done, since it cannot be recorded")]
    NotRecorded(#[source] AuditSetupError),
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Stdout is closed, or cannot be written.
    #[error("the answer cannot be written")]
    Output(#[from] io::Error),
    /// A password cannot be hashed.
    #[error(transparent)]
    Password(#[from] crate::verification::PasswordError),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked makes no sense.
    #[error("{0}")]
    Usage(String),
}

impl CliError {
    /// Prints the error on stderr and returns the exit code.
    pub(super) fn report(&self) -> ExitCode {
        let mut out = Output::stderr();
        // EPIPE is how `stepgate … | head` ends, and no error.
        if let Self::Output(error) = self
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            return ExitCode::SUCCESS;
        }
        let diagnostics = match self.mistakes() {
            Some(mistakes) => {
                let count = mistakes.len();
                let word = super::output::plural(count, "mistake");
                writeln!(
                    out,
                    "{mistakes}
error: {count} {word}"
                )
            }
            None => writeln!(out, "error: {}", telemetry::chain(self)),
        };
        // If stderr is closed as well, the exit code remains.
        drop(diagnostics);
        self.code()
    }

    /// The mistakes in the files, which are printed one by one.
    const fn mistakes(&self) -> Option<&Diagnostics> {
        if let Self::App(AppError::Policies(mistakes)) | Self::Configuration(mistakes) = self {
            Some(mistakes)
        } else {
            None
        }
    }

    fn code(&self) -> ExitCode {
        match self {
            Self::App(
                AppError::Keys(_)
                | AppError::Mail(_)
                | AppError::Policies(_)
                | AppError::Table(_)
                | AppError::Tls(_),
            )
            | Self::Configuration(_)
            | Self::Level(_)
            | Self::Keys(_)
            | Self::Usage(_) => ExitCode::from(BAD_CONFIGURATION),
            Self::App(
                AppError::Admin { .. }
                | AppError::Audit(_)
                | AppError::Bind { .. }
                | AppError::Passwords(_)
                | AppError::Store(_)
                | AppError::Thread(_)
                | AppError::Worker(_),
            )
            | Self::Impossible(_)
            | Self::Io { .. }
            | Self::NotRecorded(_)
            | Self::Open(_)
            | Self::Output(_)
            | Self::Password(_)
            | Self::Store(_) => ExitCode::FAILURE,
        }
    }

    /// An I/O error, with what was being done.
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
