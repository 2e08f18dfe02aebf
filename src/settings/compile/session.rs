//! Where sessions, subjects and times of authentication come from.

use super::sources::{jwt, whoami};
use super::{Draft, credentials, learn};
use crate::domain::{LetterCase, LocalPath, Naming, NormalForm};
use crate::request::headers::is_plain;
use crate::session::{
    AssertedHeaders, CredentialNames, Jwt, RotatedProofs, RotationOptions, SessionKey,
    SessionOptions, Source,
};
use crate::settings::raw_session::{
    RawAsserted, RawCase, RawNormalize, RawRotatedProofs, RawRotation, RawSession, RawSessionKey,
    RawSubjects,
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
    let asserted = raw.headers.as_ref();
    let naming = naming(raw.subjects.unwrap_or_default());
    let asserted = asserted.and_then(|raw| headers(raw, naming, trusted_proxies, draft));
    let key = session_key(raw, draft);
    let whoami = whoami::compile(raw.whoami.as_ref(), naming, draft);
    let jwt = jwt::compile(raw.jwt.as_ref(), naming, &cookies, draft);
    let namers = namers(raw, draft);
    let tells = raw.headers.is_some() || raw.credentials.is_some() || raw.jwt.is_some();
    if cookies.is_empty() && !tells && !draft.file.mentions(at("cookies")) {
        let message = "neither `session.cookies` nor `session.headers` is given: nothing tells \
                       whose session a request belongs to, so guarded routes refuse everybody";
        draft.file.warn(&section, message);
    }
    if raw.learn.is_some() && cookies.is_empty() && !draft.file.mentions(at("cookies")) {
        let message = "`session.cookies` is missing: a login is learned for the cookie it sets";
        draft.file.report(at("learn"), message);
    }
    if raw.learn.is_none() && namers == 0 && !cookies.is_empty() {
        let message = "neither `session.whoami`, `session.jwt`, `session.learn` nor `session.headers` is given: \
                       sessions are told apart, but nothing tells whose they are";
        draft.file.warn(&section, message);
    }
    let remember = Duration::from_hours(30 * 24);
    let remember = draft.span(raw.remember, remember, &at("remember"));
    let lifetime = draft.span_if_set(raw.lifetime, &at("lifetime"));
    let idle = draft.span_if_set(raw.idle, &at("idle"));
    for (limit, field) in [(lifetime, "lifetime"), (idle, "idle")] {
        if limit.is_some_and(|limit| limit > remember) {
            let message = format!("longer than `remember`, which is {}", Span(remember));
            let hint = "a session that is forgotten cannot be ended by a limit";
            draft.file.report_with_hint(at(field), message, hint);
        }
    }
    let learn = raw.learn.as_ref();
    let learn = learn.map(|raw| learn::compile(raw, naming, &cookies, draft));
    let sources = asserted.map(Source::Headers).into_iter();
    let own = jwt.as_ref().and_then(Jwt::header);
    let key_names = credentials::keys(raw.credentials.as_ref(), own, draft);
    let sources = sources.chain(jwt.map(Source::Jwt));
    let sources = sources.chain(whoami.map(Source::Whoami));
    let sources = sources.chain(learn.map(Source::Learn)).collect();
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
        sources,
    }
}

/// How many sources name the subject of every request; of several it could not be told which is right.
fn namers(raw: &RawSession, draft: &mut Draft<'_>) -> usize {
    let all = [
        ("headers", raw.headers.is_some()),
        ("jwt", raw.jwt.is_some()),
        ("whoami", raw.whoami.is_some()),
    ];
    let mut written = all.iter().filter(|(_, is_there)| *is_there);
    let Some((first, _)) = written.next() else {
        return 0;
    };
    for (other, _) in written.clone() {
        let message =
            format!("stands beside `session.{first}`: both name the subject of every request");
        let hint = "keep `headers` where a proxy in front logs people in, `jwt` where every request carries a \
                    token, `whoami` where the application knows its users in any other way";
        let at = Path::root().key("session").key(other);
        draft.file.report_with_hint(at, message, hint);
    }
    1 + written.count()
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
            if raw.headers.is_none() && raw.jwt.is_none() && raw.whoami.is_none() {
                let message = "`subject` needs `session.headers`, `session.jwt` or `session.whoami`, which \
                               name the subject of every request";
                draft.file.report("session.key", message);
            }
            SessionKey::Subject
        }
        Some(RawSessionKey::Credential) | None => SessionKey::Credential,
    }
}

fn headers(
    raw: &RawAsserted,
    naming: Naming,
    trusted_proxies: &[IpNet],
    draft: &mut Draft<'_>,
) -> Option<AssertedHeaders> {
    let at = Path::root().key("session").key("headers");
    if trusted_proxies.is_empty() && !draft.file.mentions("trusted_proxies") {
        let message = "headers say who somebody is only if a trusted proxy sends them";
        let hint = "name it, such as `trusted_proxies: [10.0.0.1]`";
        draft.file.report_with_hint(&at, message, hint);
    }
    let mut name = |text: &Option<String>, field: &str| {
        let (text, at) = (text.as_ref()?, at.key(field));
        let name = draft.header(text, &at)?;
        if !is_plain(name.as_str()) {
            let message = format!(
                "`{}` never arrives: such names are read as others, so nobody's are passed on",
                clip(text)
            );
            let hint =
                "have the proxy send a name of letters, digits and `-`, such as `remote-user`";
            draft.file.report_with_hint(&at, message, hint);
        }
        Some(name)
    };
    let email = name(&raw.email, "email");
    let authenticated_at = name(&raw.authenticated_at, "authenticated_at");
    let subject = name(&raw.subject, "subject");
    if raw.subject.is_none() {
        draft.missing(
            &at,
            "subject",
            "the header that names the user, such as `remote-user`",
        );
    }
    Some(AssertedHeaders {
        subject: subject?,
        naming,
        email,
        authenticated_at,
    })
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
