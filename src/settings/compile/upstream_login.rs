//! Passwords that are tried at the application's own login.

use super::Draft;
use crate::domain::{Field, LocalPath, Template};
use crate::session::{
    Learn, LoginFields, LoginRoute, SessionOptions, Source, SubjectSource, UpstreamLoginOptions,
};
use crate::settings::raw_upstream_login::{RawCsrf, RawUpstreamLogin};
use crate::yaml::{Path, clip};
use std::sync::Arc;
use std::time::Duration;

/// What the section means, by the logins and logouts that are watched.
pub(super) fn compile(
    raw: &RawUpstreamLogin,
    sessions: &SessionOptions,
    draft: &mut Draft<'_>,
) -> Option<UpstreamLoginOptions> {
    let none = Learn::default();
    let learn = sessions.learn.as_ref().unwrap_or(&none);
    let section = Path::root().key("verification").key("upstream_login");
    let at = |field: &str| section.key(field);
    let login = login(raw, learn, &section, draft);
    let logout = learn
        .logouts
        .iter()
        .find(|logout| is_one_path(logout.path()) && logout.operations().is_empty());
    if logout.is_none() && !draft.file.has_mistakes() {
        let message = "each trial is logged out again, and no logout is declared";
        let hint = "add it to `session.learn.logouts`, with a path without `{…}`";
        draft.file.report_with_hint(&section, message, hint);
    }
    let login = login?;
    refuse_other_names(sessions, learn, &login, &section, draft);
    let fields = fields(raw, &login, &section, draft)?;
    let default_page = match fields {
        LoginFields::Form { .. } => Some(login.request.path().to_owned()),
        LoginFields::Json { .. } => None,
    };
    let csrf = raw
        .csrf
        .as_ref()
        .and_then(|raw| csrf(raw, &at("csrf"), draft));
    let page = raw.page.clone().or(default_page);
    if let Some(page) = &raw.page
        && LocalPath::parse(page).is_none()
    {
        let message = format!("`{}` is not a page of the application", clip(page));
        draft
            .file
            .report_with_hint(at("page"), message, "a path such as `/login`");
    }
    if csrf.is_some() && page.is_none() {
        let message = "the cookie comes with a page, and none is named";
        let hint = "add `page:`, the page from which people log in";
        draft.file.report_with_hint(at("csrf"), message, hint);
    }
    // Whoever answers waits as long: beyond a minute proxies in front give up.
    let deadline = draft.span(raw.deadline, Duration::from_secs(10), &at("deadline"));
    if deadline > LONGEST {
        draft.file.report(at("deadline"), "longer than `1m`");
    }
    let at_once = draft.count(raw.at_once, 4, &at("at_once"));
    if at_once > MOST_AT_ONCE {
        let message = format!("`{at_once}`: at most {MOST_AT_ONCE}");
        draft.file.report(at("at_once"), message);
    }
    Some(UpstreamLoginOptions {
        login,
        logout: logout?.clone(),
        page,
        fields,
        csrf,
        deadline,
        at_once: at_once.min(MOST_AT_ONCE),
    })
}

/// The login at which passwords are tried: the named one, or the first that is one form or document.
fn login(
    raw: &RawUpstreamLogin,
    learn: &Learn,
    section: &Path,
    draft: &mut Draft<'_>,
) -> Option<Arc<LoginRoute>> {
    // No document is written for GraphQL.
    let can_be_tried = |login: &&Arc<LoginRoute>| {
        is_one_path(login.request.path()) && login.request.operations().is_empty()
    };
    let mut logins = learn.logins.iter().filter(can_be_tried);
    let found = match &raw.login {
        None => logins.next(),
        Some(path) => logins.find(|login| login.request.path() == path),
    };
    if found.is_none() && !draft.file.has_mistakes() {
        let (at, message) = match &raw.login {
            None => (
                section.clone(),
                "no login is declared at which a password can be tried".to_owned(),
            ),
            Some(path) => {
                let message = format!("`{}` is the path of no login that can be tried", clip(path));
                (section.key("login"), message)
            }
        };
        let hint = "an entry of `session.learn.logins`, whose path has no `{…}`, by a form or by JSON without GraphQL";
        draft.file.report_with_hint(at, message, hint);
    }
    found.cloned()
}

