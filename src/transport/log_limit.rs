//! Limits how many messages about failures are logged in a second: a flood of them fills the disk.

use crate::domain::Timestamp;
use std::cell::Cell;

/// The messages of one thread about failures.
#[derive(Debug)]
pub(crate) struct LogLimit {
    /// Messages that are logged in a period; of the others only their number.
    most: u32,
    /// How long a period is, in seconds.
    seconds: u64,
    period: Cell<Option<u64>>,
    logged: Cell<u32>,
    suppressed: Cell<u64>,
}

/// Twenty in a second.
impl Default for LogLimit {
    fn default() -> Self {
        Self::of(20, 1)
    }
}

impl LogLimit {
    /// One in a minute: for what an operator must hear once, and clients cause.
    pub(crate) fn once_a_minute() -> Self {
        Self::of(1, 60)
    }

    fn of(most: u32, seconds: u64) -> Self {
        Self {
            most,
            seconds,
            period: Cell::default(),
            logged: Cell::default(),
            suppressed: Cell::default(),
        }
    }

    /// `Some(suppressed)` if another message may be logged this period; `suppressed` counts those dropped
    /// since the last.
    pub(crate) fn allows(&self, now: Timestamp) -> Option<u64> {
        let period = Some(now.as_secs() / self.seconds);
        if self.period.replace(period) != period {
            self.logged.set(0);
        }
        if self.logged.get() >= self.most {
            self.suppressed.set(self.suppressed.get() + 1);
            return None;
        }
        self.logged.set(self.logged.get() + 1);
        Some(self.suppressed.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_over_the_limit_are_counted() {
        let limit = LogLimit::default();
        let at = |second: u64| Timestamp::from_millis(second * 1_000);
        let logged = (0..1_000).filter_map(|_| limit.allows(at(1))).count();
        assert_eq!(logged, 20);
        assert_eq!(limit.allows(at(2)), Some(980));
        assert_eq!(limit.allows(at(2)), Some(0));
        let seldom = LogLimit::once_a_minute();
        let told: Vec<_> = (120..240)
            .filter_map(|second| seldom.allows(at(second)))
            .collect();
        assert_eq!(told, [0, 59]);
    }
}
