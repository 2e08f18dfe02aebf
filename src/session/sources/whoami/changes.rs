//! What may have changed for whom the application acts: no answer counts that was asked for before.
//!
//! A change is known by every session that some application may find in the request that made it, each
//! credential alone among them: whoever spells a cookie otherwise, or sends a key beside it, changes the same
//! session of the application.

use crate::domain::SessionId;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::{Duration, Instant};

/// For how many sessions changes are kept apart. With more, all answers of before are forgotten.
const MOST: usize = 16 * 1024;
/// How long an answer may be good after it was asked for, its deadline included.
const LONGEST_USE: Duration = Duration::from_mins(2);
/// How long the application may still act on a request whose client has gone away.
const LONGEST_CHANGE: Duration = Duration::from_mins(1);

/// A hash table by what is a hash under a secret key already: nobody can choose where in it they come to lie.
pub(super) type ByKeyedHash<K, V> = HashMap<K, V, BuildHasherDefault<KeyedHash>>;

/// The first 64 bits of a keyed hash.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyedHash(u64);

impl Hasher for KeyedHash {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 ^= u64::from_ne_bytes(*first);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Half of a session's id, which is a keyed hash as well; 0 for requests without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SessionSlot(u128);

impl SessionSlot {
    /// Of the sessions of a request.
    pub(super) fn of(sessions: &[SessionId]) -> impl Iterator<Item = Self> {
        let half = |id: &SessionId| id.as_bytes().first_chunk().copied();
        let slots = sessions.iter().filter_map(half).map(u128::from_ne_bytes);
        let none = sessions.is_empty().then_some(0);
        slots.chain(none).map(Self)
    }
}

/// Changes of a session.
#[derive(Clone, Copy, Debug)]
struct SessionChanges {
    under_way: u32,
    /// What was asked for until then does not count.
    until: Instant,
}

/// The changes of a moment ago, and those under way.
#[derive(Debug, Default)]
pub(super) struct Changes {
    of: ByKeyedHash<SessionSlot, SessionChanges>,
    /// The latest `until` of all of them.
    latest: Option<Instant>,
    /// What was asked for until then does not count, whoever's it is: there were too many changes.
    floor: Option<Instant>,
}

impl Changes {
    /// A request goes out that may change something.
    pub(super) fn begin(&mut self, sessions: &[SessionId]) {
        let now = Instant::now();
        self.make_room(sessions.len(), now);
        let until = now + LONGEST_CHANGE;
        for slot in SessionSlot::of(sessions) {
            let change = self.change(slot, now);
            change.under_way += 1;
            change.until = until;
        }
        self.latest = Some(until);
    }

    /// It is answered: what is asked for from now on counts, unless another is under way.
    pub(super) fn end(&mut self, sessions: &[SessionId]) {
        let now = Instant::now();
        for slot in SessionSlot::of(sessions) {
            if let Some(change) = self.of.get_mut(&slot) {
                change.under_way = change.under_way.saturating_sub(1);
                if change.under_way == 0 {
                    change.until = now;
                }
            }
        }
    }

    /// Something has changed just now.
    pub(super) fn note(&mut self, sessions: &[SessionId]) {
        let now = Instant::now();
        self.make_room(sessions.len(), now);
        for slot in SessionSlot::of(sessions) {
            let change = self.change(slot, now);
            change.until = change.until.max(now);
        }
        self.latest = self.latest.max(Some(now));
    }

    /// Whether an answer that was asked for at this time, by a request with these sessions, no longer counts.
    pub(super) fn reach(&self, asked: Instant, sessions: &[SessionSlot]) -> bool {
        let is_changed = |slot| {
            let change = self.of.get(slot);
            change.is_some_and(|change| change.until >= asked)
        };
        // Where nothing at all has changed since, none of them is looked for.
        self.floor >= Some(asked) || (self.latest >= Some(asked) && sessions.iter().any(is_changed))
    }

    fn change(&mut self, slot: SessionSlot, now: Instant) -> &mut SessionChanges {
        let change = self.of.entry(slot).or_insert(SessionChanges {
            under_way: 0,
            until: now,
        });
        // Nobody has told the end of those of then.
        if change.until < now {
            change.under_way = 0;
        }
        change
    }

    fn make_room(&mut self, more: usize, now: Instant) {
        if self.of.len() + more.max(1) > MOST {
            self.of.retain(|_, change| now < change.until + LONGEST_USE);
        }
        if self.of.len() + more.max(1) > MOST {
            self.floor = self.latest.max(Some(now));
            self.of.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(number: u32) -> SessionId {
        let mut bytes = [7; 32];
        bytes[..4].copy_from_slice(&number.to_ne_bytes());
        SessionId::new(bytes)
    }

    fn counts(changes: &Changes, asked: Instant, sessions: &[SessionId]) -> bool {
        let sessions: Vec<_> = SessionSlot::of(sessions).collect();
        !changes.reach(asked, &sessions)
    }

    #[test]
    fn what_was_asked_before_or_during_a_change_of_any_of_its_sessions_does_not_count() {
        let mut changes = Changes::default();
        let (one, two, three) = (session(1), session(2), session(3));
        let before = Instant::now();
        assert!(counts(&changes, before, &[one]));
        changes.begin(&[one, two]);
        let during = Instant::now();
        for asked in [before, during] {
            assert!(!counts(&changes, asked, &[three, two]));
            assert!(counts(&changes, asked, &[three]));
            assert!(counts(&changes, asked, &[]));
        }
        // Another one of the session is still under way.
        changes.begin(&[two]);
        changes.end(&[one, two]);
        assert!(!counts(&changes, Instant::now(), &[two]));
        assert!(!counts(&changes, during, &[one]));
        assert!(counts(&changes, Instant::now(), &[one]));
        changes.end(&[two]);
        assert!(counts(&changes, Instant::now(), &[one, two]));
        changes.note(&[one]);
        assert!(!counts(&changes, during, &[one]));
        assert!(counts(&changes, Instant::now(), &[one]));
    }

    #[test]
    fn requests_without_a_session_are_of_one() {
        let mut changes = Changes::default();
        let before = Instant::now();
        changes.note(&[]);
        assert!(!counts(&changes, before, &[]));
        assert!(counts(&changes, before, &[session(1)]));
    }

    #[test]
    fn too_many_changes_forget_all_answers_of_before() {
        let mut changes = Changes::default();
        let before = Instant::now();
        for number in 0..=u32::try_from(MOST).unwrap() {
            changes.note(&[session(number)]);
        }
        assert!(changes.of.len() < MOST);
        assert!(!counts(&changes, before, &[session(u32::MAX)]));
        assert!(counts(&changes, Instant::now(), &[session(u32::MAX)]));
    }
}
