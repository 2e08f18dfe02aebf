//! The application's own logins and logouts, and what a success looks like.

use super::Draft;
use super::credentials::cookie_name;
use super::subject::{self, pointer};
use super::token;
use crate::domain::{
    CookieName, Field, Method, MethodSet, Naming, Template, ValueTest, Watched, WholeRegex,
};
use crate::policy::{Bare, RawTest, may_have_body, named_tests};
use crate::session::{AnswerToken, Learn, LoginRoute, Sign, SubjectSource};
use crate::settings::raw::{RawLearn, RawLogin, RawLogout, RawSuccess, RawWatched};
use crate::yaml::{OneOrMore, Path, Table, clip};
use regex::{Regex, RegexBuilder};
use std::sync::Arc;

pub(super) fn compile(
    raw: &RawLearn,
    naming: Naming,
    cookies: &[CookieName],
    draft: &mut Draft<'_>,
) -> Learn {
    let section = Path::root().key("session").key("learn");
    let mut learn = Learn::default();
    let logins = raw.logins.iter().flatten().enumerate();
    for (index, raw) in logins {
        let at = section.key("logins").item(index);
        let login = login(raw, (naming, cookies), &at, draft);
        learn.logins.extend(login.map(Arc::new));
    }
    let logouts = raw.logouts.iter().flatten().enumerate();
    for (index, raw) in logouts {
        let at = section.key("logouts").item(index);
        let request = watched(raw.r#match.as_ref(), &Fields::of_logout(raw), &at, draft);
        learn.logouts.extend(request.map(Arc::new));
    }
    if raw.logins.as_ref().is_none_or(Vec::is_empty) {
        draft.missing(&section, "logins", "the requests that log people in");
    }
    learn
}

fn login(
    raw: &RawLogin,
    (naming, cookies): (Naming, &[CookieName]),
    at: &Path,
    draft: &mut Draft<'_>,
) -> Option<LoginRoute> {
    let request = watched(raw.r#match.as_ref(), &Fields::of_login(raw), at, draft);
    let hint = "where the name of the user stands, such as `subject: { form: username }`";
    let found = draft.needed(raw.subject.as_ref(), at, "subject", hint);
    let subject = found.and_then(|raw| subject::compile(raw, &at.key("subject"), draft));
    let hint = "how a login that worked is told from one that did not, such as \
                `success: { status: 302, location: /home, cookie: sessionid }`";
    let token = raw.token.as_ref();
    let token = token.and_then(|raw| token::compile(raw, &at.key("token"), draft));
    let signs = match (&raw.success, token) {
        // The token is shown after the right password alone.
        (None, Some(token)) => Some(vec![Sign::Token(token)]),
        (written, token) => draft
            .needed(written.as_ref(), at, "success", hint)
            .map(|raw| success(raw, token, cookies, &at.key("success"), draft)),
    };
    let request = request?;
    let reads_body = matches!(
        &subject,
        Some(SubjectSource::Request(Field::Form(_) | Field::Json(_)))
    );
    if reads_body && !may_have_body(request.methods()) {
        let message =
            "is looked for in the body of the request, and the methods of this login have none";
        let hint = "a GET carries its values in the query: `subject: { query: user }`";
        draft
            .file
            .report_with_hint(at.key("subject"), message, hint);
    }
    let login = LoginRoute {
        request,
        subject: subject?,
        naming,
        success: signs?,
    };
    warn_of_one_script(&login, at, draft);
    Some(login)
}

/// What an entry asks of a request, written in its `match` or directly in it.
struct Fields<'r> {
    methods: Option<&'r OneOrMore<String>>,
    path: Option<&'r str>,
    tests: [(Place, &'static str, Option<&'r Table<RawTest>>); 4],
}

/// Where a value stands that an entry asks for.
#[derive(Clone, Copy)]
enum Place {
    Form,
    Header,
    Json,
    Query,
}

macro_rules! fields_of {
    ($($name:ident: $raw:ty,)*) => {
        $(fn $name(raw: &'r $raw) -> Self {
            Self {
                methods: raw.methods.as_ref(),
                path: raw.path.as_deref(),
                tests: [
                    (Place::Query, "query", raw.query.as_ref()),
                    (Place::Header, "headers", raw.headers.as_ref()),
                    (Place::Form, "form", raw.form.as_ref()),
                    (Place::Json, "json", raw.json.as_ref()),
                ],
            }
        })*
    };
}

impl<'r> Fields<'r> {
    fields_of! {
        of_login: RawLogin,
        of_logout: RawLogout,
        of_match: RawWatched,
    }

    /// The first that is written.
    fn first(&self) -> Option<&'static str> {
        let tests = self.tests.iter();
        let mut tests = tests.filter_map(|(_, name, table)| table.map(|_| *name));
        let path = self.path.map(|_| "path");
        path.or(self.methods.map(|_| "methods"))
            .or_else(|| tests.next())
    }
}

fn watched(
    matches: Option<&RawWatched>,
    beside: &Fields<'_>,
    at: &Path,
    draft: &mut Draft<'_>,
) -> Option<Watched> {
    let Some(raw) = matches else {
        return request(beside, at, draft);
    };
    if let Some(name) = beside.first() {
        let message = format!("`{name}` stands beside `match`");
        let hint = "write all that a request must have inside `match`, or leave `match` out";
        draft.file.report_with_hint(at.name(name), message, hint);
    }
    request(&Fields::of_match(raw), &at.key("match"), draft)
}

