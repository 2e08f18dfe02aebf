//! A watchman for each thread, who sends connections to sleep whose clients say nothing.
//!
//! A timer of its own would wake each connection many times a second while it is in use. The watchman
//! makes one round for all, and wakes only those that did nothing since the last.

use super::wire::{DOZE_AFTER, Line};
use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::{Arc, Weak};
use tokio::sync::Notify;

/// Knows the connections of a thread that are awake.
#[derive(Debug, Default)]
pub(crate) struct Watchman {
    awake: RefCell<Vec<Awake>>,
    called: Notify,
}

#[derive(Debug)]
struct Awake {
    line: Weak<Line>,
    /// How often its client had been heard by the last round.
    heard: u32,
}

impl Watchman {
    /// Watches a connection that is awake, until it dozes or ends.
    pub(crate) fn watch(&self, line: &Arc<Line>) {
        if line.comes_under_watch() {
            self.awake.borrow_mut().push(Awake {
                line: Arc::downgrade(line),
                heard: line.times_heard(),
            });
            self.called.notify_one();
        }
    }

    /// Makes rounds as long as anybody is awake.
    pub(crate) async fn make_rounds(&self) -> Infallible {
        loop {
            while self.awake.borrow().is_empty() {
                self.called.notified().await;
            }
            tokio::time::sleep(DOZE_AFTER).await;
            self.awake.borrow_mut().retain_mut(Awake::visit);
        }
    }
}

impl Awake {
    /// Tells whether the connection is to be watched on.
    fn visit(&mut self) -> bool {
        let Some(line) = self.line.upgrade() else {
            return false;
        };
        if line.is_dozing() {
            line.leaves_watch();
            return false;
        }
        let heard = line.times_heard();
        if heard == self.heard && !line.is_busy() {
            line.make_drowsy();
        }
        self.heard = heard;
        true
    }
}
