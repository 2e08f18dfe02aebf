//! Grants: found by those they belong to, taken once.

use super::on_both_stores;
use super::support::{HOUR, MINUTE, TestStore, at_once, browser, grant, grant_key, id, once};
use std::sync::Arc;
use stepgate::domain::{
    Action, Alternatives, Binding, BrowserKeyHash, Claim, Demand, Enforcement, Factor,
    RequestDigest, Requirement, RiskLevel, Scope, SessionId, Verdict,
};
use stepgate::gate::{self, Spends};
use stepgate::session::{
    Caller, CredentialNames, KeyNames, RotatedProofs, RotationOptions, SessionKey, SessionOptions,
};
use stepgate::store::Ask;

on_both_stores! {
    a_grant_is_found_under_its_key_alone_and_stays,
    one_single_use_grant_and_a_hundred_takers_give_exactly_one_claim,
    one_single_use_grant_and_a_hundred_requests_give_exactly_one_forward,
    the_grants_of_a_session_are_those_that_it_may_still_use,
    a_grant_of_another_session_or_browser_opens_nothing_and_stays,
    claims_are_taken_all_or_none,
    a_claim_is_taken_by_the_browser_that_earned_it_alone,
    an_expired_claim_is_not_taken,
    a_claim_given_back_can_be_taken_once_more,
    a_claim_given_back_after_a_lock_stays_gone,
    a_claim_given_back_does_not_replace_a_newer_grant,
    the_last_grant_of_an_action_is_told_though_it_was_taken_or_bound_otherwise,
}

async fn a_grant_is_found_under_its_key_alone_and_stays(store: TestStore) {
    store.login(id(1), browser(1)).await;
    let mut bound = grant_key("a");
    bound.binding = Some(RequestDigest::new([1; 32]));
    let granted = store.earn(1, bound.clone()).await;
    let mut other = bound.clone();
    other.binding = Some(RequestDigest::new([2; 32]));
    let keys = [grant_key("a"), other, once("a", 1), bound, grant_key("b")];
    for _ in 0..2 {
        let held = store.held(id(1), &keys).await;
        assert_eq!(held.grants, std::slice::from_ref(&granted));
    }
    assert!(store.held(id(2), &keys).await.grants.is_empty());
}

async fn the_grants_of_a_session_are_those_that_it_may_still_use(store: TestStore) {
    store.login(id(1), browser(1)).await;
    store.login(id(2), browser(2)).await;
    let kept = store.earn(1, grant_key("a")).await;
    let once_only = store.earn(1, once("b", 1)).await;
    let mut grants = store.grants_of(id(1)).await.unwrap();
    grants.sort_by(|one, other| one.key.action.as_str().cmp(other.key.action.as_str()));
    assert_eq!(grants, [kept.clone(), once_only]);
    let taken = store.claim(id(1), browser(1), &[once("b", 1)]).await;
    assert_eq!(taken.claims.len(), 1);
    assert_eq!(store.grants_of(id(1)).await.unwrap(), [kept]);
    assert!(store.grants_of(id(2)).await.unwrap().is_empty());
    store.lock_session(id(1)).await.unwrap();
    assert!(store.grants_of(id(1)).await.unwrap().is_empty());
}

async fn one_single_use_grant_and_a_hundred_takers_give_exactly_one_claim(store: TestStore) {
    store.login(id(1), browser(1)).await;
    let granted = store.earn(1, once("a", 1)).await;
    // Two handles, as two threads have them.
    let stores = [store.clone(), store.source.handle()];
    let now = store.now();
    let taken = at_once(100, async move |number| {
        let claims = [once("a", 1)];
        let ask = Ask {
            session: id(1),
            browser: Some(browser(1)),
            grants: &[],
            claims: &claims,
        };
        let held = stores[number % 2].evidence(ask, now).await.unwrap();
        assert!(held.session.is_some());
        held.claims
    })
    .await;
    let taken: Vec<Claim> = taken.into_iter().flatten().collect();
    assert_eq!(
        taken,
        [Claim {
            session: id(1),
            grant: granted
        }]
    );
}

