//! A timer for deadlines that move with every read.
//!
//! Resetting tokio's timer for each read costs more than the read. This one is reset only once it has
//! fired, as long as it fires no later than the deadline.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer for one task, reset lazily.
#[derive(Debug, Default)]
pub(super) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    armed: bool,
}

impl Timer {
    /// Is ready once `deadline` has passed; else the task is woken no later than that.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        deadline: Instant,
    ) -> Poll<()> {
        if now >= deadline {
            return Poll::Ready(());
        }
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        // It is set for this task and fires no later than the deadline.
        if self.armed && now < sleep.deadline() && sleep.deadline() <= deadline {
            return Poll::Pending;
        }
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        self.armed = sleep.as_mut().poll(cx).is_pending();
        if self.armed {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }

    /// Must be called when the owner moves to another task, which must be the one that is woken.
    pub(super) fn disarm(&mut self) {
        self.armed = false;
    }
}

/// `now` plus `span`, of which a year at most counts; `now` if the clock cannot hold the sum.
pub(crate) fn deadline_after(now: Instant, span: Duration) -> Instant {
    const YEAR: Duration = Duration::from_hours(8760);
    now.checked_add(span.min(YEAR)).unwrap_or(now)
}