fn request(fields: &Fields<'_>, at: &Path, draft: &mut Draft<'_>) -> Option<Watched> {
    let methods = methods(fields, at, draft);
    let path = path(fields.path, at, draft);
    let mut all = Vec::new();
    for (place, name, table) in fields.tests {
        let Some(table) = table else { continue };
        if matches!(place, Place::Form | Place::Json) && !may_have_body(methods) {
            let message = format!("`{name}` reads the body, and the methods named here have none");
            let hint = "a GET carries its values in the query: use `query:`";
            draft.file.report_with_hint(at.key(name), message, hint);
        }
        all.extend(tests(place, table, &at.key(name), draft)?);
    }
    // It was parsed already.
    Watched::new(methods, path?, all).ok()
}

fn methods(fields: &Fields<'_>, at: &Path, draft: &mut Draft<'_>) -> MethodSet {
    let methods_at = at.key("methods");
    let mut set = MethodSet::EMPTY;
    let written = fields.methods.into_iter();
    for (at, text) in written.flat_map(|list| list.with_paths(&methods_at)) {
        if let Some(method) = draft.parse::<Method>(text, &at) {
            set = set.with(method);
        }
    }
    // None is written, or none of them is right: a login by GET is rare, and must be written.
    if set.is_empty() {
        set.with(Method::Post)
    } else {
        set
    }
}

fn path<'r>(written: Option<&'r str>, at: &Path, draft: &mut Draft<'_>) -> Option<&'r str> {
    let Some(text) = written else {
        draft.missing(at, "path", "a path of the application, such as `/login`");
        return None;
    };
    let at = at.key("path");
    // Matched as a path it would never hold, and the login never be learned.
    if let Some((path, query)) = text.split_once('?') {
        let message = format!("`{}` has a query, which is no part of a path", clip(text));
        let (name, value) = query.split_once('=').unwrap_or((query, ""));
        let hint = format!(
            "write `path: {}` and `query: {{ {}: \"{}\" }}`",
            clip(path),
            clip(name),
            clip(value)
        );
        draft.file.report_with_hint(at, message, hint);
        return None;
    }
    match Template::parse(text) {
        Ok(_) => Some(text),
        Err(error) => {
            draft.file.report(at, error.to_string());
            None
        }
    }
}

fn tests(
    place: Place,
    table: &Table<RawTest>,
    at: &Path,
    draft: &mut Draft<'_>,
) -> Option<Vec<(Field, ValueTest)>> {
    let bare = match place {
        Place::Json => Bare::Allowed,
        Place::Form | Place::Header | Place::Query => Bare::Refused,
    };
    let named = named_tests(table, bare, draft.file, at)?;
    let mut tests = Vec::with_capacity(named.len());
    for (name, test) in named {
        let field = match place {
            Place::Form => Field::Form(name),
            Place::Header => Field::Header(draft.header(&name, &at.name(&name))?),
            Place::Json => Field::Json(pointer(&name, &at.name(&name), draft)),
            Place::Query => Field::Query(name),
        };
        tests.push((field, test));
    }
    Some(tests)
}

fn success(
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
    // A sign that could not be read was reported, and is not missing.
    if signs.is_empty() && !draft.file.has_mistakes() {
        let message = "names no sign of a success";
        let hint = "at least one of `status`, `location`, `cookie`, `body` and `not_body`";
        draft.file.report_with_hint(at, message, hint);
    }
    warn_of_weak(&signs, at, draft);
    warn_of_unanchored(raw, at, draft);
    signs
}

/// Many applications redirect whoever is logged in already as they redirect whoever gave the right
/// password: what both look like proves nothing. A cookie that comes with every answer does not, either.
fn warn_of_weak(signs: &[Sign], at: &Path, draft: &mut Draft<'_>) {
    if !signs.is_empty() && signs.iter().all(Sign::is_weak) {
        let message = "nothing here is shown after the right password alone: many applications send \
                       on whoever is signed in already, and some set their cookie with every answer";
        let hint = "add `location:` with where a login leads to, or `body:` with what only a right \
                    password shows";
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

/// A script that does everything is told apart by more than its path.
fn warn_of_one_script(login: &LoginRoute, at: &Path, draft: &mut Draft<'_>) {
    let path = login.request.path();
    let last = path.trim_end_matches('/');
    let last = last.rsplit('/').next().unwrap_or_default();
    let is_script = last.is_empty()
        || last.starts_with("index.")
        || [".php", ".cgi", ".pl", ".asp", ".aspx", ".do", ".dll"]
            .iter()
            .any(|suffix| last.ends_with(suffix) && !last.contains("login"));
    let is_api = ["api", "graphql", "jsonrpc", "rpc"].contains(&last);
    if (is_script || is_api)
        && login.request.tests().is_empty()
        && matches!(login.subject, SubjectSource::Request(_))
    {
        let message = format!(
            "`{}` looks like one script for many actions: whatever is sent there with a name and a \
             password is taken for a login",
            clip(path)
        );
        let hint = "say what else a login has, such as `query: { action: login }` or \
                    `form: { task: login }`";
        draft.file.warn_with_hint(at, message, hint);
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
