//! Whether faces have become blurred over days: a fast mean of how sharp they are beside a slow one. The slow one is
//! what this camera at this door usually gives, so that no threshold depends on lens or distance.

use std::time::Duration;

/// The fast mean forgets half in a day.
const FAST_HALF_LIFE: Duration = Duration::from_secs(86_400);
/// The slow one in three weeks.
const SLOW_HALF_LIFE: Duration = Duration::from_secs(21 * 86_400);
/// Faces before anything is said.
const LEAST_FACES: u32 = 200;
/// A fast mean below this share of the slow one is a blurred lens.
const BLURRED_BELOW: f32 = 0.6;

/// How sharp faces are.
#[derive(Clone, Debug, Default)]
pub struct Sharpness {
    fast: f32,
    slow: f32,
    faces: u32,
    last: Duration,
}

impl Sharpness {
    /// A face of this sharpness (0 to 1) was seen at `now`, since the program's start.
    pub fn saw(&mut self, sharpness: f32, now: Duration) {
        if !sharpness.is_finite() {
            return;
        }
        if self.faces == 0 {
            (self.fast, self.slow) = (sharpness, sharpness);
        }
        let passed = now.saturating_sub(self.last);
        self.last = now;
        self.faces = self.faces.saturating_add(1);
        // Before enough faces were seen, each counts as much as those before it.
        let least = if self.faces <= LEAST_FACES { 1.0 / self.faces as f32 } else { 0.0 };
        self.fast += (sharpness - self.fast) * weight(passed, FAST_HALF_LIFE).max(least);
        self.slow += (sharpness - self.slow) * weight(passed, SLOW_HALF_LIFE).max(least);
    }

    /// Whether they are far less sharp than they used to be.
    #[must_use]
    pub fn is_blurred(&self) -> bool {
        self.faces >= LEAST_FACES && self.fast < BLURRED_BELOW * self.slow
    }
}

fn weight(passed: Duration, half_life: Duration) -> f32 {
    1.0 - (-passed.as_secs_f32() / half_life.as_secs_f32()).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A face each ten minutes, of the sharpness `of` gives for a day; the day on which blur is first seen.
    fn first_blurred_day(days: u64, of: impl Fn(u64) -> f32) -> Option<u64> {
        let mut sharpness = Sharpness::default();
        (0..days * 144).find_map(|n| {
            let day = n / 144;
            let wobble = if n % 2 == 0 { 0.1 } else { -0.1 };
            sharpness.saw((of(day) + wobble).max(0.0), Duration::from_secs(n * 600));
            sharpness.is_blurred().then_some(day)
        })
    }

    #[test]
    fn a_lens_that_grows_blind_is_told_within_days() {
        assert_eq!(first_blurred_day(60, |_| 0.6), None, "as ever");
        assert_eq!(first_blurred_day(60, |day| if day % 7 == 6 { 0.4 } else { 0.6 }), None, "a dull day each week");
        let smeared = first_blurred_day(30, |day| if day < 10 { 0.6 } else { 0.15 });
        assert!(matches!(smeared, Some(10..=12)), "{smeared:?}");
        let slowly = first_blurred_day(40, |day| 0.7 - 0.03 * day.min(20) as f32);
        assert!(matches!(slowly, Some(8..=25)), "{slowly:?}");
    }
}
