//! Requests that log somebody in, and which of them worked.

use super::exchange::{AnswerBody, FieldPlace, SeenExchange, leaves};
use super::findings::{Findings, FoundLogin};
use super::logouts::looks_like_logout;
use super::words::{NAMES, is_action, is_word, leads_on};
use crate::cli::output::plural;
use crate::domain::is_secret_name;
use scraper::{Html, Selector};
use std::collections::{BTreeMap, BTreeSet};

/// Names and values of the fields that pages hide: nobody typed them.
type HiddenFields = BTreeSet<(String, String)>;

/// Looks for them.
pub(super) fn find(exchanges: &[SeenExchange], found: &mut Findings) {
    let hidden = hidden_fields(exchanges);
    let mut groups = BTreeMap::<(&str, &str), Vec<usize>>::new();
    for (at, exchange) in exchanges.iter().enumerate() {
        // A GET with a password in its query is a search or a link: no login is sent so.
        let is_attempt = exchange.secret().is_some() && !is_sign_up(exchange, &hidden);
        if is_attempt && exchange.method != "GET" && !has_session_proof(exchange) {
            let key = (exchange.method.as_str(), exchange.path.as_str());
            groups.entry(key).or_default().push(at);
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, places)| places.first().copied());
    for ((method, path), places) in groups {
        let (right, wrong) = judge(exchanges, &places);
        if let Some(first) = right.first().and_then(|at| exchanges.get(*at)) {
            let subject = subject(first, &hidden);
            // In the second of two steps nobody types a name.
            let earlier = wrong.iter().rev().filter_map(|at| exchanges.get(*at));
            let mut named = std::iter::once(first).chain(earlier);
            found.logins.push(FoundLogin {
                method: method.to_owned(),
                path: path.to_owned(),
                tests: tests(exchanges, first, subject.is_none()),
                typed: named.find_map(|one| typed_name(one, &hidden)),
                named_in_answer: named_in_answer(first, &hidden),
                subject,
                right,
                wrong,
                is_callback: false,
            });
        } else {
            let times = places.len();
            let passwords = plural(times, "password");
            found.notes.push(format!(
                "{method} {path}: {times} {passwords} sent, and none of the answers looks like a login that worked"
            ));
        }
    }
    if found.logins.is_empty() {
        found.logins.extend(callback(exchanges));
    }
}
/// Two equal passwords: a sign-up, or a change of the password.
fn is_sign_up(exchange: &SeenExchange, hidden: &HiddenFields) -> bool {
    let Some((place, value)) = exchange.secret() else {
        return false;
    };
    // Whose password is their name (admin, admin) signs in.
    let name = subject(exchange, hidden);
    let mut others = exchange.fields.iter();
    others.any(|(other, again)| other != place && name.as_ref() != Some(other) && again == value)
}

/// A password that is typed by somebody who is known by a token already.
fn has_session_proof(exchange: &SeenExchange) -> bool {
    let authorization = exchange.authorization.as_deref().unwrap_or_default();
    authorization.to_ascii_lowercase().starts_with("bearer ")
}

/// Which attempts worked, by their answers and by what came next.
fn judge(exchanges: &[SeenExchange], places: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut right = Vec::new();
    let mut wrong = Vec::new();
    for (index, at) in places.iter().enumerate() {
        let Some(exchange) = exchanges.get(*at) else {
            continue;
        };
        let next = places.get(index + 1).copied();
        let between = exchanges
            .get(at + 1..next.unwrap_or(exchanges.len()))
            .unwrap_or_default();
        let before = exchanges.get(..*at).unwrap_or_default();
        // Whoever is let in does not try again before having signed out.
        let tried_again = next.is_some() && !between.iter().any(looks_like_logout);
        if looks_refused(before, exchange, between) || tried_again {
            wrong.push(*at);
        } else {
            right.push(*at);
        }
    }
    (right, wrong)
}

