//! The settings that a recording leads to, with the reason beside each line.

use super::exchange::{FieldPlace, SeenExchange};
use super::findings::{Findings, FoundLogin, FoundToken, NamePlace};
use super::signs::{self, Signs};
use crate::yaml::is_unseen;
use std::fmt::Write as _;

/// The section `session`, as YAML; `None` if nothing is known that could stand there.
pub(super) fn session(exchanges: &[SeenExchange], found: &Findings) -> Option<String> {
    let mut text = String::from("session:\n");
    let empty = text.len();
    cookies(found, &mut text);
    if let Some(page) = &found.login_page {
        line(
            &mut text,
            2,
            &format!("login_page: {}", quoted(page)),
            "has the form",
        );
    }
    whoami(found, &mut text);
    if let Some(basic) = &found.basic {
        let section = format!("basic: {{ url: {} }}", quoted(&basic.path));
        let why = "is shown to who brings a password that is taken, and to nobody else";
        line(&mut text, 2, &section, why);
    }
    if let Some(token) = found.token.as_ref().filter(|_| found.reads_token()) {
        jwt(token, &mut text);
    }
    if !found.cookies.is_empty() {
        learn(exchanges, found, &mut text);
    }
    (text.len() > empty).then_some(text)
}

fn cookies(found: &Findings, text: &mut String) {
    if found.cookies.is_empty() {
        return;
    }
    text.push_str("  cookies:\n");
    for cookie in &found.cookies {
        let name = quoted(&cookie.name);
        let entry = match &cookie.path {
            Some(path) => format!("- {{ name: {name}, path: {} }}", quoted(path)),
            None => format!("- {name}"),
        };
        let login = if cookie.by_login {
            "gets a new value with the login"
        } else {
            "keeps its value over the login"
        };
        let logout = if cookie.deleted {
            ", taken away later"
        } else {
            ""
        };
        let rolls = if cookie.rolls {
            ", and a new one with most answers"
        } else {
            ""
        };
        line(text, 4, &entry, &format!("{login}{rolls}{logout}"));
    }
}

fn whoami(found: &Findings, text: &mut String) {
    let Some(whoami) = &found.whoami else { return };
    let why = if whoami.asked_of_nobody {
        "names the user, and nobody where nobody is signed in"
    } else {
        "names the user; check that it names nobody where nobody is signed in"
    };
    line(text, 2, "whoami:", why);
    let _ = writeln!(text, "    url: {}", quoted(&whoami.path));
    let (kind, place) = match &whoami.subject {
        NamePlace::Css(selector) => ("css", selector),
        NamePlace::Json(pointer) => ("json", pointer),
    };
    let _ = writeln!(text, "    subject: {{ {kind}: {} }}", quoted(place));
    if let Some(email) = &whoami.email {
        let _ = writeln!(text, "    email: {{ json: {} }}", quoted(email));
    }
    if found.cookies.is_empty() && found.authorization.is_some() {
        line(text, 2, "key: subject", RENEWED);
    }
}

fn jwt(token: &FoundToken, text: &mut String) {
    line(text, 2, "jwt:", "each request brings a token of the issuer");
    let issuer = token.issuer.as_deref().unwrap_or(ANY);
    let is_url = issuer.starts_with("https://") && !issuer.chars().any(is_unseen);
    let site = if is_url { issuer } else { "https://id.example" };
    let site = site.trim_end_matches('/');
    let keys = format!("{site}/.well-known/jwks.json");
    let hint = format!("fill in: `jwks_uri` of {site}/.well-known/openid-configuration, or a file");
    let keys = format!("keys: {{ url: {} }}", quoted(&keys));
    line(text, 4, &keys, &hint);
    if !["RS256", "ES256"].contains(&token.algorithm.as_str()) {
        let _ = writeln!(text, "    algorithms: [{}]", quoted(&token.algorithm));
    }
    let claims = [
        ("issuer", issuer),
        ("audience", token.audience.as_deref().unwrap_or(ANY)),
        ("subject", &token.subject),
    ];
    for (name, value) in claims {
        let _ = writeln!(text, "    {name}: {}", quoted(value));
    }
    line(text, 2, "key: subject", RENEWED);
}

fn learn(exchanges: &[SeenExchange], found: &Findings, text: &mut String) {
    let logins: Vec<_> = found
        .logins
        .iter()
        .filter_map(|login| entry(exchanges, login, found))
        .collect();
    if logins.is_empty() {
        return;
    }
    text.push_str("  learn:\n    logins:\n");
    text.extend(logins);
    if !found.logouts.is_empty() {
        text.push_str("    logouts:\n");
        for logout in &found.logouts {
            let why = if logout.ends_cookie {
                "takes the cookie away, or gives it another value"
            } else {
                "by its name; its answer leaves the cookie as it is"
            };
            line(
                text,
                6,
                &format!(
                    "- match: {}",
                    matching((&logout.method, &logout.path), &logout.tests)
                ),
                why,
            );
        }
    }
}

