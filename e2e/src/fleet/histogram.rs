//! How long things took, counted by the millisecond, from many tasks at once.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Longest time told apart; longer ones count as this long.
const MOST_MS: usize = 120_000;

/// Counts durations.
#[derive(Debug)]
pub struct Histogram(Box<[AtomicU32]>);

impl Default for Histogram {
    fn default() -> Self {
        Self((0..=MOST_MS).map(|_| AtomicU32::new(0)).collect())
    }
}

impl Histogram {
    /// Counts one duration, rounded up to the millisecond.
    pub fn add(&self, took: Duration) {
        let ms = usize::try_from(took.as_micros().div_ceil(1_000)).unwrap_or(MOST_MS).min(MOST_MS);
        self.0[ms].fetch_add(1, Ordering::Relaxed);
    }

    /// The counts so far, and begins anew.
    #[must_use]
    pub fn take(&self) -> Quantiles {
        Quantiles(self.0.iter().map(|count| count.swap(0, Ordering::Relaxed)).collect())
    }
}

/// Counts that no longer change.
#[derive(Debug)]
pub struct Quantiles(Vec<u32>);

impl Quantiles {
    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|count| u64::from(*count)).sum()
    }

    /// The time in milliseconds that a share `0..=1` of them did not exceed; `None` if there were none.
    #[must_use]
    pub fn at(&self, share: f64) -> Option<u64> {
        let wanted = (self.count() as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let place = self.0.iter().position(|count| {
            seen += u64::from(*count);
            seen >= wanted
        });
        place.map(|ms| ms as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles() {
        let check = |times: &[u64], share: f64, expected: Option<u64>| {
            let histogram = Histogram::default();
            times.iter().for_each(|ms| histogram.add(Duration::from_millis(*ms)));
            assert_eq!(histogram.take().at(share), expected, "{share} of {times:?}");
            assert_eq!(histogram.take().count(), 0, "taken is gone");
        };
        check(&[], 0.99, None);
        check(&[7], 0.5, Some(7));
        check(&[1, 2, 3, 4], 0.5, Some(2));
        check(&[1, 2, 3, 4], 0.51, Some(3));
        check(&[1, 2, 3, 4], 1.0, Some(4));
        check(&[1, 999_999], 1.0, Some(MOST_MS as u64));
    }
}
