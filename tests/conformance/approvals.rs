//! Approvals: requested with a verification, decided once, taken up once.

use super::on_both_stores;
use super::support::{
    HOUR, MINUTE, TestStore, at_once, browser, challenge, grant, id, once, session, verified,
};
use stepgate::domain::{
    Approver, BrowserKeyHash, ChallengeId, Grant, GrantKey, RouteId, SessionId, Subject,
};
use stepgate::store::{
    Approval, ApprovalDecision, ApprovalOutcome, ApprovedGrant, Carry, Rotation, Taken,
    VerifiedChallenge,
};

on_both_stores! {
    a_request_is_found_until_it_expires_and_its_grant_opens_nothing,
    a_request_is_decided_once_however_many_decide_at_once,
    a_decision_after_the_end_counts_for_nothing,
    an_approved_grant_is_taken_up_once_however_many_ask_at_once,
    only_an_approved_grant_is_taken_up,
    a_waiting_grant_ends_with_the_elevation_of_its_session,
    a_waiting_grant_follows_its_session_to_a_new_cookie_and_is_taken_up_under_one_of_both,
    a_waiting_grant_follows_the_browser_to_its_new_key,
    open_requests_are_listed_newest_first_and_no_more_than_asked_for,
}

fn key() -> GrantKey {
    once("pay", 1)
}

/// The request of a challenge, which ends after an hour.
fn request(number: u8, store: &TestStore) -> Approval {
    let now = store.now();
    Approval {
        id: challenge(number),
        session: id(1),
        browser_key: browser(1),
        requester: Subject::new("alice"),
        route: RouteId::new("pay"),
        binding: key().binding,
        asked_at: now,
        expires_at: now.after(HOUR),
        sealed: vec![1, 2, 3],
        decision: None,
    }
}

fn approver(name: &str, group: Option<&str>) -> Approver {
    Approver {
        subject: Subject::new(name),
        group: group.map(str::to_owned),
    }
}

fn decision(outcome: ApprovalOutcome, by: &str, store: &TestStore) -> ApprovalDecision {
    ApprovalDecision {
        outcome,
        by: approver(by, None),
        at: store.now(),
        sealed: vec![4],
    }
}

fn waiting(number: u8, store: &TestStore) -> Grant {
    Grant {
        expires_at: store.now().after(HOUR),
        ..grant(key(), number, browser(1), store.now())
    }
}

/// The first session of alice asks for approval, in the first browser.
async fn ask(store: &TestStore, number: u8) -> (Approval, Grant) {
    if store.held(id(1), &[]).await.session.is_none() {
        store.login(id(1), browser(1)).await;
    }
    let (approval, grant) = (request(number, store), waiting(number, store));
    let asked = VerifiedChallenge {
        challenge: challenge(number),
        waits_for: Some(approval.id),
        approval: Some(approval.clone()),
        ..verified(id(1), browser(1), Some(grant.clone()), store.now())
    };
    assert_eq!(
        store.put_verified(&asked, store.now()).await.unwrap(),
        Taken::Now
    );
    (approval, grant)
}

async fn decide(store: &TestStore, number: u8, outcome: ApprovalOutcome) -> Taken {
    let decision = decision(outcome, "bob", store);
    let decided = store.decide_approval(challenge(number), &decision, store.now());
    decided.await.unwrap()
}

fn approved(session: SessionId, number: u8, waiting: &Grant) -> ApprovedGrant {
    ApprovedGrant {
        session,
        approval: challenge(number),
        waiting: waiting.clone(),
        grant: Grant {
            approved_by: Some(approver("bob", Some("payroll"))),
            ..waiting.clone()
        },
    }
}

async fn take_up(store: &TestStore, granted: &ApprovedGrant) -> Taken {
    store.put_approved(granted, store.now()).await.unwrap()
}

async fn waits(store: &TestStore, session: SessionId, number: u8) -> Option<Grant> {
    let waiting = store.waiting_grant(session, challenge(number), store.now());
    waiting.await.unwrap()
}

async fn found(store: &TestStore, id: ChallengeId) -> Option<Approval> {
    store.approval(id, store.now()).await.unwrap()
}

async fn claimed(store: &TestStore, browser: BrowserKeyHash) -> usize {
    store.claim(id(1), browser, &[key()]).await.claims.len()
}

