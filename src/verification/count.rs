//! Attempts are counted before they are judged: of many at once, no more are judged than may be.

use super::outcome::Refusal;
use super::throttle::{is_about_resending, refusal};
use super::verifier::Verifier;
use crate::domain::{AttemptCount, Counter, CounterKey, Timestamp};
use crate::store::StoreError;

impl Verifier {
    /// Counts an attempt under every counter: how many more there may be, or why this one is not looked at.
    pub(super) async fn count(
        &self,
        counters: &[Counter],
        now: Timestamp,
    ) -> Result<Result<u32, Refusal>, StoreError> {
        Ok(match self.store.count_attempt(counters, now).await? {
            AttemptCount::Counted { remaining } => Ok(remaining),
            AttemptCount::Refused { key, until } => Err(barred(&key, until, now)),
        })
    }

    /// Takes back an attempt that turned out to be none.
    pub(super) async fn uncount(
        &self,
        counters: impl IntoIterator<Item = Counter>,
    ) -> Result<(), StoreError> {
        let keys: Vec<_> = counters.into_iter().map(|counter| counter.key).collect();
        self.store.uncount_attempt(&keys).await
    }
}

/// What the client is told of a counter that is used up.
pub(super) fn barred(key: &CounterKey, until: Option<Timestamp>, now: Timestamp) -> Refusal {
    let (reason, retry_after) = refusal(key, until, now);
    Refusal {
        reason,
        retry_after,
        attempts_left: (!is_about_resending(key)).then_some(0),
    }
}
