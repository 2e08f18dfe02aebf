//! Proxies that ask about requests and forward them by themselves: who may ask, and what cannot be had then.

use super::Draft;
use super::client_side::{self, ListenSettings};
use crate::proxy::Role;
use crate::request::{AskingProxies, ToldBodies};
use crate::session::SessionOptions;
use crate::settings::Listener;
use crate::settings::raw::RawSettings;
use crate::settings::raw_forward_auth::{RawBodies, RawForwardAuth};
use crate::yaml::{Path, Size};

/// Who asks; where, is added to the listeners.
pub(super) fn compile(
    raw: &RawSettings,
    sessions: &SessionOptions,
    client_side: &mut ListenSettings,
    draft: &mut Draft<'_>,
) -> Option<AskingProxies> {
    let written = raw.forward_auth.as_ref()?;
    let section = Path::root().key("forward_auth");
    refuse_what_is_not_seen(raw, draft);
    let bodies = match written.body {
        None | Some(RawBodies::All(false)) => ToldBodies::None,
        Some(RawBodies::All(true)) => ToldBodies::Whole,
        Some(RawBodies::UpTo(most)) => told_up_to(most, &section.key("body"), draft),
    };
    if bodies == ToldBodies::None && sessions.key_names.reads_body() {
        let message = "keys in the body of a request are not told: see `forward_auth.body`";
        draft.file.report("session.credentials", message);
    }
    if client_side.trusted_proxies.is_empty() && !draft.file.mentions("trusted_proxies") {
        // Also where it asks by a socket: the person's own requests come from an address.
        let message =
            "`trusted_proxies` is missing: what the proxy says of its clients is not believed";
        let hint = "the addresses of the proxy, such as `trusted_proxies: [127.0.0.1]`";
        draft.file.report_with_hint(&section, message, hint);
    }
    listen(written, &section, &mut client_side.listeners, draft);
    let hint = "what the proxy sends with each question, such as `secret: { file: ask.secret }`";
    let secret = draft.needed(written.secret.as_ref(), &section, "secret", hint)?;
    let at = section.key("secret");
    let secret = draft.password(secret, &at)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if secret.expose().len() < MIN_SECRET || !secret.expose().bytes().all(is_plain) {
        let message = format!(
            "expected at least {MIN_SECRET} letters, digits, `-`, `.`, `_` or `~`: it stands in a header, or in a URL"
        );
        let hint = "make one by `openssl rand -hex 32`";
        draft.file.report_with_hint(&at, message, hint);
    }
    Some(AskingProxies { secret, bodies })
}

fn told_up_to(Size(most): Size, at: &Path, draft: &mut Draft<'_>) -> ToldBodies {
    if most == 0 {
        draft
            .file
            .report_with_hint(at, "0 bytes are none", "`body: false`");
    }
    ToldBodies::UpTo(most)
}

/// The addresses where proxies ask, which are none of those where clients come.
fn listen(
    written: &RawForwardAuth,
    section: &Path,
    listeners: &mut Vec<Listener>,
    draft: &mut Draft<'_>,
) {
    let hint = "an address of its own, where the proxy alone asks, such as `127.0.0.1:9180`";
    let asked = draft.needed(written.listen.as_ref(), section, "listen", hint);
    let at = section.key("listen");
    for (at, raw) in asked.iter().flat_map(|list| list.with_paths(&at)) {
        let Some(listener) = client_side::listener(raw, Role::Asked, &at, draft) else {
            continue;
        };
        if listener.is_doubled(listeners) {
            let message = format!("`{}` is listened on twice", listener.address);
            draft.file.report_with_hint(&at, message, hint);
        }
        listeners.push(listener);
    }
}

/// Refuses settings that rest on the application's answers, or on the bodies of requests.
fn refuse_what_is_not_seen(raw: &RawSettings, draft: &mut Draft<'_>) {
    let session = raw.session.as_ref();
    let at = Path::root().key("session");
    let asked = "`session.whoami`, `jwt`, `headers` or `redis` says who somebody is";
    for (is_written, field) in [
        (session.is_some_and(|raw| raw.learn.is_some()), "learn"),
        (session.is_some_and(|raw| raw.basic.is_some()), "basic"),
    ] {
        if is_written {
            let message = format!(
                "`{field}` rests on the application's answers, which a proxy that asks keeps to itself"
            );
            draft.file.report_with_hint(at.key(field), message, asked);
        }
    }
    let is_named = session.is_some_and(|raw| {
        raw.whoami.is_some() || raw.jwt.is_some() || raw.headers.is_some() || raw.redis.is_some()
    });
    if !is_named && session.is_none_or(|raw| raw.learn.is_none() && raw.basic.is_none()) {
        let message = "nothing tells whose a session is, so guarded routes refuse everybody";
        draft.file.report_with_hint("forward_auth", message, asked);
    }
    let asks_application = session.is_some_and(|raw| raw.whoami.is_some())
        || (raw.verification.as_ref()).is_some_and(|raw| raw.upstream_login.is_some());
    let has_upstream = raw.upstream.as_ref().is_some_and(|raw| raw.url.is_some());
    if asks_application && !has_upstream {
        let message = "`session.whoami` and `verification.upstream_login` ask the application";
        let hint = "`upstream: { url: … }`; nothing else is sent there";
        draft.file.report_with_hint("forward_auth", message, hint);
    }
}

/// How long the secret must be, in characters.
const MIN_SECRET: usize = 32;
