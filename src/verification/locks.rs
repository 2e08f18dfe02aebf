//! What keeps a user from verifying: counters that are used up, for operators to see and to clear.

use super::counted_by::CountedBy;
use super::throttle::{Bar, Limits, bars, counters_of};
use crate::domain::{
    AttemptCount, Counter, CounterKey, Factor, StoredSession, Subject, Timestamp, User, UserId,
};
use crate::seal::Keys;
use crate::store::{Store, StoreError};

/// A counter of a user that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The factor.
    pub factor: Factor,
    /// What is barred.
    pub bar: Bar,
    /// When it opens by itself; `None` if never.
    pub until: Option<Timestamp>,
}

/// The counters of a user: those of every session that is known, and those that all browsers share.
#[derive(Debug)]
pub struct Locks<'s> {
    store: &'s Store,
    counters: Vec<(Factor, Counter)>,
}

impl<'s> Locks<'s> {
    /// The counters of `id`, which need not be in the directory: attempts are counted by the subject, then.
    pub async fn of(
        store: &'s Store,
        id: &UserId,
        user: Option<&User>,
        keys: &Keys,
        limits: &Limits,
    ) -> Result<Self, StoreError> {
        let mut counted_by = vec![CountedBy::OtherBrowser];
        let aliases = user.map_or(&[][..], |user| &user.aliases);
        for name in [id].into_iter().chain(aliases) {
            let subject = Subject::new(name.as_str());
            let sessions = store.sessions(Some(&subject), MOST_SESSIONS).await?;
            counted_by.extend(sessions.iter().flat_map(|(_, session)| names_of(session)));
        }
        let counters = counters_of(id, &counted_by, keys, limits);
        Ok(Self { store, counters })
    }

    /// Those that are used up.
    pub async fn held(&self, now: Timestamp) -> Result<Vec<Lock>, StoreError> {
        let mut locks = Vec::new();
        for (factor, counter) in &self.counters {
            if let Some(until) = used_up(self.store, counter, now).await? {
                let (factor, bar) = (*factor, bars(&counter.key));
                locks.push(Lock { factor, bar, until });
            }
        }
        Ok(locks)
    }

    /// Clears all of them, used up or not.
    pub async fn clear(&self) -> Result<(), StoreError> {
        let keys = self.counters.iter().map(|(_, counter)| counter.key.clone());
        let keys: Vec<_> = keys.collect();
        // One command of a hundred sessions' counters would hold up the store.
        for some in keys.chunks(AT_ONCE) {
            self.store.clear_attempts(some).await?;
        }
        Ok(())
    }
}

/// Whether a counter is used up, and until when. Nothing is counted: an attempt is counted everywhere or
/// nowhere, and the second counter takes none.
async fn used_up(
    store: &Store,
    counter: &Counter,
    now: Timestamp,
) -> Result<Option<Option<Timestamp>>, StoreError> {
    let none = Counter {
        key: CounterKey::new("none"),
        limit: 0,
        window: None,
    };
    let counters = [counter.clone(), none];
    Ok(match store.count_attempt(&counters, now).await? {
        AttemptCount::Refused { key, until } if key == counter.key => Some(until),
        AttemptCount::Refused { .. } | AttemptCount::Counted { .. } => None,
    })
}

/// What the attempts of a session are counted by.
fn names_of(session: &StoredSession) -> impl Iterator<Item = CountedBy> {
    let known = session.browser_key.map(CountedBy::KnownBrowser);
    [CountedBy::Began(session.created_at)]
        .into_iter()
        .chain(known)
}

/// How many sessions of one name are looked at, the newest.
const MOST_SESSIONS: usize = 100;
/// How many counters are cleared by one command.
const AT_ONCE: usize = 256;
