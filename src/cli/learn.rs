//! `stepgate learn`: writes the session settings from what one login and one logout look like.

mod authorization;
mod cookies;
mod exchange;
mod find;
mod findings;
mod har;
mod logins;
mod logouts;
mod relay;
mod signs;
#[cfg(test)]
mod tests;
mod whoami;
mod words;
mod write;

use super::arguments::LearnArguments;
use super::error::CliError;
use super::output::{Output, plural};
use crate::domain::is_secret_name;
use crate::proxy::Recording;
use crate::session::{Basic, Jwt, LoginRoute, Source};
use crate::settings::{self, Settings};
use exchange::{AnswerBody, SeenExchange, leaves};
use findings::{Findings, FoundBasic, FoundLogin, FoundToken};
use std::path::Path;
use std::sync::Arc;

pub(super) fn run(arguments: &LearnArguments, out: &mut Output) -> Result<(), CliError> {
    let recordings = match (&arguments.har, &arguments.upstream) {
        (Some(file), _) => har::read(file)?.origins,
        (None, Some(upstream)) => {
            vec![(upstream.clone(), relay::record(upstream, arguments.listen)?)]
        }
        (None, None) => return Err(CliError::Usage(NOTHING.to_owned())),
    };
    let (origin, exchanges, findings) = choose(recordings, arguments.origin.as_deref())?;
    let mut errors = Output::stderr();
    if !findings.names_people() {
        for note in &findings.notes {
            writeln!(errors, "note: {note}")?;
        }
        return Err(CliError::Impossible(nothing_found(
            &exchanges,
            arguments.har.is_some(),
        )));
    }
    let text = write::session(&exchanges, &findings);
    let Some(text) = text.filter(|text| !holds_secret(text, &exchanges)) else {
        for note in notes(&exchanges, &findings) {
            writeln!(errors, "note: {note}")?;
        }
        return Err(CliError::Impossible(NOT_ENOUGH.to_owned()));
    };
    // The production code reads it, as `check` and `serve` do.
    let settings = settings::parse(Path::new(NOWHERE), format!("{AROUND}{text}").as_bytes());
    let settings = settings.map_err(CliError::Configuration)?;
    let count = exchanges.len();
    let requests = plural(count, "request");
    writeln!(
        out,
        "# Written by `stepgate learn` from {count} {requests} to {origin}. Look it over, and run `stepgate check`."
    )?;
    write!(out, "{text}")?;
    for told in tried(&exchanges, &findings, &settings) {
        writeln!(errors, "{told}")?;
    }
    for note in notes(&exchanges, &findings) {
        writeln!(errors, "note: {note}")?;
    }
    Ok(())
}

/// The application among the origins of a recording: the one where somebody logs in, or else the first.
fn choose(
    recordings: Vec<(String, Recording)>,
    wanted: Option<&str>,
) -> Result<(String, Vec<SeenExchange>, Findings), CliError> {
    let names: Vec<_> = recordings
        .iter()
        .map(|(origin, _)| origin.clone())
        .collect();
    let mut first = None;
    for (origin, recording) in recordings {
        if wanted.is_some_and(|wanted| wanted.trim_end_matches('/') != origin) {
            continue;
        }
        let left_out = recording.left_out;
        let exchanges: Vec<_> = recording
            .exchanges
            .into_iter()
            .map(SeenExchange::of)
            .collect();
        let mut findings = find::find(&exchanges);
        if left_out > 0 {
            findings
                .notes
                .push(format!("{left_out} further requests were left out"));
        }
        // An identity provider or an API may stand on another origin than the pages.
        if findings.names_people() {
            return Ok((origin, exchanges, findings));
        }
        first.get_or_insert((origin, exchanges, findings));
    }
    first.ok_or_else(|| {
        let message = match wanted {
            Some(wanted) => format!(
                "no request to `{wanted}` is there, but to: {}",
                names.join(", ")
            ),
            None => "no request is there".to_owned(),
        };
        CliError::Impossible(message)
    })
}

