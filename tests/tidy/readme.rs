//! The pages at the top level and in `docs/`: their YAML loads, their commands exist.

use crate::links::pages;
use crate::settings::refuse_warnings;
use crate::sources::{files, root, short, text};
use std::fs;
use stepgate::{policy, settings};

/// The blocks of a page that are marked with `kind`.
fn blocks<'p>(page: &'p str, kind: &str) -> Vec<&'p str> {
    let fences = page.split("```").skip(1).step_by(2);
    fences
        .filter_map(|block| block.strip_prefix(kind)?.strip_prefix('\n'))
        .collect()
}

#[test]
fn the_first_two_commands_of_the_readme_are_the_demo_and_the_tests() {
    let readme = text(&root().join("README.md"));
    let commands: Vec<_> = blocks(&readme, "sh")[0]
        .lines()
        .map(|line| line.split('#').next().unwrap().trim())
        .collect();
    assert_eq!(commands, ["cargo run --release -- demo", "scripts/test"]);
    assert!(root().join("scripts/test").exists());
}

#[test]
fn the_licence_is_the_one_of_the_manifest() {
    assert!(text(&root().join("Cargo.toml")).contains("license = \"Apache-2.0\""));
    let licence = text(&root().join("LICENSE"));
    for part in [
        "Version 2.0, January 2004",
        "9. Accepting Warranty",
        "END OF TERMS AND CONDITIONS",
    ] {
        assert!(licence.contains(part), "no `{part}`");
    }
}

#[test]
fn every_rule_of_the_security_page_has_tests_that_bear_its_number() {
    let page = text(&root().join("docs/security.md"));
    let rules = page.lines().filter_map(|line| line.split_once(". "));
    let rules: Vec<u32> = rules.filter_map(|(n, _)| n.parse().ok()).collect();
    assert_eq!(rules, (1..=11).collect::<Vec<_>>());
    let tests: String = files("tests", "rs").iter().map(|path| text(path)).collect();
    for rule in rules {
        assert!(tests.contains(&format!("fn rule_{rule}_")), "rule {rule}");
    }
}

#[test]
fn the_settings_and_the_policy_of_the_readme_load_together() {
    let readme = text(&root().join("README.md"));
    let [policy, settings] = blocks(&readme, "yaml")[..] else {
        panic!("the readme has a policy, and then settings");
    };
    let folder = std::env::temp_dir().join(format!("stepgate-readme-{}", std::process::id()));
    fs::create_dir_all(folder.join("policies")).unwrap();
    fs::write(folder.join("policies/accounts.yaml"), policy).unwrap();
    let parsed = settings::parse(&folder.join("stepgate.yaml"), settings.as_bytes());
    let loaded = parsed.and_then(|settings| {
        refuse_warnings(&settings);
        policy::load(&settings.policies, &settings.groups)
    });
    fs::remove_dir_all(folder).unwrap();
    let policies = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(policies.warnings().count(), 0);
    policies.into_table().unwrap();
    // The rest of it are comments that people will want to read.
    assert!(settings.lines().count() <= 22);
}

#[test]
fn every_command_that_a_page_names_exists() {
    let files = ["src/cli/arguments.rs", "src/cli/arguments/user.rs"];
    let arguments = files.map(|file| text(&root().join(file)).to_lowercase());
    let arguments = arguments.concat();
    let mut seen = 0;
    for page in pages() {
        let name = short(&page);
        for block in blocks(&text(&page), "sh") {
            for line in block.lines() {
                let line = line.split('#').next().unwrap();
                let Some((_, command)) = line.split_once("stepgate ") else {
                    continue;
                };
                for word in command.split_whitespace().take(2) {
                    let is_command = word.chars().all(|c| c.is_ascii_lowercase());
                    let known = arguments.contains(&format!("    {word}(")) || !is_command;
                    let is_value = word == "alice" || word == "admin";
                    assert!(known || is_value, "{name}: `stepgate {command}`");
                    seen += 1;
                    if !is_command {
                        break;
                    }
                }
            }
        }
    }
    assert!(seen >= 15, "only {seen} words of commands were found");
}
