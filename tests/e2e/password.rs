//! A password, as a proof.

use crate::support::scene::{KEY_COOKIE, PASSWORD, Scene, Stage, on_both_stores, reason, token};
use http::Method;
use serde_json::json;

on_both_stores! {
    async fn the_right_password_opens_the_route_and_renews_the_browser_key(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let refused = client.post_form("/keys", &[]).await;
        assert_eq!(refused.status, 403);
        assert_eq!(scene.got("/keys"), 0);

        let before = client.cookie(KEY_COOKIE).unwrap();
        let passed = scene.verify(&client, &token(&refused), ("password", PASSWORD)).await;
        let told = passed.json();
        assert_eq!((passed.status.as_u16(), &told["verified"]), (200, &json!(true)), "{told}");
        assert_eq!(told["remaining"], json!([]));
        assert!(told["expires_at"].as_str().unwrap().ends_with('Z'));
        assert!(told.get("key").is_none(), "a script must not see the key: {told}");
        assert_ne!(client.cookie(KEY_COOKIE).unwrap(), before, "the key is not renewed");

        assert_eq!(client.post_form("/keys", &[]).await.status, 200);
        assert_eq!(scene.got("/keys"), 1);
    }

    async fn a_hash_of_a_lower_cost_is_renewed_by_the_right_answer(keeper: Keeper) {
        let mut scene = Scene::on(keeper);
        scene.restart_with("passes: 1 }", "passes: 2 }");
        let client = scene.logged_in().await;
        for answered in ["/keys", "/email"] {
            let refused = client.post_form(answered, &[]).await;
            scene.verify(&client, &token(&refused), ("password", "not it")).await;
            scene.pass(&client, &refused).await;
            let process = scene.stepgate.process();
            process.wait_for_line("a password hash was renewed");
            let is_told = |line: &&String| line.contains("a password hash was renewed");
            assert_eq!(process.lines().iter().filter(is_told).count(), 1, "{answered}");
        }
        // Now it is of a higher cost, and stays so.
        scene.restart_with("passes: 2 }", "passes: 1 }");
        let client = client.at(scene.stepgate.addr());
        let refused = client.post_form("/brief", &[]).await;
        scene.pass(&client, &refused).await;
    }

    async fn a_wrong_password_opens_nothing_and_says_how_many_are_left(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let refused = client.post_form("/keys", &[]).await;
        let wrong = scene.verify(&client, &token(&refused), ("password", "not it")).await;
        assert_eq!(wrong.status, 403);
        assert_eq!(reason(&wrong), "wrong-answer");
        assert_eq!(wrong.json()["attempts_left"], 4, "{}", wrong.text());
        assert_eq!(client.post_form("/keys", &[]).await.status, 403);
        assert_eq!(scene.got("/keys"), 0);
        // The challenge is not over: the right one still passes.
        scene.pass(&client, &refused).await;
        assert_eq!(client.post_form("/keys", &[]).await.status, 200);
    }

    async fn the_factor_is_checked_for_the_sessions_subject_alone(keeper: Keeper) {
        let scene = Stage::on(keeper).set();
        crate::support::scene::enroll(&scene.dir, "mallory", "mallory@example.test");
        let client = scene.script();
        scene.log_in(&client, "nobody-we-know").await;
        let refused = client.post_form("/keys", &[]).await;
        // Whoever is not in the directory has no factor, whatever name the client sends.
        assert_eq!(reason(&refused), "method-not-enrolled");
        let body = json!({ "token": token(&refused), "factor": "password", "answer": PASSWORD,
            "user": "mallory", "subject": "mallory" });
        let answer = client.call(Method::POST, "/.stepup/verify", body).await;
        assert_eq!(answer.status, 403, "{}", answer.text());
        assert_eq!(client.post_form("/keys", &[]).await.status, 403);
        assert_eq!(scene.got("/keys"), 0);
    }

    async fn rule_8_a_reader_learns_nothing_about_which_accounts_exist(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let mut told = Vec::new();
        for user in ["alice", "nobody-we-know"] {
            let client = scene.script();
            scene.log_in(&client, user).await;
            let refused = client.post_form("/keys", &[]).await;
            let wrong = scene.verify(&client, &token(&refused), ("password", "not it")).await;
            let mut document = wrong.json();
            document.as_object_mut().unwrap().remove("request_id");
            told.push((wrong.status, document));
        }
        assert_eq!(told[0], told[1]);
    }

    async fn an_answer_of_another_kind_than_asked_is_refused(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let refused = client.post_form("/totp", &[]).await;
        let answer = scene.verify(&client, &token(&refused), ("password", PASSWORD)).await;
        assert_eq!(reason(&answer), "method-not-enrolled");
        let answer = scene.verify(&client, &token(&refused), ("smoke_signal", "x")).await;
        assert_eq!(answer.status, 400);
        assert_eq!(client.post_form("/totp", &[]).await.status, 403);
    }

    async fn an_answer_without_a_session_or_with_no_challenge_earns_nothing(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let refused = client.post_form("/keys", &[]).await;
        let stranger = scene.script();
        let answer = scene.verify(&stranger, &token(&refused), ("password", PASSWORD)).await;
        assert_eq!((answer.status.as_u16(), reason(&answer)), (401, "session-required".into()));
        for nonsense in ["", "AAAA", &"A".repeat(20_000)] {
            let answer = scene.verify(&client, nonsense, ("password", PASSWORD)).await;
            assert_eq!(reason(&answer), "challenge-expired");
        }
        let mut turned = token(&refused);
        let last = turned.pop().unwrap();
        turned.push(if last == 'A' { 'B' } else { 'A' });
        let answer = scene.verify(&client, &turned, ("password", PASSWORD)).await;
        assert_eq!(reason(&answer), "challenge-expired");
    }

    async fn rule_4_a_challenge_is_taken_once(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let refused = client.post_form("/pay", &[("to", "bob"), ("sum", "1")]).await;
        scene.pass(&client, &refused).await;
        let again = scene.verify(&client, &token(&refused), ("password", PASSWORD)).await;
        assert_eq!(reason(&again), "challenge-expired", "{}", again.text());
    }
}