fn looks_refused(before: &[SeenExchange], exchange: &SeenExchange, after: &[SeenExchange]) -> bool {
    // RFC 9110 §15.5: refused outright. An application of the old kind shows its form again, with 200.
    if exchange.status >= 400 || exchange.asks_for_password() {
        return true;
    }
    if let Some(path) = exchange.location_path() {
        let page = exchange.referer.as_deref().and_then(path_of);
        // `/login?error` and the page that the form was on: PHP and Spring redirect for failures as well.
        let leads_back = path == exchange.path || page.as_deref() == Some(path);
        let is_there = |other: &&SeenExchange| other.path == path && other.method == "GET";
        let landing = after.iter().find(is_there);
        let had_form = before.iter().rev().find(is_there);
        // A form in a corner of every page is gone for whoever is let in.
        let lost_form = landing.is_some() && had_form.is_some_and(SeenExchange::asks_for_password);
        return landing.is_some_and(SeenExchange::asks_for_password) || (leads_back && !lost_form);
    }
    let AnswerBody::Json(document) = &exchange.answer else {
        return false;
    };
    // JSON endpoints that answer 200 in any case say it in a member.
    let is_false = |name: &str| document.get(name) == Some(&serde_json::Value::Bool(false));
    let has_error = ["error", "errors"].iter().any(|name| {
        let error = document.get(*name);
        error.is_some_and(|error| !matches!(error.as_str(), Some("")) && !is_nothing(error))
    });
    has_error
        || ["ok", "success", "authenticated", "loggedIn"]
            .into_iter()
            .any(is_false)
}

fn is_nothing(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null | serde_json::Value::Bool(false) => true,
        serde_json::Value::Array(items) => items.is_empty(),
        serde_json::Value::Object(members) => members.is_empty(),
        serde_json::Value::Bool(true)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => false,
    }
}

/// Path and query of a whole URL.
fn path_of(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    Some(url.path().to_owned())
}

/// What tells a login from other requests to its path: the words of its query, and, where other requests have the
/// path as well, those of fields that name an action.
fn tests(
    exchanges: &[SeenExchange],
    login: &SeenExchange,
    is_nameless: bool,
) -> Vec<(FieldPlace, Option<String>)> {
    let query = login.query.iter().filter(|(_, value)| is_word(value));
    let mut tests: Vec<_> = query
        .filter(|(name, value)| !leads_on(name) && !value.contains('/'))
        .map(|(name, value)| (FieldPlace::Query(name.clone()), Some(value.clone())))
        .collect();
    // `check` warns of one script for all.
    let is_root = login.path == "/";
    let is_shared = is_root
        || exchanges.iter().any(|other| {
            let is_same = (&other.path, &other.method) == (&login.path, &login.method);
            is_same && other.secret().is_none()
        });
    if is_shared {
        let fields = login.fields.iter();
        let actions = fields.filter(|(place, value)| is_action(place.name()) && is_word(value));
        let actions = actions.map(|(place, value)| (place.clone(), Some(value.clone())));
        tests.extend(actions);
    }
    if is_shared || is_nameless {
        // With further tests the password must be asked for by name: it says that somebody types one. So must the code
        // of a second step.
        tests.extend(login.secret().map(|(place, _)| (place.clone(), None)));
    }
    tests
}