async fn one_single_use_grant_and_a_hundred_requests_give_exactly_one_forward(store: TestStore) {
    store.login(id(1), browser(1)).await;
    let granted = store.earn(1, once("a", 1)).await;
    let stores = [store.clone(), store.source.handle()];
    let now = store.now();
    let outcomes = at_once(100, async move |number| {
        let caller = caller(id(1), browser(1));
        let demands = [demand("a", 1)];
        let admitted = gate::admit(
            &stores[number % 2],
            &sessions(),
            &caller,
            (&demands, Spends::Yes),
            (),
            now,
        )
        .await;
        admitted.unwrap().verdict
    })
    .await;
    let mut spent = Vec::new();
    for outcome in outcomes {
        match outcome {
            Verdict::Pass(permitted) => {
                let claims = permitted.into_claims().into_iter();
                spent.extend(claims.map(|claim| (claim.session, claim.grant)));
            }
            Verdict::Challenge((unmet, ())) => assert_eq!(unmet.index, Some(0)),
            Verdict::Deny(_) => panic!("not for want of a grant"),
        }
    }
    assert_eq!(spent, [(id(1), granted)]);
}

async fn a_grant_of_another_session_or_browser_opens_nothing_and_stays(store: TestStore) {
    store.login(id(1), browser(1)).await;
    store.login(id(2), browser(2)).await;
    store.earn(1, once("a", 1)).await;
    let forwards = async |session, browser, digest| {
        let (caller, demands) = (caller(session, browser), [demand("a", digest)]);
        let admitted = gate::admit(
            &store,
            &sessions(),
            &caller,
            (&demands, Spends::Yes),
            (),
            store.now(),
        )
        .await;
        matches!(admitted.unwrap().verdict, Verdict::Pass(_))
    };
    assert!(!forwards(id(1), browser(2), 1).await, "a copied cookie");
    assert!(!forwards(id(2), browser(1), 1).await, "another session");
    assert!(!forwards(id(2), browser(2), 1).await, "another login");
    assert!(!forwards(id(1), browser(1), 2).await, "another request");
    assert!(forwards(id(1), browser(1), 1).await, "nobody used it up");
    assert!(!forwards(id(1), browser(1), 1).await, "and now it is");
}

async fn claims_are_taken_all_or_none(store: TestStore) {
    store.login(id(1), browser(1)).await;
    store.earn(1, once("a", 1)).await;
    let both = [once("a", 1), once("b", 1)];
    assert!(
        store
            .claim(id(1), browser(1), &both)
            .await
            .claims
            .is_empty()
    );
    store.earn(2, once("b", 1)).await;
    assert_eq!(store.claim(id(1), browser(1), &both).await.claims.len(), 2);
    assert!(
        store
            .claim(id(1), browser(1), &both[..1])
            .await
            .claims
            .is_empty()
    );
}

async fn a_claim_is_taken_by_the_browser_that_earned_it_alone(store: TestStore) {
    store.login(id(1), browser(1)).await;
    let key = [once("a", 1)];
    store.earn(1, key[0].clone()).await;
    assert!(store.claim(id(1), browser(2), &key).await.claims.is_empty());
    let ask = Ask {
        session: id(1),
        browser: None,
        grants: &[],
        claims: &key,
    };
    assert!(
        store
            .evidence(ask, store.now())
            .await
            .unwrap()
            .claims
            .is_empty()
    );
    assert!(store.claim(id(2), browser(1), &key).await.claims.is_empty());
    assert_eq!(store.claim(id(1), browser(1), &key).await.claims.len(), 1);
}

async fn an_expired_claim_is_not_taken(store: TestStore) {
    store.login(id(1), browser(1)).await;
    let key = [once("a", 1)];
    store.earn(1, key[0].clone()).await;
    store.clock.advance(10 * MINUTE);
    assert!(store.claim(id(1), browser(1), &key).await.claims.is_empty());
}

async fn a_claim_given_back_can_be_taken_once_more(store: TestStore) {
    store.login(id(1), browser(1)).await;
    let key = [once("a", 1)];
    let granted = store.earn(1, key[0].clone()).await;
    for _ in 0..2 {
        let claim = store.claim(id(1), browser(1), &key).await.claims.remove(0);
        assert_eq!(claim.grant, granted);
        store.give_back(claim, store.now()).await.unwrap();
    }
    let forged = Claim {
        session: id(1),
        grant: grant(once("b", 1), 9, browser(1), store.now()),
    };
    store.give_back(forged, store.now()).await.unwrap();
    let nothing = store.claim(id(1), browser(1), &[once("b", 1)]).await.claims;
    assert!(nothing.is_empty(), "what was never taken is not given back");
}

