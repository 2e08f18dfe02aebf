//! Codes sent by mail.

use super::{Client, Fixture, refused, refused_code, verified};
use crate::domain::{Factor, Reason, RequestDigest};
use crate::mail::tests::Manner;
use crate::verification::tests::now;
use crate::verification::{EmailSubjects, Sending, VerificationSettings};
use std::time::Duration;

#[tokio::test]
async fn a_mailed_code_is_good_for_its_challenge_and_once() {
    let fixture = Fixture::new().await;
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    let other = fixture.challenge_for(&client, RequestDigest::new([5; 32]));
    let sent = fixture.send(&client, &token).await;
    let Sending::Sent {
        hint, expires_at, ..
    } = sent
    else {
        panic!("{sent:?}");
    };
    assert_eq!(hint, "a•••@example.com");
    assert_eq!(expires_at, now().after(Duration::from_mins(10)));
    let code = fixture.code();
    let elsewhere = fixture.answer(&client, &other, Factor::EmailCode, &code);
    assert_eq!(refused(elsewhere.await).reason, Reason::WrongAnswer);
    let spaced = format!(" {} {}", &code[..3], &code[3..]);
    verified(
        fixture
            .answer(&client, &token, Factor::EmailCode, &spaced)
            .await,
    );
    refused(
        fixture
            .answer(&client, &token, Factor::EmailCode, &code)
            .await,
    );
}

#[tokio::test]
async fn a_code_is_for_what_is_asked_whichever_page_asks_it() {
    let fixture = Fixture::new().await;
    let client = Client::number(1);
    let (first, again) = (fixture.challenge(&client), fixture.challenge(&client));
    fixture.send(&client, &first).await;
    let code = fixture.code();
    for token in [&first, &again, &first] {
        let wrong = fixture.answer(&client, token, Factor::EmailCode, "000000");
        assert_eq!(refused(wrong.await).reason, Reason::WrongAnswer);
    }
    let answer = fixture.answer(&client, &again, Factor::EmailCode, &code);
    verified(answer.await);
    // Asked once more, it begins anew.
    let next = fixture.challenge(&client);
    assert!(matches!(
        fixture.send(&client, &next).await,
        Sending::Sent { .. }
    ));
}

#[tokio::test]
async fn a_mailed_code_is_over_when_its_time_is() {
    let settings = VerificationSettings {
        code_life: Duration::from_mins(1),
        ..VerificationSettings::default()
    };
    let fixture = Fixture::with(Manner::Accepts, &settings).await;
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    fixture.send(&client, &token).await;
    let code = fixture.code();
    fixture.wait(Duration::from_mins(1));
    let late = fixture.answer(&client, &token, Factor::EmailCode, &code);
    assert_eq!(refused(late.await).reason, Reason::WrongAnswer);
}

#[tokio::test]
async fn another_code_costs_an_attempt_and_half_a_minute() {
    let fixture = Fixture::new().await;
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    fixture.send(&client, &token).await;
    let first = fixture.code();
    fixture.wait(Duration::from_secs(10));
    let refusal = refused_code(fixture.send(&client, &token).await);
    assert_eq!(refusal.reason, Reason::TooManyAttempts);
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(20)));
    assert_eq!(refusal.attempts_left, None, "answers are still taken");
    fixture.wait(Duration::from_secs(20));
    assert!(matches!(
        fixture.send(&client, &token).await,
        Sending::Sent { .. }
    ));
    let second = fixture.code();
    let wrong = if first == second { "x" } else { &first };
    let refusal = refused(
        fixture
            .answer(&client, &token, Factor::EmailCode, wrong)
            .await,
    );
    assert_eq!(refusal.attempts_left, Some(3), "a resend and an answer");
    verified(
        fixture
            .answer(&client, &token, Factor::EmailCode, &second)
            .await,
    );
}

#[tokio::test]
async fn nobody_is_bombed_with_codes() {
    let fixture = Fixture::new().await;
    let mut sent = 0;
    for number in 0..20 {
        let client = Client::number(number);
        let token = fixture.challenge(&client);
        if let Sending::Sent { .. } = fixture.send(&client, &token).await {
            sent += 1;
        }
    }
    assert_eq!(sent, 5);
    fixture.wait(Duration::from_mins(15));
    let client = Client::number(99);
    let token = fixture.challenge(&client);
    assert!(matches!(
        fixture.send(&client, &token).await,
        Sending::Sent { .. }
    ));
}

#[tokio::test]
async fn a_mail_server_that_refuses_is_told_and_can_be_tried_again_at_once() {
    let fixture = Fixture::with(Manner::Refuses, &VerificationSettings::default()).await;
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    for _ in 0..2 {
        let refusal = refused_code(fixture.send(&client, &token).await);
        assert_eq!(refusal.reason, Reason::MailUnavailable);
    }
}

#[tokio::test]
async fn an_address_stands_for_itself_if_the_settings_say_so() {
    let settings = VerificationSettings {
        email_subjects: EmailSubjects::Trusted,
        ..VerificationSettings::default()
    };
    let fixture = Fixture::with(Manner::Accepts, &settings).await;
    let client = Client::called("guest@example.com");
    let token = fixture.challenge(&client);
    fixture.send(&client, &token).await;
    let code = fixture.code();
    verified(
        fixture
            .answer(&client, &token, Factor::EmailCode, &code)
            .await,
    );
}
