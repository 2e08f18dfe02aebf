//! Attempts: counted before they are judged.

use super::Timestamp;
use std::time::Duration;

/// What attempts are counted under, such as one user and factor; holds no secret, only hashes and ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CounterKey(String);

impl CounterKey {
    /// Takes the key; the caller has hashed what must not be read in a store dump.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// Shows the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many attempts may be made under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// What is counted.
    pub key: CounterKey,
    /// How many attempts are judged before the next is refused.
    pub limit: u32,
    /// For how long, from the first attempt; `None` counts until it is cleared.
    pub window: Option<Duration>,
}

/// The answer to counting one attempt under several keys at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptCount {
    /// It may be judged. `remaining` is how many more the tightest counter allows.
    Counted {
        /// Attempts left on the tightest counter, after this one.
        remaining: u32,
    },
    /// One counter is used up; nothing was counted under any key.
    Refused {
        /// The counter that is used up.
        key: CounterKey,
        /// When it opens again; `None` until somebody clears it.
        until: Option<Timestamp>,
    },
}
