//! Requests of programs, by a clock that moves when it is told to.

use super::{Client, Fixture, verified};
use crate::domain::{
    Challenge, Demand, RequestDigest, ReturnTarget, RouteId, Subject, Timestamp, UserCode,
};
use crate::verification::{
    DeviceAsker, DeviceFound, DeviceOffer, DevicePoll, DeviceState, NewChallenge, Refusal,
    hash_browser_key,
};
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// The session of a program, which has no key yet.
fn program(number: u32) -> Client {
    Client {
        browser_key: None,
        ..Client::number(number)
    }
}

impl Fixture {
    fn refused(&self, program: &Client) -> (DeviceOffer, Challenge) {
        let new = NewChallenge {
            claimant: program.claimant(),
            route: RouteId::new("delete-user"),
            demand: Demand {
                binding: Some(RequestDigest::new([4; 32])),
                ..self.demand()
            },
            shown: vec![("user".to_owned(), "42".to_owned())],
            return_to: ReturnTarget::Caller,
            device: None,
            back: None,
        };
        let (_, challenge) = self.verifier.open(new);
        let asker = DeviceAsker {
            request: ("DELETE".to_owned(), "/users/42".to_owned()),
            address: program.address,
            agent: "curl/8.5".to_owned(),
        };
        (
            self.verifier.offer_device(&challenge, asker).unwrap(),
            challenge,
        )
    }

    async fn poll(&self, program: &Client, offer: &DeviceOffer) -> DevicePoll {
        let requirement = Arc::clone(&self.requirement);
        let code = offer.device_code.expose();
        self.verifier
            .poll_device(code, |_| Some(requirement), &program.caller())
            .await
            .unwrap()
    }

    /// The token of a challenge by which the owner approves.
    async fn asked(&self, owner: &Client, code: UserCode) -> Option<(String, Timestamp)> {
        let (requirement, caller) = (Arc::clone(&self.requirement), owner.caller());
        let opened = self.verifier.open_for_device(
            code,
            ReturnTarget::Caller,
            |_| Some(requirement),
            &caller,
        );
        let opened = opened.await.unwrap()?;
        Some((opened.token, opened.challenge.expires_at))
    }

    async fn approve(&self, owner: &Client, code: UserCode) {
        let (token, _) = self.asked(owner, code).await.unwrap();
        let success = verified(self.right_password(owner, &token).await);
        assert!(success.grant.is_none(), "it is the program's");
    }

