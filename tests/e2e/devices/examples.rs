//! The programs of `examples/clients`, each as it stands there, and a person who approves.

use super::{GRANT_TYPE, setup, text};
use crate::support::accounts::Accounts;
use crate::support::browser::Browser;
use crate::support::process::Process;
use crate::support::run;
use crate::support::sidecar::{PASSWORD, Sidecar, USER};
use crate::support::store::Store;
use crate::support::temp::TempDir;
use serde_json::json;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const POLICY: &str = r"
version: 1
default: forward
routes:
  - id: publish
    title: Publish a release
    level: 4
    show: { version: form.version }
    match: { methods: [POST], path: /api/publish }
";

/// A site that is seen at this address by programs and a browser alike.
fn site(accounts: &Accounts) -> Sidecar {
    let setup = setup(Store::Embedded, accounts).policy(POLICY);
    setup
        .at_localhost()
        .with("verification", "device_interval: 1s")
        .run()
}

fn origin(sidecar: &Sidecar) -> String {
    format!("http://localhost:{}", sidecar.addr().port())
}

fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/clients")
        .join(path)
}

/// Starts a program with a key of alice's; tells it and the address that it names.
fn started(name: &'static str, command: &mut Command, accounts: &Accounts) -> (Process, String) {
    let process = Process::start(name, command.env("API_TOKEN", accounts.key(USER)));
    let address = process.wait_for("an address", |line| {
        let (_, address) = line.split_once("Open ")?;
        Some(address.trim().to_owned())
    });
    (process, address)
}

/// A Python that has requests.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("requests");
        fs::create_dir_all(&home).unwrap();
        // Several test processes may come at once; one of them installs.
        let lock = File::create(home.join("lock")).unwrap();
        lock.lock().unwrap();
        let (python, done) = (home.join("venv/bin/python"), home.join("requests-2.32.5"));
        if !done.exists() {
            let made = |command: &mut Command| assert!(command.status().unwrap().success());
            made(
                Command::new("python3")
                    .args(["-m", "venv"])
                    .arg(home.join("venv")),
            );
            made(Command::new(&python).args(["-m", "pip", "-q", "install", "requests==2.32.5"]));
            File::create(done).unwrap();
        }
        python
    })
}

#[test]
fn a_person_in_chromium_approves_what_a_python_program_asks_for() {
    run(async {
        let accounts = Accounts::new();
        let sidecar = site(&accounts);
        let browser = Browser::open().await;
        browser
            .goto(&format!("{}/page", origin(&sidecar)))
            .await
            .unwrap();
        let cookie = format!("sid={}; path=/", accounts.sign_in(USER));
        let script = "document.cookie = arguments[0]";
        browser.execute(script, vec![json!(cookie)]).await.unwrap();

        let mut publish = Command::new(python());
        publish
            .arg(example("python/publish.py"))
            .args([&origin(&sidecar), "4.2"]);
        let (mut program, address) = started("python", &mut publish, &accounts);
        // The program files its request with its first poll, a second after that.
        sidecar.events(1, |event| event["event"] == "device-requested");
        browser.goto(&address).await.unwrap();
        let seen = browser.read("A program asks").await;
        let code = address.split_once("user_code=").unwrap().1;
        for shown in [
            code,
            "Publish a release",
            "/api/publish",
            "4.2",
            "127.0.0.1",
            "python-requests/2.32.5",
            USER,
        ] {
            assert!(seen.contains(shown), "{shown}: {seen}");
        }
        let excess = browser.pictures("device").await;
        assert_eq!(excess, [0, 0], "the page is wider than the screen");
        browser.click("button[value=approve]").await;
        browser.fill("#password", PASSWORD).await;
        browser.click("form[action$='/verify'] button").await;
        browser.read("You have approved this").await;
        let status = program.wait_exit();
        let lines = program.lines();
        assert!(
            status.success() && lines.iter().any(|line| line == "done for alice"),
            "{lines:?}"
        );
        assert_eq!(sidecar.got("/api/publish"), 1);
    });
}

#[test]
fn every_example_waits_for_its_owner_and_goes_on() {
    run(async {
        let accounts = Accounts::new();
        let sidecar = site(&accounts);
        let (at, build) = (origin(&sidecar), TempDir::new("go"));
        let url = format!("{at}/api/publish");
        let mut bash = Command::new(example("bash/call"));
        bash.args(["-X", "POST", "--data", "version=4.2", &url]);
        let mut node = Command::new("node");
        node.arg(example("node/publish.mjs")).args([&at, "4.2"]);
        let built = build.path().join("stepup");
        let made = Command::new("go")
            .args(["build", "-o"])
            .args([&built, &example("go/stepup.go")])
            .env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go"))
            .status();
        assert!(made.unwrap().success());
        let mut go = Command::new(built);
        go.args([&at, "4.2"]);
        let programs = [("bash", bash), ("node", node), ("go", go)];
        for (number, (name, mut command)) in programs.into_iter().enumerate() {
            for decision in ["approve", "deny"] {
                let (mut program, address) = started(name, &mut command, &accounts);
                let requested = 2 * number + usize::from(decision == "deny") + 1;
                sidecar.events(requested, |event| event["event"] == "device-requested");
                let alice = super::person(&sidecar, &accounts, USER);
                let alice = alice.host(at.strip_prefix("http://").unwrap());
                let code = address.split_once("user_code=").unwrap().1;
                let device = json!({ "user_code": code });
                if decision == "approve" {
                    super::approve(&alice, &device).await;
                } else {
                    super::decide(&alice, &device, "deny").await;
                }
                let status = program.wait_exit();
                let lines = program.lines();
                let is_done = lines.iter().any(|line| line.contains("done for alice"));
                assert_eq!(
                    (status.success(), is_done),
                    (decision == "approve", decision == "approve"),
                    "{name}: {lines:?}"
                );
                let told = lines.iter().any(|line| line.contains("access_denied"));
                assert_eq!(told, decision == "deny", "{name}: {lines:?}");
            }
        }
        assert_eq!(sidecar.got("/api/publish"), 3);
    });
}

#[test]
fn the_examples_name_the_grant_type_of_the_rfc() {
    for file in [
        "bash/call",
        "python/step_up.py",
        "node/step-up.mjs",
        "go/stepup.go",
    ] {
        let content = fs::read_to_string(example(file)).unwrap();
        assert!(content.contains(text(&json!(GRANT_TYPE))), "{file}");
    }
}