/// The field in which people type who they are: by its name, or the one before the password.
fn subject(login: &SeenExchange, hidden: &HiddenFields) -> Option<FieldPlace> {
    let (secret, _) = login.secret()?;
    // A name may be hidden (in the second of two steps), and is called one.
    let is_hidden = |place: &FieldPlace, value: &str| {
        let field = (place.name().to_owned(), value.to_owned());
        let last = field
            .0
            .rsplit(['_', '-', '.', '['])
            .next()
            .unwrap_or_default();
        hidden.contains(&field) && !NAMES.contains(&last.trim_end_matches(']'))
    };
    let mut usual = login.fields.iter().filter(|(place, value)| {
        let is_typed = place != secret && !value.is_empty() && value.len() <= 256;
        let is_named = is_secret_name(place.name()) || is_token_name(place.name());
        is_typed && !is_named && !is_hidden(place, value)
    });
    let rank = |place: &FieldPlace| {
        let name = place.name().to_ascii_lowercase();
        NAMES.iter().position(|known| name.contains(known))
    };
    // A name that says it beats the order: some forms ask for a company or a language first.
    let named = usual
        .clone()
        .filter_map(|(place, _)| Some((rank(place)?, place)));
    if let Some((_, place)) = named.min_by_key(|(rank, _)| *rank) {
        return Some(place.clone());
    }
    let before = usual
        .clone()
        .take_while(|(place, _)| place != secret)
        .last();
    before
        .or_else(|| usual.next())
        .map(|(place, _)| place.clone())
}

fn is_token_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["csrf", "xsrf", "token", "nonce", "captcha", "viewstate"]
        .iter()
        .any(|word| name.contains(word))
}

/// The name that is typed.
fn typed_name(login: &SeenExchange, hidden: &HiddenFields) -> Option<String> {
    let place = subject(login, hidden)?;
    let mut fields = login.fields.iter();
    let typed = fields.find(|(other, _)| *other == place);
    typed.map(|(_, value)| value.clone())
}

fn hidden_fields(exchanges: &[SeenExchange]) -> HiddenFields {
    let Ok(inputs) = Selector::parse("input[type=hidden i]") else {
        return HiddenFields::new();
    };
    let mut hidden = HiddenFields::new();
    for exchange in exchanges {
        if let AnswerBody::Html(page) = &exchange.answer {
            hidden.extend(
                Html::parse_document(page)
                    .select(&inputs)
                    .filter_map(|input| {
                        let value = input.attr("value").unwrap_or_default();
                        Some((input.attr("name")?.to_owned(), value.to_owned()))
                    }),
            );
        }
    }
    hidden
}

/// The pointer at which a JSON answer to a login repeats the name that was typed.
fn named_in_answer(login: &SeenExchange, hidden: &HiddenFields) -> Option<String> {
    let typed = typed_name(login, hidden)?;
    let AnswerBody::Json(document) = &login.answer else {
        return None;
    };
    let mut found = Vec::new();
    leaves(document, String::new(), &mut found);
    let mut found = found.into_iter();
    found
        .find(|(_, value)| value.eq_ignore_ascii_case(&typed))
        .map(|(pointer, _)| pointer)
}

/// A request that a provider or a link in a mail leads to, and that is answered with a new cookie.
fn callback(exchanges: &[SeenExchange]) -> Option<FoundLogin> {
    let brings = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["code", "ticket", "samlresponse", "token", "id_token"].contains(&name.as_str())
    };
    let is_one = |exchange: &&SeenExchange| {
        let mut query = exchange.query.iter().map(|(name, _)| name.as_str());
        let mut fields = exchange.fields.iter().map(|(place, _)| place.name());
        let proves = query.any(brings) || (exchange.method == "POST" && fields.any(brings));
        proves && exchange.status < 400 && exchange.renewed().next().is_some()
    };
    let at = exchanges.iter().position(|exchange| is_one(&exchange))?;
    let exchange = exchanges.get(at)?;
    let query = exchange.query.iter().filter(|(name, _)| brings(name));
    let query = query.map(|(name, _)| (FieldPlace::Query(name.clone()), None));
    let fields = exchange
        .fields
        .iter()
        .filter(|(place, _)| brings(place.name()));
    let fields = fields.map(|(place, _)| (place.clone(), None));
    Some(FoundLogin {
        method: exchange.method.clone(),
        path: exchange.path.clone(),
        tests: query.chain(fields).collect(),
        subject: None,
        typed: None,
        named_in_answer: None,
        right: vec![at],
        wrong: Vec::new(),
        is_callback: true,
    })
}
