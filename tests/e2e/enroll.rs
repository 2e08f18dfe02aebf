//! What people set up to prove who they are: only with a fresh proof, and never for anybody else.

use crate::support::client::{Answer, Client};
use crate::support::mail::MailSink;
use crate::support::sidecar::{self, KEY_COOKIE, ORIGIN, PASSWORD, Sidecar};
use crate::support::store::on_both_stores;
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

/// Proves the password for the page, as a program does.
async fn prove(client: &Client) {
    let refused = client.get("/.stepup/enroll").await;
    assert_eq!(
        (refused.status.as_u16(), refused.reason()),
        (403, "step-up-required".into())
    );
    client.pass(&refused).await;
}

async fn enrolled(client: &Client) -> Vec<String> {
    let told = client.get("/.stepup/enroll").await.json();
    let all = told["enrolled"]
        .as_array()
        .unwrap_or_else(|| panic!("{told}"));
    all.iter()
        .map(|one| one["factor"].as_str().unwrap().to_owned())
        .collect()
}

async fn remove(client: &Client, body: Value) -> Answer {
    client
        .call(Method::POST, "/.stepup/enroll/remove", body)
        .await
}

fn changes(sidecar: &Sidecar, number: usize) -> Vec<Value> {
    sidecar.events(number, |event| {
        let kind = event["event"].as_str().unwrap_or_default();
        ["factor-set", "factor-removed"].contains(&kind) && event["operator"].is_null()
    })
}

on_both_stores! {
    async fn what_is_set_up_is_shown_and_removed_after_a_fresh_proof(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        prove(&client).await;
        assert_eq!(enrolled(&client).await, ["password", "totp", "email_code"]);
        let removed = remove(&client, json!({ "factor": "totp" })).await;
        assert_eq!(removed.json(), json!({ "removed": true, "last": false }));
        assert_eq!(enrolled(&client).await, ["password", "email_code"]);
        assert_eq!(remove(&client, json!({ "factor": "totp" })).await.json()["removed"], false);
        let event = &changes(&sidecar, 1)[0];
        assert_eq!((&event["subject"], &event["factor"]), (&json!("alice"), &json!("totp")));
        let mail = MailSink::shared().wait_for_mail(&sidecar.address, 1);
        assert!(mail.text.contains("Removed: Authenticator app"), "{}", mail.text);
        // The last one that does not rest on a mailbox is asked about.
        let asked = remove(&client, json!({ "factor": "password" })).await;
        assert_eq!(asked.json(), json!({ "removed": false, "last": true }));
        let removed = remove(&client, json!({ "factor": "password", "sure": true })).await;
        assert_eq!(removed.json()["removed"], true);
        assert_eq!(enrolled(&client).await, ["email_code"]);
    }

    async fn of_the_last_two_that_are_removed_at_once_one_is_asked_about(store: Store) {
        let sidecar = sidecar::on(store).run();
        for name in ["ann", "ben", "cat", "dan"] {
            sidecar.enroll_as(name, &sidecar.address);
            let client = sidecar.script();
            client.log_in(name).await;
            prove(&client).await;
            let one_each = ["password", "totp"].map(|factor| remove(&client, json!({ "factor": factor })));
            let removed = join_all(one_each).await;
            let asked = removed.iter().filter(|answer| answer.json()["last"] == true).count();
            assert_eq!(asked, 1);
            assert_eq!(enrolled(&client).await.len(), 2);
        }
    }

    async fn a_thief_with_the_cookie_sees_and_changes_nothing(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        prove(&client).await;
        let thief = sidecar.thief_of(&client);
        // With the cookie alone, and with the browser key of another time.
        for key in [None, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")] {
            if let Some(key) = key {
                thief.set_cookie(KEY_COOKIE, key);
            }
            let seen = thief.get("/.stepup/enroll").await;
            assert_eq!((seen.status.as_u16(), seen.reason()), (403, "step-up-required".into()));
            let refused = remove(&thief, json!({ "factor": "totp", "sure": true })).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (403, "step-up-required".into()));
        }
        assert_eq!(enrolled(&client).await, ["password", "totp", "email_code"]);
    }

    async fn the_browser_key_without_a_proof_changes_nothing(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        // A proof for something else opens nothing here.
        client.earn("/keys").await;
        for body in [json!({ "factor": "totp" }), json!({ "factor": "password", "sure": true })] {
            assert_eq!(remove(&client, body).await.reason(), "step-up-required");
        }
        // Nor does a code by e-mail: whoever reads somebody's mail must not enroll anything.
        let refused = client.get("/.stepup/enroll").await;
        assert_eq!(refused.json()["challenge"]["factors"], json!([["password"], ["totp"]]));
        assert_eq!(client.send_code(&refused.token()).await.reason(), "method-not-enrolled");
        // What was proved here opens nothing of the application.
        prove(&client).await;
        assert_eq!(client.post("/pay").await.status, 403);
        assert!(changes_none(&sidecar));
    }

    async fn another_site_and_a_form_without_our_token_change_nothing(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        prove(&client).await;
        let before = sidecar.dump();
        for (header, from) in [("origin", "https://evil.test"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
            let body = json!({ "factor": "totp" }).to_string();
            let mut request = client.request(Method::POST, "/.stepup/enroll/remove", body);
            request.headers_mut().remove("sec-fetch-site");
            request.headers_mut().insert("content-type", "application/json".parse().unwrap());
            request.headers_mut().insert(header, from.parse().unwrap());
            assert_eq!(client.send(request).await.reason(), "cross-site", "{from}");
        }
        let mut form = client.request(Method::POST, "/.stepup/enroll/remove", "factor=totp&anti_forgery=AAAA");
        form.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        form.headers_mut().insert("origin", ORIGIN.parse().unwrap());
        assert_eq!(client.send(form).await.reason(), "cross-site");
        client.get("/.stepup/enroll/remove?factor=totp").await;
        assert_eq!(sidecar.dump(), before);
    }

    async fn a_browser_is_led_to_the_prompt_and_back(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = sidecar.browser();
        browser.log_in("alice").await;
        let away = browser.get("/.stepup/enroll").await;
        assert_eq!(away.status, 303);
        let page = browser.get(away.header("location")).await;
        let fields = [
            ("token", &*page.hidden("token")),
            ("anti_forgery", &page.hidden("anti_forgery")),
            ("factor", "password"),
            ("answer", PASSWORD),
        ];
        let back = browser.post_form("/.stepup/verify", &fields).await;
        assert_eq!((back.status.as_u16(), back.header("location")), (303, "/.stepup/enroll"));
        assert_eq!(browser.get("/.stepup/enroll").await.status, 200);
        let challenged = sidecar.events(1, |event| event["routes"] == json!(["stepgate.enrollment"]) && event["event"] == "decision");
        assert_eq!(challenged[0]["outcome"], "challenged");
    }
}

fn changes_none(sidecar: &Sidecar) -> bool {
    changes(sidecar, 0).is_empty()
}
