//! Approvers by the groups that the source of subjects says they are in, as of their decision.

use super::{ask, decide, look, open, pay, peopled, state};
use crate::support::accounts::Accounts;
use crate::support::client::Client;
use crate::support::sidecar::{self, COOKIE, Sidecar};
use crate::support::store::{Store, on_both_stores};
use crate::support::tokens::Issuer;
use crate::support::until;
use serde_json::json;

const POLICY: &str = r"
version: 1
default: forward
routes:
  - id: pay
    title: Pay
    level: 4
    show: { to: form.to, sum: form.sum }
    approval: { by: [mallory, group:/staff/pay roll] }
    match: { methods: [POST], path: /pay }
";

const GROUP: &str = "/staff/pay roll";

/// Proves who one is, for the page of approvals.
async fn proven(client: Client) -> Client {
    let challenge = client.get("/.stepup/approvals").await;
    assert_eq!(
        challenge.reason(),
        "step-up-required",
        "{}",
        challenge.text()
    );
    client.pass(&challenge).await;
    client
}

/// Somebody whose requests the proxy sends with a name and groups.
fn proxied(client: &Client, name: &str, groups: &str) -> Client {
    let client = client.clone().header("remote-user", name);
    client.header("remote-groups", groups)
}

fn behind_a_proxy(store: Store, trusted: &str) -> Sidecar {
    let headers = "key: subject\nheaders: { subject: remote-user, groups: remote-groups }";
    let setup = sidecar::on(store).policy(POLICY).without_logins();
    peopled(
        setup
            .with("session", headers)
            .line(&format!("trusted_proxies: [{trusted}]")),
    )
}

