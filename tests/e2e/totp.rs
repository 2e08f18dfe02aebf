//! A code of an authenticator app, as a proof.

use crate::support::scene::{PASSWORD, Scene, on_both_stores, reason, stepgate, token};
use futures_util::future::join_all;
use serde_json::json;

on_both_stores! {
    async fn a_code_opens_the_route(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let refused = client.post_form("/totp", &[]).await;
        assert_eq!(refused.json()["challenge"]["factors"], json!([["totp"]]));
        let code = scene.totp(0);
        let (first, rest) = code.split_at(3);
        let passed = scene.verify(&client, &token(&refused), ("totp", &format!("{first} {rest}"))).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
        assert_eq!(client.post_form("/totp", &[]).await.status, 200);
    }

    async fn rule_4_a_totp_step_is_taken_once(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let code = scene.totp(0);
        let refused = client.post_form("/totp", &[]).await;
        let passed = scene.verify(&client, &token(&refused), ("totp", &code)).await;
        assert_eq!(passed.json()["verified"], true);

        // Neither for another challenge, nor in another session, nor an earlier step.
        let other = scene.logged_in().await;
        let refused = other.post_form("/totp", &[]).await;
        for stale in [code, scene.totp(-1)] {
            let answer = scene.verify(&other, &token(&refused), ("totp", &stale)).await;
            assert_eq!(reason(&answer), "wrong-answer");
        }
        assert_eq!(other.post_form("/totp", &[]).await.status, 403);
        let passed = scene.verify(&other, &token(&refused), ("totp", &scene.totp(1))).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
    }

    async fn one_code_in_parallel_challenges_passes_one(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let code = scene.totp(0);
        let mut answers = Vec::new();
        for _ in 0..8 {
            let client = scene.logged_in().await;
            let refused = client.post_form("/totp", &[]).await;
            answers.push((client, token(&refused)));
        }
        let answers = answers.iter().map(|(client, token)| scene.verify(client, token, ("totp", &code)));
        let passed = join_all(answers).await;
        let passed = passed.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(passed, 1);
    }

    async fn a_code_two_steps_away_is_wrong(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let refused = client.post_form("/totp", &[]).await;
        // The next step may begin while we ask: of three ahead two are left.
        for step in [-2, 3] {
            let answer = scene.verify(&client, &token(&refused), ("totp", &scene.totp(step))).await;
            assert_eq!(reason(&answer), "wrong-answer");
        }
    }

    async fn whoever_has_no_authenticator_is_told_what_to_do(keeper: Keeper) {
        let scene = Scene::on(keeper);
        stepgate(&scene.dir, &["user", "totp", "alice", "--remove"]);
        let client = scene.logged_in().await;
        let refused = client.post_form("/totp", &[]).await;
        assert_eq!((refused.status.as_u16(), reason(&refused)), (403, "method-not-enrolled".into()));
        assert!(refused.json()["detail"].as_str().unwrap().len() > 20);
        assert_eq!(refused.json()["challenge"]["factors"], json!([]));
        let answer = scene.verify(&client, &token(&refused), ("totp", &scene.totp(0))).await;
        assert_eq!(answer.status, 403);
        let answer = scene.verify(&client, &token(&refused), ("password", PASSWORD)).await;
        assert_eq!(answer.status, 403);
        assert_eq!(client.post_form("/totp", &[]).await.status, 403);
        assert_eq!(scene.got("/totp"), 0);
    }
}
