//! How the application is asked who somebody is.

use crate::domain::{Naming, RiskLevel, WatchedPath, WholeRegex};
use crate::session::{
    AnswerField, AnswerPlace, NobodySigns, UrlTemplate, Whoami, WhoamiRule, valid_selector,
};
use crate::settings::compile::Draft;
use crate::settings::compile::signs::{regex, wrong_regex};
use crate::settings::compile::subject::pointer;
use crate::settings::raw_session::{RawAnswerField, RawNobody, RawWhoami};
use crate::yaml::{OneOrMore, Path, Span, clip};
use http::{HeaderName, HeaderValue, Method, header};
use std::sync::Arc;
use std::time::Duration;

/// How long an answer is good, and how long at most: a login that is not declared is noticed after it.
const KEEP: Duration = Duration::from_secs(5);
const LONGEST_KEEP: Duration = Duration::from_mins(1);
const DEADLINE: Duration = Duration::from_secs(3);

pub(in crate::settings::compile) fn compile(
    raw: Option<&OneOrMore<RawWhoami>>,
    naming: Naming,
    draft: &mut Draft<'_>,
) -> Option<Whoami> {
    let at = Path::root().key("session").key("whoami");
    Some(questions(
        raw?.with_paths(&at),
        AskedFor::Name,
        naming,
        draft,
    ))
}

/// What the answer to a question is looked at for.
#[derive(Clone, Copy)]
pub(super) enum AskedFor {
    /// The name of the user.
    Name,
    /// Whether it is a success.
    Success,
}

/// The questions of a source that asks the application.
pub(super) fn questions<'r>(
    written: impl Iterator<Item = (Path, &'r RawWhoami)>,
    asked_for: AskedFor,
    naming: Naming,
    draft: &mut Draft<'_>,
) -> Whoami {
    let mut rules: Vec<Arc<WhoamiRule>> = Vec::new();
    for (at, raw) in written {
        let Some(rule) = rule(raw, asked_for, naming, &at, draft) else {
            continue;
        };
        let paths = &rule.paths;
        let before = |one: &&Arc<WhoamiRule>| one.paths.covers_all_of(paths);
        if let Some(one) = rules.iter().find(before) {
            let (text, first) = (paths.as_str(), one.paths.as_str());
            let message = if text == first {
                format!("a second question for `{text}` is never asked")
            } else {
                format!(
                    "never asked: each path of `{text}` is one of `{first}`, which stands before it"
                )
            };
            let hint =
                "the first that covers a path is asked: write the narrower one before the wider";
            // Without `for` it is for every path.
            let place = raw
                .r#for
                .as_ref()
                .map_or_else(|| at.clone(), |_| at.key("for"));
            draft.file.report_with_hint(place, message, hint);
        }
        rules.push(Arc::new(rule));
    }
    Whoami { rules }
}