/// Why there is no login.
fn nothing_found(exchanges: &[SeenExchange], is_har: bool) -> String {
    let has_cookies = exchanges
        .iter()
        .any(|one| !one.cookies.is_empty() || !one.set.is_empty());
    let posts = exchanges.iter().filter(|one| one.method == "POST").count();
    let count = exchanges.len();
    let requests = plural(count, "request");
    let has_mutation = exchanges.iter().any(|one| {
        let mut fields = one.fields.iter();
        fields.any(|(place, text)| place.name() == "query" && text.contains("mutation"))
    });
    let hint = if has_mutation {
        ". Calls of GraphQL are not looked into: declare the login by hand (docs/sessions.md, “One address for many \
         operations”)"
    } else if has_cookies || exchanges.is_empty() || !is_har {
        ""
    } else {
        ". No cookie is in it: Chromium leaves them out of a HAR file, unless “Allow to generate HAR with sensitive \
         data” is on (settings of its developer tools, “Network”)"
    };
    format!(
        "no login is in it: {count} {requests}, of which {posts} by POST, and none has a password and an answer that looks \
         right, nor brings the code of a provider, a password of HTTP or a signed token{hint}"
    )
}

/// Which signs hold, tried by the code that `serve` runs.
fn tried(exchanges: &[SeenExchange], findings: &Findings, settings: &Settings) -> Vec<String> {
    let learn = settings.sessions.learn.as_ref();
    let routes = learn
        .map(|learn| learn.logins.as_slice())
        .unwrap_or_default();
    let mut told = Vec::new();
    match (&settings.sessions.source, &findings.basic, &findings.token) {
        (Some(Source::Basic(basic)), Some(found), _) => {
            told.push(try_basic(exchanges, found, basic));
        }
        (Some(Source::Jwt(jwt)), _, Some(found)) => {
            told.push(try_token(exchanges, found, jwt));
        }
        _ => {}
    }
    for login in &findings.logins {
        let path = write::template(&login.path);
        let route = routes.iter().find(|route| route.request.path() == path);
        told.extend(route.map(|route| try_login(exchanges, login, route)));
    }
    for logout in &findings.logouts {
        told.push(format!("logout {} {}: found", logout.method, logout.path));
    }
    told
}

fn try_login(exchanges: &[SeenExchange], login: &FoundLogin, route: &Arc<LoginRoute>) -> String {
    let succeeds = |at: &&usize| {
        let exchange = exchanges.get(**at);
        exchange.is_some_and(|one| route.succeeded(one.status, &one.headers, Some(&one.body)))
    };
    let (right, wrong) = (login.right.len(), login.wrong.len());
    let (taken, fooled) = (
        login.right.iter().filter(succeeds).count(),
        login.wrong.iter().filter(succeeds).count(),
    );
    let wrong = match (wrong, fooled) {
        _ if login.is_callback => "no password is typed there".to_owned(),
        (0, _) => {
            "no wrong password was tried, so whether one would look alike is not known".to_owned()
        }
        (count, 0) => format!("{count} of {count} wrong ones refused"),
        (count, fooled) => format!(
            "{fooled} of {count} WRONG ones look alike: name in `success` what only a right password shows"
        ),
    };
    let (method, path) = (&login.method, &login.path);
    format!("login {method} {path}: {taken} of {right} that worked recognized, {wrong}")
}

fn try_basic(exchanges: &[SeenExchange], found: &FoundBasic, basic: &Basic) -> String {
    let judged = |places: &[usize], wanted: bool| {
        let answers = places.iter().filter_map(|at| exchanges.get(*at));
        let answers = answers.map(|one| basic.takes(one.status, &one.headers, &one.body));
        answers.filter(|taken| *taken == Some(wanted)).count()
    };
    let (taken, refused) = (judged(&found.taken, true), judged(&found.refused, false));
    format!(
        "password at {}: {taken} of {} that was taken recognized, {refused} of {} without or with a wrong one refused",
        found.path,
        found.taken.len(),
        found.refused.len()
    )
}

fn try_token(exchanges: &[SeenExchange], found: &FoundToken, jwt: &Jwt) -> String {
    let line = exchanges
        .get(found.at)
        .and_then(|one| one.authorization.as_deref());
    let token = line.and_then(|line| line.split(' ').next_back());
    match jwt.recorded_subject(token.unwrap_or_default().as_bytes()) {
        Ok(_) => "token: its claims are right, and name somebody; its signature was not looked at"
            .to_owned(),
        Err(error) => format!("token: it would be REFUSED, since {error}"),
    }
}

