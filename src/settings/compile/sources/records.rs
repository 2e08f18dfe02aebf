//! The application's own sessions in its Redis.

use super::SourceInputs;
use crate::domain::CookieName;
use crate::session::sources::Records;
use crate::settings::compile::credentials::cookie_name;
use crate::settings::compile::subject::pointer;
use crate::settings::compile::{Draft, storage};
use crate::settings::raw::RawRedis;
use crate::settings::raw_session::RawRecords;
use crate::store::ReadOnlyRedis;
use crate::telemetry::chain;
use crate::yaml::{Path, clip};
use std::sync::Arc;

pub(super) fn compile(
    raw: Option<&RawRecords>,
    beside: &SourceInputs<'_>,
    draft: &mut Draft<'_>,
) -> Option<Records> {
    let raw = raw?;
    let section = Path::root().key("session").key("redis");
    let at = |field: &str| section.key(field);
    let hint = "the application's Redis, such as `server: { url: redis://127.0.0.1:6379 }`";
    let written = draft.needed(raw.server.as_ref(), &section, "server", hint);
    let server = written.and_then(|raw| server(raw, &at("server"), draft));
    let hint = "the cookie that has the id of a session, such as `connect.sid`";
    let cookie = draft.needed(raw.cookie.as_ref(), &section, "cookie", hint);
    let cookie = cookie.and_then(|name| cookie_in(name, beside.cookies, &at("cookie"), draft));
    let secrets_at = at("secrets");
    let written = raw.secrets.iter();
    let mut secrets = Vec::new();
    for (at, source) in written.flat_map(|list| list.with_paths(&secrets_at)) {
        secrets.extend(draft.password(source, &at));
    }
    if secrets.iter().any(|secret| secret.expose().is_empty()) {
        let message = "an empty secret signs what anybody can sign";
        draft.file.report(&secrets_at, message);
    }
    let hint = "where a record names the user: a JSON pointer such as `/passport/user`";
    let subject = draft.needed(raw.subject.as_ref(), &section, "subject", hint);
    let subject = subject.map(|text| pointer(text, &at("subject"), draft));
    let mut optional = |written: &Option<String>, field: &str| {
        let text = written.as_deref()?;
        Some(pointer(text, &at(field), draft))
    };
    let email = optional(&raw.email, "email");
    let display = optional(&raw.display, "display");
    let authenticated_at = optional(&raw.authenticated_at, "authenticated_at");
    let groups = raw
        .groups
        .as_deref()
        .map(|text| pointer(text, &at("groups"), draft));
    let groups = draft.groups(groups, raw.groups_separator.as_deref(), "", &section);
    let key = key(raw.key.as_deref(), &section, draft);
    Some(Records {
        server: server?,
        cookie: cookie?,
        secrets,
        key: key?,
        subject: subject?,
        email,
        groups,
        display,
        authenticated_at,
        naming: beside.naming,
    })
}

fn server(raw: &RawRedis, at: &Path, draft: &mut Draft<'_>) -> Option<Arc<ReadOnlyRedis>> {
    if raw.prefix.is_some() {
        let message = "the keys of sessions are as `session.redis.key` says";
        draft.file.report(at.key("prefix"), message);
    }
    let options = storage::redis(raw, at, draft)?;
    match ReadOnlyRedis::new(options) {
        Ok(server) => Some(Arc::new(server)),
        Err(error) => {
            draft.file.report(at.key("url"), chain(&error));
            None
        }
    }
}

fn cookie_in(
    name: &str,
    cookies: &[CookieName],
    at: &Path,
    draft: &mut Draft<'_>,
) -> Option<CookieName> {
    let cookie = cookie_name(name, at, draft)?;
    if !cookies.iter().any(|known| known.covers(name.as_bytes())) {
        let message = format!("`{}` is none of `session.cookies`", clip(name));
        let hint = "name it there as well: it is a credential";
        draft.file.report_with_hint(at, message, hint);
    }
    Some(cookie)
}

/// What stands before and after the id in a key.
fn key(written: Option<&str>, section: &Path, draft: &mut Draft<'_>) -> Option<(String, String)> {
    let hint = "such as `key: \"sess:{id}\"` of connect-redis, or \
                `key: \":1:django.contrib.sessions.cache{id}\"` of Django";
    let Some(text) = written else {
        draft.missing(section, "key", hint);
        return None;
    };
    match text.split_once("{id}") {
        Some((before, after)) if !after.contains("{id}") => {
            Some((before.to_owned(), after.to_owned()))
        }
        Some(_) | None => {
            let message = format!("`{}` does not have `{{id}}` once", clip(text));
            draft
                .file
                .report_with_hint(section.key("key"), message, hint);
            None
        }
    }
}
