//! Says what fails, but not a thousand times a second: a log that floods is an outage of its own.

use crate::domain::Timestamp;
use std::cell::Cell;

/// How many failures of one thread are told in a second; of the others only how many there were.
const EACH_SECOND: u32 = 20;

/// What one thread has told of late.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    second: Cell<u64>,
    told: Cell<u32>,
    untold: Cell<u64>,
}

impl Complaints {
    /// Whether one more failure may be told now, and how many were not since the last that was.
    pub(crate) fn admit(&self, now: Timestamp) -> Option<u64> {
        if self.second.replace(now.as_secs()) != now.as_secs() {
            self.told.set(0);
        }
        if self.told.get() >= EACH_SECOND {
            self.untold.set(self.untold.get() + 1);
            return None;
        }
        self.told.set(self.told.get() + 1);
        Some(self.untold.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_in_numbers() {
        let complaints = Complaints::default();
        let at = |second: u64| Timestamp::from_millis(second * 1_000);
        let told = (0..1_000).filter_map(|_| complaints.admit(at(1))).count();
        assert_eq!(told, 20);
        assert_eq!(complaints.admit(at(2)), Some(980));
        assert_eq!(complaints.admit(at(2)), Some(0));
    }
}
