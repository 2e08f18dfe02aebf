//! What the answer to a login that worked shows, and whether any answer shows all of it.

use super::is_absence;
use crate::domain::ValueTest;
use crate::session::{AnswerTokenPlace, LoginRoute, Sign, SubjectSource};
use crate::settings::compile::Draft;
use crate::yaml::{Path, clip};

/// Reports signs of a success that no answer shows, and warns of those that a failure shows as well.
pub(in crate::settings::compile) fn check_success(
    login: &LoginRoute,
    at: &Path,
    draft: &mut Draft<'_>,
) {
    let success = at.key("success");
    let mut statuses: &[u16] = &[];
    let (mut body, mut not_body) = (None, None);
    let mut leads_somewhere = false;
    for sign in &login.success {
        match sign {
            Sign::Body(regex) => body = Some(regex.as_str()),
            Sign::Location(_) => leads_somewhere = true,
            Sign::NotBody(regex) => not_body = Some(regex.as_str()),
            Sign::Status(written) => statuses = written,
            Sign::Cookie(_) | Sign::Json(..) | Sign::Token(_) => {}
        }
    }
    let are_all =
        |is: &dyn Fn(u16) -> bool| !statuses.is_empty() && statuses.iter().all(|one| is(*one));
    // RFC 9110 §15.3.5, §15.3.6, §15.4.5.
    if login.reads_response_body() && are_all(&|status| matches!(status, 204 | 205 | 304)) {
        let message = "an answer with such a status has no body, and something is looked for there";
        let hint = "the status of a login that worked, such as `status: 200`";
        draft
            .file
            .report_with_hint(success.key("status"), message, hint);
    }
    // RFC 9110 §10.2.2: of a 201 it says what was made.
    if leads_somewhere && are_all(&|status| status != 201 && !(300..400).contains(&status)) {
        let message = "an answer with such a status seldom has a `Location`";
        let hint = "a redirect is a 302 or 303: `status: [302, 303]`";
        draft
            .file
            .warn_with_hint(success.key("status"), message, hint);
    }
    if statuses.iter().any(|status| *status >= 400) {
        let message =
            "an error counts as a success here, and is what a wrong password is answered with";
        let hint = "the status of a login that worked, such as `status: 200`";
        draft
            .file
            .warn_with_hint(success.key("status"), message, hint);
    }
    // Regexes have no other equality than their text.
    if body.is_some() && body == not_body {
        let message = "is what `body` must match: no answer is a success";
        draft.file.report(success.key("not_body"), message);
    }
    check_answer_json(login, at, draft);
}

/// What must be in the JSON of an answer and must not.
fn check_answer_json(login: &LoginRoute, at: &Path, draft: &mut Draft<'_>) {
    let tests: Vec<_> = login
        .success
        .iter()
        .filter_map(|sign| {
            let Sign::Json(pointer, test) = sign else {
                return None;
            };
            Some((pointer.as_str(), test))
        })
        .collect();
    let token = login.token().and_then(|token| match &token.place {
        AnswerTokenPlace::Json(pointer) => Some((pointer.as_str(), "`token`")),
        AnswerTokenPlace::Cookie(_) | AnswerTokenPlace::Header(_) => None,
    });
    let subject = match &login.subject {
        SubjectSource::ResponseJson(pointer) => Some((pointer.as_str(), "`subject`")),
        SubjectSource::GraphQl(_)
        | SubjectSource::Request(_)
        | SubjectSource::ResponseCookie(_)
        | SubjectSource::ResponseHeader(_)
        | SubjectSource::Whoami => None,
    };
    let tested = tests.iter().filter(|(_, test)| !is_absence(test));
    let needed: Vec<_> = tested
        .map(|(pointer, _)| (*pointer, "another sign"))
        .chain(token)
        .chain(subject)
        .collect();
    for (pointer, test) in &tests {
        let is_within = |below: &str| {
            below.strip_prefix(pointer).is_some_and(|rest| {
                // A value that is compared is no object.
                rest.starts_with('/') || (rest.is_empty() && is_absence(test))
            })
        };
        // An object is present with what stands in it.
        if matches!(test, ValueTest::Present) {
            continue;
        }
        if let Some((_, what)) = needed.iter().find(|(below, _)| is_within(below)) {
            let message = format!(
                "{what} needs a value at or below `{}`: no answer is a success",
                clip(pointer)
            );
            let hint = "leave one of the two out";
            let place = at.key("success").key("json").name(pointer);
            draft.file.report_with_hint(place, message, hint);
        }
    }
}
