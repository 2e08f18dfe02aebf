//! The endpoints: the documentation has each, and no other.

use crate::text;
use std::collections::BTreeSet;

/// What stands between two marks, again and again.
fn between<'t>(text: &'t str, from: &str, to: char) -> BTreeSet<&'t str> {
    let parts = text.split(from).skip(1);
    parts.filter_map(|part| part.split(to).next()).collect()
}

#[test]
fn the_documentation_has_every_endpoint() {
    let source = text("src/web/endpoints/mod.rs");
    let (_, table) = source.split_once("let allow = match name {").unwrap();
    let (table, _) = table.split_once("};").unwrap();
    let is_name = |name: &&str| {
        let is_word = |char: char| char.is_ascii_lowercase() || "-/.".contains(char);
        !name.is_empty() && name.chars().all(is_word)
    };
    let mut served: BTreeSet<_> = table
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(is_name)
        .collect();
    // Of no use to anybody but our own pages, and a folder of the one above it.
    for name in ["problems/", "style.css"] {
        assert!(served.remove(name), "{name}");
    }
    let folders: Vec<_> = { served.iter() }
        .filter(|name| name.ends_with('/'))
        .collect();
    let page = text("docs/endpoints.md");
    for name in &served {
        let rows = ["GET", "POST"].map(|method| format!("`{method} {name}"));
        assert!(
            rows.iter().any(|row| page.contains(row)),
            "docs/endpoints.md lacks `{name}`"
        );
    }
    assert!(served.len() >= 6, "{served:?}");
    for method in ["| `GET ", "| `POST "] {
        for written in between(&page, method, '`') {
            let name = written.split(['?', ' ']).next().unwrap();
            let known = served.contains(name)
                || name.starts_with("problems/")
                || folders.iter().any(|folder| name.starts_with(**folder));
            assert!(known, "docs/endpoints.md names `{written}`, which is none");
        }
    }
}