fn rule(
    raw: &RawWhoami,
    asked_for: AskedFor,
    naming: Naming,
    at: &Path,
    draft: &mut Draft<'_>,
) -> Option<WhoamiRule> {
    let text = raw.r#for.as_deref().unwrap_or("/{rest...}");
    let paths = match WatchedPath::parse(text) {
        Ok(paths) => Some(paths),
        Err(error) => {
            draft.file.report(at.key("for"), error.to_string());
            None
        }
    };
    let hint = match asked_for {
        AskedFor::Name => "where the application says who is signed in, such as `url: /api/me`",
        AskedFor::Success => "what it shows only to its users, such as `url: /private/`",
    };
    let url = draft.needed(raw.url.as_ref(), at, "url", hint);
    let hint = "where its answer names the user, such as `subject: { json: /name }`";
    let subject = match asked_for {
        AskedFor::Name => draft
            .needed(raw.subject.as_ref(), at, "subject", hint)
            .and_then(|raw| field(raw, &at.key("subject"), draft)),
        AskedFor::Success => Some(AnswerField {
            place: AnswerPlace::Success,
            regex: None,
        }),
    };
    let mut optional = |raw: &Option<RawAnswerField>, name: &str| {
        let raw = raw.as_ref()?;
        field(raw, &at.key(name), draft)
    };
    let email = optional(&raw.email, "email");
    let display = optional(&raw.display, "display");
    let groups = optional(&raw.groups, "groups");
    let groups = draft.groups(groups, raw.groups_separator.as_deref(), "", at);
    let method = method(raw.method.as_deref(), at, draft);
    let headers = headers(raw, subject.as_ref(), at, draft);
    // What others hear of a login that is not declared is not known here.
    let usual = if draft.shares_store {
        Duration::ZERO
    } else {
        KEEP
    };
    let keep = raw.keep.map_or(usual, |Span(keep)| keep);
    if keep > LONGEST_KEEP {
        let message = format!("longer than {}", Span(LONGEST_KEEP));
        let hint = "a login that is not declared would go unnoticed for so long";
        draft.file.report_with_hint(at.key("keep"), message, hint);
    }
    let deadline = draft.span(raw.deadline, DEADLINE, &at.key("deadline"));
    let nobody = nobody(raw.nobody.as_ref(), naming, &at.key("nobody"), draft);
    let confirm = confirm(raw.confirm.as_ref(), &at.key("confirm"), draft);
    let (paths, url) = (paths?, url?);
    let url = match UrlTemplate::parse(url, &paths) {
        Ok(url) => url,
        Err(error) => {
            draft.file.report(at.key("url"), error.to_string());
            return None;
        }
    };
    Some(WhoamiRule {
        paths,
        method,
        url,
        headers,
        body: raw.body.clone().map(Into::into),
        subject: subject?,
        email,
        groups,
        display,
        naming,
        nobody,
        confirm,
        keep,
        deadline,
    })
}

fn method(written: Option<&str>, at: &Path, draft: &mut Draft<'_>) -> Method {
    let Some(text) = written else {
        return Method::GET;
    };
    let asks = ["GET", "OPTIONS", "POST", "PROPFIND", "REPORT"];
    if !asks.contains(&text) {
        let message = format!("`{}` is no method to ask with", clip(text));
        let hint = format!("expected one of {}", asks.join(", "));
        draft.file.report_with_hint(at.key("method"), message, hint);
    }
    text.parse().unwrap_or_default()
}

/// The headers in place of the client's: what is asked for depends on where the answer is looked at.
fn headers(
    raw: &RawWhoami,
    subject: Option<&AnswerField>,
    at: &Path,
    draft: &mut Draft<'_>,
) -> Vec<(HeaderName, HeaderValue)> {
    let accept = match subject.map(|subject| &subject.place) {
        Some(AnswerPlace::Json(_)) => "application/json, */*;q=0.1",
        Some(AnswerPlace::Css { .. }) => "text/html, */*;q=0.1",
        Some(AnswerPlace::Xml(_)) => "application/xml, text/xml, */*;q=0.1",
        Some(AnswerPlace::Body | AnswerPlace::Header(_) | AnswerPlace::Success) | None => "*/*",
    };
    let mut headers = vec![(header::ACCEPT, HeaderValue::from_static(accept))];
    let at = at.key("headers");
    for (name, value) in raw.headers.iter().flat_map(|table| &table.0) {
        let at = at.name(name);
        let Some(name) = draft.header(name, &at) else {
            continue;
        };
        // Whose session it is, the client's own headers alone may tell.
        if [header::AUTHORIZATION, header::COOKIE, header::HOST].contains(&name) {
            let message =
                format!("`{name}` is the client's own, by which the application knows who asks");
            draft.file.report(&at, message);
        }
        match HeaderValue::from_str(value) {
            Ok(value) => {
                headers.retain(|(other, _)| *other != name);
                headers.push((name, value));
            }
            Err(_) => draft.file.report(&at, "no header can have this value"),
        }
    }
    headers
}

