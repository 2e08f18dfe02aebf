//! Rate limits (NIST SP 800-63B-4 §3.2.2): the counters of attempts and of codes, and their limits.
//!
//! The limits of a challenge and of a session are the lowest, so that an attacker with one stolen
//! session is refused long before the owner's factor is locked. A success clears the counters of the
//! factors it proved and no others: a right password clears no counter of TOTP attempts.

mod approvals;
mod codes;
mod devices;

use super::counted_by::CountedBy;
use crate::domain::{
    ChallengeId, ClientNetwork, Counter, CounterKey, Factor, FactorSet, Reason, Timestamp, UserId,
};
use crate::seal::{Keys, Purpose};
use std::net::IpAddr;
use std::time::Duration;

/// At most `attempts` within `window`, which starts with the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub attempts: u32,
    /// Within how long.
    pub window: Duration,
}

/// The limits of attempts and codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Answers to one challenge; the last wrong one ends it.
    pub challenge: u32,
    /// Answers by one factor in one session.
    pub session: Limit,
    /// The same over a longer window, for a session that guesses slowly.
    pub session_total: Limit,
    /// Wrong answers from one address (IPv6: one /64); `None` does not count them. No success clears it: a right
    /// answer takes back itself alone.
    pub address: Option<Limit>,
    /// Consecutive wrong answers by one factor of one user, until an operator unlocks it
    /// (NIST SP 800-63B-4 §3.2.2: at most 100).
    pub factor: u32,
    /// Codes sent to one user.
    pub codes: Limit,
    /// Codes sent for one session.
    pub codes_in_session: Limit,
    /// Requests for approval by one user.
    pub approvals: Limit,
    /// Requests of programs for a proof of one user.
    pub devices: Limit,
    /// The same by the programs of one session.
    pub devices_in_session: Limit,
    /// How long after one code the next may be sent for the same challenge.
    pub resend_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let window = Duration::from_mins(15);
        let limit = |attempts| Limit { attempts, window };
        Self {
            // The chance to guess six digits is 5 in a million; for TOTP with a skew of one step
            // 15, as three codes are right at a time.
            challenge: 5,
            session: limit(10),
            session_total: Limit {
                attempts: 40,
                window: Duration::from_hours(30 * 24),
            },
            // Higher: many people may share one address (NAT).
            address: Some(limit(50)),
            factor: 100,
            codes: limit(5),
            codes_in_session: limit(4),
            approvals: limit(5),
            devices: limit(15),
            devices_in_session: limit(5),
            resend_after: Duration::from_secs(30),
        }
    }
}

/// What the counters of one attempt are named by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Try<'a> {
    pub(super) challenge: ChallengeId,
    /// How long the challenge is valid.
    pub(super) life: Duration,
    pub(super) counted_by: CountedBy,
    /// The canonical user, so that another spelling of the name does not get counters of its own.
    pub(super) user: &'a UserId,
    pub(super) address: IpAddr,
}

/// What a used-up counter keeps a user from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// Getting codes, in any session.
    Codes,
    /// Getting codes, in one session.
    CodesInSession,
    /// Answering by the factor, in any session, until an operator unlocks it.
    Factor,
    /// Answering by the factor, in one session.
    Session,
}

/// Makes the counters of an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Throttle<'a> {
    pub(super) keys: &'a Keys,
    pub(super) limits: &'a Limits,
}

impl Throttle<'_> {
    /// The counters of one answer by `factor`.
    pub(super) fn of_answer(&self, who: Try<'_>, factor: Factor) -> Vec<Counter> {
        let mut counters = vec![
            Counter {
                key: factor_key(who.user, factor, self.keys),
                limit: self.limits.factor,
                window: None,
            },
            self.of_challenge(who),
        ];
        let session = self.session_keys(who, factor);
        let limits = [self.limits.session, self.limits.session_total];
        counters.extend(
            session
                .into_iter()
                .zip(limits)
                .map(|(key, limit)| of(key, limit)),
        );
        counters.extend(
            self.limits
                .address
                .map(|limit| of(self.address_key(who.address), limit)),
        );
        counters
    }

    /// The attempts that one challenge allows.
    pub(super) fn of_challenge(&self, who: Try<'_>) -> Counter {
        let key = self.key(CHALLENGE, &[who.challenge.as_bytes()]);
        of(
            key,
            Limit {
                attempts: self.limits.challenge,
                window: who.life,
            },
        )
    }

    /// The counters that a right answer by `factor` clears while the challenge needs another factor.
    pub(super) fn cleared_by_answer(&self, who: Try<'_>, factor: Factor) -> Vec<CounterKey> {
        vec![factor_key(who.user, factor, self.keys)]
    }

    /// The counters that a satisfied challenge clears: those of the factors that were shown. The
    /// challenge's own stay, since it cannot be answered again; a code is for all that ask the same.
    pub(super) fn cleared_by_success(&self, who: Try<'_>, shown: FactorSet) -> Vec<CounterKey> {
        let mut cleared = Vec::new();
        for factor in shown.iter() {
            cleared.push(factor_key(who.user, factor, self.keys));
            cleared.extend(self.session_keys(who, factor));
        }
        if shown.contains(Factor::EmailCode) {
            // The code was read, so the mails went to somebody who asked for them.
            cleared.extend(self.code_keys(who));
            cleared.extend([self.of_first_code(who).key, self.of_challenge(who).key]);
        }
        if shown.contains(Factor::Oidc) {
            let [_, session] = self.sign_in_keys(who);
            cleared.push(session);
        }
        cleared
    }

    /// The counters that a right answer does not count under: many people may share one address, and each of
    /// them is right most of the time.
    pub(super) fn refunded_by_answer(&self, who: Try<'_>) -> Vec<CounterKey> {
        let limit = self.limits.address;
        Vec::from_iter(limit.map(|_| self.address_key(who.address)))
    }

    fn session_keys(&self, who: Try<'_>, factor: Factor) -> [CounterKey; 2] {
        session_keys(who.counted_by, who.user, factor, self.keys)
    }

    fn address_key(&self, address: IpAddr) -> CounterKey {
        self.key(ADDRESS, &[ClientNetwork::of(address).as_bytes()])
    }

    fn key(&self, kind: &str, parts: &[&[u8]]) -> CounterKey {
        key(kind, parts, self.keys)
    }
}

