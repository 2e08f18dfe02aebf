//! Two people at two browsers: one asks, the other approves.

use super::{address, peopled};
use crate::support::browser::Browser;
use crate::support::mail::MailSink;
use crate::support::run;
use crate::support::sidecar::{self, ORIGIN, PASSWORD};
use crate::support::store::Store;
use crate::support::upstream::{Got, Reply, answer, text};

const POLICY: &str = r#"
version: 1
default: forward
routes:
  - id: delete
    title: Delete an account
    level: 4
    bind: [path.id]
    show: { account: path.id }
    approval: { by: payroll }
    match: { methods: [POST], path: "/accounts/{id}/delete" }
"#;

fn pages(got: &Got) -> Reply {
    let form = |action: &str, fields: &str| {
        let page = format!(
            "<!doctype html><title>App</title><form method=post action={action}>{fields}<button id=go>Go</button></form>"
        );
        answer(200, &[("content-type", "text/html")], &page)
    };
    match (got.method.as_str(), got.target.as_str()) {
        ("GET", "/login") => form(
            "/login",
            "<input name=user><input name=password type=password>",
        ),
        ("POST", "/login") => {
            let cookie = format!("sid={}; Path=/; HttpOnly", sidecar::fresh_cookie());
            answer(302, &[("location", "/home"), ("set-cookie", &cookie)], "")
        }
        ("GET", "/home") => form("/accounts/42/delete", "<input name=note value=bye>"),
        ("POST", "/accounts/42/delete") => text(200, "account 42 is gone"),
        _ => text(404, "nothing here"),
    }
}

async fn log_in(browser: &Browser, at: &str, user: &str) {
    browser.goto(&format!("{at}/login")).await.unwrap();
    browser.fill("[name=user]", user).await;
    browser.fill("[name=password]", "App-pass-1!").await;
    browser.click("#go").await;
    browser.see("form[action='/accounts/42/delete']").await;
}

async fn prove(browser: &Browser) {
    browser.fill("#password", PASSWORD).await;
    browser.click("form[action$='/verify'] button").await;
}

#[test]
fn one_person_asks_in_a_browser_and_another_approves_in_theirs() {
    run(async {
        let setup = sidecar::on(Store::Redis).policy(POLICY).application(pages);
        let sidecar = peopled(setup);
        let at = ORIGIN;
        let resolved = format!("--host-resolver-rules=MAP app.test:80 {}", sidecar.addr());
        let open = async || Browser::open_with(&[&resolved]).await;
        let (alice, bob) = (open().await, open().await);
        log_in(&alice, at, "alice").await;
        alice.click("#go").await;
        alice.read("Somebody else has to approve this").await;
        alice.fill("#purpose", "They asked us to, ticket 7").await;
        prove(&alice).await;
        alice.read("Waiting for approval").await;
        assert_eq!(alice.pictures("approval-waiting").await, [0, 0]);

        let mail = MailSink::shared().wait_for_mail(&address(&sidecar, "bob"), 1);
        let link = mail
            .text
            .split_whitespace()
            .find(|word| word.contains("/approvals/"));
        log_in(&bob, at, "bob").await;
        bob.goto(link.unwrap()).await.unwrap();
        prove(&bob).await;
        let request = bob.read("Do you approve?").await;
        for shown in [
            "alice",
            "They asked us to, ticket 7",
            "42",
            "/accounts/42/delete",
        ] {
            assert!(request.contains(shown), "{shown}: {request}");
        }
        assert_eq!(bob.pictures("approval-request").await, [0, 0]);
        bob.fill("#word", "fine").await;
        bob.click("button[value=approve]").await;
        bob.read("bob has approved this").await;

        alice.click("form[action$='/verify/approval'] button").await;
        alice.read("Check what is about to happen").await;
        alice
            .click("form[action='/accounts/42/delete'] button")
            .await;
        alice.read("account 42 is gone").await;
        assert_eq!(sidecar.got("/accounts/42/delete"), 1);
    });
}
