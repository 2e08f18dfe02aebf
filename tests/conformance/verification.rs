//! Verification: attempts, codes, steps, factors, and success, each counted or taken once.

use super::on_both_stores;
use super::support::{
    MINUTE, TestStore, at_once, browser, challenge, grant, grant_key, id, mark, once, session,
    verified,
};
use stepgate::domain::{
    AttemptCount, Counter, CounterKey, Factor, FactorSet, KeptName, Session, StoredSession,
    Subject, Timestamp, UserId,
};
use stepgate::store::{CodeAnswer, RestsOn, SentCode, Taken, VerifiedChallenge};

on_both_stores! {
    a_hundred_attempts_at_once_are_judged_five_times,
    an_attempt_counts_under_every_counter_or_under_none,
    an_attempt_that_was_not_judged_is_taken_back,
    a_window_is_fixed_and_ends,
    a_counter_without_a_window_counts_until_it_is_cleared,
    one_totp_step_is_taken_once_and_older_ones_never,
    a_challenge_succeeds_once,
    a_verification_marks_the_session_and_clears_counters,
    a_verification_records_a_session_that_was_not_known,
    a_renewed_browser_key_keeps_what_its_browser_earned,
    another_browser_voids_what_the_earlier_one_earned,
    another_subject_voids_everything,
    what_a_verification_rests_on_must_not_have_ended_since,
    a_code_is_taken_once,
    a_wrong_code_leaves_the_sent_one_good,
    a_code_expires_and_is_replaced,
    factors_add_up_for_one_challenge,
}

fn counter(key: &str, limit: u32, minutes: Option<u32>) -> Counter {
    Counter {
        key: CounterKey::new(key),
        limit,
        window: minutes.map(|count| MINUTE * count),
    }
}

async fn a_hundred_attempts_at_once_are_judged_five_times(store: TestStore) {
    let stores = [store.clone(), store.source.handle()];
    let now = store.now();
    let attempts = at_once(100, async move |number| {
        let counters = [
            counter("session", 5, Some(10)),
            counter("address", 50, Some(10)),
        ];
        stores[number % 2]
            .count_attempt(&counters, now)
            .await
            .unwrap()
    })
    .await;
    let mut left: Vec<_> = attempts
        .iter()
        .filter_map(|attempt| match attempt {
            AttemptCount::Counted { remaining } => Some(*remaining),
            AttemptCount::Refused { key, until } => {
                assert_eq!(*key, CounterKey::new("session"));
                assert_eq!(*until, Some(now.after(10 * MINUTE)));
                None
            }
        })
        .collect();
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2, 3, 4]);
}

async fn an_attempt_that_was_not_judged_is_taken_back(store: TestStore) {
    let now = store.now();
    let counters = [counter("a", 2, Some(10)), counter("b", 2, None)];
    let keys = counters.clone().map(|counter| counter.key);
    let remaining = |remaining| AttemptCount::Counted { remaining };
    for _ in 0..3 {
        let counted = store.count_attempt(&counters, now).await.unwrap();
        assert_eq!(counted, remaining(1));
        store.uncount_attempt(&keys).await.unwrap();
    }
    // No more is taken back than was counted, and the window stays as it was.
    store.uncount_attempt(&keys).await.unwrap();
    store.uncount_attempt(&[]).await.unwrap();
    for left in [1, 0] {
        let counted = store.count_attempt(&counters, now).await.unwrap();
        assert_eq!(counted, remaining(left));
    }
    let refused = store.count_attempt(&counters, now).await.unwrap();
    let until = Some(now.after(10 * MINUTE));
    let key = CounterKey::new("a");
    assert_eq!(refused, AttemptCount::Refused { key, until });
}

async fn an_attempt_counts_under_every_counter_or_under_none(store: TestStore) {
    let (store, now) = (&*store, store.now());
    let (tight, wide) = (counter("tight", 1, Some(1)), counter("wide", 3, Some(1)));
    let both = [wide.clone(), tight.clone()];
    let counted = |remaining| AttemptCount::Counted { remaining };
    assert_eq!(store.count_attempt(&both, now).await.unwrap(), counted(0));
    for _ in 0..3 {
        let refused = store.count_attempt(&both, now).await.unwrap();
        assert!(matches!(refused, AttemptCount::Refused { key, .. } if key == tight.key));
    }
    // Of four attempts under both, one was counted under the wide one.
    assert_eq!(
        store
            .count_attempt(std::slice::from_ref(&wide), now)
            .await
            .unwrap(),
        counted(1)
    );
    assert_eq!(
        store.count_attempt(&[], now).await.unwrap(),
        counted(u32::MAX)
    );
    let never = counter("never", 0, None);
    let refused = store.count_attempt(&[never], now).await.unwrap();
    assert!(matches!(refused, AttemptCount::Refused { until: None, .. }));
}

