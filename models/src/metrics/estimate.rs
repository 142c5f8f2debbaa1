//! A figure and how sure it is.

use crate::calibration::value_at;

/// Half the width of a normal interval of 95 %, in standard deviations.
const Z: f64 = 1.959_964;
/// Left out at either end.
const LEFT_OUT: f64 = 0.025;

/// A figure with its interval of 95 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// What was measured.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Estimate {
    /// The interval that holds the middle 95 % of what resampling gave; always holds `value`.
    #[must_use]
    pub fn of_resamples(value: f64, mut resampled: Vec<f64>) -> Self {
        if resampled.is_empty() {
            return Self { value, low: value, high: value };
        }
        resampled.sort_by(f64::total_cmp);
        let (low, high) = (value_at(&resampled, LEFT_OUT), value_at(&resampled, 1.0 - LEFT_OUT));
        Self { value, low: low.min(value), high: high.max(value) }
    }

    /// Widened to what `trials` independent trials could tell at best: resampling what never failed never
    /// fails, which is no proof.
    #[must_use]
    pub fn no_surer_than(self, trials: usize) -> Self {
        let simple = proportion(self.value * trials as f64, trials);
        Self { value: self.value, low: self.low.min(simple.low), high: self.high.max(simple.high) }
    }
}

/// The share of `hits` among independent `trials`, with Wilson's interval; of no trials, anything from 0 to 1.
#[must_use]
pub fn proportion(hits: f64, trials: usize) -> Estimate {
    if trials == 0 {
        return Estimate { value: 0.0, low: 0.0, high: 1.0 };
    }
    let n = trials as f64;
    let share = hits / n;
    let centre = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    Estimate { value: share, low: (centre - half).clamp(0.0, share), high: (centre + half).clamp(share, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson() {
        let check = |hits: f64, trials: usize, low: f64, high: f64| {
            let found = proportion(hits, trials);
            assert!((found.low - low).abs() < 5e-4 && (found.high - high).abs() < 5e-4, "{hits}/{trials}: {found:?}");
        };
        // As in Wilson's own table and in R's prop.test(correct = FALSE).
        check(0.0, 10, 0.0, 0.2775);
        check(5.0, 10, 0.2366, 0.7634);
        check(10.0, 10, 0.7225, 1.0);
        check(1.0, 100, 0.0018, 0.0545);
        check(0.0, 0, 0.0, 1.0);
    }

    #[test]
    fn what_never_failed_may_fail() {
        let estimate = Estimate::of_resamples(0.0, vec![0.0; 100]).no_surer_than(433);
        assert!(estimate.low == 0.0 && (0.008..0.01).contains(&estimate.high), "{estimate:?}");
    }
}