on_both_stores! {
    async fn a_proxy_says_who_is_in_the_group_when_they_decide(store: Store) {
        let sidecar = behind_a_proxy(store, "127.0.0.1");
        let alice = proxied(&sidecar.script(), "alice", GROUP);
        let (token, id) = ask(&alice, "10").await;
        let browser = sidecar.script();
        let carol = |groups: &str| proxied(&browser, "carol", groups);
        let proven = proven(carol(GROUP)).await;
        browser.set_cookie(sidecar::KEY_COOKIE, &proven.cookie(sidecar::KEY_COOKIE).unwrap());
        assert_eq!(open(&carol(&format!("x, {GROUP}"))).await, [id.as_str()]);
        for groups in ["", "x", "/staff/pay", "/STAFF/PAY ROLL", "/staff/pay roll/x", "/staff/pay roll;x"] {
            assert_eq!(open(&carol(groups)).await, [""; 0], "{groups}");
            assert_eq!(decide(&carol(groups), &id, "approve").await.status, 404, "{groups}");
        }
        assert_eq!(state(&look(&alice, &token).await), "pending");
        let decided = decide(&carol(&format!("x, {GROUP}")), &id, "approve").await;
        assert_eq!(decided.json()["state"], "approved", "{}", decided.text());
        let told = sidecar.events(1, |event| event["event"] == "approval-decided");
        assert_eq!((&told[0]["subject"], &told[0]["group"]), (&json!("carol"), &json!(GROUP)));
        assert_eq!(look(&alice, &token).await.json()["verified"], true);
        assert_eq!(pay(&alice, "10").await.status, 200);
    }

    async fn nobody_is_in_a_group_by_their_own_word(store: Store) {
        let sidecar = behind_a_proxy(store, "127.0.0.1");
        let alice = proxied(&sidecar.script(), "alice", GROUP);
        let (_, id) = ask(&alice, "10").await;
        // Herself, in another browser, whatever she is in.
        let again = proven(proxied(&sidecar.script(), "Alice", GROUP)).await;
        assert_eq!(decide(&again, &id, "approve").await.status, 404);
        // Two lines of the header are nobody's word.
        let carol = proven(proxied(&sidecar.script(), "carol", "x")).await;
        let twice = carol.clone().header("remote-groups", GROUP);
        assert_eq!(decide(&twice, &id, "approve").await.status, 404);
        // From anybody else than the proxy neither header arrives, here or at the application.
        let sidecar = behind_a_proxy(store, "10.9.9.9");
        let client = proxied(&sidecar.script(), "carol", GROUP);
        assert_eq!(client.get("/.stepup/approvals").await.reason(), "session-required");
        client.get("/any").await;
        let got = sidecar.upstream().got();
        assert_eq!(got.last().unwrap().header("remote-groups"), "");
    }

    async fn a_token_says_who_is_in_the_group(store: Store) {
        let issuer = Issuer::start();
        let jwt = format!(
            "key: subject\njwt: {{ keys: {}, issuer: any, audience: any, groups: /realm/roles }}",
            issuer.keys()
        );
        let sidecar = peopled(sidecar::on(store).policy(POLICY).with("session", &jwt));
        let bearing = |client: &Client, name: &str, roles: &[&str]| {
            let claims = json!({ "sub": name, "realm": { "roles": roles } });
            let token = issuer.token(claims);
            client.clone().header("authorization", &format!("Bearer {token}"))
        };
        let alice = bearing(&sidecar.script(), "alice", &[GROUP]);
        let (token, id) = ask(&alice, "10").await;
        let browser = sidecar.script();
        let carol = proven(bearing(&browser, "carol", &[])).await;
        browser.set_cookie(sidecar::KEY_COOKIE, &carol.cookie(sidecar::KEY_COOKIE).unwrap());
        assert_eq!(decide(&carol, &id, "approve").await.status, 404);
        let promoted = bearing(&browser, "carol", &["x", GROUP]);
        assert_eq!(decide(&promoted, &id, "approve").await.json()["state"], "approved");
        assert_eq!(look(&alice, &token).await.json()["verified"], true);
        assert_eq!(pay(&alice, "10").await.status, 200);
    }

    async fn the_application_says_who_is_in_the_group(store: Store) {
        let accounts = Accounts::new();
        let application = accounts.clone();
        let whoami = "whoami: { url: /api/me, subject: { json: /user/name }, groups: { json: /groups }, keep: 0s }";
        let setup = sidecar::on(store).policy(POLICY).with("session", whoami);
        let sidecar = peopled(setup.application(move |got| application.answer(got)));
        let signed_in = |name: &str| {
            let client = sidecar.script();
            client.set_cookie(COOKIE, &accounts.sign_in(name));
            client
        };
        let alice = signed_in("alice");
        let (token, id) = ask(&alice, "10").await;
        let carol = proven(signed_in("carol")).await;
        assert_eq!(decide(&carol, &id, "approve").await.status, 404);
        accounts.group("carol", &["x", GROUP]);
        assert_eq!(open(&carol).await, [id.as_str()]);
        // Struck from it since the page was opened.
        accounts.group("carol", &["x"]);
        assert_eq!(decide(&carol, &id, "approve").await.status, 404);
        accounts.group("carol", &[GROUP]);
        assert_eq!(decide(&carol, &id, "approve").await.json()["state"], "approved");
        accounts.group("carol", &[]);
        assert_eq!(look(&alice, &token).await.json()["verified"], true, "as of the decision");
        assert_eq!(pay(&alice, "10").await.status, 200);
    }

    async fn a_group_of_the_settings_is_all_that_they_say_of_it(store: Store) {
        let policy = POLICY.replace("/staff/pay roll", "payroll");
        let headers = "headers: { subject: remote-user, groups: remote-groups }";
        let setup = sidecar::on(store).policy(&policy).without_logins();
        let setup = setup.with("session", headers).with("session", "key: subject");
        let sidecar = peopled(setup.line("trusted_proxies: [127.0.0.1]"));
        let told = sidecar.command(&["explain", "POST", "/pay"]);
        assert!(told.contains("by one of mallory, alice, bob, carol, within 1h"), "{told}");
        let alice = proxied(&sidecar.script(), "alice", "x");
        let (_, id) = ask(&alice, "10").await;
        sidecar.add_user("dave", "dave@example.test", sidecar::PASSWORD);
        let dave = proven(proxied(&sidecar.script(), "dave", "payroll")).await;
        assert_eq!(decide(&dave, &id, "approve").await.status, 404);
        let bob = proven(proxied(&sidecar.script(), "bob", "x")).await;
        assert_eq!(decide(&bob, &id, "approve").await.json()["state"], "approved");
    }

    async fn who_approved_as_one_of_a_group_that_the_policy_names_no_more_has_not(store: Store) {
        let sidecar = behind_a_proxy(store, "127.0.0.1");
        let told = sidecar.command(&["explain", "POST", "/pay"]);
        assert!(told.contains("by one of mallory, those in /staff/pay roll"), "{told}");
        let alice = proxied(&sidecar.script(), "alice", "x");
        let (token, id) = ask(&alice, "10").await;
        let carol = proven(proxied(&sidecar.script(), "carol", GROUP)).await;
        assert_eq!(decide(&carol, &id, "approve").await.json()["state"], "approved");
        let file = sidecar.path("policies/routes.yaml");
        std::fs::write(file, POLICY.replace("/staff/pay roll", "board")).unwrap();
        let waiting = format!("/.stepup/challenge?t={token}");
        let is_void = async || (state(&alice.get(&waiting).await) == "void").then_some(());
        until("the policy is read", is_void).await;
        assert_eq!(state(&look(&alice, &token).await), "void");
        assert_eq!(pay(&alice, "10").await.status, 403);
    }
}

/// The pack that is shipped, in front of a site that has its groups in the settings.
#[test]
fn the_pack_for_four_eyes_passes_check() {
    crate::support::run(async {
        let pack = include_str!("../../../policies/four-eyes.yaml");
        let setup = sidecar::on(Store::Embedded).policy(pack);
        let sidecar = setup
            .line("groups: { approvers: [alice, bob, carol] }")
            .prepare();
        let told = sidecar.command(&["check"]);
        // The one warning is of the cheap hashes of these tests.
        assert!(
            told.contains("argon2") && told.contains("ok: 4 routes in 1 file, 1 warning"),
            "{told}"
        );
        let told = sidecar.command(&["explain", "POST", "/payouts"]);
        assert!(
            told.contains("alice, bob, carol (group approvers)"),
            "{told}"
        );
    });
}
