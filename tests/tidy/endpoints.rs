//! The endpoints: the documentation and the description for programs have each, and no other.

use crate::sources::root;
use crate::text;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::{env, fs};
use stepgate::web::openapi::{DescribedSite, description};

/// What stands between two marks, again and again.
fn between<'t>(text: &'t str, from: &str, to: char) -> BTreeSet<&'t str> {
    let parts = text.split(from).skip(1);
    parts.filter_map(|part| part.split(to).next()).collect()
}

/// The endpoints that are served, each with its methods.
fn served(source: &str) -> BTreeMap<&str, Vec<&str>> {
    let (_, table) = source.split_once("let allow = match name {").unwrap();
    let (table, _) = table.split_once("};").unwrap();
    let (mut served, mut names) = (BTreeMap::new(), Vec::new());
    for text in table.split('"').skip(1).step_by(2) {
        if text.starts_with(|char: char| char.is_ascii_uppercase()) {
            let methods: Vec<_> = text.split(", ").collect();
            served.extend(names.drain(..).map(|name| (name, methods.clone())));
        } else {
            names.push(text);
        }
    }
    assert!(names.is_empty() && served.len() > 30, "{served:?}");
    served
}

#[test]
fn the_documentation_has_every_endpoint() {
    let source = text("src/web/endpoints/mod.rs");
    let served = served(&source);
    let page = text("docs/endpoints.md");
    for name in served.keys() {
        // Of no use to anybody but our own pages, and a folder of the one above it.
        if ["problems/", "style.css"].contains(name) {
            continue;
        }
        let rows = ["GET", "POST"].map(|method| format!("`{method} {name}"));
        assert!(
            rows.iter().any(|row| page.contains(row)),
            "docs/endpoints.md lacks `{name}`"
        );
    }
    for method in ["| `GET ", "| `POST "] {
        for written in between(&page, method, '`') {
            let name = written.split(['?', ' ']).next().unwrap();
            let mut folders = served.keys().filter(|name| name.ends_with('/'));
            let known = served.contains_key(name) || folders.any(|folder| name.starts_with(folder));
            assert!(known, "docs/endpoints.md names `{written}`, which is none");
        }
    }
}

fn usual() -> Value {
    description(DescribedSite {
        prefix: "/.stepup",
        session_cookie: Some("sessionid"),
        key_cookie: "__Host-stepgate",
    })
}

#[test]
fn the_description_has_every_endpoint_with_its_methods() {
    let source = text("src/web/endpoints/mod.rs");
    let mut wanted = BTreeSet::new();
    for (name, methods) in served(&source) {
        let path = match name {
            "approvals/" => "/approvals/{id}".to_owned(),
            "problems/" => "/problems/{reason}".to_owned(),
            name => format!("/{name}"),
        };
        // HEAD is GET without the body (RFC 9110 §9.3.2).
        let methods = methods.into_iter().filter(|method| *method != "HEAD");
        wanted.extend(methods.map(|method| (path.clone(), method.to_lowercase())));
    }
    let document = usual();
    let paths = document["paths"].as_object().unwrap();
    let described = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(|method| (path.clone(), method.clone()))
    });
    assert_eq!(described.collect::<BTreeSet<_>>(), wanted);
}

#[test]
#[allow(clippy::disallowed_methods)] // the switch is for whoever runs the test
fn the_description_in_the_documentation_is_the_one_that_is_served() {
    let path = root().join("docs/openapi.json");
    let now = format!("{:#}\n", usual());
    if env::var("UPDATE_EXPECT").is_ok() {
        fs::write(path, now).unwrap();
    } else {
        let command = "UPDATE_EXPECT=1 cargo test --test tidy endpoints";
        assert!(
            now == fs::read_to_string(path).unwrap(),
            "`{command}` writes docs/openapi.json"
        );
    }
}