async fn a_claim_given_back_after_a_lock_stays_gone(store: TestStore) {
    let key = [once("a", 1)];
    for number in 1..=3 {
        store.login(id(number), browser(1)).await;
        let granted = grant(key[0].clone(), number, browser(1), store.now());
        store.verify(id(number), browser(1), Some(granted)).await;
        let claim = store
            .claim(id(number), browser(1), &key)
            .await
            .claims
            .remove(0);
        match number {
            1 => store.lock_session(id(number)).await.unwrap(),
            2 => store.end_session(id(number)).await.unwrap(),
            _ => store.revoke(id(number)).await,
        }
        store.give_back(claim, store.now()).await.unwrap();
        assert!(
            store
                .claim(id(number), browser(1), &key)
                .await
                .claims
                .is_empty()
        );
    }
}

async fn a_claim_given_back_does_not_replace_a_newer_grant(store: TestStore) {
    store.login(id(1), browser(1)).await;
    let key = [once("a", 1)];
    store.earn(1, key[0].clone()).await;
    let older = store.claim(id(1), browser(1), &key).await.claims.remove(0);
    store.clock.advance(MINUTE);
    let newer = store.earn(2, key[0].clone()).await;
    store.give_back(older, store.now()).await.unwrap();
    assert_eq!(
        store.claim(id(1), browser(1), &key).await.claims[0].grant,
        newer
    );
    assert!(store.claim(id(1), browser(1), &key).await.claims.is_empty());
}

/// What a level-4 route asks of the request with this digest.
fn demand(action: &str, digest: u8) -> Demand {
    Demand {
        requirement: Arc::new(Requirement {
            action: Action::new(action),
            title: "".into(),
            level: RiskLevel::Critical,
            factors: Alternatives::any_of(&[Factor::Totp]).unwrap(),
            factors_narrowed: false,
            acr: Vec::new(),
            max_age: 2 * MINUTE,
            scope: Scope::Action,
            single_use: true,
            bind: Binding::Request,
            show: vec![],
            confirm: None,
            approval: None,
            device: true,
            anchor: None,
            inline: None,
            open_for: None,
            enforcement: Enforcement::Enforce,
        }),
        binding: Some(RequestDigest::new([digest; 32])),
    }
}

fn caller(session: SessionId, browser: BrowserKeyHash) -> Caller {
    Caller {
        session: Some(session),
        browser_key: Some(browser),
        ..Caller::default()
    }
}

fn sessions() -> SessionOptions {
    SessionOptions {
        credentials: CredentialNames { cookies: vec![] },
        key_names: KeyNames::default(),
        naming: stepgate::domain::Naming::default(),
        key: SessionKey::Credential,
        rotation: RotationOptions {
            proofs: RotatedProofs::Auto,
            grace: MINUTE,
        },
        remember: HOUR,
        lifetime: None,
        idle: None,
        login_page: None,
        asks_for_password: false,
        source: None,
        learn: None,
    }
}

async fn the_last_grant_of_an_action_is_told_though_it_was_taken_or_bound_otherwise(
    store: TestStore,
) {
    store.login(id(1), browser(1)).await;
    let granted = store.earn(1, once("a", 1)).await;
    for _ in 0..2 {
        let held = store.claim(id(1), browser(1), &[once("a", 1)]).await;
        assert_eq!(held.latest, std::slice::from_ref(&granted));
    }
    let mut bound = grant_key("a");
    bound.binding = Some(RequestDigest::new([2; 32]));
    let held = store.held(id(1), &[bound]).await;
    assert_eq!((held.latest, held.grants), (vec![granted], vec![]));
    // Not for another action or session, nor where any grant would do.
    assert!(store.held(id(1), &[grant_key("a")]).await.latest.is_empty());
    assert!(
        store
            .claim(id(1), browser(1), &[once("b", 1)])
            .await
            .latest
            .is_empty()
    );
    assert!(
        store
            .claim(id(2), browser(1), &[once("a", 1)])
            .await
            .latest
            .is_empty()
    );
    store.lock_session(id(1)).await.unwrap();
    assert!(
        store
            .claim(id(1), browser(1), &[once("a", 1)])
            .await
            .latest
            .is_empty()
    );
}
