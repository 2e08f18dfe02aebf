//! The revoked sessions, in memory, so that refusing them costs no round trip.

use crate::domain::{SessionId, Timestamp};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// The sessions that are refused on every route; clones share one set.
///
/// Sessions are only ever added, until their revocation ends by itself: there is no way to lift one.
#[derive(Clone, Debug, Default)]
pub struct Revoked(Arc<Set>);

#[derive(Debug, Default)]
struct Set {
    /// So that the usual case, an empty set, costs one load.
    count: AtomicUsize,
    ends: RwLock<HashMap<SessionId, Timestamp>>,
}

impl Revoked {
    /// Tells whether a session is revoked, as far as this process has heard.
    pub fn contains(&self, id: &SessionId) -> bool {
        self.0.count.load(Ordering::Acquire) > 0
            && self
                .0
                .ends
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .contains_key(id)
    }

    /// Tells how many are revoked.
    pub fn len(&self) -> usize {
        self.0.count.load(Ordering::Acquire)
    }

    /// Tells whether none is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn add(&self, id: SessionId, end: Timestamp) {
        self.change(|ends| insert(ends, id, end));
    }

    /// Adds what the store tells, and forgets what is over.
    pub(crate) fn synchronize(&self, told: Vec<(SessionId, Timestamp)>, now: Timestamp) {
        self.change(|ends| {
            for (id, end) in told {
                insert(ends, id, end);
            }
            ends.retain(|_, end| *end > now);
        });
    }

    fn change(&self, change: impl FnOnce(&mut HashMap<SessionId, Timestamp>)) {
        let mut ends = self.0.ends.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut ends);
        self.0.count.store(ends.len(), Ordering::Release);
    }
}

fn insert(ends: &mut HashMap<SessionId, Timestamp>, id: SessionId, end: Timestamp) {
    let known = ends.entry(id).or_insert(end);
    *known = end.max(*known);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revocation_is_forgotten_only_when_it_is_over() {
        let (revoked, id) = (Revoked::default(), SessionId::new([1; 32]));
        let at = Timestamp::from_millis;
        assert!(!revoked.contains(&id));
        revoked.add(id, at(10));
        revoked.synchronize(Vec::new(), at(9));
        assert!(revoked.contains(&id));
        revoked.synchronize(vec![(id, at(5))], at(9));
        assert!(revoked.contains(&id), "an earlier end shortens nothing");
        revoked.synchronize(Vec::new(), at(10));
        assert!(revoked.is_empty());
    }
}
