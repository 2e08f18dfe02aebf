//! Mail: sends one-time codes, and notices of what was changed, by SMTP.
//!
//! One thread with a runtime of its own sends all mail, so that a slow mail server and its TLS handshakes
//! delay no request. The queue is bounded, and a caller learns within a deadline whether the mail server
//! accepted the mail.

mod approval;
mod error;
mod message;
mod notice;
mod smtp;
#[cfg(test)]
pub(crate) mod tests;

pub use approval::{ApprovalMail, ApprovalNews};
pub use error::{MailError, MailSetupError};
pub use message::CodeMail;
pub use notice::{Notice, NoticeMail};
pub use smtp::{Security, SmtpLogin, SmtpSettings};

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::locale::Wording;
use crate::telemetry::chain;
use message::Sender;
use smtp::Smtp;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::LocalSet;
use tokio::time::timeout;

/// How mail is sent.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// The mail server.
    pub smtp: SmtpSettings,
    /// Who the mails are from: `stepgate@example.com` or `Example <stepgate@example.com>`.
    pub from: String,
    /// The name beside the address, if `from` has none.
    pub from_name: Option<String>,
    /// The texts.
    pub wording: Wording,
    /// What the application is called, as people read it in the mails.
    pub site: String,
    /// How many mails may wait for the mail server; more are refused at once.
    pub queue: usize,
    /// How many connections to the mail server are open at once.
    pub connections: usize,
    /// How long a caller waits until the mail server has accepted the mail.
    pub patience: Duration,
}

impl MailSettings {
    /// The defaults for a mail server and a sender.
    pub fn new(smtp: SmtpSettings, from: impl Into<String>, site: impl Into<String>) -> Self {
        Self {
            smtp,
            from: from.into(),
            from_name: None,
            wording: Wording::default(),
            site: site.into(),
            queue: 64,
            connections: 4,
            patience: Duration::from_secs(8),
        }
    }
}

impl MailSettings {
    /// Checks that a [`Mailer`] can be started with them. No connection is made.
    pub fn check(&self) -> Result<(), MailSetupError> {
        Sender::new(self, Clock::System, Entropy::system())?;
        Smtp::new(&self.smtp).map(drop)
    }

    /// Connects to the mail server, by TLS and with the password as for a mail, and sends nothing. An error says
    /// what is wrong.
    pub async fn try_server(&self) -> Result<(), String> {
        let smtp = Smtp::new(&self.smtp).map_err(|error| chain(&error))?;
        // There is no mail that it could have refused: only what it said itself is of use.
        smtp.greet().await.map_err(|error| match &error {
            MailError::Server(said) => chain(said),
            MailError::Address(_)
            | MailError::Busy
            | MailError::Compose(_)
            | MailError::Stopped
            | MailError::Template(_)
            | MailError::Timeout { .. } => chain(&error),
        })
    }
}

/// Sends mails. Cheap to clone; shared by all threads.
#[derive(Clone, Debug)]
pub struct Mailer {
    queue: mpsc::Sender<QueuedMail>,
    sender: Arc<Sender>,
    patience: Duration,
}

#[derive(Debug)]
struct QueuedMail {
    message: Box<lettre::Message>,
    result: oneshot::Sender<Result<(), MailError>>,
}

impl Mailer {
    /// Checks the settings and starts the thread that sends. No connection is made yet.
    ///
    /// The thread ends when the last mailer is dropped and the queue is empty.
    pub fn start(
        settings: &MailSettings,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, MailSetupError> {
        let sender = Sender::new(settings, clock, entropy)?;
        let smtp = Smtp::new(&settings.smtp)?;
        let (queue, mails) = mpsc::channel(settings.queue.max(1));
        let connections = settings.connections.max(1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(MailSetupError::Thread)?;
        thread::Builder::new()
            .name("mail".to_owned())
            .spawn(move || LocalSet::new().block_on(&runtime, deliver(smtp, mails, connections)))
            .map_err(MailSetupError::Thread)?;
        Ok(Self {
            queue,
            sender: Arc::new(sender),
            patience: settings.patience,
        })
    }

    /// Sends a code; resolves when the mail server accepted the mail, refused it, or was too slow.
    ///
    /// Dropping the future does not cancel the mail.
    pub async fn send(&self, mail: &CodeMail<'_>) -> Result<(), MailError> {
        self.deliver(self.sender.compose(mail)?).await
    }

    /// Tells a person what was changed; resolves as [`Mailer::send`] does.
    pub async fn notify(&self, mail: &NoticeMail) -> Result<(), MailError> {
        self.deliver(self.sender.compose_notice(mail)?).await
    }

    /// Tells of a request for approval; resolves as [`Mailer::send`] does.
    pub async fn tell_approval(&self, mail: &ApprovalMail) -> Result<(), MailError> {
        self.deliver(self.sender.compose_approval(mail)?).await
    }

    async fn deliver(&self, message: lettre::Message) -> Result<(), MailError> {
        let message = Box::new(message);
        let (result, delivered) = oneshot::channel();
        self.queue
            .try_send(QueuedMail { message, result })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Closed(_) => MailError::Stopped,
                mpsc::error::TrySendError::Full(_) => MailError::Busy,
            })?;
        let limit = self.patience;
        match timeout(limit, delivered).await {
            Err(_) => Err(MailError::Timeout { limit }),
            Ok(Err(_)) => Err(MailError::Stopped),
            Ok(Ok(result)) => result,
        }
    }
}

async fn deliver(smtp: Smtp, mut mails: mpsc::Receiver<QueuedMail>, connections: usize) {
    let smtp = Arc::new(smtp);
    let free = Arc::new(Semaphore::new(connections));
    // A connection permit is acquired before a mail is taken, so that mails wait in the bounded queue.
    while let Ok(permit) = Arc::clone(&free).acquire_owned().await {
        let Some(mail) = mails.recv().await else {
            break;
        };
        let smtp = Arc::clone(&smtp);
        tokio::task::spawn_local(async move {
            let result = smtp.deliver(&mail.message).await;
            if let Err(error) = &result {
                tracing::warn!(error = error as &dyn std::error::Error, "mail not sent");
            }
            // The caller may have timed out; the log has the result.
            let _ = mail.result.send(result);
            drop(permit);
        });
    }
    // Each delivery has its own deadline, so this ends.
    let all = u32::try_from(connections).unwrap_or(u32::MAX);
    let _ = free.acquire_many(all).await;
}
