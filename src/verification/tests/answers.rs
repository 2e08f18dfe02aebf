//! Answers: what they earn, and in whose hands.

use super::{Client, Fixture, PASSWORD, refused, refused_code, verified};
use crate::domain::{
    BrowserKeyHash, Factor, FactorSet, Reason, Secret, SessionId, Subject, Verdict, decide,
};
use crate::locale::Locale;
use crate::verification::tests::now;
use crate::verification::{
    AnswerOutcome, AnswerValue, Answering, AvailableFactors, hash_browser_key,
};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn the_right_password_opens_the_request_once_and_in_this_browser_alone() {
    let fixture = Fixture::new().await;
    let mut client = Client::number(1);
    let before = client.clone();
    let token = fixture.challenge(&client);
    let answer = fixture.right_password(&client, &token);
    let success = verified(answer.await);
    assert_eq!(success.expires_at, now().after(Duration::from_mins(2)));
    // A copied application cookie, with the browser key of before, is not enough.
    let copied = decide(
        &[fixture.demand()],
        &fixture.evidence(&before).await,
        fixture.now(),
    );
    assert!(matches!(copied, Verdict::Challenge(_)));
    client.browser_key = hash_browser_key(
        success.browser_key.expose(),
        &fixture.verifier.services().keys,
    );
    let demands = [fixture.demand()];
    let first = decide(&demands, &fixture.evidence(&client).await, fixture.now());
    assert!(matches!(first, Verdict::Pass(_)));
    let second = decide(&demands, &fixture.evidence(&client).await, fixture.now());
    assert!(matches!(second, Verdict::Challenge(_)));
}

#[tokio::test]
async fn an_alias_is_the_same_user() {
    let fixture = Fixture::new().await;
    let client = Client::called("alice@corp.example");
    let token = fixture.challenge(&client);
    let code = fixture.totp_code();
    verified(fixture.answer(&client, &token, Factor::Totp, &code).await);
}

#[tokio::test]
async fn a_challenge_is_met_once_however_often_it_is_answered_at_once() {
    let fixture = Rc::new(Fixture::new().await);
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    let right = vec![PASSWORD.to_owned(); 5];
    let answers = fixture
        .answer_at_once(&client, &token, Factor::Password, right)
        .await;
    let met = answers
        .iter()
        .filter(|answer| matches!(answer, AnswerOutcome::Verified(_)));
    assert_eq!(met.count(), 1);
}

#[tokio::test]
async fn a_totp_code_is_accepted_once() {
    let fixture = Rc::new(Fixture::new().await);
    let client = Client::number(1);
    let code = fixture.totp_code();
    let (first, second) = (fixture.challenge(&client), fixture.challenge(&client));
    verified(fixture.answer(&client, &first, Factor::Totp, &code).await);
    let refusal = refused(fixture.answer(&client, &second, Factor::Totp, &code).await);
    assert_eq!(refusal.reason, Reason::WrongAnswer);
    fixture.wait(Duration::from_secs(30));
    let code = fixture.totp_code();
    let at_once = fixture
        .answer_at_once(&client, &second, Factor::Totp, vec![code; 4])
        .await;
    let met = at_once
        .iter()
        .filter(|answer| matches!(answer, AnswerOutcome::Verified(_)));
    assert_eq!(met.count(), 1);
}

#[tokio::test]
async fn a_token_is_worth_nothing_in_other_hands() {
    let fixture = Fixture::new().await;
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    let other_session = Client {
        session: SessionId::new([9; 32]),
        ..client.clone()
    };
    let other_browser = Client {
        browser_key: Some(BrowserKeyHash::new([9; 32])),
        ..client.clone()
    };
    let no_browser = Client {
        browser_key: None,
        ..client.clone()
    };
    let other_subject = Client {
        subject: Subject::new("bob"),
        ..client.clone()
    };
    for thief in [other_session, other_browser, no_browser, other_subject] {
        let answer = fixture.right_password(&thief, &token);
        assert_eq!(refused(answer.await).reason, Reason::ChallengeExpired);
        let sending = refused_code(fixture.send(&thief, &token).await);
        assert_eq!(sending.reason, Reason::ChallengeExpired);
    }
    fixture.wait(Duration::from_mins(10));
    let late = fixture.right_password(&client, &token);
    assert_eq!(refused(late.await).reason, Reason::ChallengeExpired);
}

