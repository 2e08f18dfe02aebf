//! The revoked sessions, in memory, so that refusing them costs no round trip.

use super::{Ending, EndingCause, Endings};
use crate::domain::{SessionId, Timestamp};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
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
    endings: Endings,
}

impl Revoked {
    /// None yet; each that is added is told to `endings`.
    pub(crate) fn telling(endings: Endings) -> Self {
        Self(Arc::new(Set {
            endings,
            ..Set::default()
        }))
    }

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
        self.change(vec![(id, end)], |_| {});
    }

    /// Adds what the store tells, and forgets what is over.
    pub(crate) fn synchronize(&self, told: Vec<(SessionId, Timestamp)>, now: Timestamp) {
        self.change(told, |ends| ends.retain(|_, end| *end > now));
    }

    /// Adds `more` and tidies up. What is new is told once it is refused to all requests.
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
            self.0.endings.tell(Ending {
                session,
                cause: EndingCause::Revoked,
                known: true,
            });
        }
    }
}

/// Tells whether it is new.
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
    fn a_revocation_is_told_once_and_refused_by_then() {
        let endings = Endings::default();
        let (revoked, mut heard) = (Revoked::telling(endings.clone()), endings.listen());
        let [one, two] = [1, 2].map(|byte| SessionId::new([byte; 32]));
        let end = Timestamp::from_millis(10);
        revoked.add(one, end);
        revoked.add(one, end);
        revoked.synchronize(vec![(one, end), (two, end)], Timestamp::default());
        for id in [one, two] {
            let told = heard.try_recv().unwrap();
            assert_eq!((told.session, told.cause), (id, EndingCause::Revoked));
            assert!(revoked.contains(&id));
        }
        assert!(heard.try_recv().is_err());
    }
}
