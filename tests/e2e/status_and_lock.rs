//! What a session holds, and dropping it.

use crate::support::client::Client;
use crate::support::sidecar::{self, KEY_COOKIE, PASSWORD, USER};
use crate::support::store::{Store, on_both_stores};
use crate::support::{run, soon, until};
use http::Method;
use serde_json::json;

on_both_stores! {
    async fn status_tells_level_methods_ages_and_expiry(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let told = client.get("/.stepup/status").await.json();
        assert_eq!((&told["level"], &told["methods"]), (&json!(2), &json!([])));
        assert!(told["authenticated_at"].is_string() && told["verified_at"].is_null());
        client.earn("/keys").await;
        let told = client.get("/.stepup/status").await.json();
        assert_eq!(told["methods"], json!(["password"]));
        for member in ["authenticated_at", "verified_at", "expires_at"] {
            assert!(told[member].as_str().unwrap().ends_with('Z'), "{told}");
        }
        // A copied cookie is told that it holds nothing.
        let told = sidecar.thief_of(&client).get("/.stepup/status").await.json();
        assert_eq!((&told["level"], &told["methods"], &told["verified_at"]), (&json!(0), &json!([]), &json!(null)));
        let nobody = sidecar.script().get("/.stepup/status").await;
        assert_eq!(nobody.reason(), "session-required");
    }

    async fn status_tells_of_a_route_beforehand_and_takes_nothing(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let ask = async |query: &str| client.get(&format!("/.stepup/status?{query}")).await.json()["route"].clone();
        assert_eq!(ask("method=GET&path=/anything").await["guarded"], false);
        let route = ask("method=POST&path=/users/7/delete").await;
        assert_eq!((&route["guarded"], &route["satisfied"], &route["level"]), (&json!(true), &json!(false), &json!(4)));
        assert_eq!((&route["action"], &route["reason"]), (&json!("account.delete"), &json!("step-up-required")));
        let refused = client.post("/users/7/delete").await;
        let body = json!({ "token": refused.token(), "factor": "password",
            "answer": PASSWORD, "confirm": "DELETE" });
        client.call(Method::POST, "/.stepup/verify", body).await;
        for _ in 0..2 {
            assert_eq!(ask("method=POST&path=/users/7/delete").await["satisfied"], true);
            assert_eq!(ask("method=POST&path=/users/8/delete").await["satisfied"], false);
        }
        assert_eq!(client.post("/users/7/delete").await.status, 200);
        assert_eq!(ask("method=POST&path=/users/7/delete").await["satisfied"], false);
    }

    async fn status_tells_which_grants_are_held_until_when(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let held = async |client: &Client| {
            let told = client.get("/.stepup/status").await.json();
            let grants = told["grants"].as_array().unwrap().clone();
            grants.into_iter().map(|grant| grant["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert!(held(&client).await.is_empty());
        client.earn("/pay").await;
        client.earn("/keys").await;
        let told = client.get("/.stepup/status").await.json();
        // The first to end first: level 4 counts for two minutes, level 3 for five.
        let (pay, keys) = (&told["grants"][0], &told["grants"][1]);
        assert_eq!((&pay["action"], &pay["single_use"], &pay["bound"]), (&json!("pay"), &json!(true), &json!(true)));
        assert_eq!((&keys["action"], &keys["single_use"], &keys["bound"]), (&json!("keys.create"), &json!(false), &json!(false)));
        assert_eq!((&keys["level"], &keys["methods"]), (&json!(3), &json!(["password"])));
        let seconds = |grant: &serde_json::Value| {
            let [from, until] = ["granted_at", "expires_at"].map(|name| grant[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap());
            (until - from).total(jiff::Unit::Second).unwrap()
        };
        assert_eq!((seconds(pay), seconds(keys)), (120.0, 300.0));
        assert!(held(&sidecar.thief_of(&client)).await.is_empty());
        assert_eq!(client.post("/pay").await.status, 200);
        assert_eq!(held(&client).await, ["keys.create"]);
        client.call(Method::POST, "/.stepup/lock", json!({})).await;
        assert!(held(&client).await.is_empty());
    }

    async fn status_offers_what_the_person_can_use(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let ask = async |path: &str| client.get(&format!("/.stepup/status?method=POST&path={path}")).await.json()["route"].clone();
        let route = ask("/users/7/delete").await;
        assert_eq!(route["factors"], json!([["password"], ["totp"], ["email_code"]]));
        assert_eq!((&route["confirm"], &route["max_age"]), (&json!("DELETE"), &json!(120)));
        assert_eq!((&route["single_use"], &route["approval"]), (&json!(true), &json!(false)));
        // She has no passkey: the request itself would be told the same.
        let route = ask("/passkey").await;
        assert_eq!((&route["factors"], &route["reason"]), (&json!([]), &json!("method-not-enrolled")));
        assert_eq!(client.post("/passkey").await.reason(), "method-not-enrolled");
    }

    async fn who_waits_hears_of_a_change(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        client.earn("/keys").await;
        let first = client.get("/.stepup/status").await;
        let tag = first.header("etag").to_owned();
        let waiting = |seconds: u32| {
            let waiting = client.clone().header("if-none-match", &tag);
            waiting.header("prefer", &format!("respond-async, wait={seconds}"))
        };
        let unchanged = client.clone().header("if-none-match", &tag).get("/.stepup/status").await;
        assert_eq!((unchanged.status.as_u16(), unchanged.text()), (304, ""));
        assert_eq!(unchanged.header("etag"), tag);
        // On another sidecar, which hears of it from the store.
        let other = sidecar.another();
        let there = waiting(60).at(other.addr());
        let waits = tokio::task::spawn_local(async move { there.get("/.stepup/status").await });
        client.call(Method::POST, "/.stepup/lock", json!({})).await;
        let told = soon("the change", waits).await.unwrap();
        assert_eq!((told.status.as_u16(), &told.json()["grants"]), (200, &json!([])));
        // One that ends while it waits is told that.
        let tag = told.header("etag").to_owned();
        let there = client.clone().header("if-none-match", &tag).header("prefer", "wait=60");
        let waits = tokio::task::spawn_local(async move { there.get("/.stepup/status").await });
        sidecar.command(&["session", "revoke", "--user", USER]);
        assert_eq!(soon("the end", waits).await.unwrap().reason(), "session-revoked");
    }

    async fn lock_drops_all_elevation_of_this_session_alone(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let other = sidecar.logged_in().await;
        for client in [&client, &other] {
            for path in ["/keys", "/pay"] {
                client.earn(path).await;
            }
        }
        let locked = client.call(Method::POST, "/.stepup/lock", json!({})).await;
        assert_eq!((locked.status.as_u16(), locked.json()), (200, json!({ "locked": true })));
        assert_eq!(client.get("/.stepup/status").await.json()["level"], 0);
        for path in ["/low", "/medium", "/proven", "/settings", "/keys", "/pay"] {
            assert_eq!(client.post(path).await.status, 403, "{path}");
        }
        assert_eq!(other.post("/keys").await.status, 200);
        // The session is still one: it can be elevated again.
        client.earn("/keys").await;
        assert_eq!(client.post("/keys").await.status, 200);
        assert_eq!(sidecar.events(1, |event| event["event"] == "locked")[0]["subject"], "alice");
    }

    async fn a_person_locks_by_the_form_of_their_own_page(store: Store) {
        let sidecar = sidecar::on(store).run();
        let script = sidecar.logged_in().await;
        script.earn("/keys").await;
        let browser = sidecar.browser_of(&script);
        let away = browser.get("/secrets").await;
        let prompt = browser.get(away.header("location")).await;
        assert_eq!(prompt.status, 200);
        let page = browser.get("/.stepup/lock").await;
        assert!(page.text().contains("You stay signed in"), "{}", page.text());
        assert_eq!(page.hidden("anti_forgery"), prompt.hidden("anti_forgery"));
        let forged = browser.post_form("/.stepup/lock", &[("anti_forgery", "x")]).await;
        assert_eq!(forged.status, 403);
        assert_eq!(script.post("/keys").await.status, 200);
        let anti_forgery = page.hidden("anti_forgery");
        let locked = browser.post_form("/.stepup/lock", &[("anti_forgery", &anti_forgery)]).await;
        assert_eq!(locked.status, 200);
        assert!(locked.text().contains("What you confirmed here is forgotten"), "{}", locked.text());
        assert_eq!(script.post("/keys").await.status, 403);
        assert!(script.cookie(KEY_COOKIE).is_some());
    }
}

#[test]
fn who_waits_is_answered_when_the_sidecar_stops() {
    run(async {
        let mut sidecar = sidecar::on(Store::Redis).run();
        let client = sidecar.logged_in().await;
        let tag = client
            .get("/.stepup/status")
            .await
            .header("etag")
            .to_owned();
        let waiting = client
            .header("if-none-match", &tag)
            .header("prefer", "wait=60");
        let waits = tokio::task::spawn_local(async move { waiting.get("/.stepup/status").await });
        // It asks the store what it has to tell.
        let looked = || {
            redis::cmd("INFO")
                .arg("commandstats")
                .query::<String>(&mut sidecar.redis().connect())
                .unwrap()
        };
        let before = looked().matches("cmdstat_hgetall:calls=1,").count();
        assert_eq!(before, 1);
        until("a second look", async || {
            looked().contains("cmdstat_hgetall:calls=2,").then_some(())
        })
        .await;
        sidecar.process().signal("TERM");
        assert_eq!(soon("an answer", waits).await.unwrap().status, 304);
        assert!(sidecar.wait_exit().success());
    });
}