fn entry(exchanges: &[SeenExchange], login: &FoundLogin, found: &Findings) -> Option<String> {
    let subject = match (&login.named_in_answer, &login.subject) {
        (Some(pointer), _) => format!("{{ response_json: {} }}", quoted(pointer)),
        (None, Some(FieldPlace::Form(name))) => format!("{{ form: {} }}", quoted(name)),
        (None, Some(FieldPlace::Json(pointer))) => format!("{{ json: {} }}", quoted(pointer)),
        (None, Some(FieldPlace::Query(name))) => format!("{{ query: {} }}", quoted(name)),
        // Nobody but the application knows who it is.
        (None, None) if found.whoami.is_some() => "whoami".to_owned(),
        (None, None) => return None,
    };
    let mut text = String::new();
    let methods = (&login.method, login.path.as_str());
    line(
        &mut text,
        6,
        &format!("- match: {}", matching(methods, &login.tests)),
        "",
    );
    let why = match (&login.named_in_answer, &login.subject) {
        (Some(_), _) => "the application repeats the name there",
        (None, Some(_)) => "what people type",
        (None, None) => "the application is asked who has logged in",
    };
    line(&mut text, 8, &format!("subject: {subject}"), why);
    let signs = signs::of(exchanges, login, found);
    let why = if signs.leads_anywhere {
        "leads to where the request says"
    } else {
        ""
    };
    line(&mut text, 8, &format!("success: {}", success(&signs)), why);
    Some(text)
}

fn success(signs: &Signs) -> String {
    let mut parts = Vec::new();
    let statuses: Vec<_> = signs.statuses.iter().map(u16::to_string).collect();
    match statuses.as_slice() {
        [] => {}
        [one] => parts.push(format!("status: {one}")),
        several => parts.push(format!("status: [{}]", several.join(", "))),
    }
    let texts = [
        ("location", &signs.location),
        ("cookie", &signs.cookie),
        ("body", &signs.body),
    ];
    let texts = texts
        .iter()
        .filter_map(|(name, text)| Some((name, text.as_ref()?)));
    parts.extend(texts.map(|(name, text)| format!("{name}: {}", quoted(text))));
    format!("{{ {} }}", parts.join(", "))
}

fn matching((method, path): (&String, &str), tests: &[(FieldPlace, Option<String>)]) -> String {
    let mut parts = vec![
        format!("methods: [{method}]"),
        format!("path: {}", quoted(&template(path))),
    ];
    for kind in ["query", "form", "json"] {
        let of_kind = tests.iter().filter_map(|(place, value)| {
            let (name, its) = match place {
                FieldPlace::Form(name) => (name, "form"),
                FieldPlace::Json(pointer) => (pointer, "json"),
                FieldPlace::Query(name) => (name, "query"),
            };
            let value = value
                .as_deref()
                .map_or("present".to_owned(), |value| format!("\"{value}\""));
            (its == kind).then(|| format!("{}: {value}", quoted(name)))
        });
        let of_kind: Vec<_> = of_kind.collect();
        if !of_kind.is_empty() {
            parts.push(format!("{kind}: {{ {} }}", of_kind.join(", ")));
        }
    }
    format!("{{ {} }}", parts.join(", "))
}

/// A path in which what is new with each request stands for any.
pub(super) fn template(path: &str) -> String {
    let mut count = 0;
    let parts = path.split('/').map(|part| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        if part.len() >= 16 && digits >= 4 {
            count += 1;
            format!("{{part{count}}}")
        } else {
            part.to_owned()
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

fn line(text: &mut String, indent: usize, content: &str, why: &str) {
    let _ = write!(text, "{:indent$}{content}", "");
    if !why.is_empty() {
        // It may name what the application says of itself: a comment ends with its line.
        let _ = write!(text, "  # {}", why.replace(is_unseen, "\u{fffd}"));
    }
    text.push('\n');
}

/// A YAML scalar. Names come from the application: what is more than letters is quoted.
fn quoted(text: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_-./".contains(char);
    let begins = text.starts_with(|char: char| char.is_ascii_alphabetic() || char == '/');
    let is_word = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        .contains(&text.to_ascii_lowercase().as_str());
    if text.chars().any(is_unseen) {
        // Escaped (YAML 1.2 §5.7), so that it is what it was, and seen.
        let escaped = text.chars().map(|char| match char {
            '"' | '\\' => format!("\\{char}"),
            char if is_unseen(char) => format!("\\U{:08x}", u32::from(char)),
            char => char.to_string(),
        });
        format!("\"{}\"", escaped.collect::<String>())
    } else if begins && text.chars().all(is_plain) && !is_word {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

const RENEWED: &str = "tokens are renewed, and the session goes on";
/// A claim that is not checked.
const ANY: &str = "any";
