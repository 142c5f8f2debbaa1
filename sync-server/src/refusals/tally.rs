//! How many refusals there were within the last minute.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Counts by the minute.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Minutes>);

#[derive(Debug, Default)]
struct Minutes {
    began: Duration,
    before: u64,
    now: u64,
}

impl Tally {
    /// One more, at a moment of the monotonic clock.
    pub fn count(&self, at: Duration) {
        self.at(at).now += 1;
    }

    /// About how many there were within the minute before `at`: of the last whole minute that part which is not over.
    pub fn within_a_minute(&self, at: Duration) -> u64 {
        let minutes = self.at(at);
        let left = MINUTE.saturating_sub(at.saturating_sub(minutes.began));
        let of_before = minutes.before.saturating_mul(left.as_millis() as u64) / MINUTE.as_millis() as u64;
        minutes.now + of_before
    }

    fn at(&self, at: Duration) -> std::sync::MutexGuard<'_, Minutes> {
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = at.saturating_sub(minutes.began);
        if passed >= MINUTE {
            minutes.before = if passed < 2 * MINUTE { minutes.now } else { 0 };
            minutes.now = 0;
            minutes.began = at - Duration::from_millis((passed.as_millis() % MINUTE.as_millis()) as u64);
        }
        minutes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_last_minute() {
        let (tally, at) = (Tally::default(), Duration::from_secs);
        (0..60).for_each(|second| tally.count(at(second)));
        assert_eq!(tally.within_a_minute(at(59)), 60);
        assert_eq!(tally.within_a_minute(at(90)), 30);
        assert_eq!(tally.within_a_minute(at(119)), 1);
        assert_eq!(tally.within_a_minute(at(1_000)), 0);
        tally.count(at(1_001));
        assert_eq!(tally.within_a_minute(at(1_002)), 1);
    }
}
