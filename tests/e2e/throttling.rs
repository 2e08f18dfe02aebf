//! Guessing: counted before it is judged, and barred long before the owner is.

use crate::support::client::Client;
use crate::support::scene::{
    COOKIE, PASSWORD, Scene, Stage, USER, fresh_cookie, on_both_stores, reason, stepgate, thief_of,
    token,
};
use futures_util::future::join_all;
use std::collections::BTreeMap;

/// How answers were refused or taken.
fn tally(answers: &[crate::support::client::Answer]) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for answer in answers {
        let word = if answer.status == 200 {
            "verified".to_owned()
        } else {
            reason(answer)
        };
        *tally.entry(word).or_default() += 1;
    }
    tally
}

async fn guess(
    scene: &Scene,
    client: &Client,
    times: usize,
) -> Vec<crate::support::client::Answer> {
    let refused = client.post_form("/keys", &[]).await;
    let challenge = token(&refused);
    let guesses = (0..times).map(|_| scene.verify(client, &challenge, ("password", "a guess")));
    join_all(guesses).await
}

on_both_stores! {
    async fn rule_5_of_many_guesses_at_once_five_are_judged(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let answers = guess(&scene, &client, 30).await;
        let tally = tally(&answers);
        assert_eq!(tally["wrong-answer"], 5, "{tally:?}");
        assert_eq!(tally["challenge-expired"], 25, "{tally:?}");
        // The right answer comes too late for this challenge.
        let refused = client.post_form("/keys", &[]).await;
        scene.pass(&client, &refused).await;
    }

    async fn rule_5_a_new_cookie_is_no_fresh_attempt_where_a_proxy_says_who_it_is(keeper: Keeper) {
        let scene = Stage::on(keeper)
            .session("headers: { subject: remote-user }")
            .more("trusted_proxies: [127.0.0.1]")
            .set();
        let somebody = || {
            let client = scene.script().header("remote-user", USER);
            client.set_cookie(COOKIE, &fresh_cookie());
            client
        };
        let owner = somebody();
        let refused = owner.post_form("/keys", &[]).await;
        scene.pass(&owner, &refused).await;
        let mut judged = 0;
        for _ in 0..4 {
            let answers = guess(&scene, &somebody(), 5).await;
            judged += tally(&answers).get("wrong-answer").copied().unwrap_or(0);
        }
        assert_eq!(judged, 10);
        // Nor is it an attempt of the owner's, in the browser that they verified in.
        let refused = owner.post_form("/email", &[]).await;
        scene.pass(&owner, &refused).await;
        let unlocked = stepgate(&scene.dir, &["user", "unlock", USER]);
        assert!(unlocked.contains(USER), "{unlocked}");
        let stranger = somebody();
        let refused = stranger.post_form("/keys", &[]).await;
        scene.pass(&stranger, &refused).await;
    }

    async fn rule_5_a_session_is_barred_long_before_the_owner_is(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let thief = scene.logged_in().await;
        let mut judged = 0;
        for _ in 0..4 {
            let answers = guess(&scene, &thief, 5).await;
            judged += tally(&answers).get("wrong-answer").copied().unwrap_or(0);
        }
        assert_eq!(judged, 10);
        let barred = &guess(&scene, &thief, 1).await[0];
        assert_eq!((barred.status.as_u16(), reason(barred)), (429, "too-many-attempts".into()));
        let wait: u64 = barred.header("retry-after").parse().unwrap();
        assert!((800..=900).contains(&wait), "{wait}");
        assert_eq!(barred.json()["retry_after"], wait);
        // The owner, in a session of her own, is not locked out.
        let owner = scene.logged_in().await;
        let refused = owner.post_form("/keys", &[]).await;
        scene.pass(&owner, &refused).await;
        assert_eq!(owner.post_form("/keys", &[]).await.status, 200);
    }

    async fn rule_5_answers_count_per_client_address(keeper: Keeper) {
        let scene = Stage::on(keeper)
            .limits("address: { attempts: 7, window: 10m }")
            .more("trusted_proxies: [127.0.0.1]")
            .set();
        let from = |address: &str| scene.script().header("x-forwarded-for", address);
        let mut judged = 0;
        for _ in 0..3 {
            let client = from("203.0.113.7");
            scene.log_in(&client, "alice").await;
            judged += tally(&guess(&scene, &client, 4).await).get("wrong-answer").copied().unwrap_or(0);
        }
        assert_eq!(judged, 7);
        let client = from("203.0.113.7");
        scene.log_in(&client, "alice").await;
        let barred = &guess(&scene, &client, 1).await[0];
        assert_eq!((barred.status.as_u16(), reason(barred)), (429, "too-many-attempts".into()));
        let elsewhere = from("203.0.113.8");
        scene.log_in(&elsewhere, "alice").await;
        let refused = elsewhere.post_form("/keys", &[]).await;
        scene.pass(&elsewhere, &refused).await;
    }

    async fn rule_5_a_hundred_failures_lock_the_factor_until_an_operator_unlocks_it(keeper: Keeper) {
        let scene = Stage::on(keeper)
            .limits("address: { attempts: 1000, window: 10m }")
            .set();
        let mut judged = 0;
        for _ in 0..20 {
            let client = scene.logged_in().await;
            judged += tally(&guess(&scene, &client, 5).await).get("wrong-answer").copied().unwrap_or(0);
        }
        assert_eq!(judged, 100);
        let owner = scene.logged_in().await;
        let refused = owner.post_form("/keys", &[]).await;
        let locked = scene.verify(&owner, &token(&refused), ("password", PASSWORD)).await;
        assert_eq!((locked.status.as_u16(), reason(&locked)), (403, "factor-locked".into()));
        // Another factor is another counter.
        let passed = scene.verify(&owner, &token(&refused), ("totp", &scene.totp(0))).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        // What a success with one factor clears is not what guards another.
        let refused = owner.post_form("/pay", &[]).await;
        let locked = scene.verify(&owner, &token(&refused), ("password", PASSWORD)).await;
        assert_eq!(reason(&locked), "factor-locked");
        stepgate(&scene.dir, &["user", "unlock", "alice"]);
        scene.pass(&owner, &refused).await;
    }

    async fn a_thief_whose_cookie_is_given_anew_has_no_fresh_attempts(keeper: Keeper) {
        let scene = Stage::on(keeper).limits("session: { attempts: 3, window: 15m }").set();
        let client = scene.logged_in().await;
        let thief = thief_of(&scene, &client);
        let mut judged = 0;
        for _ in 0..3 {
            for _ in 0..3 {
                let refused = thief.post_form("/keys", &[]).await;
                let answer = scene.verify(&thief, &token(&refused), ("password", "not it")).await;
                judged += usize::from(reason(&answer) == "wrong-answer");
            }
            assert_eq!(thief.get("/rotate").await.status, 200);
        }
        assert_eq!(judged, 3);
    }

    async fn rule_5_a_success_clears_the_failures_of_its_factor(keeper: Keeper) {
        let scene = Stage::on(keeper).limits("factor: 6\naddress: { attempts: 1000, window: 10m }").set();
        for _ in 0..3 {
            let client = scene.logged_in().await;
            assert_eq!(tally(&guess(&scene, &client, 4).await)["wrong-answer"], 4);
            let refused = client.post_form("/keys", &[]).await;
            scene.pass(&client, &refused).await;
        }
    }

    async fn rule_5_a_second_code_draws_on_the_budget_for_answers(keeper: Keeper) {
        let scene = Stage::on(keeper)
            .limits("resend_after: 1ms\nchallenge: 2\ncodes: { attempts: 50, window: 10m }\ncodes_in_session: { attempts: 50, window: 10m }")
            .set();
        let client = scene.logged_in().await;
        let refused = client.post_form("/keys", &[]).await;
        let mut sent = 0;
        for _ in 0..6 {
            let answer = scene.send_code(&client, &token(&refused)).await;
            sent += usize::from(answer.status == 200);
        }
        assert_eq!(sent, 3, "the first is free, two draw on the budget");
        let late = scene.verify(&client, &token(&refused), ("email_code", &scene.code(3))).await;
        assert_eq!(reason(&late), "challenge-expired");
    }

    async fn a_restart_forgets_no_attempt(keeper: Keeper) {
        let mut scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let refused = client.post_form("/keys", &[]).await;
        for _ in 0..3 {
            scene.verify(&client, &token(&refused), ("password", "a guess")).await;
        }
        scene.restart();
        let client = client.at(scene.stepgate.addr());
        let wrong = scene.verify(&client, &token(&refused), ("password", "a guess")).await;
        assert_eq!(wrong.json()["attempts_left"], 1);
    }
}
