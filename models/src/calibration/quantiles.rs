//! A distribution known at a few levels, straight in between.

/// Values at rising levels from 0 to at most 1. Below the first value nothing lies, and above the last one only
/// what the last level leaves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Quantiles {
    levels: Vec<f64>,
    values: Vec<f64>,
}

impl Quantiles {
    /// `levels` and `values` must be of the same length, at least two; levels rising, values not falling.
    pub(crate) fn new(levels: &[f64], values: &[f64]) -> Self {
        debug_assert!(levels.len() == values.len() && levels.len() > 1);
        Self { levels: levels.to_vec(), values: values.to_vec() }
    }

    /// The values of sorted data at `levels` (the nearest two, straight in between).
    pub(crate) fn of_sorted(sorted: &[f64], levels: &[f64]) -> Vec<f64> {
        levels.iter().map(|level| value_at(sorted, *level)).collect()
    }

    /// The share that lies below `value`.
    pub(crate) fn below(&self, value: f64) -> f64 {
        let next = self.values.partition_point(|known| *known < value);
        if next == 0 {
            return 0.0;
        }
        let (Some(high), low) = (self.values.get(next), self.values[next - 1]) else {
            return self.levels[next - 1];
        };
        let part = (value - low) / (high - low);
        self.levels[next - 1] + part * (self.levels[next] - self.levels[next - 1])
    }

    /// The value that the share `level` lies below.
    pub(crate) fn value(&self, level: f64) -> f64 {
        let next = self.levels.partition_point(|known| *known < level);
        if next == 0 {
            return self.values[0];
        }
        let Some(high) = self.levels.get(next) else { return self.values[next - 1] };
        let part = (level - self.levels[next - 1]) / (high - self.levels[next - 1]);
        self.values[next - 1] + part * (self.values[next] - self.values[next - 1])
    }

    /// The levels.
    pub(crate) fn levels(&self) -> &[f64] {
        &self.levels
    }
}

/// The value of sorted data at a level, 0 (the least) to 1 (the greatest); of no data, 0.
pub(crate) fn value_at(sorted: &[f64], level: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = level.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    sorted[low] + (place - place.floor()) * (sorted[high] - sorted[low])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn there_and_back(steps in proptest::collection::vec(0.001_f64..0.3, 5), level in 0.0_f64..1.0) {
            let values: Vec<f64> = steps.iter().scan(0.2, |sum, step| { *sum += step; Some(*sum) }).collect();
            let known = Quantiles::new(&[0.0, 0.1, 0.5, 0.9, 1.0], &values);
            prop_assert!((known.below(known.value(level)) - level).abs() < 1e-9);
        }
    }

    #[test]
    fn outside_of_what_is_known() {
        let known = Quantiles::new(&[0.0, 0.5, 0.9], &[1.0, 2.0, 2.0]);
        assert_eq!((known.below(0.5), known.below(3.0), known.value(0.95)), (0.0, 0.9, 2.0));
        assert_eq!((value_at(&[], 0.5), value_at(&[1.0, 3.0], 0.5), value_at(&[1.0, 3.0], 1.0)), (0.0, 2.0, 3.0));
    }
}
