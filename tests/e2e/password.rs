//! A password, as a proof.

use crate::support::sidecar::{self, KEY_COOKIE, PASSWORD};
use crate::support::store::on_both_stores;
use http::Method;
use serde_json::json;

on_both_stores! {
    async fn the_right_password_opens_the_route_and_renews_the_browser_key(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        assert_eq!(refused.status, 403);
        assert_eq!(sidecar.got("/keys"), 0);

        let before = client.cookie(KEY_COOKIE).unwrap();
        let passed = client.verify(&refused.token(), ("password", PASSWORD)).await;
        let told = passed.json();
        assert_eq!((passed.status.as_u16(), &told["verified"]), (200, &json!(true)), "{told}");
        assert_eq!(told["remaining"], json!([]));
        assert!(told["expires_at"].as_str().unwrap().ends_with('Z'));
        assert!(told.get("key").is_none(), "a script must not see the key: {told}");
        assert_ne!(client.cookie(KEY_COOKIE).unwrap(), before, "the key is not renewed");

        assert_eq!(client.post("/keys").await.status, 200);
        assert_eq!(sidecar.got("/keys"), 1);
    }

    async fn a_hash_of_a_lower_cost_is_renewed_by_the_right_answer(store: Store) {
        let mut sidecar = sidecar::on(store).run();
        sidecar.restart_with("passes: 1 }", "passes: 2 }");
        let client = sidecar.logged_in().await;
        for answered in ["/keys", "/email"] {
            let refused = client.post(answered).await;
            client.verify(&refused.token(), ("password", "not it")).await;
            client.pass(&refused).await;
            let process = sidecar.process();
            process.wait_for_line("a password hash was renewed");
            let is_told = |line: &&String| line.contains("a password hash was renewed");
            assert_eq!(process.lines().iter().filter(is_told).count(), 1, "{answered}");
        }
        // Now it is of a higher cost, and stays so.
        sidecar.restart_with("passes: 2 }", "passes: 1 }");
        client.earn("/brief").await;
    }

    async fn a_wrong_password_opens_nothing_and_says_how_many_are_left(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        let wrong = client.verify(&refused.token(), ("password", "not it")).await;
        assert_eq!(wrong.status, 403);
        assert_eq!(wrong.reason(), "wrong-answer");
        assert_eq!(wrong.json()["attempts_left"], 4, "{}", wrong.text());
        assert_eq!(client.post("/keys").await.status, 403);
        assert_eq!(sidecar.got("/keys"), 0);
        // The challenge is not over: the right one still passes.
        client.pass(&refused).await;
        assert_eq!(client.post("/keys").await.status, 200);
    }

    async fn the_factor_is_checked_for_the_sessions_subject_alone(store: Store) {
        let sidecar = sidecar::on(store).run();
        sidecar.enroll_as("mallory", "mallory@example.test");
        sidecar.enroll_as("nobody-we-know", "nobody@example.test");
        let client = sidecar.script();
        client.log_in("nobody-we-know").await;
        let refused = client.post("/keys").await;
        sidecar.command(&["user", "remove", "nobody-we-know"]);
        // Whoever is not in the directory has no factor, whatever name the client sends.
        assert_eq!(client.post("/keys").await.reason(), "method-not-enrolled");
        let body = json!({ "token": refused.token(), "factor": "password", "answer": PASSWORD,
            "user": "mallory", "subject": "mallory" });
        let answer = client.call(Method::POST, "/.stepup/verify", body).await;
        assert_eq!(answer.status, 403, "{}", answer.text());
        assert_eq!(client.post("/keys").await.status, 403);
        assert_eq!(sidecar.got("/keys"), 0);
    }

    async fn rule_8_a_reader_learns_nothing_about_which_accounts_exist(store: Store) {
        let sidecar = sidecar::on(store).run();
        sidecar.enroll_as("nobody-we-know", "nobody@example.test");
        let mut told = Vec::new();
        for user in ["alice", "nobody-we-know"] {
            let client = sidecar.script();
            client.log_in(user).await;
            let refused = client.post("/keys").await;
            if user != "alice" {
                sidecar.command(&["user", "remove", user]);
            }
            let wrong = client.verify(&refused.token(), ("password", "not it")).await;
            let mut document = wrong.json();
            document.as_object_mut().unwrap().remove("request_id");
            told.push((wrong.status, document));
        }
        assert_eq!(told[0], told[1]);
    }

    async fn an_answer_of_another_kind_than_asked_is_refused(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/totp").await;
        let answer = client.verify(&refused.token(), ("password", PASSWORD)).await;
        assert_eq!(answer.reason(), "method-not-enrolled");
        let answer = client.verify(&refused.token(), ("smoke_signal", "x")).await;
        assert_eq!(answer.status, 400);
        for value in [json!({ "code": sidecar.totp(0) }), json!(123_456), json!([]), json!(null)] {
            let body = json!({ "token": refused.token(), "factor": "totp", "answer": value });
            let answer = client.call(Method::POST, "/.stepup/verify", body).await;
            assert_eq!((answer.status.as_u16(), answer.reason()), (400, "ambiguous-request".into()));
        }
        assert_eq!(client.post("/totp").await.status, 403);
    }

    async fn an_answer_without_a_session_or_with_no_challenge_earns_nothing(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        let stranger = sidecar.script();
        let answer = stranger.verify(&refused.token(), ("password", PASSWORD)).await;
        assert_eq!((answer.status.as_u16(), answer.reason()), (401, "session-required".into()));
        for nonsense in ["", "AAAA", &"A".repeat(20_000)] {
            let answer = client.verify(nonsense, ("password", PASSWORD)).await;
            assert_eq!(answer.reason(), "challenge-expired");
        }
        let mut turned = refused.token();
        let last = turned.pop().unwrap();
        turned.push(if last == 'A' { 'B' } else { 'A' });
        let answer = client.verify(&turned, ("password", PASSWORD)).await;
        assert_eq!(answer.reason(), "challenge-expired");
    }

    async fn rule_4_a_challenge_is_taken_once(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post_form("/pay", &[("to", "bob"), ("sum", "1")]).await;
        client.pass(&refused).await;
        let again = client.verify(&refused.token(), ("password", PASSWORD)).await;
        assert_eq!(again.reason(), "challenge-expired", "{}", again.text());
    }
}
