//! `stepgate report`, on the audit log of a real run.

use crate::support::sidecar::{self, Sidecar, USER};
use crate::support::stepgate::{command, run};
use crate::support::store::on_both_stores;
use crate::support::until;
use serde_json::{Value, json};
use std::fs;
use std::process::{Command, Stdio};

const AUDIT: &str = "audit: { target: audit.log }";

/// Alice, who has all factors, and Bob, whom the directory does not know, meet routes that report and routes
/// that are enforced.
async fn met(sidecar: &Sidecar) {
    let alice = sidecar.logged_in().await;
    let bob = sidecar.script();
    bob.log_in("bob").await;
    for client in [&alice, &bob] {
        assert_eq!(client.post("/watched").await.status, 200);
        assert_eq!(client.post("/keys").await.status, 403);
    }
    alice.earn("/keys").await;
    assert_eq!(alice.post("/keys").await.status, 200);
    assert_eq!(sidecar.script().post("/keys").await.status, 401);
    assert_eq!(bob.post("/watched").await.status, 200);
}

fn report(sidecar: &Sidecar, arguments: &[&str]) -> Value {
    let told = sidecar.command(&[&["report", "--json"], arguments].concat());
    serde_json::from_str(&told).unwrap()
}

/// The entry of a list whose member has a value.
fn entry<'v>(list: &'v Value, member: &str, value: &str) -> &'v Value {
    let mut entries = list.as_array().unwrap().iter();
    let found = entries.find(|entry| entry[member] == value);
    found.unwrap_or_else(|| panic!("no {member} {value} in {list:#}"))
}

/// Waits until the log has so many decisions.
async fn written(sidecar: &Sidecar, decisions: usize) {
    let count = async || {
        let log = fs::read_to_string(sidecar.path("audit.log")).unwrap_or_default();
        (log.matches("\"event\":\"decision\"").count() >= decisions).then_some(())
    };
    until("the log", count).await;
}

on_both_stores! {
    async fn a_report_tells_who_would_have_been_asked_and_who_could_not_answer(store: Store) {
        let sidecar = sidecar::on(store).line(AUDIT).run();
        met(&sidecar).await;
        written(&sidecar, 8).await;
        let told = report(&sidecar, &[]);
        let watched = entry(&told["routes"], "route", "watched");
        assert_eq!(
            *watched,
            json!({
                "route": "watched", "level": 3, "enforcement": "report", "met": 3, "passed": 0,
                "would_be_asked": 3, "asked": 0, "denied": 0, "failed": 0, "people_asked": 2,
            })
        );
        let keys = entry(&told["routes"], "route", "keys");
        let counts = ["met", "passed", "asked", "denied", "people_asked"].map(|member| &keys[member]);
        assert_eq!(counts, [&json!(5), &json!(1), &json!(3), &json!(1), &json!(2)], "{keys}");
        // The most often asked first.
        assert_eq!(told["people"][0]["user"], USER, "{told:#}");
        let bob = entry(&told["people"], "user", "bob");
        assert_eq!((&bob["would_be_asked"], &bob["asked"], &bob["verified"]), (&json!(2), &json!(1), &json!(0)));
        assert_eq!(entry(&told["people"], "user", USER)["verified"], 1);
        let unprovable = json!([{ "user": "bob", "in_directory": false, "factors": [], "routes": ["watched", "keys"] }]);
        assert_eq!(told["without_usable_factor"], unprovable);
        assert_eq!(told["decisions_about_nobody"], 1);
        let unmatched = told["never_matched"].as_array().unwrap();
        assert!(unmatched.contains(&json!("pay")) && !unmatched.contains(&json!("keys")), "{unmatched:?}");
        assert_eq!((&told["files"][0]["chain_verified"], &told["files"][0]["joint"]), (&json!(true), &json!("begins")));

        let text = sidecar.command(&["report", "--most", "1"]);
        for words in ["chain ok, number 1 to ", "watched", "and 1 more user", "without a usable factor for a route that they met: 1"] {
            assert!(text.contains(words), "`{words}` is missing in\n{text}");
        }
        let none = report(&sidecar, &["--since", "2200-01-01"]);
        assert_eq!((&none["events"], &none["people"]), (&json!(0), &json!([])));
        assert_eq!(report(&sidecar, &["--since", "1h"])["events"], told["events"]);
        let wrong = run(&sidecar.dir, &["report", "--since", "yesterday"]);
        assert_eq!(wrong.status.code(), Some(64));
    }
}

#[tokio::test]
async fn rotated_packed_and_broken_files_are_told_apart() {
    let sidecar = sidecar::on(crate::support::store::Store::Embedded)
        .line(AUDIT)
        .run();
    met(&sidecar).await;
    written(&sidecar, 8).await;
    fs::rename(sidecar.path("audit.log"), sidecar.path("audit.log.1")).unwrap();
    sidecar.process().signal("HUP");
    met(&sidecar).await;
    written(&sidecar, 8).await;
    let gzip = Command::new("gzip")
        .arg(sidecar.path("audit.log.1"))
        .status();
    assert!(gzip.unwrap().success());
    // As a shell sorts them: the newest first.
    let told = report(&sidecar, &["audit.log", "audit.log.1.gz"]);
    let files = told["files"].as_array().unwrap();
    assert_eq!(files[0]["file"], "audit.log.1.gz");
    assert_eq!(files[1]["joint"], "continues the file before", "{files:#?}");
    assert_eq!(
        entry(&told["routes"], "route", "watched")["would_be_asked"],
        6
    );
    assert_eq!(
        report(&sidecar, &["audit.log"])["files"][0]["joint"],
        "continues a file that was not read"
    );

    // A line that somebody changed, and one that is none: counted is what can be read.
    let log = fs::read_to_string(sidecar.path("audit.log")).unwrap();
    let changed = log.replacen("\"subject\":\"bob\"", "\"subject\":\"b\\u001b[2Job\"", 1);
    fs::write(
        sidecar.path("changed.log"),
        format!("{changed}not a line\n"),
    )
    .unwrap();
    let told = report(&sidecar, &["changed.log"]);
    let file = &told["files"][0];
    assert_eq!(
        (&file["chain_verified"], &file["broken_lines"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(
        entry(&told["routes"], "route", "watched")["would_be_asked"],
        3
    );
    let text = sidecar.command(&["report", "changed.log"]);
    assert!(
        text.contains("chain NOT verified: line ") && text.contains("1 not counted"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text}");

    // By standard input, without settings.
    fs::remove_file(sidecar.path("stepgate.yaml")).unwrap();
    let mut child = command(&sidecar.dir);
    child.args(["report", "-", "--json"]).stdin(Stdio::from(
        fs::File::open(sidecar.path("audit.log")).unwrap(),
    ));
    let output = child.output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&told["never_matched"], &told["without_usable_factor"]),
        (&Value::Null, &Value::Null)
    );
    assert!(
        told["notes"][0]
            .as_str()
            .unwrap()
            .contains("which routes never matched"),
        "{told}"
    );
    assert_eq!(
        entry(&told["routes"], "route", "watched")["enforcement"],
        "report"
    );
    // Without a file, settings are needed.
    assert_eq!(run(&sidecar.dir, &["report"]).status.code(), Some(64));
}
