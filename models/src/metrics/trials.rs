//! Scores with who took part, so that intervals come from people, not from pairs: the pairs of one person hang
//! together, and counting each as a witness of its own makes every figure look surer than it is.

use super::curve::{Curve, Step};
use super::{Estimate, Random};

/// How often people are resampled for an interval.
const RESAMPLES: usize = 400;
const SEED: u64 = 0x057_1A27;

/// One comparison or search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Similarity; `None` where a face was missed, which is never accepted.
    pub score: Option<f64>,
    /// Whether it should be accepted.
    pub mated: bool,
    /// The people it is between, numbered from 0; twice the same if it is about one.
    pub subjects: [usize; 2],
}

/// Trials in the order of their scores.
#[derive(Clone, Debug)]
pub struct Trials {
    sorted: Vec<Trial>,
    subjects: usize,
    mated: usize,
}

impl Trials {
    /// Takes trials in any order. A score that is not a number counts as none.
    #[must_use]
    pub fn new(trials: impl IntoIterator<Item = Trial>) -> Self {
        let mut sorted: Vec<Trial> = trials.into_iter().collect();
        sorted.sort_by(|a, b| score(a).total_cmp(&score(b)));
        let subjects = sorted.iter().flat_map(|trial| trial.subjects).max().map_or(0, |last| last + 1);
        let mated = sorted.iter().filter(|trial| trial.mated).count();
        Self { sorted, subjects, mated }
    }

    /// How many should be accepted.
    #[must_use]
    pub const fn mated(&self) -> usize {
        self.mated
    }

    /// How many should be refused.
    #[must_use]
    pub const fn non_mated(&self) -> usize {
        self.sorted.len() - self.mated
    }

    /// The trials, by rising score.
    #[must_use]
    pub fn as_slice(&self) -> &[Trial] {
        &self.sorted
    }

    /// The error rates over all thresholds.
    #[must_use]
    pub fn curve(&self) -> Curve {
        self.weighted(|_| 1.0)
    }

    /// Figures of the curve with intervals from resampled people; the same on every machine.
    #[must_use]
    pub fn estimate<const N: usize>(&self, measure: impl Fn(&Curve) -> [Option<f64>; N]) -> [Option<Estimate>; N] {
        let mut resampled: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(RESAMPLES));
        let mut random = Random::new(SEED);
        for _ in 0..RESAMPLES {
            let drawn = random.resample(self.subjects);
            let curve = self.weighted(|trial| weight(trial, &drawn));
            for (values, found) in resampled.iter_mut().zip(measure(&curve)) {
                values.extend(found);
            }
        }
        let mut resampled = resampled.into_iter();
        measure(&self.curve()).map(|value| {
            let resampled = resampled.next().unwrap_or_default();
            value.map(|value| Estimate::of_resamples(value, resampled))
        })
    }

    fn weighted(&self, weight: impl Fn(&Trial) -> f64) -> Curve {
        let step = |trial: &Trial| Step { score: score(trial), mated: trial.mated, weight: weight(trial) };
        let steps: Vec<Step> = self.sorted.iter().map(step).filter(|step| step.weight > 0.0).collect();
        Curve::of_sorted(&steps)
    }
}

fn weight(trial: &Trial, drawn: &[u32]) -> f64 {
    let [a, b] = trial.subjects;
    f64::from(if a == b { drawn[a] } else { drawn[a] * drawn[b] })
}

fn score(trial: &Trial) -> f64 {
    trial.score.filter(|score| !score.is_nan()).unwrap_or(f64::NEG_INFINITY)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
