//! Sessions that the store must forget, and did not hear of.

use super::house::Worker;
use crate::domain::SessionId;
use crate::store::Store;
use crate::transport::complaints::Complaints;
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
#[derive(Debug, Default)]
pub(crate) struct Forgetting {
    waiting: RefCell<VecDeque<(SessionId, Instant)>>,
    complaints: Complaints,
}

/// The store did not hear of a change: what it still holds for these sessions must not outlive the
/// outage, so it is told to forget them as soon as it answers again.
pub(super) fn forget(worker: &Rc<Worker>, ids: impl IntoIterator<Item = SessionId>) {
    let Forgetting {
        waiting,
        complaints,
    } = &worker.forgetting;
    let mut waiting = waiting.borrow_mut();
    let idle = waiting.is_empty();
    for id in ids {
        if waiting.iter().any(|(known, _)| *known == id) {
            continue;
        }
        if waiting.len() < MOST {
            waiting.push_back((id, Instant::now()));
        } else if let Some(untold) = complaints.admit(worker.house.clock.now()) {
            tracing::warn!(
                untold,
                "the store is out for too long: what became of a session is lost"
            );
        }
    }
    if idle && !waiting.is_empty() {
        tokio::task::spawn_local(tell(worker.clone()));
    }
}

/// Tells the store of one after the other, until none is left. They stay in line until they are told,
/// so that nobody else begins meanwhile.
async fn tell(worker: Rc<Worker>) {
    let _working = worker.transport.drain.work();
    let waiting = &worker.forgetting.waiting;
    let first = || waiting.borrow().front().copied();
    while let Some((id, since)) = first() {
        if worker.store.end_session(id).await.is_ok() || since.elapsed() > PATIENCE {
            waiting.borrow_mut().pop_front();
        } else if worker.transport.drain.has_begun() {
            waiting.borrow_mut().clear();
        } else {
            sleep(PAUSE).await;
        }
    }
}
