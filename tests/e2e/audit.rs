//! The audit log: one event for each guarded decision and each step, chained, and no secret.

use crate::support::sidecar::{self, COOKIE, KEY_COOKIE, PASSWORD, shows};
use crate::support::stepgate::run as run_stepgate;
use crate::support::store::on_both_stores;
use crate::support::until;
use http::Method;
use serde_json::{Value, json};
use std::fs;

fn short(event: &Value) -> (String, String, String) {
    let word = |member: &str| event[member].as_str().unwrap_or_default().to_owned();
    (word("event"), word("outcome"), word("reason"))
}

on_both_stores! {
    async fn each_guarded_decision_and_each_step_leaves_exactly_one_event(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        client.get("/unguarded").await;
        let refused = client.post("/pay").await;
        client.send_code(&refused.token()).await;
        client.verify(&refused.token(), ("password", "wrong")).await;
        client.pass(&refused).await;
        client.post("/pay").await;
        client.post("/pay").await;
        sidecar.thief_of(&client).post("/keys").await;
        sidecar.script().post("/keys").await;
        client.call(Method::POST, "/.stepup/lock", json!({})).await;
        client.post("/logout").await;
        sidecar.events(1, |event| event["event"] == "logout-observed");
        let told: Vec<_> = sidecar.audit().iter().map(short).collect();
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
        let decision = &sidecar.decisions("/pay", 1)[0];
        assert_eq!(
            (&decision["action"], &decision["level"], &decision["subject"], &decision["method"], &decision["routes"]),
            (&json!("pay"), &json!(4), &json!("alice"), &json!("POST"), &json!(["pay"]))
        );
        assert!(decision["request_id"].is_string() && decision["client"] == "127.0.0.1");
    }

    async fn what_cannot_be_recorded_costs_no_grant(store: Store) {
        let sidecar = sidecar::on(store).line("audit: { target: stdout, queue: 64 }").run();
        let client = sidecar.logged_in().await;
        client.earn("/pay").await;
        let held = sidecar.process().hold_output();
        let mut recorded = 0;
        while sidecar.script().post("/keys").await.status != 503 {
            recorded += 1;
            assert!(recorded < 5_000, "nobody reads the log, and all of it is taken");
        }
        assert_eq!(client.post("/pay").await.status, 503);
        drop(held);
        let pay = async || Some(client.post("/pay").await).filter(|answer| answer.status != 503);
        let paid = until("an answer", pay).await;
        assert_eq!(paid.status, 200, "{}", paid.text());
        assert_eq!(sidecar.got("/pay"), 1);
    }

    async fn a_guarded_request_that_cannot_be_judged_leaves_an_event_too(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let large = "x".repeat(100_000);
        let answer = client.post_form("/pay", &[("sum", &large)]).await;
        assert_eq!(answer.status, 413);
        let mut request = client.request(Method::POST, "/keys", "");
        request.headers_mut().insert("cookie", "sid=a; sid=b".parse().unwrap());
        assert_eq!(client.send(request).await.status, 400);
        let pay = &sidecar.decisions("/pay", 1)[0];
        assert_eq!(short(pay), ("decision".into(), "denied".into(), "body-too-large".into()));
        let keys = &sidecar.decisions("/keys", 1)[0];
        assert_eq!(short(keys), ("decision".into(), "denied".into(), "ambiguous-request".into()));
    }

    async fn rule_7_no_secret_in_audit_log_or_store(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let mut secrets = vec![PASSWORD.to_owned(), "App-pass-1!".into(), sidecar.totp_secret()];
        let mut note = |client: &crate::support::client::Client| {
            secrets.extend([client.cookie(COOKIE).unwrap(), client.cookie(KEY_COOKIE).unwrap()]);
        };
        note(&client);
        let refused = client.post_form("/pay?note=query-secret", &[("card", "4111-form-secret")]).await;
        client.send_code(&refused.token()).await;
        let code = sidecar.code(1);
        client.verify(&refused.token(), ("email_code", "wrong-answer-typed")).await;
        client.verify(&refused.token(), ("email_code", &code)).await;
        note(&client);
        let both = client.post("/both").await;
        let totp = sidecar.totp(0);
        client.verify(&both.token(), ("totp", &totp)).await;
        client.verify(&both.token(), ("password", PASSWORD)).await;
        note(&client);
        let api = sidecar.client().header("authorization", "Bearer api-secret-credential");
        api.post("/keys").await;
        let page = sidecar.browser_of(&client).post_form("/email", &[("email", "form-value@example.test")]).await;
        assert!(page.status == 403);
        client.get("/rotate").await;
        note(&client);
        client.post("/logout").await;
        sidecar.events(1, |event| event["event"] == "logout-observed");
        secrets.extend([
            refused.token(), both.token(), code, totp, "query-secret".into(), "4111-form-secret".into(),
            "wrong-answer-typed".into(), "api-secret-credential".into(), "form-value@example.test".into(),
        ]);
        let (log, dump) = (sidecar.log(), sidecar.dump());
        assert!(log.len() > 1000 && dump.len() > 100);
        for secret in &secrets {
            assert!(!shows(&log, secret), "{secret} is in the log");
            assert!(!shows(&dump, secret), "{secret} is in the store");
        }
        // The person's address is in the directory and nowhere else.
        assert!(!log.contains(&sidecar.address));
    }

    async fn the_chain_verifies_and_a_tampered_line_is_found(store: Store) {
        let mut sidecar = sidecar::on(store).line("audit: { target: audit.log }").run();
        let client = sidecar.logged_in().await;
        for path in ["/keys", "/pay", "/email"] {
            client.post(path).await;
        }
        sidecar.restart();
        client.post("/keys").await;
        sidecar.end();
        let told = sidecar.command(&["audit", "verify", "audit.log"]);
        assert!(told.starts_with("ok: "), "{told}");
        let path = sidecar.path("audit.log");
        let log = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = log.lines().collect();
        assert!(lines.len() >= 10, "{log}");
        let changed = log.replacen("\"challenged\"", "\"forwarded\"", 1);
        let without: Vec<&str> = lines.iter().enumerate().filter(|(at, _)| *at != 5).map(|(_, line)| *line).collect();
        let mut swapped = lines.clone();
        swapped.swap(4, 5);
        for (what, text) in [("changed", changed), ("removed", without.join("\n")), ("swapped", swapped.join("\n"))] {
            fs::write(&path, text + "\n").unwrap();
            let output = run_stepgate(&sidecar.dir, &["audit", "verify", "audit.log"]);
            assert_eq!(output.status.code(), Some(1), "a line {what} is not found");
        }
    }

    async fn what_an_operator_does_beside_a_running_sidecar_is_in_its_chain(store: Store) {
        let mut sidecar = sidecar::on(store).line("audit: { target: audit.log }").run();
        let client = sidecar.logged_in().await;
        client.post("/keys").await;
        sidecar.command(&["user", "add", "bob", "--no-password", "--by", "Anna \"4711\""]);
        sidecar.command(&["user", "totp", "bob"]);
        client.post("/keys").await;
        sidecar.command(&["session", "revoke", "--user", "alice"]);
        sidecar.command(&["user", "set", "bob", "--rename", "rob"]);
        sidecar.dir.write("more.csv", "name\ncarol\ndave\n");
        sidecar.command(&["user", "import", "more.csv"]);
        client.post("/keys").await;
        sidecar.end();
        let log = fs::read_to_string(sidecar.path("audit.log")).unwrap();
        let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events.iter().filter(|event| event["path"] == "/keys").count(), 3, "{log}");
        let acts: Vec<_> = events.iter().filter(|event| event["operator"].is_string()).skip(2).collect(); // alice and her app were set up
        let told = |event: &Value| {
            let word = |member: &str| event[member].as_str().unwrap_or_default().to_owned();
            [word("event"), word("subject"), word("factor")].join(" ")
        };
        let told: Vec<_> = acts.iter().map(|event| told(event)).collect();
        let expected = [
            "user-added bob ", "factor-set bob totp", "session-revoked alice ", "user-changed rob ", "user-removed bob ",
            "user-added carol ", "user-added dave ",
        ];
        assert_eq!(told, expected);
        assert!(acts[0]["operator"].as_str().unwrap().starts_with("Anna \"4711\" (uid "));
        assert!(acts[1]["operator"].as_str().unwrap().contains("uid "));
        let verified = sidecar.command(&["audit", "verify", "audit.log"]);
        assert!(verified.starts_with("ok: "), "{verified}");
    }

    async fn what_cannot_be_recorded_an_operator_cannot_do(store: Store) {
        let sidecar = sidecar::on(store).line("audit: { target: audit.log }").run();
        let log = fs::OpenOptions::new().read(true).open(sidecar.path("audit.log")).unwrap();
        log.lock().unwrap();
        let output = run_stepgate(&sidecar.dir, &["user", "remove", "alice"]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(told.starts_with("error: not done, since it cannot be recorded: the audit log `"), "{told}");
        assert!(told.contains("another process has held its lock"), "{told}");
        drop(log);
        assert!(sidecar.command(&["user", "list"]).contains("alice"));
        sidecar.command(&["user", "remove", "alice"]);
        assert!(!sidecar.command(&["user", "list"]).contains("alice"));
    }

    async fn where_the_log_is_the_output_of_the_sidecar_a_command_tells_its_event(store: Store) {
        let sidecar = sidecar::on(store).run();
        let output = run_stepgate(&sidecar.dir, &["user", "remove", "alice", "--by", "Anna"]);
        let told = String::from_utf8(output.stderr).unwrap();
        let line: Value = serde_json::from_str(&told).unwrap();
        assert_eq!((&line["event"], &line["subject"]), (&json!("user-removed"), &json!("alice")));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "removed user `alice`\n");
    }
}
