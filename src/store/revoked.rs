//! The revoked sessions, in memory, so that refusing them costs no round trip.

use super::{Ending, EndingCause, Endings};
use crate::domain::{SessionId, Timestamp};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// The sessions that are refused on every route; clones share one set.
///
/// A revocation cannot be lifted: a session leaves the set when its revocation ends.
#[derive(Clone, Debug, Default)]
pub struct Revoked(Arc<Set>);

#[derive(Debug, Default)]
struct Set {
    /// Read without the lock: the usual case, an empty set, costs one atomic load.
    count: AtomicUsize,
    ends: RwLock<HashMap<SessionId, Timestamp>>,
    endings: Endings,
}

impl Revoked {
    /// None yet; each that is added is published to `endings`.
    pub(crate) fn publishing_to(endings: Endings) -> Self {
        Self(Arc::new(Set {
            endings,
            ..Set::default()
        }))
    }

    /// Whether a session is revoked, as far as this process has read.
    pub fn contains(&self, id: &SessionId) -> bool {
        self.0.count.load(Ordering::Acquire) > 0
            && self
                .0
                .ends
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .contains_key(id)
    }

    /// How many are revoked.
    pub fn len(&self) -> usize {
        self.0.count.load(Ordering::Acquire)
    }

    /// Whether none is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn add(&self, id: SessionId, end: Timestamp) {
        self.change(vec![(id, end)], |_| {});
    }

    /// Adds all revocations of the store, and drops those that have ended.
    pub(crate) fn synchronize(&self, all: Vec<(SessionId, Timestamp)>, now: Timestamp) {
        self.change(all, |ends| ends.retain(|_, end| *end > now));
    }

    /// Adds `more`, and drops what `tidy` does. A new one is published after it is in the set, so that no
    /// request is accepted after its streams were ended.
    fn change(
        &self,
        mut more: Vec<(SessionId, Timestamp)>,
        tidy: impl FnOnce(&mut HashMap<SessionId, Timestamp>),
    ) {
        let mut ends = self.0.ends.write().unwrap_or_else(PoisonError::into_inner);
        more.retain(|(id, end)| insert(&mut ends, *id, *end));
        tidy(&mut ends);
        self.0.count.store(ends.len(), Ordering::Release);
        drop(ends);
        for (session, _) in more {
            self.0.endings.publish(Ending {
                session,
                cause: EndingCause::Revoked,
                known: true,
            });
        }
    }
}

/// Adds one; returns whether it is new. A later end replaces an earlier one.
fn insert(ends: &mut HashMap<SessionId, Timestamp>, id: SessionId, end: Timestamp) -> bool {
    match ends.entry(id) {
        Entry::Occupied(mut known) => {
            let later = end.max(*known.get());
            known.insert(later);
            false
        }
        Entry::Vacant(vacant) => {
            vacant.insert(end);
            true
        }
    }
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

    #[test]
    fn a_revocation_is_published_once_and_refused_by_then() {
        let endings = Endings::default();
        let (revoked, mut receiver) =
            (Revoked::publishing_to(endings.clone()), endings.subscribe());
        let [one, two] = [1, 2].map(|byte| SessionId::new([byte; 32]));
        let end = Timestamp::from_millis(10);
        revoked.add(one, end);
        revoked.add(one, end);
        revoked.synchronize(vec![(one, end), (two, end)], Timestamp::default());
        for id in [one, two] {
            let ending = receiver.try_recv().unwrap();
            assert_eq!((ending.session, ending.cause), (id, EndingCause::Revoked));
            assert!(revoked.contains(&id));
        }
        assert!(receiver.try_recv().is_err());
    }
}
