//! A deadline that moves often and is looked at rarely.
//!
//! A timer that is set anew for each read costs more than the read. Here the timer stays where it
//! is as long as it would fire early enough, and is moved on only when it has fired.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer for one task, moved lazily.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    armed: bool,
}

impl Alarm {
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
        // It fires before the deadline, in this very task: nothing to do until then.
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

/// `now` plus `span`, or a year where that cannot be told.
pub(crate) fn later(now: Instant, span: Duration) -> Instant {
    const YEAR: Duration = Duration::from_hours(8760);
    now.checked_add(span.min(YEAR)).unwrap_or(now)
}
