//! Points in time, handed in from outside.

use std::time::Duration;

/// A point in time, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Takes milliseconds since the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// Moves later by `span`; stays at the end of time rather than wrapping round.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// Moves earlier by `span`; stays at the epoch rather than wrapping round.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// How long ago `earlier` was; zero if it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Whether `start` lies within the last `window`, counted from `start` and never extended.
    ///
    /// A start in the future is not within any window: a clock that jumped back makes nothing fresh.
    pub fn is_within(self, window: Duration, start: Self) -> bool {
        start <= self && self < start.after(window)
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_to_the_millisecond() {
        let start = Timestamp::from_millis(1_000);
        let window = Duration::from_secs(10);
        assert!(Timestamp::from_millis(1_000).is_within(window, start));
        assert!(Timestamp::from_millis(10_999).is_within(window, start));
        assert!(!Timestamp::from_millis(11_000).is_within(window, start));
    }

    #[test]
    fn a_start_in_the_future_is_not_fresh() {
        assert!(
            !Timestamp::from_millis(5).is_within(Duration::from_secs(1), Timestamp::from_millis(6))
        );
    }
}