/// All counters that may keep a user from answering, but those of a single challenge and of an address,
/// with the factor that each is about.
pub(super) fn counters_of(
    user: &UserId,
    sessions: &[CountedBy],
    keys: &Keys,
    limits: &Limits,
) -> Vec<(Factor, Counter)> {
    let mut counters = Vec::new();
    for factor in Factor::ALL {
        let locks = Counter {
            key: factor_key(user, factor, keys),
            limit: limits.factor,
            window: None,
        };
        counters.push((factor, locks));
        for session in sessions {
            let [now, total] = session_keys(*session, user, factor, keys);
            counters.push((factor, of(now, limits.session)));
            counters.push((factor, of(total, limits.session_total)));
        }
    }
    let codes = key(CODES, &[user.as_str().as_bytes()], keys);
    counters.push((Factor::EmailCode, of(codes, limits.codes)));
    for session in sessions {
        let codes = key(CODES_IN_SESSION, &[&session.of(user)], keys);
        counters.push((Factor::EmailCode, of(codes, limits.codes_in_session)));
        let sign_ins = key(SIGN_INS_IN_SESSION, &[&session.of(user)], keys);
        counters.push((Factor::Oidc, of(sign_ins, limits.session)));
    }
    counters
}

/// What a counter of [`counters_of`] bars.
pub(super) fn bars(key: &CounterKey) -> Bar {
    match key.as_str().split(':').next().unwrap_or_default() {
        FACTOR => Bar::Factor,
        CODES => Bar::Codes,
        CODES_IN_SESSION => Bar::CodesInSession,
        _ => Bar::Session,
    }
}

/// Why a used-up counter refuses, and for how long.
pub(super) fn refusal(
    key: &CounterKey,
    until: Option<Timestamp>,
    now: Timestamp,
) -> (Reason, Option<Duration>) {
    let kind = key.as_str().split(':').next().unwrap_or_default();
    match kind {
        FACTOR => (Reason::FactorLocked, None),
        // No `retry_after`: the challenge is over, and the client can get a new one at once.
        CHALLENGE => (Reason::ChallengeExpired, None),
        _ => (Reason::TooManyAttempts, until.map(|until| until.since(now))),
    }
}

/// Whether only the next code must wait; the challenge still takes answers.
pub(super) fn is_about_resending(key: &CounterKey) -> bool {
    key.as_str().split(':').next() == Some(RESEND)
}

fn factor_key(user: &UserId, factor: Factor, keys: &Keys) -> CounterKey {
    let parts: [&[u8]; 2] = [user.as_str().as_bytes(), factor.as_str().as_bytes()];
    key(FACTOR, &parts, keys)
}

fn key(kind: &str, parts: &[&[u8]], keys: &Keys) -> CounterKey {
    let mac = keys.mac(Purpose::Counter, &[&[kind.as_bytes()], parts].concat());
    let id = data_encoding::BASE64URL_NOPAD.encode(&mac);
    // 22 characters of base64 are 132 bits: two counters do not meet by chance.
    CounterKey::new(format!("{kind}:{}", id.get(..22).unwrap_or(&id)))
}

fn session_keys(
    counted_by: CountedBy,
    user: &UserId,
    factor: Factor,
    keys: &Keys,
) -> [CounterKey; 2] {
    let who = counted_by.of(user);
    let parts: [&[u8]; 2] = [&who, factor.as_str().as_bytes()];
    [SESSION, SESSION_TOTAL].map(|kind| key(kind, &parts, keys))
}

fn of(key: CounterKey, limit: Limit) -> Counter {
    Counter {
        key,
        limit: limit.attempts,
        window: Some(limit.window),
    }
}

const ADDRESS: &str = "address";
const CHALLENGE: &str = "challenge";
const CODES: &str = "codes";
const CODES_IN_SESSION: &str = "codes-in-session";
const FACTOR: &str = "factor";
const RESEND: &str = "resend";
const SESSION: &str = "session";
const SESSION_TOTAL: &str = "session-total";
const SIGN_IN: &str = "sign-in";
const SIGN_INS_IN_SESSION: &str = "sign-ins-in-session";

#[cfg(test)]
mod tests;