async fn a_request_is_found_until_it_expires_and_its_grant_opens_nothing(store: TestStore) {
    let (approval, grant) = ask(&store, 7).await;
    assert_eq!(found(&store, challenge(7)).await, Some(approval));
    assert_eq!(found(&store, challenge(8)).await, None);
    assert_eq!(waits(&store, id(1), 7).await, Some(grant));
    assert_eq!(waits(&store, id(1), 8).await, None);
    assert_eq!(waits(&store, id(2), 7).await, None);
    assert_eq!(claimed(&store, browser(1)).await, 0);
    let held = store.held(id(1), &[key()]).await;
    assert!(held.grants.is_empty() && held.latest.is_empty(), "{held:?}");
    assert!(held.mark.is_some());
    store.clock.advance(HOUR);
    assert_eq!(found(&store, challenge(7)).await, None);
    assert_eq!(waits(&store, id(1), 7).await, None);
    assert_eq!(store.open_approvals(0, 9, store.now()).await.unwrap(), []);
}

async fn a_request_is_decided_once_however_many_decide_at_once(store: TestStore) {
    ask(&store, 7).await;
    let (stores, now) = ([store.clone(), store.source.handle()], store.now());
    let decisions = [
        decision(ApprovalOutcome::Approved, "bob", &store),
        decision(ApprovalOutcome::Refused, "carol", &store),
        decision(ApprovalOutcome::Withdrawn, "alice", &store),
    ];
    let tried = decisions.clone();
    let outcomes = at_once(30, async move |number| {
        let decided = stores[number % 2].decide_approval(challenge(7), &tried[number % 3], now);
        (number % 3, decided.await.unwrap())
    });
    let counted: Vec<_> = outcomes
        .await
        .into_iter()
        .filter(|(_, taken)| *taken == Taken::Now)
        .collect();
    let [(first, _)] = counted[..] else {
        panic!("{counted:?}");
    };
    let decided = found(&store, challenge(7)).await.unwrap().decision;
    assert_eq!(decided.as_ref(), Some(&decisions[first]));
    assert_eq!(store.open_approvals(0, 9, now).await.unwrap(), []);
}

async fn a_decision_after_the_end_counts_for_nothing(store: TestStore) {
    ask(&store, 7).await;
    assert_eq!(
        decide(&store, 8, ApprovalOutcome::Approved).await,
        Taken::Before,
        "no such request"
    );
    store.clock.advance(HOUR);
    assert_eq!(
        decide(&store, 7, ApprovalOutcome::Approved).await,
        Taken::Before
    );
}

async fn an_approved_grant_is_taken_up_once_however_many_ask_at_once(store: TestStore) {
    let (_, grant) = ask(&store, 7).await;
    assert_eq!(
        decide(&store, 7, ApprovalOutcome::Approved).await,
        Taken::Now
    );
    let (stores, now) = ([store.clone(), store.source.handle()], store.now());
    let granted = approved(id(1), 7, &grant);
    let taken = at_once(20, async move |number| {
        stores[number % 2]
            .put_approved(&granted, now)
            .await
            .unwrap()
    });
    let taken = taken.await.into_iter().filter(|taken| *taken == Taken::Now);
    assert_eq!(taken.count(), 1);
    assert_eq!(waits(&store, id(1), 7).await, None);
    let held = store.claim(id(1), browser(1), &[key()]).await;
    let by = held.claims[0].grant.approved_by.clone();
    assert_eq!(by, Some(approver("bob", Some("payroll"))));
    // Once more, after it was spent.
    assert_eq!(
        take_up(&store, &approved(id(1), 7, &grant)).await,
        Taken::Before
    );
    assert_eq!(claimed(&store, browser(1)).await, 0);
}

async fn only_an_approved_grant_is_taken_up(store: TestStore) {
    for (number, outcome) in [
        (7, None),
        (8, Some(ApprovalOutcome::Refused)),
        (9, Some(ApprovalOutcome::Withdrawn)),
    ] {
        let (_, grant) = ask(&store, number).await;
        if let Some(outcome) = outcome {
            assert_eq!(decide(&store, number, outcome).await, Taken::Now);
        }
        assert_eq!(
            take_up(&store, &approved(id(1), number, &grant)).await,
            Taken::Before
        );
    }
    let (_, grant) = ask(&store, 10).await;
    assert_eq!(
        decide(&store, 10, ApprovalOutcome::Approved).await,
        Taken::Now
    );
    let mut other = approved(id(1), 10, &grant);
    other.waiting.level = stepgate::domain::RiskLevel::High;
    assert_eq!(
        take_up(&store, &other).await,
        Taken::Before,
        "another grant than waits"
    );
    assert_eq!(
        take_up(&store, &approved(id(1), 7, &grant)).await,
        Taken::Before,
        "by another's approval"
    );
    assert_eq!(claimed(&store, browser(1)).await, 0);
}

