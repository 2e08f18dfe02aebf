//! How much may stay open for one session at a time: tunnels and event streams, over all threads of the sidecar.

use crate::domain::SessionId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The limit, and what counts against it.
#[derive(Debug)]
pub struct LiveLimit {
    most: usize,
    counts: Mutex<HashMap<SessionId, usize>>,
}

/// Something that counts for its sessions until it is dropped.
#[derive(Debug)]
pub(crate) struct Live {
    limit: Arc<LiveLimit>,
    sessions: Vec<SessionId>,
}

impl LiveLimit {
    /// At most so many for each session.
    pub fn new(most: usize) -> Arc<Self> {
        let counts = Mutex::default();
        Arc::new(Self { most, counts })
    }

    /// Counts something for each of its sessions; `None` if one of them has as many as it may.
    pub(crate) fn enter(self: &Arc<Self>, sessions: Vec<SessionId>) -> Option<Live> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |id| counts.get(id).is_some_and(|count| *count >= self.most);
        if sessions.iter().any(is_full) {
            return None;
        }
        for id in &sessions {
            *counts.entry(*id).or_default() += 1;
        }
        drop(counts);
        let limit = self.clone();
        Some(Live { limit, sessions })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let counts = &self.limit.counts;
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        for id in &self.sessions {
            if let Some(count) = counts.get_mut(id) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    counts.remove(id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_at_most_so_many_and_no_other_pays_for_it() {
        let limit = LiveLimit::new(2);
        let [one, other, third] = [1, 2, 3].map(|number| SessionId::new([number; 32]));
        let first = limit.enter(vec![one, other]).unwrap();
        let _second = limit.enter(vec![one]).unwrap();
        // A junk credential beside it makes no room.
        assert!(limit.enter(vec![one, third]).is_none());
        assert!(limit.enter(vec![third]).is_some());
        drop(first);
        assert!(limit.enter(vec![one]).is_some());
        assert_eq!(limit.counts.lock().unwrap().len(), 1);
    }
}
