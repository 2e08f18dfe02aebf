//! Requests that log somebody out: by their names, and by what becomes of the cookie.

use super::exchange::{FieldPlace, SeenExchange};
use super::findings::{Findings, FoundLogout};
use super::words::{is_action, is_word};

pub(super) fn looks_like_logout(exchange: &SeenExchange) -> bool {
    let query = exchange.query.iter().any(says_logout);
    let is_deletion = exchange.method == "DELETE" && exchange.path.contains("session");
    // JSON-RPC (`"method": "logout"`), and front controllers.
    let body = exchange.fields.iter().any(asks_for_logout);
    exchange.status < 400 && (names_logout(&exchange.path) || query || body || is_deletion)
}

fn asks_for_logout((place, value): &(FieldPlace, String)) -> bool {
    is_action(place.name()) && is_word(value) && names_logout(value)
}

fn says_logout((name, value): &(String, String)) -> bool {
    names_logout(name) || names_logout(value)
}

fn names_logout(text: &str) -> bool {
    let flat: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let flat = flat.to_ascii_lowercase();
    ["logout", "signout", "logoff", "signoff", "abmelden"]
        .iter()
        .any(|word| flat.contains(word))
}

/// Looks for them, after the first login.
pub(super) fn find(exchanges: &[SeenExchange], found: &mut Findings) {
    let Some(first) = found
        .logins
        .iter()
        .filter_map(|login| login.right.first())
        .min()
    else {
        return;
    };
    let is_session = |name: &str| found.cookies.iter().any(|cookie| cookie.name == name);
    let mut logouts = Vec::<FoundLogout>::new();
    for exchange in exchanges.iter().skip(first + 1) {
        // A login of somebody else drops the cookie of before, too.
        let is_login = exchange.secret().is_some();
        let carries = exchange.cookies.keys().any(|name| is_session(name));
        let deletes = exchange.set.iter().any(|set| {
            is_session(&set.name) && set.value.is_none() && exchange.cookies.contains_key(&set.name)
        });
        if is_login || !(looks_like_logout(exchange) || (carries && deletes)) {
            continue;
        }
        // The page that asks whether one really wants to is none.
        let is_page = exchange.method == "GET" && exchange.status == 200 && !deletes;
        let known = logouts
            .iter()
            .any(|logout| (&logout.method, &logout.path) == (&exchange.method, &exchange.path));
        if is_page || known {
            continue;
        }
        // What else is there (how a list is sorted) is of the page that has the link.
        let body = exchange
            .fields
            .iter()
            .filter(|field| asks_for_logout(field));
        let body: Vec<_> = body.cloned().collect();
        let is_told = !body.is_empty() || exchange.query.iter().any(says_logout);
        let query = exchange
            .query
            .iter()
            .filter(|pair| is_word(&pair.1) && (!is_told || says_logout(pair)));
        let query = query.map(|(name, value)| (FieldPlace::Query(name.clone()), value.clone()));
        let replaced = exchange.renewed().any(|set| is_session(&set.name));
        logouts.push(FoundLogout {
            method: exchange.method.clone(),
            path: exchange.path.clone(),
            tests: query
                .chain(body)
                .map(|(place, value)| (place, Some(value)))
                .collect(),
            ends_cookie: deletes || replaced,
        });
    }
    found.logouts = logouts;
}