async fn a_window_is_fixed_and_ends(store: TestStore) {
    let counters = [counter("a", 2, Some(10))];
    let start = store.now();
    for _ in 0..2 {
        store.count_attempt(&counters, store.now()).await.unwrap();
        store.clock.advance(4 * MINUTE);
    }
    let refused = store.count_attempt(&counters, store.now()).await.unwrap();
    let until = Some(start.after(10 * MINUTE));
    assert_eq!(
        refused,
        AttemptCount::Refused {
            key: CounterKey::new("a"),
            until
        }
    );
    store.clock.advance(2 * MINUTE);
    let counted = store.count_attempt(&counters, store.now()).await.unwrap();
    assert_eq!(counted, AttemptCount::Counted { remaining: 1 });
}

async fn a_counter_without_a_window_counts_until_it_is_cleared(store: TestStore) {
    let counters = [counter("a", 1, None)];
    let count = async || store.count_attempt(&counters, store.now()).await.unwrap();
    assert_eq!(count().await, AttemptCount::Counted { remaining: 0 });
    store.clock.advance(100_000 * MINUTE);
    assert_eq!(
        count().await,
        AttemptCount::Refused {
            key: CounterKey::new("a"),
            until: None
        }
    );
    store
        .clear_attempts(&[CounterKey::new("a"), CounterKey::new("b")])
        .await
        .unwrap();
    store.clear_attempts(&[]).await.unwrap();
    assert_eq!(count().await, AttemptCount::Counted { remaining: 0 });
}

async fn one_totp_step_is_taken_once_and_older_ones_never(store: TestStore) {
    let user = UserId::new("alice");
    let stores = [store.clone(), store.source.handle()];
    let alice = user.clone();
    let taken = at_once(50, async move |number| {
        stores[number % 2]
            .take_totp_step(&alice, 1000)
            .await
            .unwrap()
    })
    .await;
    assert_eq!(
        taken.iter().filter(|taken| **taken == Taken::Now).count(),
        1
    );
    let take = async |name: &str, step| {
        store
            .take_totp_step(&UserId::new(name), step)
            .await
            .unwrap()
    };
    assert_eq!(take("alice", 999).await, Taken::Before);
    assert_eq!(take("alice", 1001).await, Taken::Now);
    assert_eq!(take("bob", 1000).await, Taken::Now);
}

async fn a_challenge_succeeds_once(store: TestStore) {
    store.login(id(1), browser(1)).await;
    let stores = [store.clone(), store.source.handle()];
    let now = store.now();
    let template = verified(id(1), browser(1), None, now);
    let taken = at_once(30, async move |number| {
        let grant = grant(grant_key(&format!("action{number}")), 1, browser(1), now);
        let verified = VerifiedChallenge {
            grant: Some(grant),
            ..template.clone()
        };
        stores[number % 2]
            .put_verified(&verified, now)
            .await
            .unwrap()
    })
    .await;
    assert_eq!(
        taken.iter().filter(|taken| **taken == Taken::Now).count(),
        1
    );
    let keys: Vec<_> = (0..30)
        .map(|number| grant_key(&format!("action{number}")))
        .collect();
    assert_eq!(store.held(id(1), &keys).await.grants.len(), 1);
}

async fn a_verification_marks_the_session_and_clears_counters(store: TestStore) {
    let session = store.login(id(1), browser(1)).await;
    let (cleared, kept) = (counter("cleared", 1, None), counter("kept", 1, None));
    for counter in [&cleared, &kept] {
        store
            .count_attempt(std::slice::from_ref(counter), store.now())
            .await
            .unwrap();
    }
    let granted = grant(grant_key("a"), 1, browser(1), store.now());
    let verified = VerifiedChallenge {
        clears: vec![cleared.key.clone()],
        ..verified(id(1), browser(1), Some(granted.clone()), store.now())
    };
    store.put_verified(&verified, store.now()).await.unwrap();
    let held = store.held(id(1), &[grant_key("a")]).await;
    assert_eq!(held.session, Some(session));
    assert_eq!(held.mark, Some(mark(browser(1), store.now())));
    assert_eq!(held.grants, [granted]);
    let counted = store.count_attempt(&[cleared], store.now()).await.unwrap();
    assert_eq!(counted, AttemptCount::Counted { remaining: 0 });
    let refused = store.count_attempt(&[kept], store.now()).await.unwrap();
    assert!(matches!(refused, AttemptCount::Refused { .. }));
}

