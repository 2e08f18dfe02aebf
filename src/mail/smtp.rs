//! The mail server: how it is reached, and one delivery to it.

use super::error::{MailError, MailSetupError};
use crate::domain::Secret;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::timeout;

/// A mail server.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// Its name; certificates are checked against it.
    pub host: String,
    /// Its port; `None` is the usual one for the security (587, 465, or 25 in plain).
    pub port: Option<u16>,
    /// How the connection is protected.
    pub security: Security,
    /// Whom we log in as, if the server wants that.
    pub login: Option<SmtpLogin>,
    /// A PEM file of certificate authorities, trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// What we call ourselves in `EHLO`; `None` is the address of our end.
    pub helo: Option<String>,
    /// The deadline for connecting and sending one mail.
    pub deadline: Duration,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all; for a relay on this machine or network.
    Plain,
    /// `STARTTLS`, required: a server that does not offer it gets no mail.
    StartTls,
    /// TLS from the first byte.
    Tls,
}

/// Whom we log in to the mail server as.
#[derive(Clone, Debug)]
pub struct SmtpLogin {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret<String>,
}

impl SmtpSettings {
    /// The defaults for a host: `STARTTLS` required, no login, ten seconds.
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: None,
            security: Security::StartTls,
            login: None,
            ca_file: None,
            helo: None,
            deadline: Duration::from_secs(10),
        }
    }

    /// The port that is connected to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            Security::Plain => 25,
            // RFC 6409 §3.1.
            Security::StartTls => 587,
            // RFC 8314 §3.3.
            Security::Tls => 465,
        })
    }
}

/// Makes a connection for each mail: codes are rare, and the server would close an idle connection.
pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    deadline: Duration,
}

impl Smtp {
    pub(super) fn new(settings: &SmtpSettings) -> Result<Self, MailSetupError> {
        let mut builder =
            // lettre's name for a builder without TLS; `tls` below decides on it.
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.as_str())
                .port(settings.port())
                .tls(tls(settings)?)
                .timeout(Some(settings.deadline));
        if let Some(SmtpLogin { user, password }) = &settings.login {
            if settings.security == Security::Plain && !is_this_machine(&settings.host) {
                let host = settings.host.clone();
                return Err(MailSetupError::PasswordInTheOpen { host });
            }
            builder =
                builder.credentials(Credentials::new(user.clone(), password.expose().clone()));
        }
        if let Some(name) = &settings.helo {
            builder = builder.hello_name(ClientId::Domain(name.clone()));
        }
        Ok(Self {
            transport: builder.build(),
            deadline: settings.deadline,
        })
    }

    /// Connects, greets and logs in, and sends nothing.
    pub(super) async fn greet(&self) -> Result<(), MailError> {
        let limit = self.deadline;
        match timeout(limit, self.transport.test_connection()).await {
            Err(_) => Err(MailError::Timeout { limit }),
            Ok(Err(error)) => Err(MailError::Server(error)),
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(MailError::Stopped),
        }
    }

    pub(super) async fn deliver(&self, message: &Message) -> Result<(), MailError> {
        // lettre's own timeout is for each SMTP command; this one is for all of them together.
        let limit = self.deadline;
        let envelope = message.envelope();
        match timeout(
            limit,
            self.transport.send_raw(envelope, &message.formatted()),
        )
        .await
        {
            Err(_) => Err(MailError::Timeout { limit }),
            Ok(Err(error)) if error.is_timeout() => Err(MailError::Timeout { limit }),
            Ok(Err(error)) => Err(MailError::Server(error)),
            Ok(Ok(_)) => Ok(()),
        }
    }
}

fn tls(settings: &SmtpSettings) -> Result<Tls, MailSetupError> {
    if settings.security == Security::Plain {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(settings.host.clone());
    if let Some(path) = &settings.ca_file {
        let pem = std::fs::read(path).map_err(|source| MailSetupError::CaFile {
            path: path.display().to_string(),
            source,
        })?;
        parameters = parameters
            // This authority alone, none of the system's.
            .certificate_store(CertificateStore::None)
            .add_root_certificate(Certificate::from_pem(&pem).map_err(MailSetupError::Tls)?);
    }
    let parameters = parameters.build().map_err(MailSetupError::Tls)?;
    Ok(match settings.security {
        Security::Plain => Tls::None,
        // Required: somebody on the way could take the offer of TLS out (RFC 3207 §6).
        Security::StartTls => Tls::Required(parameters),
        Security::Tls => Tls::Wrapper(parameters),
    })
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
