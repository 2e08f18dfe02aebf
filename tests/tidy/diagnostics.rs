//! Each mistake, and what exactly the operator is told: `diagnostics/NAME.yaml` and `NAME.stderr`.
//!
//! `UPDATE_EXPECT=1 cargo test --test tidy` writes what is said now; read the difference.

use crate::sources::{files, text};
use std::fmt::Write;
use std::fs;
use stepgate::domain::{Groups, Naming};
use stepgate::policy;

#[test]
#[allow(clippy::disallowed_methods)] // the switch is for whoever runs the test
fn each_mistake_is_told_in_these_words() {
    let is_update = std::env::var("UPDATE_EXPECT").is_ok();
    let cases = files("tests/tidy/diagnostics", "yaml");
    assert!(cases.len() >= 30, "only {} cases are found", cases.len());
    let mut different = String::new();
    for path in cases {
        let name = path.file_name().unwrap().to_str().unwrap();
        let content = fs::read(&path).unwrap();
        let told = match policy::compile([(name, content.as_slice())], &groups()) {
            Err(mistakes) => mistakes.to_string(),
            Ok(policies) => policies.remarks.to_string(),
        };
        assert!(!told.is_empty(), "{name} is without a mistake");
        let expected = path.with_extension("stderr");
        if is_update {
            fs::write(&expected, told).unwrap();
        } else if told != text(&expected) {
            let _ = writeln!(different, "--- {name}\n{}+++ now\n{told}", text(&expected));
        }
    }
    assert!(different.is_empty(), "{different}");
}

/// What the settings name beside these policies.
fn groups() -> Groups {
    let mut groups = Groups::new(Naming::default(), false);
    let people = |names: &[&str]| {
        names
            .iter()
            .filter_map(|name| groups.person(name))
            .collect()
    };
    let (payroll, board) = (people(&["alice", "bob"]), people(&["carol"]));
    groups.add("payroll", payroll);
    groups.add("board", board);
    groups.add("vacant", Vec::new());
    groups
}
