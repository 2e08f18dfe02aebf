//! From what is written to what is meant: each section of the file, with its defaults.

mod admin;
mod brand;
mod client_side;
mod credentials;
mod forward_auth;
mod groups;
mod identity;
mod injection;
mod learn;
mod mail;
mod oidc;
mod passkeys;
mod reach;
mod secret;
mod session;
mod signs;
mod sources;
mod step;
mod storage;
mod subject;
mod token;
mod upstream;
mod upstream_login;
mod verification;

pub(super) use self::passkeys::PASSKEY_HINT;
use super::options::{Settings, site_name};
use super::raw::RawSettings;
use crate::session::Source;
use crate::yaml::{Diagnostics, File, Path, Size, Span};
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Compiles a whole file; every mistake is reported to `draft`.
pub(super) fn compile(raw: &RawSettings, draft: &mut Draft<'_>) -> Option<Settings> {
    let root = Path::root();
    draft.version(raw.version);
    let mut client_side = client_side::compile(raw, draft);
    let upstream = upstream::compile(raw.upstream.as_ref(), raw.forward_auth.is_some(), draft);
    let policies = draft.policies(raw);
    let sessions = session::compile(raw.session.as_ref(), &client_side.trusted_proxies, draft);
    let identity = raw.upstream.as_ref();
    let identity = identity.and_then(|raw| raw.identity.as_ref());
    let identity = identity::compile(identity, client_side.public_origin(), &sessions, draft);
    let is_asserted = sessions.source.as_ref().is_some_and(Source::names_groups);
    let compared = (sessions.naming, is_asserted);
    let groups = groups::compile(raw.groups.as_ref(), compared, draft);
    let verification = verification::compile(raw.verification.as_ref(), sessions.remember, draft);
    reach::check_entries(raw.session.as_ref(), &sessions, client_side.prefix(), draft);
    sources::check_endpoints(raw.session.as_ref(), &sessions, client_side.prefix(), draft);
    let raw_login = raw.verification.as_ref();
    let raw_login = raw_login.and_then(|raw| raw.upstream_login.as_ref());
    let upstream_login = raw_login.and_then(|raw| upstream_login::compile(raw, &sessions, draft));
    let raw_oidc = raw.verification.as_ref().and_then(|raw| raw.oidc.as_ref());
    let place = (client_side.public_origin(), client_side.prefix());
    let oidc = raw_oidc.and_then(|raw| oidc::compile(raw, sessions.naming, place, draft));
    let store = storage::store(raw.store.as_ref(), draft);
    let secrets = secret::compile(raw, store.as_ref(), draft);
    let mail = mail::compile(raw.mail.as_ref(), &client_side, draft);
    let raw_passkeys = raw.verification.as_ref();
    let raw_passkeys = raw_passkeys.and_then(|raw| raw.passkeys.as_ref());
    let passkeys = {
        let origin = client_side.public_origin();
        let name = site_name(mail.as_ref(), client_side.brand(), origin).to_owned();
        passkeys::compile(raw_passkeys, origin, &name, draft)
    };
    let asking = forward_auth::compile(raw, &sessions, &mut client_side, draft);
    let audit = storage::audit(raw.audit.as_ref(), draft);
    let admin = admin::compile(raw.admin.as_ref(), &client_side.listeners, draft);
    let log = storage::log(raw.log.as_ref(), draft);
    // This heeds the CPU quota of a container.
    let default = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = draft.count(raw.threads, default, &root.key("threads"));
    if threads > MAX_THREADS {
        let message = format!("`{threads}` threads are more than {MAX_THREADS}");
        draft.file.report("threads", message);
    }
    let domain = raw.session.as_ref();
    let domain = domain.and_then(|raw| raw.cookie_domain.as_deref());
    let keep = verification.settings.session_keep;
    let browser_key = client_side.browser_key(keep, domain, draft);
    // Not before all sections were read: one run reports what is wrong with any of them.
    let told = identity.as_ref();
    let told = told.map(|told| told.names().map(|name| name.as_str().to_owned()).collect());
    let told = told.unwrap_or_default();
    let proxy = client_side.into_proxy(upstream?, &sessions, &browser_key, told, asking, draft);
    Some(Settings {
        file: draft.name.clone(),
        threads,
        listeners: proxy.listeners,
        proxy: proxy.options,
        web: proxy.web,
        drain: proxy.drain,
        identity,
        sessions,
        browser_key,
        secrets: secrets?,
        policies,
        groups,
        store: store?,
        verification: verification.settings,
        upstream_login,
        oidc,
        passkeys,
        passwords: verification.passwords,
        mail,
        audit,
        admin,
        log,
        remarks: Diagnostics::default(),
    })
}