/// A password proves who has the name at the login. Where something else names people, by a number or an address,
/// that may be somebody else: so it must say as well whose the session of a trial is.
fn refuse_other_names(
    sessions: &SessionOptions,
    learn: &Learn,
    login: &LoginRoute,
    section: &Path,
    draft: &mut Draft<'_>,
) {
    let source = match &sessions.source {
        Some(Source::Basic(_)) => "`session.basic`",
        Some(Source::Headers(_)) => "`session.headers`",
        Some(Source::Jwt(_) | Source::Records(_) | Source::Whoami(_)) => return,
        None => {
            let is_typed = |login: &LoginRoute| matches!(login.subject, SubjectSource::Request(_));
            if is_typed(login) && !learn.logins.iter().all(|other| is_typed(other)) {
                let message = "the login at which passwords are tried names people by what they type, and another one by its answer";
                let hint = "have all of them name people in one way, or `session.whoami` do it";
                draft.file.report_with_hint(section, message, hint);
            }
            return;
        }
    };
    let message = format!(
        "{source} names people, and does not say whose the session of a trial is: a name may be another person's at the \
         application's login"
    );
    let hint = "name people by `session.whoami`, or let routes accept another factor";
    draft.file.report_with_hint(section, message, hint);
}

fn fields(
    raw: &RawUpstreamLogin,
    login: &LoginRoute,
    section: &Path,
    draft: &mut Draft<'_>,
) -> Option<LoginFields> {
    let subject = match &login.subject {
        SubjectSource::Request(Field::Form(name)) => Some((name.clone(), false)),
        SubjectSource::Request(Field::Json(pointer)) => Some((pointer.clone(), true)),
        SubjectSource::GraphQl(_)
        | SubjectSource::Request(_)
        | SubjectSource::ResponseCookie(_)
        | SubjectSource::ResponseHeader(_)
        | SubjectSource::ResponseJson(_)
        | SubjectSource::Whoami => None,
    };
    // What follows is a pointer if it begins as one (RFC 6901 §3); few fields of forms do.
    let written = raw.user_field.clone();
    let is_json = |field: &String| field.starts_with('/');
    let user = written.map(|field| (is_json(&field), field));
    let user = user.or(subject.map(|(field, json)| (json, field)));
    let Some((json, user)) = user else {
        let hint = "the field of the name: one of the form, or a JSON pointer such as `/user`";
        draft.missing(section, "user_field", hint);
        return None;
    };
    if raw
        .password_field
        .as_ref()
        .is_some_and(|field| is_json(field) != json)
    {
        let message = "name and password stand in one form, or in one JSON document";
        let hint = "a JSON pointer begins with `/`, the name of a field does not";
        draft
            .file
            .report_with_hint(section.key("password_field"), message, hint);
    }
    let password = raw.password_field.clone();
    Some(if json {
        let password = password.unwrap_or_else(|| "/password".to_owned());
        LoginFields::Json { user, password }
    } else {
        LoginFields::Form { user, password }
    })
}

fn csrf(raw: &RawCsrf, at: &Path, draft: &mut Draft<'_>) -> Option<(String, http::HeaderName)> {
    let hint = "the cookie that holds the token, such as `XSRF-TOKEN`";
    let cookie = draft.needed(raw.cookie.as_ref(), at, "cookie", hint);
    let hint = "the header in which it is sent back, such as `x-xsrf-token`";
    let header = draft.needed(raw.header.as_ref(), at, "header", hint);
    let header = header.and_then(|text| draft.header(text, &at.key("header")));
    Some((cookie?.clone(), header?))
}

/// Whether a request can be made of a path as it is written.
fn is_one_path(path: &str) -> bool {
    Template::parse(path).is_ok_and(|template| template.names().next().is_none())
}

/// Whoever answers waits as long.
const LONGEST: Duration = Duration::from_mins(1);
const MOST_AT_ONCE: usize = 64;
