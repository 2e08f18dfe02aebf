//! The layers of the source: imports go downward only, and some things have one place.

use crate::imports;
use crate::sources::{files, short, text};
use std::collections::{BTreeMap, BTreeSet};

/// Which modules are in which layer, the lowest first.
pub(crate) const LAYERS: [&[&str]; 6] = [
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
    &[
        "audit",
        "identity",
        "jwt",
        "mail",
        "metrics",
        "request",
        "store",
        "transport",
    ],
    &["gate", "session", "verification"],
    &["admin", "proxy", "web"],
    &["app", "cli", "demo", "fuzzing", "lib", "main", "settings"],
];

/// What may be named in some places only: the word, and the places.
const PLACES: &[(&str, &[&str])] = &[
    ("serde_yaml::", &["yaml/"]),
    ("redis::", &["store/"]),
    ("rusqlite::", &["store/"]),
    ("lettre::", &["mail/"]),
    ("argon2::", &["verification/"]),
    ("totp_rs::", &["verification/"]),
    ("webauthn_rs::", &["verification/"]),
    ("lol_html::", &["proxy/injection/"]),
    ("prometheus_client::", &["admin/"]),
    (
        "hyper::",
        &[
            "admin/",
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
        &[
            "admin/",
            "web/respond/",
            "transport/status_class.rs",
            "demo/",
        ],
    ),
    ("SystemTime::now", &["clock.rs"]),
    (
        "Admitted for",
        &["gate/permitted.rs", "session/exchange.rs"],
    ),
];

/// What the rules may not name: I/O, the time of day, async, serialization.
const IMPURE: &[&str] = &[
    "serde::",
    "serde_json::",
    "tokio::",
    "hyper::",
    "std::fs",
    "std::io",
    "SystemTime",
    "Instant",
    "async",
    ".await",
    "tracing::",
];

/// One source file: its path below `src/`, and its lines of code.
struct Source {
    path: String,
    text: String,
}

impl Source {
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

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|modules| modules.contains(&module))
        .unwrap_or_else(|| panic!("give `{module}` a layer in tests/tidy/architecture.rs"))
}

/// The first name of a file's path below `src`, or of a module's; `lib` for the crate itself.
fn top_module(path: &str) -> &str {
    let first = path.split(['/', ':']).next().unwrap();
    let first = first.strip_suffix(".rs").unwrap_or(first);
    if first.is_empty() { "lib" } else { first }
}

/// Tells whether `line` names `word` as a whole: `tokio_rustls::` is not `rustls::`.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(|char: char| char.is_alphanumeric() || char == '_'))
}

#[test]
fn imports_go_downward_only() {
    let mut wrong = Vec::new();
    for (file, imported) in imports::graph() {
        let upward = |other: &&String| layer(top_module(other)) > layer(top_module(&file));
        let upward = imported.iter().filter(upward);
        wrong.extend(upward.map(|other| format!("{file} imports {other}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_more_than_two_files_import_each_other() {
    let graph = imports::graph();
    let reached: BTreeMap<&String, BTreeSet<&String>> = graph
        .keys()
        .map(|file| (file, reached_from(file, &graph)))
        .collect();
    let rings: BTreeSet<Vec<&&String>> = reached
        .iter()
        .map(|(file, others)| {
            let ring = others
                .iter()
                .filter(|other| reached[**other].contains(*file));
            ring.collect()
        })
        .collect();
    let wrong: Vec<_> = rings.iter().filter(|ring| ring.len() > 2).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// All files that one imports, or that those import.
fn reached_from<'g>(
    file: &'g String,
    graph: &'g BTreeMap<String, BTreeSet<String>>,
) -> BTreeSet<&'g String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![file];
    while let Some(file) = next.pop() {
        next.extend(graph[file].iter().filter(|other| reached.insert(*other)));
    }
    reached
}

#[test]
fn modules_of_different_names_do_not_import_each_other() {
    let mut modules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, imported) in imports::graph() {
        let module = top_module(&file).to_owned();
        let others = imported.iter().map(|other| top_module(other).to_owned());
        let others = others.filter(|other| *other != module).collect::<Vec<_>>();
        modules.entry(module).or_default().extend(others);
    }
    // Modules that import nothing that is left are taken away until none is left, or only rings are.
    while let Some(module) = modules
        .iter()
        .find(|(_, below)| below.iter().all(|module| !modules.contains_key(module)))
        .map(|(module, _)| module.clone())
    {
        modules.remove(&module);
    }
    assert!(modules.is_empty(), "a ring: {modules:?}");
}

#[test]
fn the_domain_is_pure() {
    let mut wrong = Vec::new();
    for source in sources() {
        if top_module(&source.path) != "domain" {
            continue;
        }
        for (number, line) in source.shipped_code() {
            for word in IMPURE.iter().filter(|word| names(line, word)) {
                wrong.push(format!("src/{}:{}: `{word}`", source.path, number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
