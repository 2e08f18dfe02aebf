//! Redis stopped, cut off, restarted: callers hear so in time, and nobody hears another's answer.

use super::support::{Redis, SLACK, TestStore, at_once, browser, id, in_runtime, is_unavailable};
use std::rc::Rc;
use std::time::Duration;
use stepgate::domain::Subject;
use stepgate::store::{RedisOptions, StoreError, StoreOptions};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

const DEADLINE: Duration = Duration::from_millis(250);

/// For tests of the deadline itself.
fn hasty(redis: &Redis) -> StoreOptions {
    let connect_timeout = Duration::from_secs(1);
    StoreOptions::Redis(RedisOptions {
        deadline: DEADLINE,
        connect_timeout,
        ..redis.options()
    })
}

fn patient(redis: &Redis) -> StoreOptions {
    StoreOptions::Redis(redis.options())
}

#[test]
fn a_stopped_redis_is_told_within_the_deadline_and_then_at_once() {
    let redis = Redis::start(&[]);
    in_runtime(async || {
        TestStore::open(&patient(&redis))
            .login(id(1), browser(1))
            .await;
        let store = TestStore::open(&hasty(&redis));
        store.recovered().await;
        redis.pause();

        let store = Rc::new(store);
        let shared = Rc::clone(&store);
        let start = Instant::now();
        let waits = at_once(50, async move |_| {
            let outcome = shared.ask(id(1), &[]).await;
            (outcome, start.elapsed())
        })
        .await;
        for (outcome, waited) in waits {
            assert!(
                matches!(outcome, Err(StoreError::Timeout { limit }) if limit == DEADLINE),
                "{outcome:?}"
            );
            assert!(
                waited > DEADLINE / 2 && waited < DEADLINE + SLACK,
                "{waited:?}"
            );
        }

        let start = Instant::now();
        for _ in 0..100 {
            assert!(is_unavailable(&store.ask(id(1), &[]).await));
        }
        assert!(
            start.elapsed() < SLACK,
            "refused at once, not after the deadline"
        );

        redis.resume();
        assert!(store.recovered().await.session.is_some());
    });
}

#[test]
fn a_redis_that_was_never_there_is_told_within_the_deadline() {
    let mut redis = Redis::start(&[]);
    redis.end();
    in_runtime(async || {
        let store = TestStore::open(&hasty(&redis));
        let start = Instant::now();
        assert!(is_unavailable(&store.ask(id(1), &[]).await));
        assert!(start.elapsed() < DEADLINE + SLACK);
        redis.restart();
        store.recovered().await;
    });
}

#[test]
fn a_restarted_redis_is_reached_again() {
    let mut redis = Redis::start(&[]);
    in_runtime(async || {
        let store = TestStore::open(&patient(&redis));
        store.login(id(1), browser(1)).await;
        redis.restart();
        assert!(
            store.recovered().await.session.is_none(),
            "it has forgotten everything"
        );
        store.login(id(1), browser(1)).await;
    });
}

#[test]
fn an_idle_connection_that_the_server_closed_fails_no_request() {
    let redis = Redis::start(&[]);
    in_runtime(async || {
        let store = TestStore::open(&patient(&redis));
        store.login(id(1), browser(1)).await;
        // Longer than a burst of reconnections would be paced for.
        let settled = Instant::now() + Duration::from_millis(1100);
        while Instant::now() < settled {
            store.ask(id(1), &[]).await.unwrap();
        }
        redis.command(&["CLIENT", "KILL", "TYPE", "normal"]);
        assert!(store.ask(id(1), &[]).await.unwrap().session.is_some());
    });
}

#[test]
fn no_answer_reaches_another_caller_when_connections_are_cut() {
    let redis = Redis::start(&[]);
    in_runtime(async || {
        let store = TestStore::open(&patient(&redis));
        store.log_in_twenty().await;
        let store = Rc::new(store);
        let (mut answered, mut refused) = (0, 0);
        for round in 0..10 {
            redis.pause();
            let heard = Rc::new(Notify::new());
            let (asking, hearing) = (Rc::clone(&store), Rc::clone(&heard));
            let patient = tokio::task::spawn_local(at_once(200, async move |number| {
                let told = is_told(&asking, number).await;
                hearing.notify_one();
                told
            }));
            let asking = Rc::clone(&store);
            let gave_up = at_once(100, async move |number| {
                let patience = Duration::from_millis(1);
                timeout(patience, is_told(&asking, number)).await.is_err()
            });
            assert!(gave_up.await.contains(&true), "nothing answers yet");
            redis.resume();
            if round % 2 == 0 {
                heard.notified().await;
            }
            redis.command(&["CLIENT", "KILL", "TYPE", "normal"]);
            let told = patient.await.unwrap();
            answered += told.iter().filter(|told| **told).count();
            refused += told.iter().filter(|told| !**told).count();
            store.recovered().await;
        }
        assert!(answered > 0, "all {refused} were cut off");
    });
}

/// Whether a session was told its subject, which is its own, instead of nothing.
async fn is_told(store: &TestStore, number: usize) -> bool {
    let number = u8::try_from(number % 20).unwrap();
    match store.ask(id(number), &[]).await {
        Ok(held) => {
            let session = held.session.unwrap();
            let subject = session.owner.subject().map(Subject::as_str);
            assert_eq!(subject, Some(&*format!("subject{number}")));
            true
        }
        Err(StoreError::Corrupt { what }) => panic!("a shifted answer: {what}"),
        Err(StoreError::Timeout { .. } | StoreError::Unavailable(_)) => false,
    }
}

#[test]
fn callers_who_give_up_leave_the_connection_to_the_others() {
    let redis = Redis::start(&[]);
    in_runtime(async || {
        let store = TestStore::open(&patient(&redis));
        store.login(id(1), browser(1)).await;
        let before = redis.command(&["INFO", "stats"]);
        for _ in 0..50 {
            let _ = timeout(Duration::ZERO, store.ask(id(1), &[])).await;
            assert!(store.ask(id(1), &[]).await.unwrap().session.is_some());
        }
        let connections = |info: &redis::Value| {
            let redis::Value::BulkString(info) = info else {
                panic!("INFO tells")
            };
            let info = String::from_utf8(info.clone()).unwrap();
            let count = info
                .lines()
                .find_map(|line| line.strip_prefix("total_connections_received:"));
            count.unwrap().parse::<u32>().unwrap()
        };
        let after = redis.command(&["INFO", "stats"]);
        assert_eq!(
            connections(&after) - connections(&before),
            1,
            "ours that asks, and no other"
        );
    });
}

#[test]
fn a_link_that_dozed_off_still_keeps_the_deadline() {
    let redis = Redis::start(&[]);
    in_runtime(async || {
        let deadline = Duration::from_millis(50);
        let options = RedisOptions {
            deadline,
            ..redis.options()
        };
        let store = TestStore::open(&StoreOptions::Redis(options));
        store.recovered().await;
        // Idleness is the thing itself: forty looks, of which ten make a deadline.
        tokio::time::sleep(8 * deadline).await;
        redis.pause();
        let start = Instant::now();
        let outcome = store.ask(id(1), &[]).await;
        assert!(
            matches!(outcome, Err(StoreError::Timeout { .. })),
            "{outcome:?}"
        );
        assert!(start.elapsed() < deadline + SLACK);
        redis.resume();
        store.recovered().await;
    });
}
