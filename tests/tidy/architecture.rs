//! The layers of the source: imports go downward only, and some things have one place.

use crate::sources::{files, short, text};
use std::collections::{BTreeMap, BTreeSet};

/// Which rooms stand on which floor.
const FLOORS: [&[&str]; 6] = [
    &["domain"],
    &[
        "clock",
        "entropy",
        "locale",
        "policy",
        "seal",
        "telemetry",
        "tls",
        "yaml",
    ],
    &["audit", "mail", "request", "store", "transport"],
    &["gate", "session", "verification"],
    &["proxy", "web"],
    &["app", "cli", "demo", "lib", "main", "settings"],
];

/// What may be named in some places only: the word, and the places.
const PLACES: &[(&str, &[&str])] = &[
    ("serde_yaml::", &["yaml/"]),
    ("redis::", &["store/"]),
    ("rusqlite::", &["store/"]),
    ("lettre::", &["mail/"]),
    ("argon2::", &["verification/"]),
    ("totp_rs::", &["verification/"]),
    (
        "hyper::",
        &[
            "request/",
            "transport/",
            "proxy/",
            "web/endpoints/",
            "demo/",
        ],
    ),
    ("hyper_util::", &["transport/", "demo/"]),
    (
        "rustls::",
        &[
            "proxy/serve.rs",
            "transport/",
            "demo/",
            "store/redis/",
            "tls.rs",
        ],
    ),
    // Which status we answer with is decided in one place; what an upstream's status means, in another.
    (
        "StatusCode::",
        &["web/respond/", "transport/status_class.rs", "demo/"],
    ),
    ("SystemTime::now", &["clock.rs"]),
    ("Admitted for", &["gate/permitted.rs"]),
];

/// One source file: its path below `src/`, and its lines of code.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The lines that are not comments, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The code without its tests, which play the other side: a mail server, a client.
    fn shipped_code(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.path.ends_with("tests.rs") || self.path.contains("/tests/");
        let code = self.code().take_while(|(_, line)| *line != "mod tests {");
        code.filter(move |_| !is_test)
    }
}

fn sources() -> Vec<Source> {
    let files = files("src", "rs").into_iter();
    files
        .map(|path| Source {
            path: short(&path).trim_start_matches("src/").to_owned(),
            text: text(&path),
        })
        .collect()
}

fn floor(room: &str) -> usize {
    FLOORS
        .iter()
        .position(|rooms| rooms.contains(&room))
        .unwrap_or_else(|| panic!("give `{room}` a floor in tests/tidy/architecture.rs"))
}

/// The rooms that a line of code names by `crate::ROOM`, wherever it does.
fn named_rooms(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).filter_map(|rest| {
        let end = rest.find(|char: char| !char.is_alphanumeric() && char != '_');
        let room = &rest[..end.unwrap_or(rest.len())];
        let is_room = FLOORS.iter().any(|rooms| rooms.contains(&room));
        is_room.then_some(room)
    })
}

/// Tells whether `line` names `word` as a whole: `tokio_rustls::` is not `rustls::`.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(|char: char| char.is_alphanumeric() || char == '_'))
}

#[test]
fn imports_go_downward_only() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.code() {
            for room in named_rooms(line) {
                if floor(room) > floor(source.room()) {
                    let place = format!("src/{}:{}", source.path, number + 1);
                    wrong.push(format!("{place}: `{}` imports `{room}`", source.room()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_rooms_import_each_other() {
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let room = source.room().to_owned();
        let below = source.code().flat_map(|(_, line)| named_rooms(line));
        let below = below.filter(|other| *other != room).map(str::to_owned);
        imports.entry(room.clone()).or_default().extend(below);
    }
    // Rooms that import nothing that is left are taken away until none is left, or only rings are.
    while let Some(room) = imports
        .iter()
        .find(|(_, below)| below.iter().all(|room| !imports.contains_key(room)))
        .map(|(room, _)| room.clone())
    {
        imports.remove(&room);
    }
    assert!(imports.is_empty(), "a ring: {imports:?}");
}

#[test]
fn some_things_have_one_place() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (word, places) in PLACES {
            if places.iter().any(|place| source.path.starts_with(place)) {
                continue;
            }
            let mut code = source.shipped_code();
            if let Some((number, _)) = code.find(|(_, line)| names(line, word)) {
                wrong.push(format!("src/{}:{}: `{word}`", source.path, number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_lives_there() {
    for source in sources() {
        assert!(source.text.starts_with("//! "), "src/{}", source.path);
    }
}
