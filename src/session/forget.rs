//! Sessions that the store must forget, and did not hear of.

use crate::clock::Clock;
use crate::domain::SessionId;
use crate::store::Store;
use crate::transport::drain::Drain;
use crate::transport::log_limit::LogLimit;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How many sessions of one thread wait for the store to answer again.
const MOST: usize = 1024;

/// How long the store is asked, and how often.
const PATIENCE: Duration = Duration::from_mins(10);
const PAUSE: Duration = Duration::from_millis(500);

/// The sessions of one thread that the store must forget, with the time since when.
#[derive(Debug)]
pub(crate) struct Forgetting(Rc<Queue>);

#[derive(Debug)]
struct Queue {
    waiting: RefCell<VecDeque<(SessionId, Instant)>>,
    log_limit: LogLimit,
    store: Store,
    drain: Rc<Drain>,
    clock: Clock,
}

impl Forgetting {
    /// For the sessions of one thread.
    pub(crate) fn new(store: Store, drain: Rc<Drain>, clock: Clock) -> Self {
        Self(Rc::new(Queue {
            waiting: RefCell::default(),
            log_limit: LogLimit::default(),
            store,
            drain,
            clock,
        }))
    }

    /// Has the store forget sessions as soon as it answers again, because a change of them failed: what it
    /// still holds for them must not outlive the outage.
    pub(crate) fn forget(&self, ids: impl IntoIterator<Item = SessionId>) {
        let queue = &self.0;
        let mut waiting = queue.waiting.borrow_mut();
        let idle = waiting.is_empty();
        for id in ids {
            if waiting.iter().any(|(known, _)| *known == id) {
                continue;
            }
            if waiting.len() < MOST {
                waiting.push_back((id, Instant::now()));
            } else if let Some(untold) = queue.log_limit.allows(queue.clock.now()) {
                tracing::warn!(
                    untold,
                    "the store is out for too long: what became of a session is lost"
                );
            }
        }
        if idle && !waiting.is_empty() {
            tokio::task::spawn_local(work(queue.clone()));
        }
    }
}

/// Deletes one after the other, until none is left. They stay in the queue until they are deleted, so
/// that no second task begins meanwhile.
async fn work(queue: Rc<Queue>) {
    let _working = queue.drain.work();
    let first = || queue.waiting.borrow().front().copied();
    while let Some((id, since)) = first() {
        if queue.store.end_session(id).await.is_ok() || since.elapsed() > PATIENCE {
            queue.waiting.borrow_mut().pop_front();
        } else if queue.drain.has_begun() {
            queue.waiting.borrow_mut().clear();
        } else {
            sleep(PAUSE).await;
        }
    }
}
