//! Where the application says who is signed in: an answer in which the name that was typed stands alone.

use super::exchange::{AnswerBody, SeenExchange, leaves};
use super::findings::{Findings, FoundWhoami, NamePlace};
use super::words::is_word;
use scraper::{ElementRef, Html, Selector};

/// Looks for the best one.
pub(super) fn find(
    exchanges: &[SeenExchange],
    found: &Findings,
    typed: Option<&str>,
) -> Option<FoundWhoami> {
    let first = found.logins.first()?.right.first()?;
    let mut best = None::<(i32, FoundWhoami)>;
    for exchange in exchanges.iter().skip(first + 1) {
        // With a query, or a part that is no word, it is about one thing or one moment rather than the user.
        let is_question = exchange.method == "GET" && exchange.status == 200;
        let carries = exchange.authorization.is_some()
            || found
                .cookies
                .iter()
                .any(|cookie| exchange.cookies.contains_key(&cookie.name));
        if !is_question || !carries || !exchange.query.is_empty() || !is_plain(&exchange.path) {
            continue;
        }
        let Some((score, subject, email)) = name_in(exchange, typed) else {
            continue;
        };
        let nobody = exchanges.iter().filter(|other| {
            let same = other.path == exchange.path && other.method == "GET";
            same && name_in(other, typed).is_none()
        });
        let asked_of_nobody = nobody.count() > 0;
        let score = score + i32::from(asked_of_nobody) * 2;
        if best.as_ref().is_none_or(|(known, _)| score > *known) {
            let path = exchange.path.clone();
            let question = FoundWhoami {
                path,
                subject,
                email,
                asked_of_nobody,
            };
            best = Some((score, question));
        }
    }
    best.map(|(_, question)| question)
}

/// Whether every part of a path is a word: one with a number or a token is of one thing or one person.
fn is_plain(path: &str) -> bool {
    path.split('/')
        .all(|part| part.is_empty() || is_word(part) || is_version(part))
}

fn is_version(part: &str) -> bool {
    let digits = part.strip_prefix('v').unwrap_or_default();
    !digits.is_empty() && digits.len() <= 2 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Where an answer names the user, and how good a place that is.
fn name_in(
    exchange: &SeenExchange,
    typed: Option<&str>,
) -> Option<(i32, NamePlace, Option<String>)> {
    let words = [
        "me", "whoami", "user", "self", "account", "profile", "session", "current",
    ];
    let last = exchange
        .path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let last = last.to_ascii_lowercase();
    let is_one = words.contains(&last.as_str());
    let has_one = words.iter().any(|word| last.contains(word));
    let says_so = i32::from(is_one) * 4 + i32::from(has_one) * 2;
    match &exchange.answer {
        AnswerBody::Json(document) => {
            let mut found = Vec::new();
            leaves(document, String::new(), &mut found);
            // A name in a list is one of many: others may stand there tomorrow.
            let is_listed = |pointer: &str| {
                pointer
                    .split('/')
                    .any(|part| part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty())
            };
            found.retain(|(pointer, _)| !is_listed(pointer));
            let last = |pointer: &str| {
                pointer
                    .rsplit('/')
                    .next()
                    .unwrap_or_default()
                    .to_ascii_lowercase()
            };
            let email = found
                .iter()
                .find(|(pointer, value)| last(pointer).contains("mail") && value.contains('@'));
            let email = email.map(|(pointer, _)| pointer.clone());
            let rank = |pointer: &str| SUBJECTS.iter().position(|name| *name == last(pointer));
            let named = found.iter().filter_map(|leaf| Some((rank(&leaf.0)?, leaf)));
            let named = named.min_by_key(|(rank, _)| *rank).map(|(_, leaf)| leaf);
            let (pointer, is_sure) = match typed {
                Some(typed) => {
                    let mut found = found
                        .iter()
                        .filter(|(_, value)| value.eq_ignore_ascii_case(typed));
                    let (pointer, _) = found.next()?;
                    // Whoever types an address has a name beside it.
                    let by_mail = email.as_ref() == Some(pointer);
                    (
                        named
                            .filter(|_| by_mail)
                            .map_or(pointer, |(named, _)| named),
                        6,
                    )
                }
                None => (&named?.0, 0),
            };
            let depth = i32::try_from(pointer.matches('/').count()).unwrap_or(9);
            let email = email.filter(|email| email != pointer);
            Some((
                10 + says_so + is_sure - depth,
                NamePlace::Json(pointer.clone()),
                email,
            ))
        }
        AnswerBody::Html(page) => {
            let selector = selector(page, typed?)?;
            // Any page may show the name: the one with the shortest address is the surest to stay.
            let depth = i32::try_from(exchange.path.matches('/').count()).unwrap_or(9);
            Some((8 - depth, NamePlace::Css(selector), None))
        }
        AnswerBody::Other => None,
    }
}

/// A selector of the one element of a page whose whole text is the name.
fn selector(page: &str, name: &str) -> Option<String> {
    let document = Html::parse_document(page);
    let all = Selector::parse("body *").ok()?;
    // Only elements without others in them: an outer one has the text of the whole menu.
    let mut named = document.select(&all).filter(|element| {
        let has_elements = element.children().any(|child| child.value().is_element());
        !has_elements && text(*element).eq_ignore_ascii_case(name)
    });
    named.find_map(|element| {
        let tag = element.value().name();
        let own = element.value().id().map(|id| format!("#{id}"));
        let around = element.ancestors().filter_map(ElementRef::wrap);
        let around = around.filter_map(|outer| Some(format!("#{} {tag}", outer.value().id()?)));
        let classes = element
            .value()
            .classes()
            .map(|class| format!("{tag}.{class}"));
        let mut candidates = own.into_iter().chain(around).chain(classes);
        candidates.find(|candidate| selects(&document, candidate, name))
    })
}

/// Whether the first element that a selector finds is the one with the name.
fn selects(document: &Html, candidate: &str, name: &str) -> bool {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "#.-_ ".contains(char);
    let Ok(selector) = Selector::parse(candidate) else {
        return false;
    };
    let first = document.select(&selector).next();
    candidate.chars().all(is_plain)
        && first.is_some_and(|element| text(element).eq_ignore_ascii_case(name))
}

fn text(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().trim().to_owned()
}

/// Members in which applications name the user.
const SUBJECTS: &[&str] = &[
    "username",
    "user_name",
    "login",
    "preferred_username",
    "user",
    "name",
    "sub",
    "uid",
    "email",
    "id",
];
