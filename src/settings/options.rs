//! What the settings mean, in the types of those who use them.

use super::secret::Secrets;
use crate::admin::AdminSettings;
use crate::audit::AuditSettings;
use crate::domain::{Groups, Origin};
use crate::identity::IdentityOptions;
use crate::mail::MailSettings;
use crate::proxy::{ProxyOptions, Role};
use crate::request::Brand;
use crate::session::{BrowserKeyCookie, SessionOptions, Source, UpstreamLoginOptions};
use crate::store::StoreOptions;
use crate::telemetry::LogSettings;
use crate::tls::TlsFiles;
use crate::transport::ListenAddress;
use crate::verification::{
    NoRelyingParty, OidcProvider, PasswordSettings, RelyingParty, VerificationSettings,
};
use crate::web::WebOptions;
use crate::yaml::Diagnostics;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What the program uses: all sections of the file, with their defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file.
    pub file: PathBuf,
    /// How many threads serve requests.
    pub threads: usize,
    /// Where we listen.
    pub listeners: Vec<Listener>,
    /// How the proxy behaves.
    pub proxy: ProxyOptions,
    /// How our own answers are made.
    pub web: WebOptions,
    /// How long requests may go on after we were asked to stop.
    pub drain: Duration,
    /// What the application is told of who sends its requests, if it is.
    pub identity: Option<IdentityOptions>,
    /// Where sessions come from.
    pub sessions: SessionOptions,
    /// How browsers keep our key.
    pub browser_key: BrowserKeyCookie,
    /// What all keys are derived from.
    pub secrets: Secrets,
    /// The policy files, and folders of them.
    pub policies: Vec<PathBuf>,
    /// The groups of people that policies name.
    pub groups: Groups,
    /// The store.
    pub store: StoreOptions,
    /// How verifications go.
    pub verification: VerificationSettings,
    /// How passwords are tried at the application's login, where they are.
    pub upstream_login: Option<UpstreamLoginOptions>,
    /// Where people sign in afresh, if there is an identity provider.
    pub oidc: Option<Arc<OidcProvider>>,
    /// Whose passkeys are asked for; or why none are.
    pub passkeys: Result<RelyingParty, NoRelyingParty>,
    /// How passwords are hashed and checked.
    pub passwords: PasswordSettings,
    /// The mail server, if there is one.
    pub mail: Option<MailSettings>,
    /// The audit log.
    pub audit: AuditSettings,
    /// The admin endpoints, if they are served.
    pub admin: Option<AdminSettings>,
    /// Our own log.
    pub log: LogSettings,
    /// What is allowed and deserves a look.
    pub remarks: Diagnostics,
}

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Where; port 0 is any that is free.
    pub address: ListenAddress,
    /// Who comes there.
    pub role: Role,
    /// Certificate and key, where we use TLS, never on a socket in the file system. They have been read once.
    pub tls: Option<TlsFiles>,
}

impl Listener {
    /// Whether one of the others is at the same address. Port 0 is another free port each time.
    pub(super) fn is_doubled(&self, others: &[Self]) -> bool {
        let is_fixed = self.address.tcp().is_none_or(|address| address.port() != 0);
        is_fixed && others.iter().any(|other| other.address == self.address)
    }
}

impl Settings {
    /// Whether somebody may have a code by e-mail whose address the directory does not know.
    pub fn brings_addresses(&self) -> bool {
        let source = self.sessions.source.as_ref();
        self.mail.is_some() && source.is_some_and(Source::names_addresses)
    }

    /// What people call the application, where a short name is needed.
    pub fn site(&self) -> &str {
        let site = &self.web.site;
        site_name(self.mail.as_ref(), &site.brand, site.public_origin.as_ref())
    }
}

/// The name that mails use, else that of the pages, else the host.
pub(super) fn site_name<'s>(
    mail: Option<&'s MailSettings>,
    brand: &'s Brand,
    origin: Option<&'s Origin>,
) -> &'s str {
    let mail = mail.map(|mail| mail.site.as_str());
    let name = mail.or(brand.name.as_deref());
    name.or(origin.map(Origin::host)).unwrap_or("Stepgate")
}
