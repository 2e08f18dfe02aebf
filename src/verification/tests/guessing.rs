//! Guessing: who is barred, when, and who is not.

use super::{Client, Fixture, refused, verified};
use crate::domain::{Factor, Reason, Subject, User, UserId};
use crate::verification::tests::now;
use crate::verification::{AnswerOutcome, Bar, Lock, Locks, Services};
use std::rc::Rc;
use std::time::Duration;

#[tokio::test]
async fn nobody_no_factor_and_a_wrong_answer_are_told_in_the_same_words() {
    let fixture = Fixture::new().await;
    let bare = User::new(UserId::new("bob"), now());
    fixture.verifier.store.put_user(&bare).await.unwrap();
    for factor in [Factor::Password, Factor::Totp, Factor::EmailCode] {
        let mut told = Vec::new();
        for (number, name) in ["alice", "bob", "nobody"].into_iter().enumerate() {
            let client = Client {
                subject: Subject::new(name),
                ..Client::number(u32::try_from(number).unwrap())
            };
            let token = fixture.challenge(&client);
            told.push(refused(
                fixture.answer(&client, &token, factor, "123457").await,
            ));
        }
        assert_eq!(told[0].reason, Reason::WrongAnswer);
        assert!(told.iter().all(|refusal| *refusal == told[0]), "{told:?}");
    }
}

#[tokio::test]
async fn five_wrong_answers_end_a_challenge() {
    let fixture = Fixture::new().await;
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    for left in [4, 3, 2, 1, 0] {
        let refusal = refused(fixture.answer(&client, &token, Factor::Password, "x").await);
        assert_eq!(refusal.reason, Reason::WrongAnswer);
        assert_eq!(refusal.attempts_left, Some(left));
    }
    let refusal = refused(fixture.right_password(&client, &token).await);
    assert_eq!(refusal.reason, Reason::ChallengeExpired);
    // A new challenge is to be had at once.
    let token = fixture.challenge(&client);
    verified(fixture.right_password(&client, &token).await);
}

#[tokio::test]
async fn of_a_hundred_wrong_codes_at_once_five_are_judged() {
    let fixture = Rc::new(Fixture::new().await);
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    fixture.send(&client, &token).await;
    let code: u32 = fixture.code().parse().unwrap();
    let wrong = (1..=100)
        .map(|n| format!("{:06}", (code + n) % 1_000_000))
        .collect();
    let answers = fixture
        .answer_at_once(&client, &token, Factor::EmailCode, wrong)
        .await;
    let refusals = answers.into_iter().map(refused);
    let judged = refusals.filter(|refusal| refusal.reason == Reason::WrongAnswer);
    assert_eq!(judged.count(), 5);
}

#[tokio::test]
async fn a_session_that_guesses_is_barred_and_the_owner_is_not() {
    let fixture = Fixture::new().await;
    let thief = Client::number(1);
    let mut judged = 0;
    for _ in 0..4 {
        let token = fixture.challenge(&thief);
        for _ in 0..5 {
            let refusal = refused(fixture.answer(&thief, &token, Factor::Password, "x").await);
            judged += u32::from(refusal.reason == Reason::WrongAnswer);
        }
    }
    assert_eq!(judged, 10);
    let token = fixture.challenge(&thief);
    let refusal = refused(fixture.answer(&thief, &token, Factor::Password, "x").await);
    assert_eq!(refusal.reason, Reason::TooManyAttempts);
    assert_eq!(refusal.retry_after, Some(Duration::from_mins(15)));
    let owner = Client::number(2);
    let token = fixture.challenge(&owner);
    verified(fixture.right_password(&owner, &token).await);
}

#[tokio::test]
async fn one_session_never_locks_the_factor() {
    let fixture = Fixture::new().await;
    let thief = Client::number(1);
    let mut judged = 0;
    for _ in 0..50 {
        for _ in 0..2 {
            let token = fixture.challenge(&thief);
            for _ in 0..5 {
                let refusal = refused(fixture.answer(&thief, &token, Factor::Totp, "x").await);
                assert_ne!(refusal.reason, Reason::FactorLocked);
                judged += u32::from(refusal.reason == Reason::WrongAnswer);
            }
        }
        fixture.wait(Duration::from_mins(16));
    }
    assert_eq!(judged, 40);
}

#[tokio::test]
async fn a_hundred_failures_lock_the_factor_until_an_operator_unlocks_it() {
    let fixture = Fixture::new().await;
    for number in 0..20 {
        let client = Client::number(number);
        let token = fixture.challenge(&client);
        for _ in 0..5 {
            let refusal = refused(fixture.answer(&client, &token, Factor::Password, "x").await);
            assert_eq!(refusal.reason, Reason::WrongAnswer);
        }
    }
    fixture.wait(Duration::from_hours(1000));
    let owner = Client::number(500);
    let token = fixture.challenge(&owner);
    let refusal = refused(fixture.right_password(&owner, &token).await);
    assert_eq!(refusal.reason, Reason::FactorLocked);
    // The other factors are not locked.
    let code = fixture.totp_code();
    verified(fixture.answer(&owner, &token, Factor::Totp, &code).await);
    let Services { keys, settings, .. } = fixture.verifier.services();
    let (store, alice) = (&fixture.verifier.store, UserId::new("alice"));
    let locks = Locks::of(store, &alice, None, keys, &settings.limits).await;
    let (locks, factor) = (locks.unwrap(), Factor::Password);
    let (bar, until) = (Bar::Factor, None);
    let lock = Lock { factor, bar, until };
    assert_eq!(locks.held(now()).await.unwrap(), [lock]);
    locks.clear().await.unwrap();
    assert_eq!(locks.held(now()).await.unwrap(), []);
    let token = fixture.challenge(&owner);
    verified(fixture.right_password(&owner, &token).await);
}

#[tokio::test]
async fn a_known_password_buys_no_further_guesses_at_the_code() {
    let fixture = Fixture::new()
        .await
        .requiring(&[&[Factor::Password, Factor::Totp], &[Factor::EmailCode]]);
    let thief = Client::number(1);
    let mut judged = 0;
    for _ in 0..20 {
        let token = fixture.challenge(&thief);
        fixture.right_password(&thief, &token).await;
        for _ in 0..5 {
            if let AnswerOutcome::Refused(refusal) =
                fixture.answer(&thief, &token, Factor::Totp, "x").await
            {
                judged += u32::from(refusal.reason == Reason::WrongAnswer);
            }
        }
    }
    assert_eq!(judged, 10);
}
