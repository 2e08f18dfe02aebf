//! The settings that we ship: all of them load, and the quickstart's names every field.

use crate::sources::{self, files, short};
use crate::{path, text};
use std::fs;
use stepgate::settings::{self, Settings};
use stepgate::yaml::Severity;

#[test]
fn every_example_loads() {
    for name in [
        "quickstart",
        "django-admin",
        "jupyterhub",
        "octoprint",
        "radicale",
    ] {
        let settings = settings::load(&path(&format!("examples/{name}/stepgate.yaml")));
        let settings = settings.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        refuse_warnings(&settings);
        let policies = stepgate::policy::load(&settings.policies, &settings.groups);
        policies.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    }
}

#[test]
fn the_quickstart_deserves_no_remark() {
    let settings = settings::load(&path("examples/quickstart/stepgate.yaml"));
    let settings = settings.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(settings.remarks.is_empty(), "{}", settings.remarks);
}

/// Compose mounts its policies beside the settings, at a place of its own.
#[test]
fn the_settings_of_compose_load_where_compose_puts_them() {
    let folder = std::env::temp_dir().join(format!("stepgate-compose-{}", std::process::id()));
    fs::create_dir_all(folder.join("policies")).unwrap();
    let policy = text("examples/quickstart/policies/demo.yaml");
    fs::write(folder.join("policies/demo.yaml"), policy).unwrap();
    let secret = folder.join("secret.key");
    let text = text("examples/compose/stepgate.yaml")
        .replace(
            "/var/lib/stepgate/secret.key",
            &secret.display().to_string(),
        )
        .replace("redis: { url: redis://redis:6379/0 }", "embedded: {}");
    let parsed = settings::parse(&folder.join("stepgate.yaml"), text.as_bytes());
    fs::remove_dir_all(folder).unwrap();
    refuse_warnings(&parsed.unwrap_or_else(|mistakes| panic!("{mistakes}")));
}

/// The secret of the proxies comes by the environment, which tests do not set.
#[test]
fn the_settings_behind_a_proxy_load_with_their_policy() {
    let folder = std::env::temp_dir().join(format!("stepgate-asked-{}", std::process::id()));
    fs::create_dir_all(folder.join("policies")).unwrap();
    fs::write(folder.join("ask"), "a".repeat(64)).unwrap();
    let routes = text("examples/forward-auth/policies/routes.yaml");
    fs::write(folder.join("policies/routes.yaml"), routes).unwrap();
    let text = text("examples/forward-auth/stepgate.yaml");
    let text = text.replace("{ env: STEPGATE_ASK_SECRET }", "{ file: ask }");
    let parsed = settings::parse(&folder.join("stepgate.yaml"), text.as_bytes());
    let settings = parsed.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    refuse_warnings(&settings);
    let policies = stepgate::policy::load(&settings.policies, &settings.groups);
    fs::remove_dir_all(folder).unwrap();
    let policies = policies.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    settings.proxy.table(policies).unwrap();
}

/// Whoever copies what we ship is warned of nothing.
pub(crate) fn refuse_warnings(settings: &Settings) {
    let mut remarks = settings.remarks.iter();
    let warning = remarks.find(|remark| remark.severity == Severity::Warning);
    assert!(warning.is_none(), "{}", settings.remarks);
}

#[test]
fn the_logins_of_the_page_on_sessions_load() {
    let page = text("docs/sessions.md");
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split_once("```"));
    let whole =
        blocks.filter(|(block, _)| block.starts_with("session:") && block.contains("learn:"));
    let mut count = 0;
    for (block, _) in whole {
        let head =
            "version: 1\nupstream: { url: \"http://127.0.0.1:3000\" }\npolicies: ../policies/\n";
        let file = path("docs/stepgate.yaml");
        let parsed = settings::parse(&file, format!("{head}{block}").as_bytes());
        parsed.unwrap_or_else(|mistakes| panic!("{block}{mistakes}"));
        count += 1;
    }
    assert!(count >= 2, "only {count} were found");
}

#[test]
fn the_quickstart_names_every_field_that_may_be_written() {
    let raw = files("src/settings", "rs").into_iter();
    let raw = raw.filter(|path| short(path).starts_with("src/settings/raw"));
    let raw: String = raw.map(|path| sources::text(&path)).collect();
    let example = text("examples/quickstart/stepgate.yaml");
    let fields = raw.lines().filter_map(|line| {
        let rest = line.trim().strip_prefix("pub(super) ")?;
        let (name, kind) = rest.split_once(": ")?;
        let name = name.trim_start_matches("r#");
        kind.starts_with("Option<").then_some(name)
    });
    let fields: Vec<_> = fields.collect();
    assert!(fields.len() > 90, "only {} fields were found", fields.len());
    for field in fields {
        let named = example.match_indices(&format!("{field}:")).any(|(at, _)| {
            let before = example[..at].chars().next_back();
            before.is_some_and(|char| !char.is_alphanumeric() && char != '_')
        });
        assert!(
            named,
            "`{field}` is not in examples/quickstart/stepgate.yaml"
        );
    }
}
