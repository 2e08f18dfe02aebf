//! Approval where whoever asks and whoever approves prove themselves at the provider.

use super::providers::sign_in;
use super::{begin, come_back, with_provider};
use crate::support::client::{Answer, Client};
use crate::support::sidecar::{KEY_COOKIE, Sidecar};
use crate::support::store::on_both_stores;
use crate::support::until;
use http::Method;
use serde_json::{Value, json};

async fn pay(client: &Client, sum: &str) -> Answer {
    client.post_form("/pay", &[("sum", sum)]).await
}

/// Comes back from the provider, in the browser whose script it is.
async fn back(sidecar: &Sidecar, script: &Client, callback: &str) -> Answer {
    let browser = sidecar.browser_of(script);
    let answer = come_back(&browser, callback).await;
    if let Some(key) = browser.cookie(KEY_COOKIE) {
        script.set_cookie(KEY_COOKIE, &key);
    }
    answer
}

/// Asks for approval of a payment; tells the token of the challenge.
async fn ask(sidecar: &Sidecar, provider: &Client, script: &Client, sum: &str) -> String {
    let token = pay(script, sum).await.token();
    let mut body = json!({ "token": token });
    let path = "/.stepup/oidc/begin";
    let unexplained = script.call(Method::POST, path, body.clone()).await;
    assert_eq!(unexplained.status, 400, "{}", unexplained.text());
    body["purpose"] = json!("Invoice 7");
    let begun = script.call(Method::POST, path, body).await;
    assert_eq!(begun.status, 200, "{}", begun.text());
    let url = begun.json()["url"].as_str().unwrap().to_owned();
    let callback = sign_in(provider, &url, "login=alice").await;
    let waiting = back(sidecar, script, &callback).await;
    assert!(
        waiting.text().contains("Waiting for approval"),
        "{}",
        waiting.text()
    );
    token
}

async fn look(client: &Client, token: &str) -> Value {
    let path = "/.stepup/verify/approval";
    let looked = client.call(Method::POST, path, json!({ "token": token }));
    looked.await.json()
}

async fn approve_all(client: &Client) {
    let list = client.get("/.stepup/approvals").await.json();
    for open in list["approvals"].as_array().unwrap() {
        assert_eq!(open["purpose"], "Invoice 7");
        let path = format!("/.stepup/approvals/{}", open["id"].as_str().unwrap());
        let decided = client.call(Method::POST, &path, json!({ "decision": "approve" }));
        assert_eq!(decided.await.json()["state"], "approved");
    }
}

on_both_stores! {
    async fn both_prove_at_the_provider_and_a_logout_there_voids_what_waits(store: Store) {
        let (sidecar, provider) = with_provider(store, "");
        let alice = sidecar.logged_in().await;
        let hers = provider.client();
        let token = ask(&sidecar, &hers, &alice, "10").await;
        assert_eq!(pay(&alice, "10").await.status, 403, "not yet");

        let bob = sidecar.script();
        bob.log_in("bob").await;
        for (login, words) in [("alice", "another account"), ("bob", "You are verified")] {
            let url = begin(&bob, &bob.get("/.stepup/approvals").await.token()).await;
            let callback = sign_in(&provider.client(), &url, &format!("login={login}")).await;
            let answer = back(&sidecar, &bob, &callback).await;
            assert!(answer.text().contains(words), "{login}: {}", answer.text());
        }
        approve_all(&bob).await;
        assert_eq!(look(&alice, &token).await["verified"], true);
        assert_eq!(pay(&alice, "10").await.status, 200);
        assert_eq!(pay(&alice, "11").await.status, 403);
        let proved = sidecar.events(1, |event| event["approver"] == "bob");
        assert_eq!(proved[0]["subject"], "alice");

        // What she proved ends with her session there, also while it waits for him.
        let token = ask(&sidecar, &hers, &alice, "12").await;
        let page = hers.get("/session/end").await;
        let form = [("xsrf", &*page.hidden("xsrf")), ("logout", "yes")];
        hers.post_form("/session/end/confirm", &form).await;
        let is_void = async || {
            let told = look(&alice, &token).await;
            (told["approval"]["state"] == "void").then_some(())
        };
        until("the logout is told", is_void).await;
        approve_all(&bob).await;
        assert_eq!(look(&alice, &token).await["verified"], false);
        assert_eq!(pay(&alice, "12").await.status, 403);
    }
}
