//! What a session holds, and dropping it.

use crate::support::sidecar::{self, KEY_COOKIE, PASSWORD};
use crate::support::store::on_both_stores;
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
        let page = browser.get(away.header("location")).await;
        let anti_forgery = page.hidden("anti_forgery");
        let locked = browser.post_form("/.stepup/lock", &[("anti_forgery", &anti_forgery)]).await;
        assert_eq!(locked.status, 200);
        assert_eq!(script.post("/keys").await.status, 403);
        assert!(script.cookie(KEY_COOKIE).is_some());
    }
}
