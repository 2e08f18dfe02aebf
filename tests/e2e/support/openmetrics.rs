//! What a scraper reads: by the parser of Prometheus' own Python client.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What was scraped.
#[derive(Debug, Deserialize)]
pub(crate) struct Scrape {
    kinds: BTreeMap<String, String>,
    pub(crate) samples: Vec<Sample>,
}

/// One number.
#[derive(Debug, Deserialize)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
    /// The same without what is behind the point.
    whole: u64,
}

impl Scrape {
    /// The type of a metric.
    pub(crate) fn kind(&self, name: &str) -> Option<String> {
        self.kinds.get(name).cloned()
    }

    /// The value of the one sample with these labels.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<u64> {
        let labels: BTreeMap<String, String> = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut samples = self.samples.iter();
        let found = samples.find(|sample| sample.name == name && sample.labels == labels);
        found.map(|sample| sample.whole)
    }

    /// What tells the policies in force from others.
    pub(crate) fn fingerprint(&self) -> String {
        let mut samples = self.samples.iter();
        let info = samples.find(|sample| sample.name == "stepgate_policy_info");
        info.unwrap().labels["fingerprint"].clone()
    }
}

/// Parses OpenMetrics text, strictly.
pub(crate) fn parse(text: &str) -> Scrape {
    let mut python = Command::new(python())
        .args(["-c", PARSER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = python.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    let parsed = python.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&parsed.stderr);
    assert!(parsed.status.success(), "not OpenMetrics: {told}\n{text}");
    serde_json::from_slice(&parsed.stdout).unwrap()
}

const PARSER: &str = "
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(sys.stdin.read()))
json.dump({
    'kinds': {family.name: family.type for family in families},
    'samples': [
        {'name': sample.name, 'labels': sample.labels, 'value': sample.value, 'whole': int(sample.value)}
        for family in families for sample in family.samples
    ],
}, sys.stdout)
";

/// A Python that has the parser. What is installed for it is kept under `target` for the next.
fn python() -> std::path::PathBuf {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openmetrics");
    fs::create_dir_all(&venv).unwrap();
    // Several test processes may come at once; one of them installs.
    let lock = fs::File::create(venv.join("lock")).unwrap();
    lock.lock().unwrap();
    let python = venv.join("venv/bin/python");
    if !venv.join("installed").exists() {
        let mut make = Command::new("python3");
        run(make.args(["-m", "venv"]).arg(venv.join("venv")));
        let install = ["-m", "pip", "-q", "--disable-pip-version-check", "install"];
        run(Command::new(&python)
            .args(install)
            .arg("prometheus-client==0.*"));
        fs::write(venv.join("installed"), "").unwrap();
    }
    python
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}
