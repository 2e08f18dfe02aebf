//! Requests of programs: filed once, and taken up once while both sessions have their part of it.

use super::on_both_stores;
use super::support::{
    HOUR, MINUTE, TestStore, at_once, browser, challenge, grant, grant_key, id, session, verified,
};
use std::time::Duration;
use stepgate::domain::{
    BrowserKeyHash, Grant, Owner, Provenance, RouteId, SessionId, StoredSession, Subject,
};
use stepgate::store::{Approval, DeviceRequest, RestsOn, Taken, VerifiedChallenge};

on_both_stores! {
    a_request_is_filed_once_and_listed_nowhere,
    a_request_of_an_unknown_session_writes_that_and_leaves_a_known_one_as_it_is,
    a_revoked_session_files_nothing,
    what_waits_in_two_sessions_is_taken_up_once_however_many_ask_at_once,
    what_one_session_has_lost_is_taken_up_by_nobody,
    a_verification_without_a_mark_leaves_the_one_that_is_there,
}

/// The session of the program, and that of its owner.
const PROGRAM: SessionId = id(1);
const OWNER: SessionId = id(2);
/// The key that a program gets when it takes something up.
const NEW: BrowserKeyHash = browser(9);

fn request(number: u8, store: &TestStore) -> DeviceRequest {
    let now = store.now();
    let unrecorded = session("alice", browser(1), now).known().unwrap();
    DeviceRequest {
        request: Approval {
            id: challenge(number),
            session: PROGRAM,
            browser_key: browser(0),
            requester: Subject::new("alice"),
            route: RouteId::new("deploy"),
            binding: None,
            asked_at: now,
            expires_at: now.after(10 * MINUTE),
            sealed: vec![1, 2, 3],
            decision: None,
        },
        waiting: waiting(number, browser(0), store),
        unrecorded: stepgate::domain::Session {
            browser_key: None,
            authenticated_at: None,
            ..unrecorded
        },
        keep: HOUR,
    }
}

fn waiting(number: u8, browser: BrowserKeyHash, store: &TestStore) -> Grant {
    grant(grant_key("deploy"), number, browser, store.now())
}

async fn file(store: &TestStore, number: u8) -> Taken {
    let filed = request(number, store);
    store.put_device_request(&filed, store.now()).await.unwrap()
}

/// Files a request, and has its owner prove who they are for it.
async fn prove(store: &TestStore, number: u8) {
    assert_eq!(file(store, number).await, Taken::Now);
    store.login(OWNER, browser(2)).await;
    let proven = VerifiedChallenge {
        waits_for: Some(challenge(number)),
        ..verified(
            OWNER,
            browser(2),
            Some(waiting(number, browser(2), store)),
            store.now(),
        )
    };
    let put = store.put_verified(&proven, store.now()).await.unwrap();
    assert_eq!(put, Taken::Now);
}

fn taken_up(number: u8, store: &TestStore) -> VerifiedChallenge {
    let unrecorded = request(number, store).unrecorded;
    VerifiedChallenge {
        challenge: challenge(number + 100),
        rests_on: RestsOn {
            waiting: vec![(PROGRAM, challenge(number)), (OWNER, challenge(number))],
            ..RestsOn::default()
        },
        presented: None,
        renewed: NEW,
        mark: None,
        unrecorded,
        ..verified(PROGRAM, NEW, Some(waiting(number, NEW, store)), store.now())
    }
}

async fn take_up(store: &TestStore, number: u8) -> Taken {
    let verified = taken_up(number, store);
    store.put_verified(&verified, store.now()).await.unwrap()
}

async fn waits(store: &TestStore, session: SessionId, number: u8) -> bool {
    let waiting = store.waiting_grant(session, challenge(number), store.now());
    waiting.await.unwrap().is_some()
}

async fn a_request_is_filed_once_and_listed_nowhere(store: TestStore) {
    store.login(PROGRAM, browser(1)).await;
    let (stores, now) = ([store.clone(), store.source.handle()], store.now());
    let filed = request(7, &store);
    let asked = filed.request.clone();
    let outcomes = at_once(20, async move |number| {
        stores[number % 2]
            .put_device_request(&filed, now)
            .await
            .unwrap()
    });
    let outcomes = outcomes.await.into_iter();
    assert_eq!(outcomes.filter(|taken| *taken == Taken::Now).count(), 1);
    assert_eq!(
        store.approval(challenge(7), now).await.unwrap(),
        Some(asked)
    );
    assert_eq!(store.open_approvals(0, 9, now).await.unwrap(), []);
    assert!(waits(&store, PROGRAM, 7).await);
    let held = store.held(PROGRAM, &[grant_key("deploy")]).await;
    assert!(held.grants.is_empty() && held.mark.is_none(), "{held:?}");
    store.clock.advance(10 * MINUTE);
    assert_eq!(
        store.approval(challenge(7), store.now()).await.unwrap(),
        None
    );
    assert!(!waits(&store, PROGRAM, 7).await);
}

