//! Refusals in the form in which a program on a command line shows them to the person in front of it.

use super::problem::Problem;
use crate::domain::{Factor, Reason};
use crate::locale::{Locale, Texts};
use crate::request::program::{Member, Program, Shows};
use crate::web::api::ChallengeView;
use crate::web::pages::Site;
use serde_json::{Value, json};
use std::time::Duration;

/// What a program is answered instead of a problem document.
pub(super) struct ProgramAnswer {
    pub(super) media_type: &'static str,
    pub(super) body: String,
    /// A header that it shows.
    pub(super) notice: Option<(&'static str, String)>,
    /// The reason phrase, where it shows that.
    pub(super) phrase: Option<String>,
}

/// How a client sees us.
#[derive(Clone, Copy)]
pub(super) struct SeenBy<'s> {
    pub(super) site: &'s Site,
    /// Our origin.
    pub(super) origin: &'s str,
    /// Whether what the person proves on a page is proved for this client as well: their browser has the same cookies.
    pub(super) shares_cookies: bool,
}

impl SeenBy<'_> {
    /// With our origin before it, for whoever copies it into a browser.
    fn absolute(&self, url: &str) -> String {
        match url.strip_prefix('/') {
            Some(path) => format!("{}/{path}", self.origin),
            None => url.to_owned(),
        }
    }
}

const TEXT: &str = "text/plain; charset=utf-8";

impl ProgramAnswer {
    /// Says what `document` says.
    pub(super) fn new(program: &Program, document: &Problem, seen: SeenBy<'_>) -> Self {
        let text = text(document, program, seen);
        let answer = |media_type, body| Self {
            media_type,
            body,
            notice: None,
            phrase: None,
        };
        match program.shows {
            Shows::Document => {
                let body = serde_json::to_string_pretty(document).unwrap_or_default();
                answer(super::problem::MEDIA_TYPE, body + "\n")
            }
            Shows::ErrorList => answer("application/json", error_list(document, &text).to_string()),
            Shows::Member(member) => Self {
                notice: (member == Member::Error).then(|| ("npm-notice", notice(document, seen))),
                ..answer(media_type(member), with_member(document, member, &text))
            },
            Shows::Phrase => Self {
                phrase: Some(phrase(document, seen)),
                ..answer(TEXT, text)
            },
            Shows::Text => answer(TEXT, text),
            Shows::WebDav => answer("text/xml; charset=utf-8", dav_error(&text)),
        }
    }
}

/// What happened and what helps, in lines for a person.
fn text(document: &Problem, program: &Program, seen: SeenBy<'_>) -> String {
    let t = seen.site.texts();
    let mut lines = vec![format!("{}: {}", document.title, document.detail)];
    if let Some(challenge) = &document.challenge {
        let before = lines.len();
        lines.extend(ways(document, challenge, program, seen));
        if lines.len() == before {
            lines.push(t.terminal.cannot.to_string());
        }
    }
    if let Some(url) = &document.login_url {
        lines.push(format!("{}: {}", t.page.sign_in, seen.absolute(url)));
    }
    if let Some(url) = &document.enroll_url {
        lines.push(t.terminal.set_up(seen.absolute(url)));
    }
    if let Some(left) = document.attempts_left.filter(|left| *left > 0) {
        lines.push(t.prompt.attempts_left(left.into()));
    }
    if let Some(seconds) = document.retry_after {
        let wait = t.at_most(Duration::from_secs(seconds));
        lines.push(t.about.retry_in(&wait));
    }
    let explained = seen.absolute(&document.kind);
    lines.push(format!(
        "{}: {} ({explained})",
        t.about.fact_reason, document.reason
    ));
    lines.join("\n") + "\n"
}