#[tokio::test]
async fn plus_means_that_both_are_shown() {
    let fixture = Fixture::new()
        .await
        .requiring(&[&[Factor::Password, Factor::Totp]]);
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    let answer = fixture.right_password(&client, &token).await;
    let AnswerOutcome::MoreNeeded { shown, .. } = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(shown, FactorSet::EMPTY.with(Factor::Password));
    let again = fixture.right_password(&client, &token);
    assert!(matches!(again.await, AnswerOutcome::MoreNeeded { .. }));
    let code = fixture.totp_code();
    let success = verified(fixture.answer(&client, &token, Factor::Totp, &code).await);
    let both = FactorSet::EMPTY.with(Factor::Password).with(Factor::Totp);
    assert_eq!(success.mark.unwrap().factors, both);
    assert_eq!(success.grant.unwrap().factors, both);
}

#[tokio::test]
async fn a_phrase_is_asked_for_before_anything_is_judged() {
    let mut fixture = Fixture::new().await;
    let mut requirement = (*fixture.requirement).clone();
    requirement.confirm = Some("DELETE".to_owned());
    fixture.requirement = Arc::new(requirement);
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    let password = AnswerValue::Text(Secret::new(PASSWORD.to_owned()));
    let answer = async |confirm| {
        let answering = Answering {
            locale: Locale::En,
            token: &token,
            factor: Factor::Password,
            answer: &password,
            confirm,
            purpose: None,
            trial: None,
            key: None,
            caller: client.caller(),
        };
        let requirement = Arc::clone(&fixture.requirement);
        let answer = fixture.verifier.answer(answering, |_| Some(requirement));
        answer.await.unwrap()
    };
    for typed in [None, Some(""), Some("delete"), Some("DELETE it")] {
        assert!(matches!(
            answer(typed).await,
            AnswerOutcome::Unconfirmed { .. }
        ));
    }
    verified(answer(Some(" DELETE ")).await);
}

#[tokio::test]
async fn a_route_that_is_gone_or_stricter_by_now_applies_as_it_is_now() {
    let fixture = Fixture::new().await;
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    let claimant = client.claimant();
    let gone = fixture.verifier.read(&token, |_| None, &claimant).await;
    assert!(gone.unwrap().is_none());
    let fixture = fixture.requiring(&[&[Factor::Totp]]);
    let answer = fixture.right_password(&client, &token);
    assert_eq!(refused(answer.await).reason, Reason::MethodNotEnrolled);
}

#[tokio::test]
async fn a_challenge_shows_what_this_subject_can_show() {
    let fixture = Fixture::new().await.requiring(&[
        &[Factor::Passkey],
        &[Factor::EmailCode],
        &[Factor::Password],
    ]);
    let available = async |client: &Client| -> AvailableFactors {
        let token = fixture.challenge(client);
        let requirement = Arc::clone(&fixture.requirement);
        let claimant = client.claimant();
        let read = fixture
            .verifier
            .read(&token, |_| Some(requirement), &claimant);
        let challenge = read.await.unwrap().unwrap();
        fixture
            .verifier
            .available_factors(&challenge, &claimant)
            .await
            .unwrap()
    };
    let alice = available(&Client::number(1)).await;
    let sets: Vec<_> = [Factor::EmailCode, Factor::Password]
        .map(|factor| FactorSet::EMPTY.with(factor))
        .into();
    assert_eq!(alice.alternatives, sets);
    assert_eq!(alice.email_hint.as_deref(), Some("a•••@example.com"));
    let nobody = available(&Client::called("nobody@example.com")).await;
    assert!(nobody.alternatives.is_empty() && nobody.email_hint.is_none());
}
