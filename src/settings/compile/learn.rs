//! The application's own logins and logouts, and what a success looks like.

use super::Draft;
use super::subject::{self, pointer};
use super::{reach, signs, token};
use crate::domain::{CookieName, Field, Method, MethodSet, Naming, Template, ValueTest, Watched};
use crate::policy::{Bare, RawGraphQl, RawTest, graphql_operations, may_have_body, named_tests};
use crate::session::{Learn, LoginRoute, Sign, SubjectSource};
use crate::settings::raw::{RawLearn, RawLogin, RawLogout, RawWatched};
use crate::yaml::{OneOrMore, Path, Table, clip};
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
        let matches = raw.r#match.as_ref();
        let request = watched(matches, &Fields::of_logout(raw), &at, draft);
        if let Some(request) = &request {
            let tested_at = matches.map_or_else(|| at.clone(), |_| at.key("match"));
            reach::check_request(request, None, (&tested_at, &at), draft);
        }
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
    let matches = raw.r#match.as_ref();
    let request = watched(matches, &Fields::of_login(raw), at, draft);
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
            .map(|raw| signs::compile(raw, token, cookies, &at.key("success"), draft)),
    };
    let request = request?;
    let reads_body = matches!(
        &subject,
        Some(SubjectSource::GraphQl(_) | SubjectSource::Request(Field::Form(_) | Field::Json(_)))
    );
    if reads_body && !may_have_body(request.methods()) {
        let message =
            "is looked for in the body of the request, and the methods of this login have none";
        let hint = "a GET carries its values in the query: `subject: { query: user }`";
        draft
            .file
            .report_with_hint(at.key("subject"), message, hint);
    }
    let tested_at = matches.map_or_else(|| at.clone(), |_| at.key("match"));
    let places = (&tested_at, &at.key("subject"));
    reach::check_request(&request, subject.as_ref(), places, draft);
    let login = LoginRoute {
        request,
        subject: subject?,
        naming,
        success: signs?,
    };
    reach::check_success(&login, at, draft);
    warn_of_one_script(&login, at, draft);
    Some(login)
}

/// What an entry asks of a request, written in its `match` or directly in it.
struct Fields<'r> {
    methods: Option<&'r OneOrMore<String>>,
    path: Option<&'r str>,
    tests: [(Place, &'static str, Option<&'r Table<RawTest>>); 4],
    graphql: Option<&'r RawGraphQl>,
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
                graphql: raw.graphql.as_ref(),
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
            .or(self.graphql.map(|_| "graphql"))
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
    refuse_other_bodies(fields, methods, at, draft);
    let path = path(fields.path, at, draft);
    let mut all = Vec::new();
    for (place, name, table) in fields.tests {
        let Some(table) = table else { continue };
        all.extend(tests(place, table, &at.key(name), draft)?);
    }
    let operations = match fields.graphql {
        Some(raw) => graphql_operations(raw, draft.file, &at.key("graphql"))?,
        None => Vec::new(),
    };
    // It was parsed already.
    Some(Watched::new(methods, path?, all).ok()?.running(operations))
}

/// What is asked of the body: one kind of body, by a method that may have one.
fn refuse_other_bodies(fields: &Fields<'_>, methods: MethodSet, at: &Path, draft: &mut Draft<'_>) {
    let of_body = fields.tests.iter().filter_map(|(place, name, table)| {
        let is_in_body = matches!(place, Place::Form | Place::Json);
        table.filter(|_| is_in_body).map(|_| *name)
    });
    let graphql = fields.graphql.map(|_| "graphql");
    let kinds: Vec<_> = of_body.chain(graphql).collect();
    // Asked for as two kinds, it could never be.
    if let [first, second, ..] = kinds.as_slice() {
        let message = format!("a body cannot be read as {first} and as {second} at once");
        let hint = "write an entry for each kind";
        draft.file.report_with_hint(at.name(second), message, hint);
    }
    if !may_have_body(methods) {
        for name in kinds {
            let message = format!("`{name}` reads the body, and the methods named here have none");
            let hint = "a GET carries its values in the query: use `query:`";
            draft.file.report_with_hint(at.key(name), message, hint);
        }
    }
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
        && login.request.operations().is_empty()
        && matches!(login.subject, SubjectSource::Request(_))
    {
        let message = format!(
            "`{}` looks like one script for many actions: whatever is sent there with a name and a \
             password is taken for a login",
            clip(path)
        );
        let hint = "say what else a login has, such as `query: { action: login }`, \
                    `form: { task: login }`, `json: { /method: login }` or `graphql: { operation: login }`";
        draft.file.warn_with_hint(at, message, hint);
    }
}
