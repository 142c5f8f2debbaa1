//! From a target to a threshold: how often strangers may be matched, for how many people a pack serves, and what
//! to say when it no longer does.
//!
//! A pack's `[calibration]` holds how strangers and known people score, measured on whole visits (several looks
//! fused, as a door does) against the best of a person's templates. [`Calibration`] answers from it; the
//! arithmetic is in `model`, the tail beyond what was measured in `tail`. Source: `docs/adr/0012`.

mod advice;
mod fit;
mod held_out;
mod model;
mod quantiles;
mod table;
mod tail;
mod target;
mod views;

pub use advice::{Advice, Fullness};
pub use fit::{FitError, Visits, fit};
pub use held_out::{HeldOut, held_out};
pub use table::{CalibrationTable, MATED_LEVELS, NON_MATED_LEVELS};
pub use target::{ImpossibleTarget, TargetFpir};
pub use views::SimulatedVisit;

use crate::decide::Rule;
use model::Model;
use quantiles::Quantiles;
pub(crate) use quantiles::value_at;
use tail::Tail;

/// Intervals leave out this share at either end: they hold 90 %.
const LEFT_OUT: f64 = 0.05;
/// The largest gallery anyone asks for.
const MOST_PERSONS: f64 = 1e7;

/// What a pack's scores mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    margin: f64,
    pairs: u32,
    people: u32,
    best: Model,
    resampled: Vec<Model>,
}

/// A threshold and what is to be expected of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperatingPoint {
    /// Threshold and margin.
    pub rule: Rule,
    /// Expected share of strangers' visits that end as a match, 0 to 1.
    pub fpir: f64,
    /// Lower end of its interval of 90 %.
    pub fpir_low: f64,
    /// Upper end of its interval of 90 %.
    pub fpir_high: f64,
    /// Expected share of known people's visits that are not matched with them, 0 to 1.
    pub fnir: f64,
    /// Whether the threshold lies where fewer than one pair of the people measured would be: the tail is then
    /// a continuation, not a measurement.
    pub extrapolated: bool,
}

/// How many people a pack can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// The best guess; 0 if not even one.
    pub persons: u64,
    /// Lower end of its interval of 90 %.
    pub low: u64,
    /// Upper end of its interval of 90 %.
    pub high: u64,
}

impl Calibration {
    /// Of a table without faults (see [`CalibrationTable::faults`]).
    #[must_use]
    pub fn new(table: &CalibrationTable) -> Self {
        let tail = |rate, scale, shape| Tail { from: table.tail_from, rate, scale, shape };
        let best = model_of(table, tail(table.tail_rate, table.tail_scale, table.tail_shape), &table.mated);
        let resampled = table
            .resampled
            .iter()
            .map(|[rate, scale, shape, mated @ ..]| model_of(table, tail(*rate, *scale, *shape), mated));
        let resampled = resampled.collect();
        Self { margin: table.margin, pairs: table.pairs, people: table.people, best, resampled }
    }

    /// How many people it was measured on.
    #[must_use]
    pub const fn people(&self) -> u32 {
        self.people
    }

    /// The least threshold with which strangers are matched no more often than `target` at a door that knows up
    /// to `persons` people.
    ///
    /// The threshold does not fall when people are added, nor when the target falls. If no threshold reaches the
    /// target it is 1, and `fpir` says what remains.
    #[must_use]
    pub fn operating_point(&self, target: TargetFpir, persons: usize) -> OperatingPoint {
        let persons = persons.max(1) as f64;
        let threshold = at_least(self.best.threshold(target.get(), self.margin, persons));
        self.expected(Rule { threshold, margin: self.margin as f32 }, persons)
    }

    /// What is to be expected of a rule chosen by hand at a door that knows up to `persons` people.
    #[must_use]
    pub fn expect_of(&self, rule: Rule, persons: usize) -> OperatingPoint {
        self.expected(rule, persons.max(1) as f64)
    }

    /// How many people this pack can tell apart, if strangers may be matched as often as `target` and known
    /// people missed as often as `fnir` (0 to 1). Takes some tens of milliseconds: keep the answer.
    #[must_use]
    pub fn capacity(&self, target: TargetFpir, fnir: f64) -> Capacity {
        let of = |model: &Model| largest_gallery(model, target.get(), self.margin, fnir);
        let best = of(&self.best);
        let mut found: Vec<f64> = self.resampled.iter().map(of).collect();
        found.sort_by(f64::total_cmp);
        let (low, high) = (value_at(&found, LEFT_OUT).min(best), value_at(&found, 1.0 - LEFT_OUT).max(best));
        Capacity { persons: best as u64, low: low as u64, high: high as u64 }
    }

    /// What an admin should hear about a gallery of `persons`; `None` while there is room.
    #[must_use]
    pub fn advice(&self, target: TargetFpir, fnir: f64, persons: usize) -> Option<Advice> {
        Advice::of(self.capacity(target, fnir), target, fnir, persons as u64)
    }

    fn expected(&self, rule: Rule, persons: f64) -> OperatingPoint {
        let (threshold, margin) = (f64::from(rule.threshold), f64::from(rule.margin));
        let fpir = self.best.fpir(threshold, margin, persons);
        let mut found: Vec<f64> = self.resampled.iter().map(|model| model.fpir(threshold, margin, persons)).collect();
        found.sort_by(f64::total_cmp);
        let (low, high) = (value_at(&found, LEFT_OUT), value_at(&found, 1.0 - LEFT_OUT));
        OperatingPoint {
            rule,
            fpir,
            fpir_low: if found.is_empty() { fpir } else { low.min(fpir) },
            fpir_high: high.max(fpir),
            fnir: self.best.fnir(threshold, margin, persons),
            extrapolated: self.best.above(threshold) * f64::from(self.pairs) < 1.0,
        }
    }
}

fn model_of(table: &CalibrationTable, tail: Tail, mated: &[f64]) -> Model {
    let levels: Vec<f64> = NON_MATED_LEVELS.iter().copied().chain([1.0 - tail.rate]).collect();
    let values: Vec<f64> = table.non_mated.iter().copied().chain([table.tail_from]).collect();
    Model { body: Quantiles::new(&levels, &values), tail, mated: Quantiles::new(&MATED_LEVELS, mated) }
}

/// The largest gallery for which the threshold of the target misses known people no more often than `fnir`.
fn largest_gallery(model: &Model, target: f64, margin: f64, fnir: f64) -> f64 {
    let serves = |persons: f64| model.fnir(model.threshold(target, margin, persons), margin, persons) <= fnir;
    if !serves(1.0) {
        return 0.0;
    }
    let (mut low, mut high) = (1.0_f64, MOST_PERSONS);
    while high / low > 1.005 {
        let middle = (low * high).sqrt();
        if serves(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low.floor()
}

/// The threshold as f32, never below what was asked for.
fn at_least(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) < threshold { near.next_up().min(1.0) } else { near }
}

#[cfg(test)]
#[path = "calibration/tests.rs"]
mod tests;
