//! Who has logged in: where the settings say that a login, or its answer, names the user.

use super::Draft;
use crate::domain::{Field, is_secret_name};
use crate::session::SubjectSource;
use crate::settings::raw_subject::RawSubject;
use crate::yaml::{Path, clip};

pub(super) fn compile(raw: &RawSubject, at: &Path, draft: &mut Draft<'_>) -> Option<SubjectSource> {
    let named = match raw {
        RawSubject::Named(named) => named,
        RawSubject::Whoami => {
            if !draft.file.mentions("session.whoami") {
                refuse_whoami(at, draft);
            }
            return Some(SubjectSource::Whoami);
        }
    };
    let given = [
        ("form", &named.form),
        ("graphql", &named.graphql),
        ("json", &named.json),
        ("query", &named.query),
        ("response_cookie", &named.response_cookie),
        ("response_header", &named.response_header),
        ("response_json", &named.response_json),
    ];
    let given = given
        .into_iter()
        .filter_map(|(key, text)| Some((key, text.as_deref()?)));
    let &[(key, text)] = given.collect::<Vec<_>>().as_slice() else {
        let message = "expected `whoami`, or one of `form`, `json`, `graphql`, `query`, `response_cookie`, `response_header` and `response_json`";
        draft.file.report(at, message);
        return None;
    };
    let at = at.key(key);
    if matches!(key, "form" | "graphql" | "json") {
        let last = text.rsplit('/').next().unwrap_or_default();
        refuse_secret(last, &at, draft);
    }
    Some(match key {
        "form" => SubjectSource::Request(Field::Form(text.to_owned())),
        "graphql" => SubjectSource::GraphQl(pointer(text, &at, draft)),
        "json" => SubjectSource::Request(Field::Json(pointer(text, &at, draft))),
        "query" => {
            if proves_a_login(text) {
                let message = format!(
                    "`{text}` of a callback or link is new with each login, and no name of a user"
                );
                let hint = "`subject: whoami` asks the application who has logged in";
                draft.file.report_with_hint(at, message, hint);
            }
            SubjectSource::Request(Field::Query(text.to_owned()))
        }
        "response_cookie" => {
            refuse_secret(text, &at, draft);
            SubjectSource::ResponseCookie(text.to_owned())
        }
        "response_header" => SubjectSource::ResponseHeader(draft.header(text, &at)?),
        _ => SubjectSource::ResponseJson(pointer(text, &at, draft)),
    })
}

/// Only the application, asked with all that a request carries, can say that nobody was signed in before a login: a
/// record or a token is read by its own cookie or header, and whoever has a remember-me cookie brings neither.
fn refuse_whoami(at: &Path, draft: &mut Draft<'_>) {
    let message = "`whoami` needs `session.whoami`, which says how the application is asked";
    let timed = ["redis", "jwt", "headers"];
    let timed = timed
        .into_iter()
        .find(|source| draft.file.mentions(Path::root().key("session").key(source)));
    match timed {
        Some(source) => {
            let hint = format!(
                "`session.{source}` names the user after any login: leave this entry out, and say where the time of the login is by `session.{source}.authenticated_at`"
            );
            draft.file.report_with_hint(at, message, hint);
        }
        None => draft.file.report(at, message),
    }
}

/// A JSON pointer (RFC 6901).
pub(super) fn pointer(text: &str, at: &Path, draft: &mut Draft<'_>) -> String {
    if !text.starts_with('/') {
        let message = format!("`{}` is not a JSON pointer", clip(text));
        // As other tools write it: `user.name`, `$.user.name`.
        let steps = text.trim_start_matches(['$', '.']).replace('.', "/");
        let hint = format!("did you mean `/{}`?", clip(&steps));
        draft.file.report_with_hint(at, message, hint);
    }
    text.to_owned()
}

/// The name of a subject is in audit lines and on pages.
fn refuse_secret(name: &str, at: &Path, draft: &mut Draft<'_>) {
    if is_secret_name(name) {
        let message = format!(
            "`{}` is named like a password, and no name of a user",
            clip(name)
        );
        let hint = "the field in which people type who they are, such as `username` or `email`";
        draft.file.report_with_hint(at, message, hint);
    }
}

/// Whether a parameter is named like what an identity provider or a link in a mail brings: it proves a login, and
/// is nobody's name (RFC 6749 §4.1.2, SAML bindings §3.4, CAS).
fn proves_a_login(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let parts = [
        "assertion",
        "jwt",
        "nonce",
        "saml",
        "signature",
        "ticket",
        "token",
    ];
    let words = [
        "code", "hash", "key", "magic", "oobcode", "otp", "sig", "state",
    ];
    parts.iter().any(|part| lower.contains(part)) || words.contains(&&*lower)
}