    async fn found(&self, owner: &Client, code: UserCode) -> DeviceFound {
        let requirement = Arc::clone(&self.requirement);
        self.verifier
            .device_request(Some(code), |_| Some(requirement), &owner.caller())
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_request_can_be_approved_and_taken_up_until_its_challenge_ends() {
    let fixture = Fixture::new().await;
    let (program, owner) = (program(1), Client::number(2));
    let (offer, challenge) = fixture.refused(&program);
    assert_eq!(offer.expires_in, Duration::from_mins(10));
    assert!(matches!(
        fixture.found(&owner, offer.user_code).await,
        DeviceFound::Nothing
    ));
    fixture.wait(Duration::from_mins(4));
    assert!(matches!(
        fixture.poll(&program, &offer).await,
        DevicePoll::Pending
    ));
    let (_, end) = fixture.asked(&owner, offer.user_code).await.unwrap();
    assert_eq!(
        end, challenge.expires_at,
        "the prompt ends with the request"
    );
    let DeviceFound::Found(view) = fixture.found(&owner, offer.user_code).await else {
        panic!("it is there");
    };
    assert_eq!(
        (view.asked_at, view.expires_at),
        (challenge.opened_at, challenge.expires_at)
    );
    assert_eq!(view.state, DeviceState::Pending);
    fixture.wait(Duration::from_mins(6) - Duration::from_millis(1));
    assert!(matches!(
        fixture.poll(&program, &offer).await,
        DevicePoll::Pending
    ));
    fixture.wait(Duration::from_millis(1));
    assert!(matches!(
        fixture.poll(&program, &offer).await,
        DevicePoll::Expired
    ));
    assert!(matches!(
        fixture.found(&owner, offer.user_code).await,
        DeviceFound::Nothing
    ));
    assert!(fixture.asked(&owner, offer.user_code).await.is_none());
}

#[tokio::test]
async fn a_proof_counts_from_when_it_was_given_and_not_from_the_poll() {
    let fixture = Fixture::new().await;
    let owner = Client::number(2);
    // Two minutes, by the requirement.
    for (number, waited) in [(11, Duration::from_secs(119)), (12, Duration::from_mins(2))] {
        let program = program(number);
        let (offer, _) = fixture.refused(&program);
        fixture.poll(&program, &offer).await;
        fixture.approve(&owner, offer.user_code).await;
        let proven_at = fixture.now();
        fixture.wait(waited);
        let polled = fixture.poll(&program, &offer).await;
        if let DevicePoll::Granted(granted) = &polled {
            assert_eq!(number, 11);
            assert_eq!(granted.expires_at, proven_at.after(Duration::from_mins(2)));
        } else {
            let is_over = matches!(polled, DevicePoll::Expired);
            assert!(number == 12 && is_over, "{polled:?}");
        }
    }
}

#[tokio::test]
async fn polls_in_time_are_not_slowed_down_and_others_are() {
    let fixture = Fixture::new().await;
    let program = program(1);
    let (offer, _) = fixture.refused(&program);
    assert_eq!(offer.interval, 5 * SECOND);
    for waited in [Duration::ZERO, 5 * SECOND, 4 * SECOND, 6 * SECOND] {
        fixture.wait(waited);
        assert!(matches!(
            fixture.poll(&program, &offer).await,
            DevicePoll::Pending
        ));
        for _ in 0..3 {
            assert!(matches!(
                fixture.poll(&program, &offer).await,
                DevicePoll::SlowDown
            ));
        }
    }
}

#[tokio::test]
async fn what_a_program_takes_up_is_its_own_and_its_key_is_new() {
    let fixture = Fixture::new().await;
    let (program, owner) = (program(1), Client::number(2));
    let (offer, _) = fixture.refused(&program);
    fixture.poll(&program, &offer).await;
    // Whoever has the code and not the session, or another subject by now.
    let others = [
        Client {
            session: owner.session,
            ..program.clone()
        },
        Client {
            subject: Subject::new("bob"),
            ..program.clone()
        },
    ];
    for other in &others {
        assert!(matches!(
            fixture.poll(other, &offer).await,
            DevicePoll::Unknown
        ));
    }
    fixture.approve(&owner, offer.user_code).await;
    for other in &others {
        assert!(matches!(
            fixture.poll(other, &offer).await,
            DevicePoll::Unknown
        ));
    }
    fixture.wait(5 * SECOND);
    let DevicePoll::Granted(granted) = fixture.poll(&program, &offer).await else {
        panic!("it was approved");
    };
    let keys = &fixture.verifier.services().keys;
    let key = hash_browser_key(granted.browser_key.expose(), keys);
    let grants = fixture
        .verifier
        .store
        .grants_of(program.session)
        .await
        .unwrap();
    assert_eq!(grants.len(), 1);
    assert_eq!(Some(grants[0].browser_key), key);
    assert!(grants[0].key.single_use && grants[0].key.binding == Some(RequestDigest::new([4; 32])));
    assert_eq!(
        fixture
            .verifier
            .store
            .grants_of(owner.session)
            .await
            .unwrap(),
        []
    );
    fixture.wait(5 * SECOND);
    assert!(matches!(
        fixture.poll(&program, &offer).await,
        DevicePoll::Expired
    ));
}

#[tokio::test]
async fn a_challenge_that_the_program_answers_itself_is_answered() {
    let fixture = Fixture::new().await;
    let (program, owner) = (program(1), Client::number(2));
    let new = fixture.challenge(&program);
    let (offer, challenge) = fixture.refused(&program);
    fixture.poll(&program, &offer).await;
    fixture.approve(&owner, offer.user_code).await;
    // Another challenge is answered in its session: what waits there is another browser's.
    let success = verified(fixture.right_password(&program, &new).await);
    assert!(success.grant.is_some());
    fixture.wait(5 * SECOND);
    assert!(matches!(
        fixture.poll(&program, &offer).await,
        DevicePoll::Expired
    ));
    assert_ne!(success.challenge.id, challenge.id);
}

#[tokio::test]
async fn who_types_too_many_codes_waits() {
    let fixture = Fixture::new().await;
    let owner = Client::number(2);
    let code = "BCDF-GHJK".parse().unwrap();
    for _ in 0..10 {
        assert!(matches!(
            fixture.found(&owner, code).await,
            DeviceFound::Nothing
        ));
    }
    let DeviceFound::Barred(Refusal { retry_after, .. }) = fixture.found(&owner, code).await else {
        panic!("ten are enough");
    };
    assert_eq!(retry_after, Some(Duration::from_mins(15)));
    fixture.wait(Duration::from_mins(15));
    assert!(matches!(
        fixture.found(&owner, code).await,
        DeviceFound::Nothing
    ));
}
