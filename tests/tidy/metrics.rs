//! The metrics: the documentation explains each, and dashboard and alerts name no other.

use crate::{path, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use stepgate::metrics::{FAMILIES, Family, MetricKind};

/// The names of its samples.
fn samples(family: &Family) -> Vec<String> {
    let endings: &[&str] = match family.kind {
        MetricKind::Counter => &["_total"],
        MetricKind::Gauge => &[""],
        MetricKind::Histogram => &["_bucket", "_count", "_sum"],
        MetricKind::Info => &["_info"],
    };
    let names = endings.iter();
    names.map(|end| format!("{}{end}", family.name)).collect()
}

/// The metrics that a text names.
fn named(text: &str) -> BTreeSet<&str> {
    let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let words = text.split(|char| !is_word(char));
    words.filter(|word| word.starts_with("stepgate_")).collect()
}

fn refuse_unknown(place: &str, text: &str) -> usize {
    let known: BTreeSet<String> = FAMILIES.iter().flat_map(samples).collect();
    let found = named(text);
    for name in &found {
        assert!(
            known.contains(*name),
            "{place} names `{name}`, which is no metric"
        );
    }
    found.len()
}

#[test]
fn the_documentation_explains_every_metric() {
    let operations = text("docs/operations.md");
    for family in FAMILIES {
        let kind = format!("{:?}", family.kind).to_lowercase();
        let name = match family.kind {
            MetricKind::Counter => format!("{}_total", family.name),
            MetricKind::Info => format!("{}_info", family.name),
            MetricKind::Gauge | MetricKind::Histogram => family.name.to_owned(),
        };
        let labels: Vec<_> = family
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        let row = format!("| `{name}` | {kind} | {} | ", labels.join(", "));
        let row = row.replace("|  |", "| |");
        assert!(
            operations.contains(&row),
            "docs/operations.md has no row {row}"
        );
    }
    let names = named(&operations).into_iter();
    let latencies = names.filter(|name| !FAMILIES.iter().any(|family| family.name == *name));
    refuse_unknown(
        "docs/operations.md",
        &latencies.collect::<Vec<_>>().join(" "),
    );
}

#[test]
fn dashboards_name_metrics_that_are_there() {
    let folder = path("examples/grafana");
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let content = fs::read_to_string(&file).unwrap();
        let dashboard: Value = serde_json::from_str(&content).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        let mut ids = BTreeSet::new();
        for panel in panels {
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "an id twice");
            for target in panel["targets"].as_array().into_iter().flatten() {
                assert!(refuse_unknown("a panel", target["expr"].as_str().unwrap()) > 0);
            }
        }
        // Whoever looks at it sees all there is to see.
        let shown = named(&content);
        for family in FAMILIES {
            let is_shown = samples(family)
                .iter()
                .any(|name| shown.contains(name.as_str()));
            assert!(is_shown, "`{}` is on no panel", family.name);
        }
        refuse_unknown("the dashboard", &content);
    }
}
