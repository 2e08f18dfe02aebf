//! Writes `docs/problems.md`: every reason, as clients meet it.

use super::MAY_PASS;
use super::shape::StepUpMark;
use super::status::status_for;
use crate::domain::{Actor, Reason, ReasonKind};
use crate::locale::{Locale, Texts};
use crate::request::client_kind::ClientKind;
use crate::web::openapi::statuses;
use crate::web::problem::CHALLENGE_CODE;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

const PAGE: &str = "docs/problems.md";
const COMMAND: &str = "UPDATE_EXPECT=1 cargo test --lib reference";
const INTRODUCTION: &str = "
Every `reason` of a refusal: of a guarded request, or of one of [our endpoints](endpoints.md). `type` of the problem document (RFC 9457) is the address of a page that says the same as here, in the person's language:
`/.stepup/problems/REASON`. What a client does about each is in [clients](clients.md#what-to-do-at-each-reason).

The status depends on what the client sent: *with a token* is `Authorization: Bearer`, *with a password* is `Authorization` of any other scheme. gRPC, gRPC-Web and Connect have [codes of their own](endpoints.md#remote-procedures),
and forward-auth has [statuses that its proxies understand](forward-auth.md). `code` is the reason in capitals, or `SENSITIVE_VERIFICATION_REQUIRED` where there is a challenge. `Retry-After` is in seconds.
A known address of ours that is asked by another method answers `not-found` with 405 and `Allow`. On a route with [`inline`](policy.md#inline) the status is 401, and a wrong code in the header is `wrong-answer` with a challenge: it is told as `step-up-required` is.

| `reason` | Status | `Step-Up` | `Retry-After` | Who can do something |
|---|---|---|---|---|
";

/// The status for everybody, and for whom it is another.
fn status(reason: Reason) -> String {
    let of = |kind| status_for(reason, kind, false).as_u16();
    let usual = of(ClientKind::Fetch);
    let others = [
        (of(ClientKind::Bearer), "a token"),
        (of(ClientKind::Api), "a password"),
    ];
    let others = others.into_iter().filter(|(status, _)| *status != usual);
    let others = others.map(|(status, sent)| format!(", with {sent} {status}"));
    format!("{usual}{}", others.collect::<String>())
}

fn mark(reason: Reason) -> &'static str {
    match reason.kind() {
        ReasonKind::StepUp => StepUpMark::Challenge.as_str(),
        ReasonKind::Answer
        | ReasonKind::Denial
        | ReasonKind::Fault
        | ReasonKind::Request
        | ReasonKind::Session => StepUpMark::without_challenge(reason).as_str(),
    }
}

fn retry_after(reason: Reason) -> &'static str {
    if MAY_PASS.contains(&reason) {
        "1"
    } else if reason == Reason::TooManyAttempts {
        // Not where the challenge itself is used up: a new one can be had at once.
        "until the next attempt counts"
    } else {
        "–"
    }
}

const fn who(reason: Reason) -> &'static str {
    match reason.actor() {
        Actor::Client => "who wrote the client",
        Actor::Nobody => "nobody: it passes",
        Actor::Operator => "who runs the site",
        Actor::You => "the person",
    }
}

fn page() -> String {
    let texts = Texts::of(Locale::En);
    let mut page = format!("# Problems\n\n<!-- Written by a test: {COMMAND} -->\n{INTRODUCTION}");
    for reason in Reason::ALL {
        let (status, mark) = (status(*reason), mark(*reason));
        let (retry_after, who) = (retry_after(*reason), who(*reason));
        let row = format!("[`{reason}`](#{reason}) | {status} | `{mark}` | {retry_after} | {who}");
        writeln!(page, "| {row} |").unwrap();
    }
    for reason in Reason::ALL {
        let told = texts.problem(*reason);
        let has_challenge = reason.kind() == ReasonKind::StepUp;
        let code = has_challenge.then(|| format!("\n\n`code`: `{CHALLENGE_CODE}`."));
        let code = code.unwrap_or_default();
        let (title, meaning, todo) = (&told.title, &told.meaning, &told.todo);
        write!(
            page,
            "\n## {reason}\n\n**{title}.** {meaning}\n\n{todo}{code}\n"
        )
        .unwrap();
    }
    page
}

#[test]
#[allow(clippy::disallowed_methods)] // the switch is for whoever runs the test
fn the_reference_of_reasons_is_the_table_in_force() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    if env::var("UPDATE_EXPECT").is_ok() {
        fs::write(path, page()).unwrap();
    } else {
        assert!(
            page() == fs::read_to_string(path).unwrap(),
            "`{COMMAND}` writes {PAGE}"
        );
    }
}

#[test]
fn the_description_has_the_statuses_that_are_sent() {
    let kinds = [ClientKind::Fetch, ClientKind::Bearer, ClientKind::Api];
    for reason in Reason::ALL {
        let sent =
            [false, true].map(|asks| kinds.map(|kind| status_for(*reason, kind, asks).as_u16()));
        let mut sent = sent.concat();
        let mut described = statuses(*reason);
        for all in [&mut sent, &mut described] {
            all.sort_unstable();
            all.dedup();
        }
        assert_eq!(sent, described, "{reason}");
    }
}