/// A file on its way from written to meant. Relative paths are relative to the file's folder.
pub(super) struct Draft<'f> {
    pub(super) file: &'f mut File,
    pub(super) name: PathBuf,
    /// Whether other sidecars may have the same store.
    pub(super) shares_store: bool,
}

impl Draft<'_> {
    fn version(&mut self, version: Option<i64>) {
        match version {
            Some(1) => {}
            Some(other) => self.file.report(
                "version",
                format!("version {other} is not known; this Stepgate reads version 1"),
            ),
            None => self.missing(&Path::root(), "version", "write `version: 1`"),
        }
    }

    /// The policy files and folders that are there.
    pub(super) fn policies(&mut self, raw: &RawSettings) -> Vec<PathBuf> {
        let at = Path::root().key("policies");
        let written: Vec<(Path, String)> = raw
            .policies
            .iter()
            .flat_map(|list| list.with_paths(&at))
            .map(|(at, text)| (at, text.clone()))
            .collect();
        if written.is_empty() {
            let hint = "name the policy files, or a folder of them, such as `policies: policies/`";
            self.missing(&Path::root(), "policies", hint);
        }
        let found = written.into_iter();
        found
            .filter_map(|(at, text)| self.existing(&text, &at))
            .collect()
    }

    /// What is written, or a report that it is missing.
    fn needed<'r, T>(
        &mut self,
        written: Option<&'r T>,
        at: &Path,
        field: &str,
        hint: &str,
    ) -> Option<&'r T> {
        if written.is_none() {
            self.missing(at, field, hint);
        }
        written
    }

    /// Reports that `field` is missing, unless it is there and was faulty.
    fn missing(&mut self, at: &Path, field: &str, hint: &str) {
        self.file.report_missing(at, field, Some(hint));
    }

    /// A path, relative to the file's folder.
    fn resolve(&self, text: &str) -> PathBuf {
        self.name
            .parent()
            .map_or_else(|| text.into(), |folder| folder.join(text))
    }

    /// The path of something that must be there.
    fn existing(&mut self, text: &str, at: &Path) -> Option<PathBuf> {
        let path = self.resolve(text);
        match std::fs::metadata(&path) {
            Ok(_) => Some(path),
            Err(error) => {
                let message = format!("`{}` cannot be read: {error}", path.display());
                self.file.report(at, message);
                None
            }
        }
    }

    fn span(&mut self, written: Option<Span>, default: Duration, at: &Path) -> Duration {
        if written == Some(Span(Duration::ZERO)) {
            self.file.report(at, "must be longer than `0s`");
        }
        written.map_or(default, |Span(span)| span)
    }

    fn span_if_set(&mut self, written: Option<Span>, at: &Path) -> Option<Duration> {
        written.map(|span| self.span(Some(span), Duration::ZERO, at))
    }

    fn count(&mut self, written: Option<u64>, default: usize, at: &Path) -> usize {
        let Some(number) = written else {
            return default;
        };
        match usize::try_from(number) {
            Ok(0) | Err(_) => {
                self.file
                    .report(at, format!("`{number}`: expected at least 1"));
                default
            }
            Ok(number) => number,
        }
    }

    fn count32(&mut self, written: Option<u32>, default: u32, at: &Path) -> u32 {
        if written == Some(0) {
            self.file.report(at, "`0`: expected at least 1");
        }
        written.unwrap_or(default)
    }

    /// A size with an upper end, in bytes.
    fn size(&mut self, written: Option<Size>, default: usize, most: usize, at: &Path) -> usize {
        let Some(Size(bytes)) = written else {
            return default;
        };
        match usize::try_from(bytes) {
            Ok(bytes) if (1..=most).contains(&bytes) => bytes,
            Ok(_) | Err(_) => {
                let message = format!("{bytes} bytes: expected 1 to {most}");
                self.file.report(at, message);
                default
            }
        }
    }

    /// Reads a text as a `T`, or reports why it is none.
    fn parse<T: FromStr<Err: Display>>(&mut self, text: &str, at: &Path) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.file.report(at, error.to_string());
                None
            }
        }
    }

    fn header(&mut self, text: &str, at: &Path) -> Option<http::HeaderName> {
        let name = http::HeaderName::from_bytes(text.as_bytes()).ok();
        if name.is_none() {
            let message = format!("`{}` is not a header name", crate::yaml::clip(text));
            self.file.report(at, message);
        }
        name
    }
}

/// More threads than this are a mistake.
const MAX_THREADS: usize = 1024;
