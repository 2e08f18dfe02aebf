//! Limits how many messages about failures are logged in a second: a flood of them fills the disk.

use crate::domain::Timestamp;
use std::cell::Cell;

/// Messages of one thread that are logged in a second; of the others only their number.
const PER_SECOND: u32 = 20;

/// The messages of one thread about failures.
#[derive(Debug, Default)]
pub(crate) struct LogLimit {
    second: Cell<u64>,
    logged: Cell<u32>,
    suppressed: Cell<u64>,
}

impl LogLimit {
    /// `Some(suppressed)` if another message may be logged this second; `suppressed` counts those dropped
    /// since the last.
    pub(crate) fn allows(&self, now: Timestamp) -> Option<u64> {
        if self.second.replace(now.as_secs()) != now.as_secs() {
            self.logged.set(0);
        }
        if self.logged.get() >= PER_SECOND {
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
    }
}
