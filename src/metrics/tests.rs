//! What is counted, by whom, and for how long.

use super::read::{factor_word, outcome_word, reason_word};
use super::*;
use crate::audit::{Event, EventKind, Observer};
use crate::domain::Groups;
use crate::policy;
use std::thread;

fn table(ids: &[&str]) -> RouteTable {
    let mut text = "version: 1\ndefault: forward\nroutes:\n".to_owned();
    for id in ids {
        let route = format!(
            "  - {{ id: {id}, action: {id}, title: T, level: 3, match: {{ path: /{id} }} }}\n"
        );
        text.push_str(&route);
    }
    let policies = policy::compile([("p.yaml", text.as_bytes())], &Groups::default()).unwrap();
    policies.into_table().unwrap()
}

fn fingerprint() -> Fingerprint {
    policy::Sources::read(&[]).fingerprint()
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000)
}

fn on_worker<T: Send>(number: usize, work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let worker = scope.spawn(move || {
            enter_worker(number);
            work()
        });
        worker.join().unwrap()
    })
}

#[test]
fn what_the_threads_count_is_added_up() {
    let metrics = Metrics::new(2, now());
    for (worker, times) in [(0, 3), (1, 4)] {
        on_worker(worker, || {
            for _ in 0..times {
                metrics.request(Some(Outcome::Forwarded), None);
            }
            metrics.request(Some(Outcome::Denied), Some(Reason::SessionRequired));
            metrics.upstream_answered(Duration::from_millis(2));
            metrics.upstream_idle(worker + 1);
            metrics.store_answered(Duration::from_mins(1), Some(StoreFault::Timeout));
        });
    }
    for (worker, outcome) in [
        (0, WhoamiOutcome::Named),
        (1, WhoamiOutcome::Named),
        (1, WhoamiOutcome::Kept),
    ] {
        let latency = (outcome == WhoamiOutcome::Named).then_some(Duration::from_millis(3));
        on_worker(worker, || metrics.whoami(outcome, latency));
    }
    let questions = metrics.whoami_questions();
    let asked = [("kept", 1), ("late", 0), ("named", 2)];
    assert_eq!(
        questions.get(..3),
        Some(&asked.map(|(word, count)| ([word], count))[..])
    );
    assert_eq!(metrics.whoami_latency().count(), 2);
    metrics.request(None, None);
    let requests = metrics.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.contains(&(["forwarded", ""], 7)));
    assert!(requests.contains(&(["denied", "session-required"], 2)));
    assert!(requests.contains(&(["answered", ""], 1)));
    assert_eq!(metrics.idle_upstream_connections(), 3);
    let upstream = metrics.upstream_latency();
    assert_eq!(
        (upstream.count(), upstream.sum),
        (2, Duration::from_millis(4))
    );
    assert_eq!(upstream.buckets[3], 2, "up to 2.5 ms");
    assert_eq!(
        metrics.store_latency().buckets[BOUNDS.len()],
        2,
        "without end"
    );
    assert!(metrics.store_errors().contains(&(["timeout"], 2)));
}

#[test]
fn no_two_threads_write_to_one_cache_line() {
    assert_eq!(align_of::<PerThread>() % 128, 0);
    assert_eq!(align_of::<RouteCounts>() % 128, 0);
}

#[test]
fn a_route_keeps_its_counters_until_a_reload_removes_it() {
    let metrics = Metrics::new(1, now());
    let decide = |id: &str| {
        let id = RouteId::new(id);
        let mut event = Event::new(now(), EventKind::Decision, Outcome::Challenged);
        event.routes = vec![&id];
        metrics.recorded(&event);
    };
    metrics.policies_in_force(fingerprint(), &table(&["a", "b"]), now());
    for id in ["a", "a", "b", "unknown"] {
        decide(id);
    }
    let told = |id: &str, count| (RouteId::new(id), "challenged", count);
    assert_eq!(metrics.decisions(), [told("a", 2), told("b", 1)]);
    metrics.policies_in_force(fingerprint(), &table(&["a", "c"]), now());
    decide("a");
    decide("b");
    assert_eq!(metrics.decisions(), [told("a", 3)]);
    assert_eq!(metrics.routes.load().len(), 2);
    assert_eq!(metrics.policy_state().routes, 2);
}

#[test]
fn an_answer_is_counted_by_factor_and_result() {
    let metrics = Metrics::new(1, now());
    let record = |kind, factor, reason| {
        let mut event = Event::new(now(), kind, Outcome::Succeeded);
        (event.factor, event.reason) = (Some(factor), reason);
        metrics.recorded(&event);
    };
    record(EventKind::Verified, Factor::Totp, None);
    record(EventKind::FactorAnswered, Factor::Password, None);
    let [wrong, limit] = [Some(Reason::WrongAnswer), Some(Reason::TooManyAttempts)];
    record(EventKind::FactorAnswered, Factor::Password, wrong);
    record(EventKind::FactorAnswered, Factor::Password, limit);
    record(EventKind::CodeSent, Factor::EmailCode, None);
    record(EventKind::CodeSent, Factor::EmailCode, limit);
    let mut told = metrics.verifications();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            (["password", "accepted"], 1),
            (["password", "too-many-attempts"], 1),
            (["password", "wrong-answer"], 1),
            (["totp", "verified"], 1),
        ]
    );
    assert!(metrics.codes().contains(&(["sent"], 1)));
    let throttled = metrics.throttled();
    assert!(throttled.contains(&(["password"], 1)) && throttled.contains(&(["email_code"], 1)));
    assert!(throttled.contains(&(["totp"], 0)));
}

#[test]
fn words_stand_where_their_numbers_say() {
    for reason in Reason::ALL {
        assert_eq!(reason_word(cause(Some(*reason)), ""), reason.as_str());
    }
    for outcome in Outcome::ALL {
        assert_eq!(outcome_word(place(Some(*outcome))), outcome.as_str());
    }
    for factor in Factor::ALL {
        assert_eq!(factor_word(factor as usize), factor.as_str());
    }
}

#[test]
fn a_refused_reload_leaves_the_policies_outdated() {
    let metrics = Metrics::new(1, now());
    metrics.policies_in_force(fingerprint(), &table(&["a"]), now());
    metrics.reloaded(Outcome::Failed);
    let state = metrics.policy_state();
    assert!(state.is_outdated && state.refused == 1 && state.reloaded == 0);
    metrics.policies_in_force(fingerprint(), &table(&["a"]), now());
    metrics.reloaded(Outcome::Succeeded);
    let state = metrics.policy_state();
    assert!(!state.is_outdated && state.refused == 1 && state.reloaded == 1);
}
