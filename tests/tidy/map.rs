//! The map of the code, `docs/architecture.md`: what it names is there, and its layers are those in force.

use crate::architecture::LAYERS;
use crate::sources::{files, root, text};
use std::collections::BTreeSet;

const MAP: &str = "docs/architecture.md";

/// What stands in backticks, fenced blocks apart.
fn quoted(page: &str) -> impl Iterator<Item = &str> {
    let prose = page.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2))
}

/// Whether it is a path of the sources: `src/gate/`, `tests/tidy/map.rs`, `docs/policy.md`.
fn is_path(name: &str) -> bool {
    let file = name.split_whitespace().count() == 1 && name.contains('/') && !name.starts_with('/');
    file || name == "CHANGELOG.md" || name == "Cargo.toml"
}

/// Whether it is a name in the sources, such as `decide`, `gate::Permitted` or `rule_4_a_code_is_taken_once`.
fn is_name(name: &str) -> bool {
    let parts = name.split("::");
    let is_word = |part: &str| {
        part.chars()
            .all(|char| char.is_alphanumeric() || char == '_')
    };
    name.starts_with(char::is_alphabetic) && parts.into_iter().all(is_word)
}

#[test]
fn every_file_on_the_map_exists() {
    let page = text(&root().join(MAP));
    let paths: Vec<_> = quoted(&page).filter(|name| is_path(name)).collect();
    assert!(paths.len() > 100, "only {} paths were found", paths.len());
    for path in paths {
        // `NAME` stands for what is to be added.
        let there = path.split("NAME").next().unwrap();
        let there = root().join(there);
        let is_folder = path.ends_with('/') || path.contains("NAME");
        assert!(there.exists(), "{MAP}: `{path}`");
        assert_eq!(
            there.is_dir(),
            is_folder || !path.contains('.'),
            "{MAP}: `{path}`"
        );
    }
}

#[test]
fn every_test_and_name_on_the_map_is_in_the_sources() {
    let page = text(&root().join(MAP));
    let sources: String = ["src", "tests"]
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .filter(|path| !path.ends_with("tests/tidy/map.rs"))
        .map(|path| text(&path))
        .collect();
    let words: BTreeSet<&str> = sources
        .split(|char: char| !char.is_alphanumeric() && char != '_')
        .collect();
    let mut tests = 0;
    for name in quoted(&page).filter(|name| is_name(name)) {
        let is_sentence = name.matches('_').count() > 2;
        tests += usize::from(is_sentence);
        let is_there = if is_sentence {
            sources.contains(&format!("fn {name}("))
        } else {
            name.split("::").all(|part| words.contains(part))
        };
        let is_folder = root().join(name).is_dir();
        assert!(is_there || is_folder, "{MAP}: `{name}`");
    }
    assert!(tests > 40, "only {tests} tests were found");
}

#[test]
fn the_layers_on_the_map_and_of_the_crate_are_those_in_force() {
    for page in [MAP, "src/lib.rs"] {
        let text = text(&root().join(page));
        for (layer, modules) in LAYERS.iter().enumerate() {
            let start = format!("| {layer} | ");
            let (_, row) = text.split_once(&start).unwrap();
            let cell = row.split('|').next().unwrap();
            let named: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
            let wanted: Vec<_> = modules
                .iter()
                .filter(|module| !matches!(**module, "lib" | "main"))
                .copied()
                .collect();
            assert_eq!(named, wanted, "{page}: layer {layer}");
        }
    }
}