async fn a_verification_records_a_session_that_was_not_known(store: TestStore) {
    let verified = VerifiedChallenge {
        presented: None,
        renewed: browser(5),
        mark: Some(mark(browser(5), store.now())),
        unrecorded: Session {
            browser_key: None,
            ..session("alice", browser(1), store.now()).known().unwrap()
        },
        ..verified(id(1), browser(5), None, store.now())
    };
    store.put_verified(&verified, store.now()).await.unwrap();
    let expected = Session {
        browser_key: Some(browser(5)),
        ..verified.unrecorded
    }
    .stored();
    assert_eq!(store.held(id(1), &[]).await.session, Some(expected.clone()));
    let listed = store
        .sessions(Some(&Subject::new("alice")), 9)
        .await
        .unwrap();
    assert_eq!(listed, [(id(1), expected)]);
}

async fn a_renewed_browser_key_keeps_what_its_browser_earned(store: TestStore) {
    let session = store.login(id(1), browser(1)).await;
    let earlier = grant(grant_key("earlier"), 1, browser(1), store.now());
    let single = grant(once("single", 1), 2, browser(1), store.now());
    store.verify(id(1), browser(1), Some(earlier.clone())).await;
    store.verify(id(1), browser(1), Some(single)).await;
    let verified = VerifiedChallenge {
        renewed: browser(2),
        mark: Some(mark(browser(2), store.now())),
        ..verified(id(1), browser(1), None, store.now())
    };
    store.put_verified(&verified, store.now()).await.unwrap();

    let held = store.held(id(1), &[grant_key("earlier")]).await;
    assert_eq!(
        held.session,
        Some(Session {
            browser_key: Some(browser(2)),
            ..session
        })
    );
    assert_eq!(held.mark.unwrap().browser_key, browser(2));
    assert_eq!(held.grants[0].browser_key, browser(2));
    assert_eq!(held.grants[0].id, earlier.id);
    assert!(
        store
            .claim(id(1), browser(1), &[once("single", 1)])
            .await
            .claims
            .is_empty()
    );
    assert_eq!(
        store
            .claim(id(1), browser(2), &[once("single", 1)])
            .await
            .claims
            .len(),
        1
    );
}

async fn another_browser_voids_what_the_earlier_one_earned(store: TestStore) {
    for presented in [None, Some(browser(8))] {
        let session = store.login(id(1), browser(1)).await;
        store.earn(1, grant_key("earlier")).await;
        let new = grant(grant_key("new"), 2, browser(9), store.now());
        let verified = VerifiedChallenge {
            presented,
            renewed: browser(9),
            mark: Some(mark(browser(9), store.now())),
            ..verified(id(1), browser(1), Some(new.clone()), store.now())
        };
        store.put_verified(&verified, store.now()).await.unwrap();
        let held = store
            .held(id(1), &[grant_key("earlier"), grant_key("new")])
            .await;
        let expected = StoredSession {
            browser_key: Some(browser(9)),
            authenticated_at: None,
            ..session
        };
        assert_eq!(held.session, Some(expected));
        assert_eq!(held.mark.unwrap().browser_key, browser(9));
        assert_eq!(held.grants, [new]);
    }
}

async fn another_subject_voids_everything(store: TestStore) {
    store.login(id(1), browser(1)).await;
    store.earn(1, grant_key("of alice")).await;
    let bob = session("bob", browser(1), store.now().after(MINUTE));
    let verified = VerifiedChallenge {
        unrecorded: bob.clone().known().unwrap(),
        ..verified(id(1), browser(1), None, store.now())
    };
    store.put_verified(&verified, store.now()).await.unwrap();
    let held = store.held(id(1), &[grant_key("of alice")]).await;
    assert_eq!((held.session, held.grants.len()), (Some(bob), 0));
    let of_alice = store
        .sessions(Some(&Subject::new("alice")), 9)
        .await
        .unwrap();
    assert!(of_alice.is_empty());
}

fn code(store: &TestStore, number: u8) -> SentCode {
    SentCode {
        hash: [number; 32],
        expires_at: store.now().after(10 * MINUTE),
    }
}

