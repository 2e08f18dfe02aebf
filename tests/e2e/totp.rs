//! A code of an authenticator app, as a proof.

use crate::support::sidecar;
use crate::support::store::on_both_stores;
use futures_util::future::join_all;
use serde_json::json;

on_both_stores! {
    async fn a_code_opens_the_route(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/totp").await;
        assert_eq!(refused.json()["challenge"]["factors"], json!([["totp"]]));
        let code = sidecar.totp(0);
        let (first, rest) = code.split_at(3);
        let passed = client.verify(&refused.token(), ("totp", &format!("{first} {rest}"))).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
        assert_eq!(client.post("/totp").await.status, 200);
    }

    async fn rule_4_a_totp_step_is_taken_once(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let code = sidecar.totp(0);
        let refused = client.post("/totp").await;
        let passed = client.verify(&refused.token(), ("totp", &code)).await;
        assert_eq!(passed.json()["verified"], true);

        // Neither for another challenge, nor in another session, nor an earlier step.
        let other = sidecar.logged_in().await;
        let refused = other.post("/totp").await;
        for stale in [code, sidecar.totp(-1)] {
            let answer = other.verify(&refused.token(), ("totp", &stale)).await;
            assert_eq!(answer.reason(), "wrong-answer");
        }
        assert_eq!(other.post("/totp").await.status, 403);
        let passed = other.verify(&refused.token(), ("totp", &sidecar.totp(1))).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
    }

    async fn one_code_in_parallel_challenges_passes_one(store: Store) {
        let sidecar = sidecar::on(store).run();
        let code = sidecar.totp(0);
        let mut answers = Vec::new();
        for _ in 0..8 {
            let client = sidecar.logged_in().await;
            let refused = client.post("/totp").await;
            answers.push((client, refused.token()));
        }
        let answers = answers.iter().map(|(client, token)| client.verify(token, ("totp", &code)));
        let passed = join_all(answers).await;
        let passed = passed.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(passed, 1);
    }

    async fn a_code_two_steps_away_is_wrong(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/totp").await;
        // The next step may begin while we ask: of three ahead two are left.
        for step in [-2, 3] {
            let answer = client.verify(&refused.token(), ("totp", &sidecar.totp(step))).await;
            assert_eq!(answer.reason(), "wrong-answer");
        }
    }

    async fn whoever_has_no_authenticator_is_told_what_to_do(store: Store) {
        let sidecar = sidecar::on(store).run();
        sidecar.command(&["user", "totp", "alice", "--remove"]);
        let client = sidecar.logged_in().await;
        let refused = client.post("/totp").await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, "method-not-enrolled".into()));
        assert!(refused.json()["detail"].as_str().unwrap().len() > 20);
        // Nothing that could be answered is handed out; what would help is.
        assert_eq!(refused.json().get("challenge"), None);
        assert!(refused.json()["enroll_url"].as_str().unwrap().starts_with("/.stepup/enroll"));
        assert_eq!(client.post("/totp").await.status, 403);
        assert_eq!(sidecar.got("/totp"), 0);
    }
}
