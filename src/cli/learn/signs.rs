//! By what a login that worked is told from one that did not.

use super::exchange::{AnswerBody, SeenExchange};
use super::findings::{Findings, FoundLogin};
use super::words::{is_word, leads_on};

/// What `success` asks for.
#[derive(Default)]
pub(super) struct Signs {
    pub(super) statuses: Vec<u16>,
    pub(super) location: Option<String>,
    pub(super) cookie: Option<String>,
    pub(super) body: Option<String>,
    /// Whether the place that it leads to is the client's choice.
    pub(super) leads_anywhere: bool,
}

/// The signs that all answers to a right password show.
pub(super) fn of(exchanges: &[SeenExchange], login: &FoundLogin, found: &Findings) -> Signs {
    let right: Vec<_> = login
        .right
        .iter()
        .filter_map(|at| exchanges.get(*at))
        .collect();
    let wrong: Vec<_> = login
        .wrong
        .iter()
        .filter_map(|at| exchanges.get(*at))
        .collect();
    let mut signs = Signs::default();
    for exchange in &right {
        if !signs.statuses.contains(&exchange.status) {
            signs.statuses.push(exchange.status);
        }
    }
    let all_set = |name: &str| {
        let mut right = right.iter();
        right.all(|exchange| {
            exchange
                .set
                .iter()
                .any(|set| set.name == name && set.value.is_some())
        })
    };
    let mut cookies = found.cookies.iter().filter(|cookie| cookie.by_login);
    signs.cookie = cookies
        .find(|cookie| all_set(&cookie.name))
        .map(|cookie| cookie.name.clone());
    if let Some(first) = right.first() {
        // What sends a wrong password on as well must be told by the very place.
        let may_vary = wrong.iter().all(|exchange| exchange.location.is_none());
        signs.leads_anywhere = may_vary && leads_where_asked(first);
        signs.location = if signs.leads_anywhere {
            Some("/.*".to_owned())
        } else {
            let mut places: Vec<_> = right
                .iter()
                .filter_map(|exchange| location(exchange))
                .collect();
            places.dedup();
            let is_each = right.iter().all(|exchange| exchange.location.is_some());
            is_each
                .then(|| places.join("|"))
                .filter(|text| !text.is_empty())
        };
        if signs.location.is_none() {
            signs.body = body(first, &wrong);
        }
    }
    signs
}

/// Whether the answer leads to where a parameter of the request said.
fn leads_where_asked(login: &SeenExchange) -> bool {
    let fields = login
        .fields
        .iter()
        .map(|(place, value)| (place.name(), value));
    let query = login
        .query
        .iter()
        .map(|(name, value)| (name.as_str(), value));
    let Some(location) = &login.location else {
        return false;
    };
    let mut all = fields.chain(query);
    all.any(|(name, value)| leads_on(name) && value.len() > 1 && location.ends_with(value.as_str()))
}

/// A regex for the place that an answer leads to; what is of one person or new each time stands for any.
fn location(login: &SeenExchange) -> Option<String> {
    let path = login.location_path()?;
    let typed: Vec<_> = login
        .fields
        .iter()
        .map(|(_, value)| value.as_str())
        .collect();
    // A number or the name that was typed is of one person; a long mixture is new each time.
    let parts = path.split('/').map(|part| {
        if part.is_empty() || (is_word(part) && !typed.contains(&part)) {
            regex::escape(part)
        } else {
            "[^/?]+".to_owned()
        }
    });
    let path = parts.collect::<Vec<_>>().join("/");
    let location = login.location.as_deref().unwrap_or_default();
    let origin = if location.contains("://") {
        "https?://[^/]+"
    } else {
        ""
    };
    let query = if location.contains('?') { "\\?.*" } else { "" };
    Some(format!("{origin}{path}{query}"))
}

/// A regex for how a JSON answer begins, unless a wrong password is answered so as well.
fn body(login: &SeenExchange, wrong: &[&SeenExchange]) -> Option<String> {
    let AnswerBody::Json(document) = &login.answer else {
        return None;
    };
    let text = String::from_utf8_lossy(&login.body);
    // From the text and not the document, whose members are sorted.
    let name = text
        .trim_start()
        .strip_prefix('{')?
        .trim_start()
        .strip_prefix('"')?;
    let name = name.split('"').next().filter(|name| is_word(name))?;
    let value = document.get(name);
    let value = match value {
        Some(serde_json::Value::Bool(value)) => format!(r"\s*:\s*{value}"),
        Some(_) | None => String::new(),
    };
    let text = format!(r#"^\s*\{{\s*"{}"{value}"#, regex::escape(name));
    let regex = regex::Regex::new(&text).ok()?;
    let mut wrong = wrong.iter();
    let looks_alike =
        wrong.any(|exchange| regex.is_match(&String::from_utf8_lossy(&exchange.body)));
    (!looks_alike).then_some(text)
}