async fn a_waiting_grant_ends_with_the_elevation_of_its_session(store: TestStore) {
    let lose = async |number: u8, how: &str| {
        let (_, grant) = ask(&store, number).await;
        assert_eq!(
            decide(&store, number, ApprovalOutcome::Approved).await,
            Taken::Now
        );
        match how {
            "lock" => store.lock_session(id(1)).await.unwrap(),
            "logout" => store.end_session(id(1)).await.unwrap(),
            "login" => drop(store.login(id(1), browser(1)).await),
            "subject" => {
                store
                    .record(id(1), session("bob", browser(1), store.now()))
                    .await;
            }
            _ => {
                let elsewhere = VerifiedChallenge {
                    challenge: challenge(number + 100),
                    ..verified(id(1), browser(2), None, store.now())
                };
                store.put_verified(&elsewhere, store.now()).await.unwrap();
            }
        }
        assert_eq!(waits(&store, id(1), number).await, None, "{how}");
        assert_eq!(
            take_up(&store, &approved(id(1), number, &grant)).await,
            Taken::Before,
            "{how}"
        );
        store.end_session(id(1)).await.unwrap();
    };
    for (number, how) in ["lock", "logout", "login", "subject", "browser"]
        .into_iter()
        .enumerate()
    {
        lose(u8::try_from(number).unwrap() + 20, how).await;
    }
}

async fn a_waiting_grant_follows_its_session_to_a_new_cookie_and_is_taken_up_under_one_of_both(
    store: TestStore,
) {
    let (_, grant) = ask(&store, 7).await;
    let rotation = Rotation {
        from: id(1),
        to: id(2),
        carry: Carry::Everything,
        grace: MINUTE,
    };
    store.rotate_session(&rotation).await.unwrap();
    assert_eq!(waits(&store, id(2), 7).await, Some(grant.clone()));
    assert_eq!(
        decide(&store, 7, ApprovalOutcome::Approved).await,
        Taken::Now
    );
    assert_eq!(
        take_up(&store, &approved(id(2), 7, &grant)).await,
        Taken::Now
    );
    assert_eq!(
        take_up(&store, &approved(id(1), 7, &grant)).await,
        Taken::Before
    );
}

async fn a_waiting_grant_follows_the_browser_to_its_new_key(store: TestStore) {
    let (_, grant) = ask(&store, 7).await;
    let renewed = VerifiedChallenge {
        challenge: challenge(8),
        renewed: browser(3),
        ..verified(id(1), browser(1), None, store.now())
    };
    store.put_verified(&renewed, store.now()).await.unwrap();
    let waiting = waits(&store, id(1), 7).await.unwrap();
    assert_eq!(waiting.browser_key, browser(3));
    assert_eq!(
        decide(&store, 7, ApprovalOutcome::Approved).await,
        Taken::Now
    );
    assert_eq!(
        take_up(&store, &approved(id(1), 7, &grant)).await,
        Taken::Before,
        "under the old key"
    );
    assert_eq!(
        take_up(&store, &approved(id(1), 7, &waiting)).await,
        Taken::Now
    );
    assert_eq!(claimed(&store, browser(3)).await, 1);
}

async fn open_requests_are_listed_newest_first_and_no_more_than_asked_for(store: TestStore) {
    for number in 1..=5 {
        ask(&store, number).await;
        store.clock.advance(MINUTE);
    }
    decide(&store, 3, ApprovalOutcome::Refused).await;
    let ids = async |skipped, most| {
        let open = store.open_approvals(skipped, most, store.now());
        let open = open.await.unwrap();
        open.iter().map(|open| open.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(0, 9).await, [5, 4, 2, 1].map(challenge));
    assert_eq!(ids(0, 2).await, [5, 4].map(challenge));
    assert_eq!(ids(2, 2).await, [2, 1].map(challenge));
    assert_eq!(ids(3, 2).await, [1].map(challenge));
    assert_eq!(ids(4, 2).await, []);
}
