//! Real clients of gRPC, gRPC-Web and Connect: what they make of a refusal, and that its details are enough.

use super::Outcome;
use crate::support::node::node;
use crate::support::sidecar::{self, COOKIE, KEY_COOKIE, PASSWORD, USER};
use crate::support::store::Store;
use crate::support::temp::TempDir;
use crate::support::upstream::{Got, Reply, answer};
use serde_json::Value;
use tokio::task::spawn_blocking;

const POLICY: &str = r#"
version: 1
default: forward
routes:
  - { id: notes, title: Change the notes, level: 3, match: { path: "/google.rpc.Notes/{rest...}" } }
"#;

fn application(got: &Got) -> Reply {
    match got.target.as_str() {
        "/login" => sidecar::application(got),
        _ => answer(200, &[("content-type", "application/json")], "{}"),
    }
}

/// Has each client call, and tells what it says of the refusal.
pub(super) async fn calls() -> Vec<Outcome> {
    let setup = sidecar::on(Store::Embedded).policy(POLICY);
    let sidecar = setup.application(application).run();
    let known = sidecar.client();
    known.log_in(USER).await;
    let cookies =
        [COOKIE, KEY_COOKIE].map(|name| format!("{name}={}", known.cookie(name).unwrap()));
    let dir = TempDir::new("rpc");
    dir.write("rpc.mjs", include_str!("rpc.mjs"));
    let mut script = node(&dir);
    script
        .arg("rpc.mjs")
        .env("ADDRESS", sidecar.addr().to_string())
        .env("COOKIES", cookies.join("; "))
        .env("PASSWORD", PASSWORD);
    let output = spawn_blocking(move || script.output().unwrap())
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let told = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<Value> = told
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert_eq!(lines.pop(), Some("done".into()), "{told}{errors}");
    assert_eq!(lines.len(), 7, "{told}{errors}");
    assert_eq!(
        sidecar.got("/google.rpc.Notes/Do"),
        1,
        "more than the proven call came through"
    );
    lines.into_iter().map(|line| outcome(&line)).collect()
}

fn outcome(line: &Value) -> Outcome {
    let text = |name: &str| line[name].as_str().unwrap().to_owned();
    let (client, code) = (text("client"), text("code"));
    assert_eq!(
        text("message"),
        "“Change the notes” needs a fresh proof of identity."
    );
    assert_eq!(text("localized"), text("message"));
    assert_eq!(line["locale"], "en");
    assert_eq!(text("reason"), "SENSITIVE_VERIFICATION_REQUIRED");
    let metadata = &line["metadata"];
    assert_eq!(metadata["reason"], "step-up-required");
    assert!(
        metadata["page_url"]
            .as_str()
            .unwrap()
            .starts_with("/.stepup/challenge?t=")
    );
    let package = match client.split([',', ' ']).next().unwrap() {
        "gRPC" => "@grpc/grpc-js",
        _ => "@connectrpc/connect-web",
    };
    Outcome {
        client: format!("{client} ({package})"),
        refusal: format!("`{code}`, with `google.rpc.ErrorInfo` and `LocalizedMessage`"),
        seen: "what the program shows; its details name the prompt",
    }
}
