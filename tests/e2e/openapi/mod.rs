//! The description of our endpoints, held against the real binary by schemathesis.

use crate::support::run;
use crate::support::sidecar::{self, PASSWORD, Sidecar, USER};
use crate::support::store::Store;
use http::Method;
use serde_json::{Value, json};
use std::env;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

const POLICY: &str = r"
version: 1
default: forward
routes:
  - { id: keys, title: Create an API key, level: 3, factors: [password, totp, email_code], match: { methods: [POST], path: /keys } }
  - { id: transfer, title: Transfer, level: 3, approval: { by: [approver] }, match: { methods: [POST], path: /transfer } }
";

/// How many people there are; each session is another's.
const PEOPLE: usize = 2000;
const PEOPLES_PASSWORD: &str = "correct horse";
/// Of that password, and quickly checked.
const HASH: &str = "$5$rounds=1000$ZoYSSzO2XzDSc48V$XYkJ0/5JudP0SUYdx9ephu5h8af1Wi.dRbPK9IeOGp7";

fn site() -> Sidecar {
    let limits = "limits: { challenge: 50, session: { attempts: 1000, window: 1m }, session_total: { attempts: 1000, window: 1m }, \
        address: { attempts: 100000, window: 1m }, codes: { attempts: 50, window: 1m }, codes_in_session: { attempts: 50, window: 1m } }";
    let sidecar = sidecar::on(Store::Embedded)
        .at_localhost()
        .policy(POLICY)
        .with("verification", limits)
        .run();
    let mut people = format!("name,email,password_hash\napprover,,{HASH}\n");
    for number in 0..PEOPLE {
        writeln!(
            people,
            "person-{number},person-{number}@example.test,{HASH}"
        )
        .unwrap();
    }
    sidecar.dir.write("people.csv", people);
    sidecar.command(&["user", "import", "people.csv"]);
    sidecar
}

/// Somebody asks for approval, so that the approver has something to see.
async fn ask_for_approval(sidecar: &Sidecar) {
    let client = sidecar.script();
    client.log_in(USER).await;
    let refused = client.call(Method::POST, "/transfer", json!({})).await;
    let answer = json!({ "token": refused.token(), "factor": "password", "answer": PASSWORD, "purpose": "rent" });
    let asked = client.call(Method::POST, "/.stepup/verify", answer).await;
    assert_eq!(
        asked.json()["approval"]["state"],
        "pending",
        "{}",
        asked.text()
    );
}

#[test]
#[allow(clippy::disallowed_methods)] // the switch is for scripts/api
fn the_binary_answers_as_its_description_says() {
    let sidecar = site();
    run(ask_for_approval(&sidecar));
    let origin = format!("http://localhost:{}", sidecar.addr().port());
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/openapi");
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("applications/schemathesis/bin");
    let program = tools.join("schemathesis");
    assert!(
        program.exists(),
        "run: tests/e2e/applications/install target/tmp/applications"
    );
    let mut command = Command::new(program);
    command
        .current_dir(sidecar.dir.path())
        .env("PYTHONPATH", &own)
        .env("ORIGIN", &origin)
        .env("PASSWORD", PEOPLES_PASSWORD)
        .arg("--config-file")
        .arg(own.join("schemathesis.toml"))
        .args([
            "run",
            &format!("{origin}/.stepup/openapi.json"),
            "--no-color",
        ])
        .args(["--checks", "all", "--continue-on-failure"]);
    match env::var("API_EXAMPLES") {
        Ok(examples) => command.args(["--max-examples", &examples]),
        // The same ones each time.
        Err(_) => command.args([
            "--max-examples",
            "4",
            "--generation-deterministic",
            "--no-shrink",
        ]),
    };
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{errors}");
    println!("{told}");
}

#[test]
fn the_description_is_for_everybody_and_of_this_site() {
    run(async {
        let sidecar = sidecar::on(Store::Embedded).line("prefix: /sudo/").run();
        let answer = sidecar.client().get("/sudo/openapi.json").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (200, "application/json")
        );
        let document: Value = answer.json();
        assert_eq!(document["servers"][0]["url"], "/sudo");
        let schemes = &document["components"]["securitySchemes"];
        assert_eq!(
            (&schemes["session"]["name"], &schemes["browserKey"]["name"]),
            (&json!("sid"), &json!("stepgate"))
        );
    });
}
