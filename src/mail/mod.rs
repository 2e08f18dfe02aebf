//! Mail: the codes that people are sent, by SMTP, off the way of any request.
//!
//! One thread with a runtime of its own does all sending, so that a slow mail server and its TLS
//! handshakes cost no request anything. What waits is bounded, and whoever asked is told in time
//! whether the mail server took the mail.

mod error;
mod message;
mod smtp;
#[cfg(test)]
pub(crate) mod tests;

pub use error::{MailError, MailSetupError};
pub use message::CodeMail;
pub use smtp::{Login, Security, SmtpSettings};

use crate::clock::Clock;
use crate::entropy::Entropy;
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
    /// What the application is called, as people read it in the mails.
    pub site: String,
    /// How many mails may wait for the mail server; more are refused at once.
    pub queue: usize,
    /// How many connections to the mail server are open at once.
    pub connections: usize,
    /// How long whoever asked waits to hear whether the mail was taken.
    pub patience: Duration,
}

impl MailSettings {
    /// The defaults for a mail server and a sender.
    pub fn new(smtp: SmtpSettings, from: impl Into<String>, site: impl Into<String>) -> Self {
        Self {
            smtp,
            from: from.into(),
            site: site.into(),
            queue: 64,
            connections: 4,
            patience: Duration::from_secs(8),
        }
    }
}

impl MailSettings {
    /// Tells whether a [`Mailer`] can be started with them. No connection is made.
    pub fn check(&self) -> Result<(), MailSetupError> {
        Sender::new(&self.from, &self.site, Clock::System, Entropy::system())?;
        Smtp::new(&self.smtp).map(drop)
    }
}

/// Sends mails. Cheap to clone; shared by all threads.
#[derive(Clone, Debug)]
pub struct Mailer {
    queue: mpsc::Sender<Job>,
    sender: Arc<Sender>,
    patience: Duration,
}

#[derive(Debug)]
struct Job {
    message: Box<lettre::Message>,
    told: oneshot::Sender<Result<(), MailError>>,
}

impl Mailer {
    /// Checks the settings and starts the thread that sends. No connection is made yet.
    ///
    /// The thread ends when the last mailer is dropped and what was waiting is sent.
    pub fn start(
        settings: &MailSettings,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, MailSetupError> {
        let sender = Sender::new(&settings.from, &settings.site, clock, entropy)?;
        let smtp = Smtp::new(&settings.smtp)?;
        let (queue, jobs) = mpsc::channel(settings.queue.max(1));
        let connections = settings.connections.max(1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(MailSetupError::Thread)?;
        thread::Builder::new()
            .name("mail".to_owned())
            .spawn(move || LocalSet::new().block_on(&runtime, deliver(smtp, jobs, connections)))
            .map_err(MailSetupError::Thread)?;
        Ok(Self {
            queue,
            sender: Arc::new(sender),
            patience: settings.patience,
        })
    }

    /// Hands a code to the mail server; resolves when it took the mail, or refused, or was too slow.
    ///
    /// Dropping the future does not recall the mail.
    pub async fn send(&self, mail: &CodeMail<'_>) -> Result<(), MailError> {
        let message = Box::new(self.sender.compose(mail)?);
        let (told, answer) = oneshot::channel();
        self.queue
            .try_send(Job { message, told })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Closed(_) => MailError::Stopped,
                mpsc::error::TrySendError::Full(_) => MailError::Busy,
            })?;
        let limit = self.patience;
        match timeout(limit, answer).await {
            Err(_) => Err(MailError::Timeout { limit }),
            Ok(Err(_)) => Err(MailError::Stopped),
            Ok(Ok(result)) => result,
        }
    }
}

async fn deliver(smtp: Smtp, mut jobs: mpsc::Receiver<Job>, connections: usize) {
    let smtp = Arc::new(smtp);
    let free = Arc::new(Semaphore::new(connections));
    // A place is taken before a job is, so that the queue is where mails wait and are counted.
    while let Ok(place) = Arc::clone(&free).acquire_owned().await {
        let Some(job) = jobs.recv().await else { break };
        let smtp = Arc::clone(&smtp);
        tokio::task::spawn_local(async move {
            let result = smtp.deliver(&job.message).await;
            if let Err(error) = &result {
                tracing::warn!(error = error as &dyn std::error::Error, "mail not sent");
            }
            // Whoever asked may have lost patience; the log has the outcome.
            let _ = job.told.send(result);
            drop(place);
        });
    }
    // What is under way has its own deadline, so this ends.
    let all = u32::try_from(connections).unwrap_or(u32::MAX);
    let _ = free.acquire_many(all).await;
}
