//! Settings: one file, read as a whole, with every mistake of it told at once.
//!
//! `raw.rs` is what may be written, `compile/` what it means. Secrets come by file or environment
//! and are never shown. What stands in [`Settings`] can be used as it is.

mod compile;
mod one_or_more;
mod raw;
mod raw_listen;
mod secret;
mod size;
#[cfg(test)]
mod tests;

pub use secret::{KeysError, RootSecret, Secrets};

use crate::audit::AuditSettings;
use crate::domain::{
    Accept, Factor, Field, MethodSet, RequestHead, RequestPath, Route, RouteId, RouteTable,
    ValueTest, Watched,
};
use crate::mail::MailSettings;
use crate::policy::Policies;
use crate::proxy::EdgeOptions;
use crate::session::{BrowserKeyCookie, SessionOptions};
use crate::store::StoreOptions;
use crate::telemetry::LogSettings;
use crate::verification::{PasswordSettings, VerificationSettings};
use crate::web::WebOptions;
use crate::yaml::{self, Diagnostic, Diagnostics, MAX_BYTES, Severity};
use compile::{Draft, compile};
use raw::RawSettings;
use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
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
    /// How the edge behaves.
    pub edge: EdgeOptions,
    /// How our own answers are made.
    pub web: WebOptions,
    /// How long requests may go on after we were asked to stop.
    pub drain: Duration,
    /// Where sessions come from.
    pub sessions: SessionOptions,
    /// How browsers keep our key.
    pub browser_key: BrowserKeyCookie,
    /// What all keys are derived from.
    pub secrets: Secrets,
    /// The policy files, and folders of them.
    pub policies: Vec<PathBuf>,
    /// The store.
    pub store: StoreOptions,
    /// How verifications go.
    pub verification: VerificationSettings,
    /// How passwords are hashed and checked.
    pub passwords: PasswordSettings,
    /// The mail server, if there is one.
    pub mail: Option<MailSettings>,
    /// The audit log.
    pub audit: AuditSettings,
    /// Our own log.
    pub log: LogSettings,
    /// What is allowed and deserves a look.
    pub remarks: Diagnostics,
}

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The address; port 0 is any that is free.
    pub address: SocketAddr,
    /// Certificate and key, where we speak TLS. They have been read once.
    pub tls: Option<TlsFiles>,
}

/// The files of a TLS listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Reads the settings from a file, or tells all that is wrong with it.
pub fn load(path: &Path) -> Result<Settings, Diagnostics> {
    let name = path.display().to_string();
    match content(path) {
        Ok(bytes) => parse(path, &bytes),
        Err(error) => {
            let unreadable = Diagnostic::whole_file(&name, format!("cannot be read: {error}"));
            let hint = "name another file with `--config`, or start from \
                        examples/quickstart/stepgate.yaml";
            Err([unreadable.hint(hint)].into_iter().collect())
        }
    }
}

/// Reads settings that are already in memory; relative paths are relative to the folder of `path`.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Settings, Diagnostics> {
    let name = path.display().to_string();
    let (raw, mut file) = yaml::read_hiding::<RawSettings>(SECRET, &name, bytes);
    file.refuse_empty_values();
    let settings = raw.and_then(|raw| {
        let mut draft = Draft {
            file: &mut file,
            name: path.to_owned(),
        };
        compile(&raw, &mut draft)
    });
    if settings.is_none() && !file.has_mistakes() {
        file.report(yaml::Path::root(), "these settings could not be understood");
    }
    let (mistakes, remarks) = file.finish();
    match settings {
        Some(settings) => mistakes.or(Settings {
            remarks,
            ..settings
        }),
        None => Err(mistakes),
    }
}

/// The policies that a settings file names, even if the rest of it cannot be used: so that the
/// mistakes of both are told at once.
pub fn policy_paths(path: &Path) -> Vec<PathBuf> {
    let bytes = content(path).unwrap_or_default();
    let name = path.display().to_string();
    let (raw, mut file) = yaml::read_hiding::<RawSettings>(SECRET, &name, &bytes);
    let mut draft = Draft {
        file: &mut file,
        name: path.to_owned(),
    };
    raw.map(|raw| draft.policies(&raw)).unwrap_or_default()
}

fn content(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Settings {
    /// What people call the application, where a short name is needed.
    pub fn site(&self) -> &str {
        let mail = self.mail.as_ref().map(|mail| mail.site.as_str());
        let origin = self.web.site.public_origin.as_deref();
        mail.or(origin.and_then(host)).unwrap_or("Stepgate")
    }

    /// What only shows when settings and policies are looked at together.
    pub fn remarks_on(&self, policies: &Policies) -> Diagnostics {
        let mut remarks = Diagnostics::default();
        let mut warn = |message: String, hint: &str| {
            let mut remark = Diagnostic::whole_file(&self.file.display().to_string(), message);
            remark.severity = Severity::Warning;
            remarks.push(remark.hint(hint));
        };
        let mail = |route: &&Route| {
            let factors = route.requirement.factors.mentioned();
            factors.contains(Factor::EmailCode)
        };
        if self.mail.is_none()
            && let Some(route) = policies.routes.iter().find(mail)
        {
            let id = &route.id;
            let message = format!("route `{id}` accepts e-mailed codes, and there is no `mail`");
            warn(
                message,
                "nobody can pass by a code until `mail` names a mail server",
            );
        }
        let learn = self.sessions.learn.as_ref();
        let logins = learn.into_iter().flat_map(|learn| &learn.logins);
        let logouts = learn.into_iter().flat_map(|learn| &learn.logouts);
        let logins = logins.map(|login| ("login", &login.request));
        let watched = logins.chain(logouts.map(|logout| ("logout", &**logout)));
        // A table that cannot be made is told of elsewhere.
        let table = RouteTable::new(policies.routes.clone(), policies.default).ok();
        for (what, request) in watched {
            for route in table.iter().flat_map(|table| guards_of(request, table)) {
                let path = request.path();
                let message = format!("route `{route}` guards the {what} at `{path}` as well");
                warn(
                    message,
                    "nobody gets through it without a session: write the request as an `except` of the \
                     route, with what tells it from the others",
                );
            }
        }
        remarks
    }
}

/// The routes that guard a watched request, as far as its path, methods and query tell.
fn guards_of(request: &Watched, table: &RouteTable) -> Vec<RouteId> {
    let Ok(path) = RequestPath::parse(request.path(), &Accept::default()) else {
        return Vec::new();
    };
    let query = request.tests().iter().filter_map(|(field, test)| {
        let (Field::Query(name), ValueTest::Equals(value)) = (field, test) else {
            return None;
        };
        Some((name, value))
    });
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    let headers = http::HeaderMap::new();
    let mut routes = Vec::new();
    for method in request.methods().iter() {
        let head = RequestHead {
            method,
            claimed: MethodSet::EMPTY.with(method),
            host: "",
            path: &path,
            query: Some(&query)
                .filter(|query| !query.is_empty())
                .map(String::as_str),
            headers: &headers,
            upgrades: false,
        };
        for found in table.find(&head).matches() {
            if !routes.contains(&found.route.id) {
                routes.push(found.route.id.clone());
            }
        }
    }
    routes
}

/// The host of an origin, without its port.
fn host(origin: &str) -> Option<&str> {
    let (_, authority) = origin.split_once("://")?;
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    Some(match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        Some(_) | None => authority,
    })
}

/// Fields whose lines are never shown.
const SECRET: &[&str] = &["password"];
