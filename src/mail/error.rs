//! Why the mailer cannot start, or a mail was not sent.

use std::io;
use std::time::Duration;

/// Why the mailer cannot start; the operator must act.
#[derive(Debug, thiserror::Error)]
pub enum MailSetupError {
    /// The certificate file cannot be read.
    #[error("the mail server's certificate file `{path}` cannot be read")]
    CaFile {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A password would be sent without TLS.
    #[error(
        "a mail password is only sent over `starttls` or `tls`; `{host}` is not on this machine"
    )]
    PasswordInTheOpen {
        /// The mail server.
        host: String,
    },
    /// The sender is not a mailbox.
    #[error("`{0}` is not a sender; expected an address such as `stepgate@example.com`")]
    Sender(String, #[source] lettre::address::AddressError),
    /// The thread that sends cannot be started.
    #[error("the mail thread cannot be started")]
    Thread(#[source] io::Error),
    /// The certificates cannot be used.
    #[error("the certificates for the mail server cannot be used")]
    Tls(#[source] lettre::transport::smtp::Error),
}

/// Why a mail was not sent, or not known to be.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The recipient's address is not one.
    #[error("the recipient's address is not a mail address")]
    Address(#[source] lettre::address::AddressError),
    /// Too many mails wait already.
    #[error("too many mails are waiting")]
    Busy,
    /// The mail cannot be put together.
    #[error("the mail cannot be written")]
    Compose(#[source] lettre::error::Error),
    /// The mail server refused it, or cannot be reached.
    #[error("the mail server did not take the mail")]
    Server(#[source] lettre::transport::smtp::Error),
    /// The thread that sends is gone.
    #[error("the mail thread has ended")]
    Stopped,
    /// A text of ours cannot be filled in.
    #[error("the text of the mail cannot be filled in")]
    Template(#[source] askama::Error),
    /// The mail server did not answer in time.
    #[error("the mail server did not answer within {}s", limit.as_secs())]
    Timeout {
        /// The deadline.
        limit: Duration,
    },
}