async fn a_request_of_an_unknown_session_writes_that_and_leaves_a_known_one_as_it_is(
    store: TestStore,
) {
    assert_eq!(file(&store, 7).await, Taken::Now);
    let written = store.held(PROGRAM, &[]).await.session.unwrap();
    let unrecorded = request(7, &store).unrecorded;
    assert_eq!(written, unrecorded.stored());
    let listed = store.sessions(Some(&Subject::new("alice")), 9).await;
    assert_eq!(listed.unwrap().len(), 1);

    let known = StoredSession {
        provenance: Some(Provenance::new("192.0.2.7".parse().unwrap(), "curl/8", "")),
        ..session("alice", browser(5), store.now())
    };
    store.record(PROGRAM, known.clone()).await;
    let earned = grant(grant_key("other"), 1, browser(5), store.now());
    let verified = verified(PROGRAM, browser(5), Some(earned), store.now());
    store.put_verified(&verified, store.now()).await.unwrap();
    store.clock.advance(Duration::from_mins(1));
    assert_eq!(file(&store, 8).await, Taken::Now);
    let held = store.held(PROGRAM, &[grant_key("other")]).await;
    assert_eq!((held.session, held.grants.len()), (Some(known), 1));
    assert!(held.mark.is_some());

    // Of somebody else: what they held is gone, and nothing of it is this subject's.
    store
        .record(PROGRAM, session("bob", browser(5), store.now()))
        .await;
    assert_eq!(file(&store, 9).await, Taken::Now);
    let held = store.held(PROGRAM, &[grant_key("other")]).await;
    let owner = held.session.unwrap().owner;
    assert_eq!(owner, Owner::Subject(Subject::new("alice")));
    assert!(held.grants.is_empty() && held.mark.is_none());
}

async fn a_revoked_session_files_nothing(store: TestStore) {
    store.login(PROGRAM, browser(1)).await;
    store.revoke(PROGRAM).await;
    assert_eq!(file(&store, 7).await, Taken::Before);
    let found = store.approval(challenge(7), store.now()).await.unwrap();
    assert_eq!(found, None);
}

async fn what_waits_in_two_sessions_is_taken_up_once_however_many_ask_at_once(store: TestStore) {
    prove(&store, 7).await;
    assert!(waits(&store, OWNER, 7).await);
    let held = store.held(OWNER, &[grant_key("deploy")]).await;
    assert!(held.grants.is_empty() && held.latest.is_empty(), "{held:?}");
    assert!(held.mark.is_some());
    let (stores, now) = ([store.clone(), store.source.handle()], store.now());
    let verified = taken_up(7, &store);
    let taken = at_once(20, async move |number| {
        stores[number % 2]
            .put_verified(&verified, now)
            .await
            .unwrap()
    });
    let taken = taken.await.into_iter().filter(|taken| *taken == Taken::Now);
    assert_eq!(taken.count(), 1);
    let held = store.held(PROGRAM, &[grant_key("deploy")]).await;
    assert_eq!(held.grants[0].browser_key, NEW);
    assert_eq!(held.session.unwrap().browser_key, Some(NEW));
    assert!(held.mark.is_none(), "the grant and nothing else");
    for session in [PROGRAM, OWNER] {
        assert!(!waits(&store, session, 7).await);
    }
    let held = store.held(OWNER, &[grant_key("deploy")]).await;
    assert!(held.grants.is_empty(), "the grant is the program's");
}

async fn what_one_session_has_lost_is_taken_up_by_nobody(store: TestStore) {
    let mut number = 0;
    for session_lost in [PROGRAM, OWNER] {
        for how in [
            "lock", "logout", "revoke", "dispute", "login", "subject", "time",
        ] {
            number += 1;
            prove(&store, number).await;
            match how {
                "lock" => store.lock_session(session_lost).await.unwrap(),
                "logout" => store.end_session(session_lost).await.unwrap(),
                "revoke" => store.revoke(session_lost).await,
                "dispute" => {
                    let nobody = StoredSession::without_subject(Owner::Disputed, None, store.now());
                    let disputed = store.dispute_session(session_lost, &nobody, HOUR);
                    disputed.await.unwrap();
                }
                "login" => drop(store.login(session_lost, browser(2)).await),
                "subject" => {
                    let bob = session("bob", browser(2), store.now());
                    store.record(session_lost, bob).await;
                }
                _ => store.clock.advance(10 * MINUTE),
            }
            assert_eq!(take_up(&store, number).await, Taken::Before, "{how}");
            let held = store.held(PROGRAM, &[grant_key("deploy")]).await;
            assert!(held.grants.is_empty(), "{how}");
            if how == "revoke" {
                // Until its revocation is over.
                store.clock.advance(2 * HOUR);
            }
            for session in [PROGRAM, OWNER] {
                store.end_session(session).await.unwrap();
            }
        }
    }
}

async fn a_verification_without_a_mark_leaves_the_one_that_is_there(store: TestStore) {
    store.login(PROGRAM, browser(1)).await;
    let first = verified(PROGRAM, browser(1), None, store.now());
    store.put_verified(&first, store.now()).await.unwrap();
    let second = VerifiedChallenge {
        mark: None,
        renewed: NEW,
        ..verified(PROGRAM, browser(1), None, store.now())
    };
    store.put_verified(&second, store.now()).await.unwrap();
    let mark = store.held(PROGRAM, &[]).await.mark.unwrap();
    assert_eq!(mark.browser_key, NEW, "the same browser, under its new key");
    // Another browser's stays with that, which is gone.
    let third = VerifiedChallenge {
        mark: None,
        ..verified(PROGRAM, browser(4), None, store.now())
    };
    store.put_verified(&third, store.now()).await.unwrap();
    assert_eq!(store.held(PROGRAM, &[]).await.mark, None);
}