async fn what_a_verification_rests_on_must_not_have_ended_since(store: TestStore) {
    store.login(id(1), browser(1)).await;
    let [sound, over, of_another] = [1, 2, 3].map(|number| KeptName::new([number; 32]));
    let (began, until) = (store.now(), store.now().after(10 * MINUTE));
    let end = async |name: KeptName, millis: u64| {
        let end = RestsOn::end(Timestamp::from_millis(millis));
        store.keep(name, &end, until, began).await.unwrap();
    };
    let earned = async |ends: &[KeptName]| {
        let granted = grant(grant_key("a"), 1, browser(1), began);
        let resting = VerifiedChallenge {
            rests_on: RestsOn {
                ends: ends.to_vec(),
                since: began,
                waiting: Vec::new(),
            },
            ..verified(id(1), browser(1), Some(granted), began)
        };
        store.put_verified(&resting, began).await.unwrap()
    };
    // Also if its last byte is the greater one.
    end(sound, began.as_millis() - 1).await;
    end(of_another, began.as_millis()).await;
    end(over, began.as_millis() - 1000).await;
    end(over, began.as_millis() + 1).await;
    for ends in [&[over][..], &[sound, over], &[of_another]] {
        assert_eq!(earned(ends).await, Taken::Before);
        let held = store.held(id(1), &[grant_key("a")]).await;
        assert_eq!((held.mark, held.grants.len()), (None, 0));
    }
    assert_eq!(earned(&[sound]).await, Taken::Now);
    // Counters are after the ends among the keys of the script.
    let counted = counter("cleared", 1, None);
    let count = async || {
        let counters = std::slice::from_ref(&counted);
        store.count_attempt(counters, began).await.unwrap()
    };
    count().await;
    let resting = VerifiedChallenge {
        rests_on: RestsOn {
            ends: vec![sound, KeptName::new([4; 32])],
            since: began,
            waiting: Vec::new(),
        },
        clears: vec![counted.key.clone()],
        ..verified(id(1), browser(1), None, began)
    };
    let taken = store.put_verified(&resting, began).await.unwrap();
    assert_eq!(taken, Taken::Now);
    assert_eq!(count().await, AttemptCount::Counted { remaining: 0 });
    let kept = store.take_kept(sound, began).await.unwrap();
    assert_eq!(kept.len(), 1, "an end is no counter");
}

async fn a_code_is_taken_once(store: TestStore) {
    let now = store.now();
    store
        .put_code(challenge(1), &code(&store, 1), now)
        .await
        .unwrap();
    let stores = [store.clone(), store.source.handle()];
    let answers = at_once(50, async move |number| {
        stores[number % 2]
            .take_code(challenge(1), &[1; 32], now)
            .await
            .unwrap()
    })
    .await;
    assert_eq!(
        answers
            .iter()
            .filter(|answer| **answer == CodeAnswer::Matched)
            .count(),
        1
    );
    assert_eq!(
        answers
            .iter()
            .filter(|answer| **answer == CodeAnswer::NoneSent)
            .count(),
        49
    );
}

async fn a_wrong_code_leaves_the_sent_one_good(store: TestStore) {
    let take = async |number: u8, hash: u8| {
        store
            .take_code(challenge(number), &[hash; 32], store.now())
            .await
            .unwrap()
    };
    assert_eq!(take(1, 1).await, CodeAnswer::NoneSent);
    store
        .put_code(challenge(1), &code(&store, 1), store.now())
        .await
        .unwrap();
    assert_eq!(take(1, 2).await, CodeAnswer::Wrong);
    assert_eq!(take(2, 1).await, CodeAnswer::NoneSent);
    assert_eq!(take(1, 1).await, CodeAnswer::Matched);
}

async fn a_code_expires_and_is_replaced(store: TestStore) {
    let take = async |hash: u8| {
        store
            .take_code(challenge(1), &[hash; 32], store.now())
            .await
            .unwrap()
    };
    store
        .put_code(challenge(1), &code(&store, 1), store.now())
        .await
        .unwrap();
    store
        .put_code(challenge(1), &code(&store, 2), store.now())
        .await
        .unwrap();
    assert_eq!(take(1).await, CodeAnswer::Wrong);
    store.clock.advance(10 * MINUTE);
    assert_eq!(take(2).await, CodeAnswer::NoneSent);
}

async fn factors_add_up_for_one_challenge(store: TestStore) {
    let note = async |number: u8, factor| {
        store
            .note_factor(challenge(number), factor, 10 * MINUTE)
            .await
            .unwrap()
    };
    let password = FactorSet::EMPTY.with(Factor::Password);
    assert_eq!(note(1, Factor::Password).await, password);
    assert_eq!(note(1, Factor::Password).await, password);
    assert_eq!(
        note(2, Factor::Totp).await,
        FactorSet::EMPTY.with(Factor::Totp)
    );
    assert_eq!(note(1, Factor::Totp).await, password.with(Factor::Totp));
}