/// What whoever runs a program can do so that its next call passes.
fn ways(
    document: &Problem,
    challenge: &ChallengeView,
    program: &Program,
    seen: SeenBy<'_>,
) -> Vec<String> {
    let t = &seen.site.texts().terminal;
    let mut lines = Vec::new();
    if seen.shares_cookies {
        lines.push(t.prove(seen.absolute(&challenge.page_url)));
    }
    if let Some(inline) = &challenge.inline {
        if let Some(header) = &inline.header
            && takes(challenge, inline.factor)
        {
            lines.push(if inline.factor == Factor::RecoveryCode.as_str() {
                t.recovery_code_in_header(header)
            } else {
                t.code_in_header(header)
            });
        }
        if inline.after_password && takes(challenge, Factor::Totp.as_str()) {
            lines.push(t.code_after_password.to_string());
        }
    }
    // It polls for nothing itself, so no request of its own is ever known to its owner's browser; and another request
    // than its own has the key that counts for one request.
    if let Some(key) = program.sends_key
        && document.device.is_some()
        && !challenge.single_use
    {
        lines.push(t.key_of_script(key));
    }
    lines
}

/// Whether this person has the factor, and it is enough.
fn takes(challenge: &ChallengeView, factor: &'static str) -> bool {
    challenge.factors.contains(&vec![factor])
}

/// The same in one line of ASCII, as headers and status lines hold, and so in English.
fn phrase(document: &Problem, seen: SeenBy<'_>) -> String {
    let english = Texts::of(Locale::En);
    let known = Reason::ALL.iter();
    let reason = { known }.find(|reason| reason.as_str() == document.reason);
    let title = reason.map_or("", |reason| &*english.problem(*reason).title);
    let explained = seen.absolute(&document.kind);
    let phrase = format!("{title} ({}), see {explained}", document.reason);
    // RFC 9112 §4: no controls. What is beyond ASCII each client shows as it likes.
    phrase.chars().filter(|c| matches!(c, ' '..='~')).collect()
}

/// The line of npm. Where it names a page in place of a code it no longer says how to bring one.
fn notice(document: &Problem, seen: SeenBy<'_>) -> String {
    let mut notice = phrase(document, seen);
    let challenge = document.npm.as_ref().and(document.challenge.as_ref());
    let takes_code = challenge.is_some_and(|challenge| {
        let inline = challenge.inline.as_ref();
        inline.is_some_and(|inline| takes(challenge, inline.factor))
    });
    if takes_code {
        notice.push_str("; or repeat the command with --otp=CODE");
    }
    notice
}

/// The Distribution Specification's form of an error.
fn error_list(document: &Problem, text: &str) -> Value {
    // Those that the specification has for a refusal: clients print any other as unknown.
    let code = match document.status {
        401 => "UNAUTHORIZED",
        429 => "TOOMANYREQUESTS",
        _ => "DENIED",
    };
    // Short: some print all of it, beside the message.
    let detail = json!({ "reason": document.reason, "request_id": document.request_id });
    json!({ "errors": [{ "code": code, "message": text.trim_end(), "detail": detail }] })
}

/// The document with one more member (RFC 9457 §3.2).
fn with_member(document: &Problem, member: Member, text: &str) -> String {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    if let Some(members) = document.as_object_mut() {
        let text = text.trim_end();
        let (name, value) = match member {
            Member::Error => ("error", json!(text)),
            Member::ErrorDetail => ("errors", json!([{ "detail": text }])),
            Member::Warning => ("warning", json!(text)),
        };
        members.insert(name.to_owned(), value);
    }
    document.to_string()
}

const fn media_type(member: Member) -> &'static str {
    match member {
        Member::Error | Member::ErrorDetail => super::problem::MEDIA_TYPE,
        // It reads no other.
        Member::Warning => "application/json",
    }
}

/// The form in which `mod_dav` tells people: 175013 is Subversion's "forbidden".
fn dav_error(text: &str) -> String {
    let text = text
        .trim_end()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:error xmlns:D=\"DAV:\" xmlns:m=\"http://apache.org/dav/xmlns\">\
         <m:human-readable errcode=\"175013\">{text}</m:human-readable></D:error>\n"
    )
}
