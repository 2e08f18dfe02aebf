//! Where sessions, subjects and times of authentication come from.

use super::{Draft, credentials, learn, sources, step};
use crate::domain::{LetterCase, LocalPath, Naming, NormalForm};
use crate::session::{
    CredentialNames, RotatedProofs, RotationOptions, SessionKey, SessionOptions, Source,
};
use crate::settings::raw_session::{
    RawCase, RawNormalize, RawRotatedProofs, RawRotation, RawSession, RawSessionKey, RawSubjects,
};
use crate::yaml::{Path, Span, clip};
use ipnet::IpNet;
use std::time::Duration;

pub(super) fn compile(
    raw: Option<&RawSession>,
    trusted_proxies: &[IpNet],
    draft: &mut Draft<'_>,
) -> SessionOptions {
    let default = RawSession::default();
    let raw = raw.unwrap_or(&default);
    let section = Path::root().key("session");
    let at = |field: &str| section.key(field);
    let cookies = credentials::cookies(raw, draft);
    let naming = naming(raw.subjects.unwrap_or_default());
    let key = session_key(raw, draft);
    let beside = sources::SourceInputs {
        naming,
        cookies: &cookies,
        trusted_proxies,
    };
    let source = sources::compile(raw, &beside, draft);
    let logins = || {
        raw.learn
            .iter()
            .flat_map(|learn| learn.logins.iter().flatten())
    };
    let learns_tokens = logins().count() > 0 && logins().all(|login| login.token.is_some());
    let tells = learns_tokens || raw.credentials.is_some() || sources::tells_alone(raw);
    if cookies.is_empty() && !tells && !draft.file.mentions(at("cookies")) {
        let message = "neither `session.cookies` nor `session.headers` is given: nothing tells \
                       whose session a request belongs to, so guarded routes refuse everybody";
        draft.file.warn(&section, message);
    }
    if raw.learn.is_some()
        && !learns_tokens
        && cookies.is_empty()
        && !draft.file.mentions(at("cookies"))
    {
        let message = "`session.cookies` is missing: a login is learned for the cookie it sets";
        draft.file.report(at("learn"), message);
    }
    // Allowed, since level 3 and 4 work by proofs alone; a warning, since it is rarely meant.
    if raw.learn.is_none() && !sources::is_written(raw) && !cookies.is_empty() {
        let names = sources::names();
        let message = format!(
            "neither `session.learn` nor {names} is given: sessions are told apart, but nothing tells whose they are"
        );
        draft.file.warn(&section, message);
    }
    let remember = Duration::from_hours(30 * 24);
    let remember = draft.span(raw.remember, remember, &at("remember"));
    let lifetime = draft.span_if_set(raw.lifetime, &at("lifetime"));
    let idle = draft.span_if_set(raw.idle, &at("idle"));
    for (limit, field) in [(lifetime, "lifetime"), (idle, "idle")] {
        // Forgotten first, the session would begin anew, and with it the limit.
        if limit.is_some_and(|limit| limit > remember) {
            let message = format!("longer than `remember`, which is {}", Span(remember));
            let hint = "a session that is forgotten cannot be ended by a limit";
            draft.file.report_with_hint(at(field), message, hint);
        }
    }
    let learn = raw.learn.as_ref();
    let learn = learn.map(|raw| learn::compile(raw, naming, &cookies, draft));
    if let (Some(learn), None) = (&learn, &source) {
        step::warn_of_earlier_names(learn, draft);
    }
    let own = source.as_ref().and_then(Source::own_header);
    let key_names = credentials::keys(raw.credentials.as_ref(), own, draft);
    SessionOptions {
        credentials: CredentialNames { cookies },
        key_names,
        key,
        rotation: rotation(raw.rotation.as_ref(), draft),
        naming,
        remember,
        lifetime,
        idle,
        login_page: login_page(raw.login_page.as_deref(), draft),
        asks_for_password: asks_for_password(raw, source.as_ref(), draft),
        source,
        learn,
    }
}

fn rotation(raw: Option<&RawRotation>, draft: &mut Draft<'_>) -> RotationOptions {
    let at = Path::root().key("session").key("rotation").key("grace");
    let proofs = match raw.and_then(|raw| raw.proofs) {
        Some(RawRotatedProofs::Auto) | None => RotatedProofs::Auto,
        Some(RawRotatedProofs::Drop) => RotatedProofs::Drop,
        Some(RawRotatedProofs::Keep) => RotatedProofs::Keep,
    };
    let grace = draft.span(raw.and_then(|raw| raw.grace), GRACE, &at);
    if grace > LONGEST_GRACE {
        let message = format!("longer than {}", Span(LONGEST_GRACE));
        let hint = "an old value is for requests that are under way when the new one is set";
        draft.file.report_with_hint(at, message, hint);
    }
    RotationOptions { proofs, grace }
}

/// How long an old value of the session's cookie stays good, and how long at most.
const GRACE: Duration = Duration::from_mins(1);
const LONGEST_GRACE: Duration = Duration::from_mins(10);

fn naming(raw: RawSubjects) -> Naming {
    Naming {
        case: match raw.case {
            // Most applications let `Alice` in as `alice`: taken for two people, one would have no factors.
            None | Some(RawCase::Insensitive) => LetterCase::Insensitive,
            Some(RawCase::Sensitive) => LetterCase::Sensitive,
        },
        form: match raw.normalize {
            None | Some(RawNormalize::Nfc) => NormalForm::Nfc,
            Some(RawNormalize::Nfkc) => NormalForm::Nfkc,
            Some(RawNormalize::None) => NormalForm::AsIs,
        },
    }
}

fn session_key(raw: &RawSession, draft: &mut Draft<'_>) -> SessionKey {
    match raw.key {
        Some(RawSessionKey::Subject) => {
            if !sources::is_written(raw) {
                let names = sources::names();
                let message =
                    format!("`subject` needs {names}, which name the subject of every request");
                draft.file.report("session.key", message);
            }
            SessionKey::Subject
        }
        Some(RawSessionKey::Credential) | None => SessionKey::Credential,
    }
}

fn asks_for_password(raw: &RawSession, source: Option<&Source>, draft: &mut Draft<'_>) -> bool {
    let names_bearers = raw.whoami.is_some() || raw.basic.is_some();
    if raw.ask_for_password.is_some() && !names_bearers {
        let message = "nothing here would know whose a password of HTTP is";
        let hint = "name the question that the application answers to whoever sends one: `whoami`";
        let at = "session.ask_for_password";
        draft.file.report_with_hint(at, message, hint);
    }
    let default = matches!(source, Some(Source::Basic(_)));
    raw.ask_for_password.unwrap_or(default)
}

fn login_page(text: Option<&str>, draft: &mut Draft<'_>) -> Option<String> {
    let text = text?;
    // An application of one page has it in the fragment, which a client never sends.
    let (page, fragment) = text.split_once('#').unwrap_or((text, ""));
    if LocalPath::parse(page).is_none() || fragment.bytes().any(|byte| !byte.is_ascii_graphic()) {
        let message = format!("`{}` is not a page of the application", clip(text));
        let hint = "a path such as `/login`, or `/login?next={path}`";
        draft
            .file
            .report_with_hint("session.login_page", message, hint);
    }
    Some(text.to_owned())
}
