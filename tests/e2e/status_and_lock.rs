//! What a session holds, and dropping it.

use crate::support::scene::{KEY_COOKIE, Scene, Stage, on_both_stores, reason, thief_of};
use http::Method;
use serde_json::json;

on_both_stores! {
    async fn status_tells_level_methods_ages_and_expiry(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let told = client.get("/.stepup/status").await.json();
        assert_eq!((&told["level"], &told["methods"]), (&json!(2), &json!([])));
        assert!(told["authenticated_at"].is_string() && told["verified_at"].is_null());
        let refused = client.post_form("/keys", &[]).await;
        scene.pass(&client, &refused).await;
        let told = client.get("/.stepup/status").await.json();
        assert_eq!(told["methods"], json!(["password"]));
        for member in ["authenticated_at", "verified_at", "expires_at"] {
            assert!(told[member].as_str().unwrap().ends_with('Z'), "{told}");
        }
        // A copied cookie is told that it holds nothing.
        let told = thief_of(&scene, &client).get("/.stepup/status").await.json();
        assert_eq!((&told["level"], &told["methods"], &told["verified_at"]), (&json!(0), &json!([]), &json!(null)));
        let nobody = scene.script().get("/.stepup/status").await;
        assert_eq!(reason(&nobody), "session-required");
    }

    async fn status_tells_of_a_route_beforehand_and_takes_nothing(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let ask = async |query: &str| client.get(&format!("/.stepup/status?{query}")).await.json()["route"].clone();
        assert_eq!(ask("method=GET&path=/anything").await["guarded"], false);
        let route = ask("method=POST&path=/users/7/delete").await;
        assert_eq!((&route["guarded"], &route["satisfied"], &route["level"]), (&json!(true), &json!(false), &json!(4)));
        assert_eq!((&route["action"], &route["reason"]), (&json!("account.delete"), &json!("step-up-required")));
        let refused = client.post_form("/users/7/delete", &[]).await;
        let body = json!({ "token": crate::support::scene::token(&refused), "factor": "password",
            "answer": crate::support::scene::PASSWORD, "confirm": "DELETE" });
        client.call(Method::POST, "/.stepup/verify", body).await;
        for _ in 0..2 {
            assert_eq!(ask("method=POST&path=/users/7/delete").await["satisfied"], true);
            assert_eq!(ask("method=POST&path=/users/8/delete").await["satisfied"], false);
        }
        assert_eq!(client.post_form("/users/7/delete", &[]).await.status, 200);
        assert_eq!(ask("method=POST&path=/users/7/delete").await["satisfied"], false);
    }

    async fn lock_drops_all_elevation_of_this_session_alone(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let other = scene.logged_in().await;
        for client in [&client, &other] {
            for path in ["/keys", "/pay"] {
                let refused = client.post_form(path, &[]).await;
                scene.pass(client, &refused).await;
            }
        }
        let locked = client.call(Method::POST, "/.stepup/lock", json!({})).await;
        assert_eq!((locked.status.as_u16(), locked.json()), (200, json!({ "locked": true })));
        assert_eq!(client.get("/.stepup/status").await.json()["level"], 0);
        for path in ["/low", "/medium", "/proven", "/settings", "/keys", "/pay"] {
            assert_eq!(client.post_form(path, &[]).await.status, 403, "{path}");
        }
        assert_eq!(other.post_form("/keys", &[]).await.status, 200);
        // The session is still one: it can be elevated again.
        let refused = client.post_form("/keys", &[]).await;
        scene.pass(&client, &refused).await;
        assert_eq!(client.post_form("/keys", &[]).await.status, 200);
        assert_eq!(scene.events(1, |event| event["event"] == "locked")[0]["subject"], "alice");
    }

    async fn a_person_locks_by_the_form_of_their_own_page(keeper: Keeper) {
        let scene = Stage::on(keeper).set();
        let script = scene.logged_in().await;
        let refused = script.post_form("/keys", &[]).await;
        scene.pass(&script, &refused).await;
        let browser = scene.browser_of(&script);
        let away = browser.get("/secrets").await;
        let page = browser.get(away.header("location")).await;
        let anti_forgery = page.hidden("anti_forgery");
        let locked = browser.post_form("/.stepup/lock", &[("anti_forgery", &anti_forgery)]).await;
        assert_eq!(locked.status, 200);
        assert_eq!(script.post_form("/keys", &[]).await.status, 403);
        assert!(script.cookie(KEY_COOKIE).is_some());
    }
}
