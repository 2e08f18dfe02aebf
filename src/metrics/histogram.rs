//! Latencies in buckets that are the same for all.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the buckets; one more has none.
pub const BOUNDS: [Duration; 14] = [
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
];

const BUCKETS: usize = BOUNDS.len() + 1;

/// The latencies that one thread has seen.
#[derive(Debug)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    nanoseconds: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: array::from_fn(|_| AtomicU64::new(0)),
            nanoseconds: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    /// Adds one.
    pub(super) fn add(&self, latency: Duration) {
        // Most latencies are short, so the search ends after a few steps.
        let place = BOUNDS.iter().take_while(|bound| latency > **bound).count();
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

/// The latencies of all threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// How many there are in each bucket, not counting those of the buckets before.
    pub buckets: [u64; BUCKETS],
    /// All of them together.
    pub sum: Duration,
}

impl Distribution {
    pub(super) fn sum<'h>(histograms: impl Iterator<Item = &'h Histogram>) -> Self {
        let mut all = Self {
            buckets: [0; BUCKETS],
            sum: Duration::ZERO,
        };
        for histogram in histograms {
            for (sum, own) in all.buckets.iter_mut().zip(&histogram.buckets) {
                *sum += own.load(Ordering::Relaxed);
            }
            let nanoseconds = histogram.nanoseconds.load(Ordering::Relaxed);
            all.sum = all.sum.saturating_add(Duration::from_nanos(nanoseconds));
        }
        all
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        // Not a counter of its own: OpenMetrics wants it equal to the last bucket, also while
        // others write.
        self.buckets.iter().sum()
    }
}
