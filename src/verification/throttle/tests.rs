//! The limits of attempts, and what unlocking clears.

use super::*;
use crate::domain::BrowserKeyHash;
use crate::verification::tests::keys;

fn tries(user: &UserId) -> Try<'_> {
    Try {
        challenge: ChallengeId::new([1; 16]),
        life: Duration::from_mins(10),
        counted_by: CountedBy::OtherBrowser,
        user,
        address: "192.0.2.1".parse().unwrap(),
    }
}

#[test]
fn a_session_is_barred_long_before_the_factor_is_locked() {
    let limits = Limits::default();
    assert!(limits.challenge < limits.session.attempts);
    assert!(limits.session_total.attempts * 2 < limits.factor);
    assert!(limits.factor <= 100, "NIST SP 800-63B-4 §3.2.2");
}

#[test]
fn whoever_a_proxy_names_is_not_barred_by_strangers_and_can_be_unlocked() {
    let (keys, limits) = (keys(), Limits::default());
    let throttle = Throttle {
        keys: &keys,
        limits: &limits,
    };
    let user = UserId::new("alice");
    let in_session = |counted_by| {
        let who = Try {
            counted_by,
            ..tries(&user)
        };
        throttle.session_keys(who, Factor::Password)
    };
    let other_browser = in_session(CountedBy::OtherBrowser);
    let browser = |number| CountedBy::KnownBrowser(BrowserKeyHash::new([number; 32]));
    assert_ne!(in_session(browser(1)), other_browser);
    assert_ne!(in_session(browser(1)), in_session(browser(2)));
    let unlocked = counters_of(&user, &[CountedBy::OtherBrowser], &keys, &limits);
    let is_unlocked = |key: &CounterKey| unlocked.iter().any(|(_, one)| one.key == *key);
    assert!(other_browser.iter().all(is_unlocked));
}

#[test]
fn a_right_password_clears_nothing_that_guards_the_totp_code() {
    let (keys, limits) = (keys(), Limits::default());
    let throttle = Throttle {
        keys: &keys,
        limits: &limits,
    };
    let user = UserId::new("alice");
    let cleared =
        throttle.cleared_by_success(tries(&user), FactorSet::EMPTY.with(Factor::Password));
    for counter in throttle.of_answer(tries(&user), Factor::Totp) {
        assert!(!cleared.contains(&counter.key), "{counter:?}");
    }
}

#[test]
fn counters_hold_no_name_and_no_address() {
    let (keys, limits) = (keys(), Limits::default());
    let throttle = Throttle {
        keys: &keys,
        limits: &limits,
    };
    let user = UserId::new("alice");
    for counter in throttle.of_answer(tries(&user), Factor::Password) {
        let key = counter.key.as_str();
        assert!(
            !key.contains("alice") && !key.contains("192.0.2.1"),
            "{key}"
        );
    }
}

#[test]
fn a_locked_factor_is_told_from_too_many_attempts() {
    let keys = keys();
    let now = Timestamp::from_millis(0);
    let locked = factor_key(&UserId::new("a"), Factor::Totp, &keys);
    assert_eq!(refusal(&locked, None, now), (Reason::FactorLocked, None));
    let until = now.after(Duration::from_secs(9));
    let session = key(SESSION, &[b"x"], &keys);
    assert_eq!(
        refusal(&session, Some(until), now),
        (Reason::TooManyAttempts, Some(Duration::from_secs(9)))
    );
}
