//! What is kept: the store, the audit log, and our own log.

use super::Draft;
use crate::audit::{AuditSettings, AuditTarget, OnTrouble};
use crate::settings::raw::{
    RawAudit, RawEmbedded, RawLog, RawLogFormat, RawOnTrouble, RawRedis, RawStore,
};
use crate::store::{EmbeddedOptions, RedisOptions, StoreOptions};
use crate::telemetry::{LogFormat, LogSettings};
use crate::yaml::Path;
use std::path::PathBuf;

pub(super) fn store(raw: Option<&RawStore>, draft: &mut Draft<'_>) -> Option<StoreOptions> {
    let none = RawEmbedded::default();
    match raw.map(|raw| (&raw.embedded, &raw.redis)) {
        None | Some((None, None)) => Some(StoreOptions::Embedded(embedded(&none, draft))),
        Some((Some(raw), None)) => Some(StoreOptions::Embedded(embedded(raw, draft))),
        Some((None, Some(raw))) => {
            let section = Path::root().key("store").key("redis");
            redis(raw, &section, draft).map(StoreOptions::Redis)
        }
        Some((Some(_), Some(_))) => {
            let message = "there is one store: either `embedded` or `redis`";
            draft
                .file
                .report(Path::root().key("store").name("redis"), message);
            None
        }
    }
}

fn embedded(raw: &RawEmbedded, draft: &mut Draft<'_>) -> EmbeddedOptions {
    let folder = draft.resolve(raw.path.as_deref().unwrap_or(".stepgate"));
    let mut options = EmbeddedOptions::new(folder.join("state.db"));
    let at = Path::root().key("store").key("embedded").key("deadline");
    options.deadline = draft.span(raw.deadline, options.deadline, &at);
    options
}

/// A Redis whose settings stand in `section`.
pub(super) fn redis(raw: &RawRedis, section: &Path, draft: &mut Draft<'_>) -> Option<RedisOptions> {
    let at = |field: &str| section.key(field);
    let Some(url) = &raw.url else {
        draft.missing(section, "url", "such as `redis://127.0.0.1:6379/0`");
        return None;
    };
    if ["redis://", "rediss://", "unix:"]
        .iter()
        .all(|scheme| !url.starts_with(scheme))
    {
        let message = "the address of redis is none";
        let hint = "`redis://host:port/db`, `rediss://…` for TLS, or `unix:/path`";
        draft.file.report_with_hint(at("url"), message, hint);
    }
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    // The address is logged when we start and named in errors: a password in it would be, too (RFC
    // 3986 §3.2.1).
    if authority
        .split('/')
        .next()
        .is_some_and(|authority| authority.contains('@'))
    {
        let message = "the address of redis holds a user name or password";
        let hint = "use `user`, and `password` by `{ file: … }` or `{ env: … }`";
        draft.file.report_with_hint(at("url"), message, hint);
    }
    let mut options = RedisOptions::new(url);
    options.username.clone_from(&raw.user);
    let password = raw.password.as_ref();
    options.password = password.and_then(|raw| draft.password(raw, &at("password")));
    let ca = raw.ca.as_ref();
    options.ca_file = ca.and_then(|ca| draft.existing(ca, &at("ca")));
    if let Some(prefix) = &raw.prefix {
        options.prefix.clone_from(prefix);
    }
    options.deadline = draft.span(raw.deadline, options.deadline, &at("deadline"));
    options.connect_timeout = draft.span(raw.connect, options.connect_timeout, &at("connect"));
    Some(options)
}

pub(super) fn audit(raw: Option<&RawAudit>, draft: &mut Draft<'_>) -> AuditSettings {
    let none = RawAudit::default();
    let raw = raw.unwrap_or(&none);
    let default = AuditSettings::default();
    let at = Path::root().key("audit").key("queue");
    AuditSettings {
        target: match raw.target.as_deref() {
            None | Some("stdout") => AuditTarget::Stdout,
            Some(text) => AuditTarget::File(draft.resolve(text)),
        },
        queue: draft.count(raw.queue, default.queue, &at),
        on_trouble: match raw.on_trouble {
            Some(RawOnTrouble::Drop) => OnTrouble::Drop,
            Some(RawOnTrouble::Refuse) => OnTrouble::Refuse,
            None => default.on_trouble,
        },
    }
}

pub(super) fn log(raw: Option<&RawLog>, draft: &mut Draft<'_>) -> LogSettings {
    let none = RawLog::default();
    let raw = raw.unwrap_or(&none);
    let default = LogSettings::default();
    let level = raw.level.clone().unwrap_or(default.level);
    // Here rather than when the log starts, so that `stepgate check` finds it.
    if let Err(error) = crate::telemetry::check_level(&level) {
        draft.file.report("log.level", error.to_string());
    }
    LogSettings {
        format: match raw.format {
            Some(RawLogFormat::Json) => LogFormat::Json,
            Some(RawLogFormat::Pretty) => LogFormat::Pretty,
            Some(RawLogFormat::Auto) | None => LogFormat::Auto,
        },
        level,
    }
}

/// The folder in which the embedded store keeps its state; `None` for Redis.
pub(super) fn state_folder(store: &StoreOptions) -> Option<PathBuf> {
    match store {
        StoreOptions::Embedded(options) => options.path.parent().map(PathBuf::from),
        StoreOptions::Redis(_) => None,
    }
}