/// What deserves a look.
fn notes(exchanges: &[SeenExchange], findings: &Findings) -> Vec<String> {
    let mut notes = findings.notes.clone();
    let mut note = |text: &str| notes.push(text.to_owned());
    if findings.logouts.is_empty() && !findings.logins.is_empty() {
        note(
            "no logout is in it: sign out before you end, or declare it by hand (`session.learn.logouts`)",
        );
    }
    let is_named = findings.basic.is_some() || (findings.token.is_some() && findings.reads_token());
    if findings.whoami.is_none() && !is_named {
        note(
            "no answer names the user by itself: open a page that shows the name, or look for an address such as \
             /api/me; `session.whoami` is the surest source (docs/sessions.md)",
        );
    }
    let is_unnamed = findings.logins.iter().any(|login| login.subject.is_none());
    if is_unnamed && findings.whoami.is_none() {
        note(
            "a login is left out, since its request does not say who signs in (a single sign-on, a link, a second \
             step): it needs `session.whoami`, and `subject: whoami`",
        );
    }
    match findings.authorization {
        Some("Bearer") if findings.token.is_some() && findings.reads_token() => note(
            "each request brings a signed token: fill in where the issuer's keys are (`session.jwt.keys`), and see that \
             issuer and audience are those of this application alone",
        ),
        Some("Bearer") if findings.cookies.is_empty() => note(
            "people are known by a token in `Authorization`: a login cannot be learned from it. If it is a signed one, \
             `session.jwt` reads it (docs/sessions.md)",
        ),
        Some("Basic") if findings.basic.is_none() => {
            note("people are known by `Authorization: Basic`: `session.basic` (docs/sessions.md)");
        }
        Some(_) | None => {}
    }
    if findings.cookies.iter().any(|cookie| cookie.rolls) {
        note(
            "the session's cookie comes with most answers: see “When the cookie gets another value” in docs/sessions.md",
        );
    }
    let origins = exchanges.iter().filter_map(|one| one.location.as_deref());
    let mut elsewhere = origins.filter(|location| location.contains("://"));
    if elsewhere.next().is_some() {
        note(
            "the application writes whole addresses into `Location`: set `public_url`, and look at the regexes above",
        );
    }
    notes
}

/// Whether a text holds a password, a cookie or a token of the recording. None is ever put there; this makes sure
/// of it for all that are long enough not to be words of the application as well.
fn holds_secret(text: &str, exchanges: &[SeenExchange]) -> bool {
    let holds = |value: &str| value.len() >= 12 && text.contains(value);
    exchanges.iter().any(|one| {
        let fields = one
            .fields
            .iter()
            .filter(|(place, _)| is_secret_name(place.name()));
        let mut answered = Vec::new();
        if let AnswerBody::Json(document) = &one.answer {
            leaves(document, String::new(), &mut answered);
        }
        let answered = answered.iter().filter(|(pointer, _)| {
            let name = pointer.rsplit('/').next().unwrap_or_default();
            is_secret_name(name) || name.to_ascii_lowercase().contains("token")
        });
        one.cookies.values().any(|value| holds(value))
            || one
                .set
                .iter()
                .filter_map(|set| set.value.as_deref())
                .any(holds)
            || fields.map(|(_, value)| value.as_str()).any(holds)
            || answered.map(|(_, value)| value.as_str()).any(holds)
            || one
                .authorization
                .as_deref()
                .and_then(|line| line.split(' ').nth(1))
                .is_some_and(holds)
    })
}

const NOTHING: &str = "name a HAR file, or the application with `--upstream`";
const NOT_ENOUGH: &str = "a login is in it, and not enough to write settings from: no cookie and no answer that names \
                          the user; see the notes above and docs/sessions.md";
/// What stands around the section when it is tried. Nothing of it is read or made.
const AROUND: &str = "version: 1\nupstream: { url: 'http://127.0.0.1:9' }\npolicies: /\n";
const NOWHERE: &str = "/nonexistent/learn.yaml";
