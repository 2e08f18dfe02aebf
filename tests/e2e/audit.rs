//! The audit log: one event for each guarded decision and each step, chained, and no secret.

use crate::support::scene::{
    COOKIE, KEY_COOKIE, PASSWORD, Scene, Stage, on_both_stores, shows, stepgate, thief_of, token,
};
use crate::support::stepgate::run as run_stepgate;
use crate::support::until;
use http::Method;
use serde_json::{Value, json};
use std::fs;

fn short(event: &Value) -> (String, String, String) {
    let word = |member: &str| event[member].as_str().unwrap_or_default().to_owned();
    (word("event"), word("outcome"), word("reason"))
}

on_both_stores! {
    async fn each_guarded_decision_and_each_step_leaves_exactly_one_event(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        client.get("/unguarded").await;
        let refused = client.post_form("/pay", &[]).await;
        scene.send_code(&client, &token(&refused)).await;
        scene.verify(&client, &token(&refused), ("password", "wrong")).await;
        scene.pass(&client, &refused).await;
        client.post_form("/pay", &[]).await;
        client.post_form("/pay", &[]).await;
        thief_of(&scene, &client).post_form("/keys", &[]).await;
        scene.script().post_form("/keys", &[]).await;
        client.call(Method::POST, "/.stepup/lock", json!({})).await;
        client.post_form("/logout", &[]).await;
        scene.events(1, |event| event["event"] == "logout-observed");
        let told: Vec<_> = scene.audit().iter().map(short).collect();
        let expected = [
            ("started", "succeeded", ""),
            ("login-observed", "succeeded", ""),
            ("decision", "challenged", "step-up-required"),
            ("code-sent", "succeeded", ""),
            ("factor-answered", "refused", "wrong-answer"),
            ("verified", "succeeded", ""),
            ("decision", "forwarded", ""),
            ("decision", "challenged", "grant-spent"),
            ("decision", "challenged", "step-up-required"),
            ("decision", "denied", "session-required"),
            ("locked", "succeeded", ""),
            ("logout-observed", "succeeded", ""),
        ];
        let expected: Vec<_> = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())).into();
        assert_eq!(told, expected);
        let decision = &scene.decisions("/pay", 1)[0];
        assert_eq!(
            (&decision["action"], &decision["level"], &decision["subject"], &decision["method"], &decision["routes"]),
            (&json!("pay"), &json!(4), &json!("alice"), &json!("POST"), &json!(["pay"]))
        );
        assert!(decision["request_id"].is_string() && decision["client"] == "127.0.0.1");
    }

    async fn what_cannot_be_recorded_costs_no_grant(keeper: Keeper) {
        let scene = Stage::on(keeper).audit_with("stdout, queue: 64").set();
        let client = scene.logged_in().await;
        let refused = client.post_form("/pay", &[]).await;
        scene.pass(&client, &refused).await;
        let held = scene.stepgate.process().hold_output();
        let mut recorded = 0;
        while scene.script().post_form("/keys", &[]).await.status != 503 {
            recorded += 1;
            assert!(recorded < 5_000, "nobody reads the log, and all of it is taken");
        }
        assert_eq!(client.post_form("/pay", &[]).await.status, 503);
        drop(held);
        let pay = async || Some(client.post_form("/pay", &[]).await).filter(|answer| answer.status != 503);
        let paid = until("an answer", pay).await;
        assert_eq!(paid.status, 200, "{}", paid.text());
        assert_eq!(scene.got("/pay"), 1);
    }

    async fn a_guarded_request_that_cannot_be_judged_leaves_an_event_too(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let large = "x".repeat(100_000);
        let answer = client.post_form("/pay", &[("sum", &large)]).await;
        assert_eq!(answer.status, 413);
        let mut request = client.request(Method::POST, "/keys", "");
        request.headers_mut().insert("cookie", "sid=a; sid=b".parse().unwrap());
        assert_eq!(client.send(request).await.status, 400);
        let pay = &scene.decisions("/pay", 1)[0];
        assert_eq!(short(pay), ("decision".into(), "denied".into(), "body-too-large".into()));
        let keys = &scene.decisions("/keys", 1)[0];
        assert_eq!(short(keys), ("decision".into(), "denied".into(), "ambiguous-request".into()));
    }

    async fn rule_7_no_secret_in_audit_log_or_store(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let mut secrets = vec![PASSWORD.to_owned(), "App-pass-1!".into(), scene.totp_secret()];
        let mut note = |client: &crate::support::client::Client| {
            secrets.extend([client.cookie(COOKIE).unwrap(), client.cookie(KEY_COOKIE).unwrap()]);
        };
        note(&client);
        let refused = client.post_form("/pay?apikey=query-secret", &[("card", "4111-form-secret")]).await;
        scene.send_code(&client, &token(&refused)).await;
        let code = scene.code(1);
        scene.verify(&client, &token(&refused), ("email_code", "wrong-answer-typed")).await;
        scene.verify(&client, &token(&refused), ("email_code", &code)).await;
        note(&client);
        let both = client.post_form("/both", &[]).await;
        let totp = scene.totp(0);
        scene.verify(&client, &token(&both), ("totp", &totp)).await;
        scene.verify(&client, &token(&both), ("password", PASSWORD)).await;
        note(&client);
        let api = scene.client().header("authorization", "Bearer api-secret-credential");
        api.post_form("/keys", &[]).await;
        let page = scene.browser_of(&client).post_form("/email", &[("email", "form-value@example.test")]).await;
        assert!(page.status == 403);
        client.get("/rotate").await;
        note(&client);
        client.post_form("/logout", &[]).await;
        scene.events(1, |event| event["event"] == "logout-observed");
        secrets.extend([
            token(&refused), token(&both), code, totp, "query-secret".into(), "4111-form-secret".into(),
            "wrong-answer-typed".into(), "api-secret-credential".into(), "form-value@example.test".into(),
        ]);
        let (log, dump) = (scene.log(), scene.dump());
        assert!(log.len() > 1000 && dump.len() > 100);
        for secret in &secrets {
            assert!(!shows(&log, secret), "{secret} is in the log");
            assert!(!shows(&dump, secret), "{secret} is in the store");
        }
        // The person's address is in the directory and nowhere else.
        assert!(!log.contains(&scene.address));
    }

    async fn the_chain_verifies_and_a_tampered_line_is_found(keeper: Keeper) {
        let mut scene = Stage::on(keeper).audit_in_a_file().set();
        let client = scene.logged_in().await;
        for path in ["/keys", "/pay", "/email"] {
            client.post_form(path, &[]).await;
        }
        scene.restart();
        client.at(scene.stepgate.addr()).post_form("/keys", &[]).await;
        scene.stepgate.end();
        let told = stepgate(&scene.dir, &["audit", "verify", "audit.log"]);
        assert!(told.starts_with("ok: "), "{told}");
        let path = scene.dir.path().join("audit.log");
        let log = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = log.lines().collect();
        assert!(lines.len() >= 10, "{log}");
        let changed = log.replacen("\"challenged\"", "\"forwarded\"", 1);
        let without: Vec<&str> = lines.iter().enumerate().filter(|(at, _)| *at != 5).map(|(_, line)| *line).collect();
        let mut swapped = lines.clone();
        swapped.swap(4, 5);
        for (what, text) in [("changed", changed), ("removed", without.join("\n")), ("swapped", swapped.join("\n"))] {
            fs::write(&path, text + "\n").unwrap();
            let output = run_stepgate(&scene.dir, &["audit", "verify", "audit.log"]);
            assert_eq!(output.status.code(), Some(1), "a line {what} is not found");
        }
    }
}
