//! What a login that worked shows: `success`.

use super::Draft;
use super::credentials::cookie_name;
use super::subject::pointer;
use crate::domain::{CookieName, ValueTest, WholeRegex};
use crate::policy::{Bare, RawTest, named_tests};
use crate::session::{AnswerToken, Sign};
use crate::settings::raw::RawSuccess;
use crate::yaml::{Path, Table, clip};
use regex::{Regex, RegexBuilder};

pub(super) fn compile(
    raw: &RawSuccess,
    token: Option<AnswerToken>,
    cookies: &[CookieName],
    at: &Path,
    draft: &mut Draft<'_>,
) -> Vec<Sign> {
    let mut signs = Vec::from_iter(token.map(Sign::Token));
    let mut statuses = Vec::new();
    let status_at = at.key("status");
    for (at, status) in raw
        .status
        .iter()
        .flat_map(|list| list.with_paths(&status_at))
    {
        // RFC 9110 §15: three digits; a 1xx is never the final answer.
        if !(200..=599).contains(status) {
            let message = format!("`{status}` is not a status; expected 200 to 599");
            draft.file.report(&at, message);
        }
        statuses.push(*status);
    }
    if !statuses.is_empty() {
        signs.push(Sign::Status(statuses));
    }
    if let Some(text) = &raw.location {
        // The whole `Location`: `/home` must not be found in `/login?next=/home`.
        match WholeRegex::new(text) {
            Ok(regex) => signs.push(Sign::Location(regex)),
            Err(error) => draft.file.report(at.key("location"), wrong_regex(&error)),
        }
    }
    let cookie = raw.cookie.as_ref();
    let cookie = cookie.and_then(|name| cookie_name(name, &at.key("cookie"), draft));
    warn_of_other_cookie(cookie.as_ref(), cookies, at, draft);
    signs.extend(cookie.map(Sign::Cookie));
    let body = raw.body.as_ref();
    signs.extend(
        body.and_then(|text| regex(text, &at.key("body"), draft))
            .map(Sign::Body),
    );
    let not = raw.not_body.as_ref();
    signs.extend(
        not.and_then(|text| regex(text, &at.key("not_body"), draft))
            .map(Sign::NotBody),
    );
    let json = raw.json.as_ref();
    let json = json.and_then(|table| tests_of_json(table, &at.key("json"), draft));
    let tests = json.unwrap_or_default().into_iter();
    signs.extend(tests.map(|(pointer, test)| Sign::Json(pointer, test)));
    // A sign that could not be read was reported, and is not missing.
    if signs.is_empty() && !draft.file.has_mistakes() {
        let message = "names no sign of a success";
        let hint = "at least one of `status`, `location`, `cookie`, `body`, `not_body` and `json`";
        draft.file.report_with_hint(at, message, hint);
    }
    warn_of_weak(&signs, at, draft);
    warn_of_unanchored(raw, at, draft);
    signs
}

fn tests_of_json(
    table: &Table<RawTest>,
    at: &Path,
    draft: &mut Draft<'_>,
) -> Option<Vec<(String, ValueTest)>> {
    let named = named_tests(table, Bare::Allowed, draft.file, at)?.into_iter();
    let tests = named.map(|(name, test)| (pointer(&name, &at.name(&name), draft), test));
    Some(tests.collect())
}

/// Many applications redirect whoever is logged in already as they redirect whoever gave the right
/// password: what both look like proves nothing. A cookie that comes with every answer does not, either.
fn warn_of_weak(signs: &[Sign], at: &Path, draft: &mut Draft<'_>) {
    if !signs.is_empty() && signs.iter().all(Sign::is_weak) {
        let message = "nothing here is shown after the right password alone: many applications send \
                       on whoever is signed in already, and some set their cookie with every answer";
        let hint = "add `location:` with where a login leads to, or `json:` or `body:` with what only a \
                    right password shows";
        draft.file.warn_with_hint(at, message, hint);
    }
}

/// An application may repeat in its answer what it was sent.
fn warn_of_unanchored(raw: &RawSuccess, at: &Path, draft: &mut Draft<'_>) {
    let is_anchored = |text: &str| text.starts_with('^') || text.starts_with("\\A");
    if raw.body.as_deref().is_some_and(|text| !is_anchored(text)) {
        let message = "matches anywhere in the answer, also in what the application repeats of the \
                       request: whoever logs in could write the sign of success themselves";
        let hint = "begin it with `^`, and with what the answer begins with";
        draft.file.warn_with_hint(at.key("body"), message, hint);
    }
}

/// A cookie that a login sets is a credential.
fn warn_of_other_cookie(
    set: Option<&CookieName>,
    cookies: &[CookieName],
    at: &Path,
    draft: &mut Draft<'_>,
) {
    let is_one = |name: &CookieName| {
        let mut cookies = cookies.iter();
        let only = name.only().unwrap_or_default().as_bytes();
        cookies.any(|cookie| cookie.is_like(name) || cookie.covers(only))
    };
    if let Some(name) = set.filter(|name| !is_one(name)) {
        let message = format!(
            "a login sets `{}`, which is none of `session.cookies`: a request with somebody \
             else's is taken for the same session",
            clip(&name.to_string())
        );
        let hint = "name every cookie by which the application knows people, also remember-me";
        draft.file.warn_with_hint(at.key("cookie"), message, hint);
    }
}

pub(super) fn regex(text: &str, at: &Path, draft: &mut Draft<'_>) -> Option<Regex> {
    match RegexBuilder::new(text).size_limit(REGEX_SIZE).build() {
        Ok(regex) => Some(regex),
        Err(error) => {
            draft.file.report(at, wrong_regex(&error));
            None
        }
    }
}

pub(super) fn wrong_regex(error: &regex::Error) -> String {
    // The library draws a picture over several lines; its last one says what is wrong.
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    format!("not a regex: {}", last.trim_start_matches("error: "))
}

/// How large a compiled regex may be, in bytes.
const REGEX_SIZE: usize = 1 << 20;
