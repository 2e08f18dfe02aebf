//! Guessing: counted before it is judged, and barred long before the owner is.

use crate::support::client::{Answer, Client};
use crate::support::sidecar::{self, COOKIE, PASSWORD, USER, fresh_cookie};
use crate::support::store::on_both_stores;
use futures_util::future::join_all;
use std::collections::BTreeMap;

/// How answers were refused or taken.
fn tally(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for answer in answers {
        let word = if answer.status == 200 {
            "verified".to_owned()
        } else {
            answer.reason()
        };
        *tally.entry(word).or_default() += 1;
    }
    tally
}

async fn guess(client: &Client, times: usize) -> Vec<Answer> {
    let refused = client.post("/keys").await;
    let challenge = refused.token();
    let guesses = (0..times).map(|_| client.verify(&challenge, ("password", "a guess")));
    join_all(guesses).await
}

on_both_stores! {
    async fn rule_5_of_many_guesses_at_once_five_are_judged(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let answers = guess(&client, 30).await;
        let tally = tally(&answers);
        assert_eq!(tally["wrong-answer"], 5, "{tally:?}");
        assert_eq!(tally["challenge-expired"], 25, "{tally:?}");
        // The right answer comes too late for this challenge.
        client.earn("/keys").await;
    }

    async fn rule_5_a_new_cookie_is_no_fresh_attempt_where_a_proxy_says_who_it_is(store: Store) {
        let sidecar = sidecar::on(store)
            .with("session", "headers: { subject: remote-user }")
            .line("trusted_proxies: [127.0.0.1]")
            .run();
        let somebody = || {
            let client = sidecar.script().header("remote-user", USER);
            client.set_cookie(COOKIE, &fresh_cookie());
            client
        };
        let owner = somebody();
        owner.earn("/keys").await;
        let mut judged = 0;
        for _ in 0..4 {
            let answers = guess(&somebody(), 5).await;
            judged += tally(&answers).get("wrong-answer").copied().unwrap_or(0);
        }
        assert_eq!(judged, 10);
        // Nor is it an attempt of the owner's, in the browser that they verified in.
        owner.earn("/email").await;
        let unlocked = sidecar.command(&["user", "unlock", USER]);
        assert!(unlocked.contains(USER), "{unlocked}");
        let stranger = somebody();
        stranger.earn("/keys").await;
    }

    async fn rule_5_a_session_is_barred_long_before_the_owner_is(store: Store) {
        let sidecar = sidecar::on(store).run();
        let thief = sidecar.logged_in().await;
        let mut judged = 0;
        for _ in 0..4 {
            let answers = guess(&thief, 5).await;
            judged += tally(&answers).get("wrong-answer").copied().unwrap_or(0);
        }
        assert_eq!(judged, 10);
        let barred = &guess(&thief, 1).await[0];
        assert_eq!((barred.status.as_u16(), barred.reason()), (429, "too-many-attempts".into()));
        let wait: u64 = barred.header("retry-after").parse().unwrap();
        assert!((800..=900).contains(&wait), "{wait}");
        assert_eq!(barred.json()["retry_after"], wait);
        // The owner, in a session of her own, is not locked out.
        let owner = sidecar.logged_in().await;
        owner.earn("/keys").await;
        assert_eq!(owner.post("/keys").await.status, 200);
    }

    async fn rule_5_answers_count_per_client_address(store: Store) {
        let sidecar = sidecar::on(store)
            .with("verification", "limits: { address: { attempts: 7, window: 10m } }")
            .line("trusted_proxies: [127.0.0.1]")
            .run();
        let from = |address: &str| sidecar.script().header("x-forwarded-for", address);
        let mut judged = 0;
        for _ in 0..3 {
            let client = from("203.0.113.7");
            client.log_in("alice").await;
            judged += tally(&guess(&client, 4).await).get("wrong-answer").copied().unwrap_or(0);
        }
        assert_eq!(judged, 7);
        let client = from("203.0.113.7");
        client.log_in("alice").await;
        let barred = &guess(&client, 1).await[0];
        assert_eq!((barred.status.as_u16(), barred.reason()), (429, "too-many-attempts".into()));
        let elsewhere = from("203.0.113.8");
        elsewhere.log_in("alice").await;
        elsewhere.earn("/keys").await;
    }

    async fn rule_5_a_hundred_failures_lock_the_factor_until_an_operator_unlocks_it(store: Store) {
        let sidecar = sidecar::on(store)
            .with("verification", "limits: { address: { attempts: 1000, window: 10m } }")
            .run();
        let mut judged = 0;
        for _ in 0..20 {
            let client = sidecar.logged_in().await;
            judged += tally(&guess(&client, 5).await).get("wrong-answer").copied().unwrap_or(0);
        }
        assert_eq!(judged, 100);
        let owner = sidecar.logged_in().await;
        let refused = owner.post("/keys").await;
        let locked = owner.verify(&refused.token(), ("password", PASSWORD)).await;
        assert_eq!((locked.status.as_u16(), locked.reason()), (403, "factor-locked".into()));
        // Another factor is another counter.
        let passed = owner.verify(&refused.token(), ("totp", &sidecar.totp(0))).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        // What a success with one factor clears is not what guards another.
        let refused = owner.post("/pay").await;
        let locked = owner.verify(&refused.token(), ("password", PASSWORD)).await;
        assert_eq!(locked.reason(), "factor-locked");
        sidecar.command(&["user", "unlock", "alice"]);
        owner.pass(&refused).await;
    }

    async fn a_thief_whose_cookie_is_given_anew_has_no_fresh_attempts(store: Store) {
        let sidecar = sidecar::on(store).with("verification", "limits: { session: { attempts: 3, window: 15m } }").run();
        let client = sidecar.logged_in().await;
        let thief = sidecar.thief_of(&client);
        let mut judged = 0;
        for _ in 0..3 {
            for _ in 0..3 {
                let refused = thief.post("/keys").await;
                let answer = thief.verify(&refused.token(), ("password", "not it")).await;
                judged += usize::from(answer.reason() == "wrong-answer");
            }
            assert_eq!(thief.get("/rotate").await.status, 200);
        }
        assert_eq!(judged, 3);
    }

    async fn rule_5_a_success_clears_the_failures_of_its_factor(store: Store) {
        let sidecar = sidecar::on(store).with("verification", "limits: { factor: 6, address: { attempts: 1000, window: 10m } }").run();
        for _ in 0..3 {
            let client = sidecar.logged_in().await;
            assert_eq!(tally(&guess(&client, 4).await)["wrong-answer"], 4);
            client.earn("/keys").await;
        }
    }

    async fn rule_5_a_second_code_draws_on_the_budget_for_answers(store: Store) {
        let sidecar = sidecar::on(store)
            .with("verification", "limits: { resend_after: 1ms, challenge: 2, codes: { attempts: 50, window: 10m }, codes_in_session: { attempts: 50, window: 10m } }")
            .run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        let mut sent = 0;
        for _ in 0..6 {
            let answer = client.send_code(&refused.token()).await;
            sent += usize::from(answer.status == 200);
        }
        assert_eq!(sent, 3, "the first is free, two draw on the budget");
        let late = client.verify(&refused.token(), ("email_code", &sidecar.code(3))).await;
        assert_eq!(late.reason(), "challenge-expired");
    }

    async fn a_restart_forgets_no_attempt(store: Store) {
        let mut sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        for _ in 0..3 {
            client.verify(&refused.token(), ("password", "a guess")).await;
        }
        sidecar.restart();
        let wrong = client.verify(&refused.token(), ("password", "a guess")).await;
        assert_eq!(wrong.json()["attempts_left"], 1);
    }
}
