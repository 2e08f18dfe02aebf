//! The counters of codes that are sent.

use super::{
    CODES, CODES_IN_SESSION, Limit, RESEND, SIGN_IN, SIGN_INS_IN_SESSION, Throttle, Try, of,
};
use crate::domain::{Counter, CounterKey};

impl Throttle<'_> {
    /// The counters of every code that is sent.
    pub(in crate::verification) fn of_code(&self, who: Try<'_>) -> Vec<Counter> {
        let [user, session, resend] = self.code_keys(who);
        let interval = Limit {
            attempts: 1,
            window: self.limits.resend_after,
        };
        vec![
            of(resend, interval),
            of(session, self.limits.codes_in_session),
            of(user, self.limits.codes),
        ]
    }

    /// The counters of every sign-in that is begun at the identity provider: each is kept until its answer comes.
    pub(in crate::verification) fn of_sign_in(&self, who: Try<'_>) -> Vec<Counter> {
        let [challenge, session] = self.sign_in_keys(who);
        let limit = Limit {
            attempts: self.limits.challenge,
            window: who.life,
        };
        vec![of(challenge, limit), of(session, self.limits.session)]
    }

    /// The counter that lets the first code of a challenge pass; later ones count as its attempts.
    pub(in crate::verification) fn of_first_code(&self, who: Try<'_>) -> Counter {
        let once = Limit {
            attempts: 1,
            window: who.life,
        };
        of(self.key(FIRST, &[who.challenge.as_bytes()]), once)
    }

    /// The interval between two codes; cleared when a code could not be sent after all.
    pub(in crate::verification) fn resend_key(&self, who: Try<'_>) -> CounterKey {
        let [_, _, resend] = self.code_keys(who);
        resend
    }

    pub(super) fn code_keys(&self, who: Try<'_>) -> [CounterKey; 3] {
        [
            self.key(CODES, &[who.user.as_str().as_bytes()]),
            self.key(CODES_IN_SESSION, &[&who.counted_by.of(who.user)]),
            self.key(RESEND, &[who.challenge.as_bytes()]),
        ]
    }

    pub(super) fn sign_in_keys(&self, who: Try<'_>) -> [CounterKey; 2] {
        [
            self.key(SIGN_IN, &[who.challenge.as_bytes()]),
            self.key(SIGN_INS_IN_SESSION, &[&who.counted_by.of(who.user)]),
        ]
    }
}

const FIRST: &str = "first-code";
