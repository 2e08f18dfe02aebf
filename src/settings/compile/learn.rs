//! The application's own logins and logouts, and what a success looks like.

use super::Draft;
use crate::domain::{Field, Method, MethodSet, Template, WholeRegex};
use crate::identity::{Learn, LoginRoute, Sign, SubjectSource, WatchedRoute};
use crate::settings::one_or_more::OneOrMore;
use crate::settings::raw::{RawLearn, RawLogin, RawSubject, RawSuccess};
use crate::yaml::{Path, clip};
use regex::{Regex, RegexBuilder};
use std::sync::Arc;

pub(super) fn compile(raw: &RawLearn, draft: &mut Draft<'_>) -> Learn {
    let section = Path::root().key("session").key("learn");
    let mut learn = Learn::default();
    let logins = raw.logins.iter().flatten().enumerate();
    for (index, raw) in logins {
        let at = section.key("logins").item(index);
        learn.logins.extend(login(raw, &at, draft).map(Arc::new));
    }
    let logouts = raw.logouts.iter().flatten().enumerate();
    for (index, raw) in logouts {
        let at = section.key("logouts").item(index);
        let route = watched(raw.methods.as_ref(), raw.path.as_deref(), &at, draft);
        learn.logouts.extend(route);
    }
    if raw.logins.as_ref().is_none_or(Vec::is_empty) {
        draft.missing(&section, "logins", "the requests that log people in");
    }
    learn
}

fn login(raw: &RawLogin, at: &Path, draft: &mut Draft<'_>) -> Option<LoginRoute> {
    let route = watched(raw.methods.as_ref(), raw.path.as_deref(), at, draft);
    let hint = "where the name of the user stands, such as `subject: { form: username }`";
    let found = draft.needed(raw.subject.as_ref(), at, "subject", hint);
    let subject = found.and_then(|raw| subject(raw, &at.key("subject"), draft));
    let hint = "how a login that worked is told from one that did not, such as \
                `success: { status: 302, cookie: sessionid }`";
    let signs = draft.needed(raw.success.as_ref(), at, "success", hint);
    let signs = signs.map(|raw| success(raw, &at.key("success"), draft));
    Some(LoginRoute {
        route: route?,
        subject: subject?,
        success: signs?,
    })
}

fn watched(
    methods: Option<&OneOrMore<String>>,
    path: Option<&str>,
    at: &Path,
    draft: &mut Draft<'_>,
) -> Option<WatchedRoute> {
    let methods_at = at.key("methods");
    let mut set = MethodSet::EMPTY;
    for (at, text) in methods
        .into_iter()
        .flat_map(|list| list.with_paths(&methods_at))
    {
        if let Some(method) = draft.parse::<Method>(text, &at) {
            set = set.with(method);
        }
    }
    if set.is_empty() {
        set = set.with(Method::Post);
    }
    let Some(text) = path else {
        draft.missing(at, "path", "a path of the application, such as `/login`");
        return None;
    };
    match Template::parse(text) {
        Ok(template) => Some(WatchedRoute::new(set, template)),
        Err(error) => {
            draft.file.report(at.key("path"), error.to_string());
            None
        }
    }
}

fn subject(raw: &RawSubject, at: &Path, draft: &mut Draft<'_>) -> Option<SubjectSource> {
    let RawSubject {
        form,
        json,
        query,
        response_header,
    } = raw;
    let request = |field: Field| Some(SubjectSource::Request(field));
    match (form, json, query, response_header) {
        (Some(name), None, None, None) => request(Field::Form(name.clone())),
        (None, Some(pointer), None, None) => {
            if !pointer.starts_with('/') {
                let message = format!("`{}` is not a JSON pointer", clip(pointer));
                let hint = format!("did you mean `/{}`?", clip(pointer));
                draft.file.report_with_hint(at.key("json"), message, hint);
            }
            request(Field::Json(pointer.clone()))
        }
        (None, None, Some(name), None) => request(Field::Query(name.clone())),
        (None, None, None, Some(name)) => draft
            .header(name, &at.key("response_header"))
            .map(SubjectSource::ResponseHeader),
        _ => {
            let message = "expected one of `form`, `json`, `query` and `response_header`";
            draft.file.report(at, message);
            None
        }
    }
}

fn success(raw: &RawSuccess, at: &Path, draft: &mut Draft<'_>) -> Vec<Sign> {
    let mut signs = Vec::new();
    let mut statuses = Vec::new();
    let status_at = at.key("status");
    for (at, status) in raw
        .status
        .iter()
        .flat_map(|list| list.with_paths(&status_at))
    {
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
        match WholeRegex::new(text) {
            Ok(regex) => signs.push(Sign::Location(regex)),
            Err(error) => draft.file.report(at.key("location"), wrong_regex(&error)),
        }
    }
    signs.extend(raw.cookie.clone().map(Sign::Cookie));
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
    if signs.is_empty() && !draft.file.has_mistakes() {
        let message = "names no sign of a success";
        let hint = "at least one of `status`, `location`, `cookie`, `body` and `not_body`";
        draft.file.report_with_hint(at, message, hint);
    }
    warn_of_weak(&signs, at, draft);
    signs
}

/// Many applications redirect whoever is logged in already as they redirect whoever gave the right
/// password: what both look like proves nothing.
fn warn_of_weak(signs: &[Sign], at: &Path, draft: &mut Draft<'_>) {
    let is_weak = |sign: &Sign| match sign {
        Sign::Status(_) | Sign::NotBody(_) => true,
        Sign::Body(_) | Sign::Cookie(_) | Sign::Location(_) => false,
    };
    if !signs.is_empty() && signs.iter().all(is_weak) {
        let message = "nothing here tells a login from somebody who is logged in already and is \
                       sent on: whoever copied a cookie could make its session fresh";
        let hint = "add `cookie:` with the cookie that a login sets, or `location:` with where it \
                    leads to";
        draft.file.warn_with_hint(at, message, hint);
    }
}

fn regex(text: &str, at: &Path, draft: &mut Draft<'_>) -> Option<Regex> {
    match RegexBuilder::new(text).size_limit(REGEX_SIZE).build() {
        Ok(regex) => Some(regex),
        Err(error) => {
            draft.file.report(at, wrong_regex(&error));
            None
        }
    }
}

fn wrong_regex(error: &regex::Error) -> String {
    // The library draws a picture over several lines; its last one says what is wrong.
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    format!("not a regex: {}", last.trim_start_matches("error: "))
}

/// How large a compiled regex may be, in bytes.
const REGEX_SIZE: usize = 1 << 20;