fn field(raw: &RawAnswerField, at: &Path, draft: &mut Draft<'_>) -> Option<AnswerField> {
    let RawAnswerField {
        json,
        header,
        css,
        attribute,
        xml,
        regex: pattern,
    } = raw;
    let pattern = pattern.as_deref();
    let regex = pattern.and_then(|text| group(text, &at.key("regex"), draft));
    if attribute.is_some() && css.is_none() {
        let message = "is for an element, which `css` names";
        draft.file.report(at.key("attribute"), message);
    }
    let place = match (json, header, css, xml) {
        (Some(text), None, None, None) => AnswerPlace::Json(pointer(text, &at.key("json"), draft)),
        (None, Some(name), None, None) => {
            AnswerPlace::Header(draft.header(name, &at.key("header"))?)
        }
        (None, None, Some(text), None) => match valid_selector(text) {
            Ok(selector) => AnswerPlace::Css {
                selector,
                attribute: attribute.clone(),
            },
            Err(error) => {
                let message = format!("`{}` is no CSS selector: {error}", clip(text));
                draft.file.report(at.key("css"), message);
                return None;
            }
        },
        (None, None, None, Some(text)) => AnswerPlace::Xml(elements(text, &at.key("xml"), draft)),
        (None, None, None, None) if pattern.is_some() => AnswerPlace::Body,
        _ => {
            let message = "expected one of `json`, `header`, `css`, `xml` and `regex`";
            let hint = "`regex` may also stand beside one of the others: its group is the part that counts";
            draft.file.report_with_hint(at, message, hint);
            return None;
        }
    };
    Some(AnswerField { place, regex })
}

/// A pattern with one group.
fn group(text: &str, at: &Path, draft: &mut Draft<'_>) -> Option<regex::Regex> {
    let regex = regex(text, at, draft)?;
    if regex.captures_len() != 2 {
        let message = format!("has {} groups", regex.captures_len() - 1);
        let hint = "put the name of the user in one group, such as `user=\"([^\"]+)\"`; others are written `(?:…)`";
        draft.file.report_with_hint(at, message, hint);
    }
    Some(regex)
}

fn elements(text: &str, at: &Path, draft: &mut Draft<'_>) -> Vec<String> {
    let names: Vec<String> = text.split('/').skip(1).map(str::to_owned).collect();
    let is_name = |name: &String| !name.is_empty() && !name.contains([':', '[', '@', ' ']);
    if !text.starts_with('/') || !names.iter().all(is_name) {
        let message = format!("`{}` is no path of elements", clip(text));
        let hint = "names from the root on, without prefixes, such as `/multistatus/response/href`";
        draft.file.report_with_hint(at, message, hint);
    }
    names
}

fn nobody(
    raw: Option<&RawNobody>,
    naming: Naming,
    at: &Path,
    draft: &mut Draft<'_>,
) -> NobodySigns {
    let default = RawNobody::default();
    let raw = raw.unwrap_or(&default);
    let mut statuses = Vec::new();
    let status_at = at.key("status");
    for (at, status) in raw
        .status
        .iter()
        .flat_map(|list| list.with_paths(&status_at))
    {
        if !(200..=599).contains(status) || (300..400).contains(status) {
            let message = format!("`{status}`: expected 200 to 599, without redirects");
            let hint =
                "a redirect always means that nobody is signed in, or only one to `location`";
            draft.file.report_with_hint(&at, message, hint);
        }
        statuses.push(*status);
    }
    if raw.status.is_none() {
        statuses.extend([401, 403]);
    }
    let location = raw
        .location
        .as_deref()
        .and_then(|text| match WholeRegex::new(text) {
            Ok(regex) => Some(regex),
            Err(error) => {
                draft.file.report(at.key("location"), wrong_regex(&error));
                None
            }
        });
    let subject_at = at.key("subject");
    let mut subjects = Vec::new();
    for (at, name) in raw
        .subject
        .iter()
        .flat_map(|list| list.with_paths(&subject_at))
    {
        match naming.subject(name) {
            Some(subject) => subjects.push(subject),
            None => draft.file.report(&at, "no user can have this name"),
        }
    }
    NobodySigns {
        statuses,
        location,
        subjects,
    }
}

fn confirm(written: Option<&OneOrMore<i64>>, at: &Path, draft: &mut Draft<'_>) -> Vec<RiskLevel> {
    let Some(written) = written else {
        return vec![RiskLevel::High, RiskLevel::Critical];
    };
    let mut levels = Vec::new();
    for (at, number) in written.with_paths(at) {
        match RiskLevel::try_from(*number) {
            Ok(level) => levels.push(level),
            Err(error) => draft.file.report(&at, error.to_string()),
        }
    }
    levels
}
