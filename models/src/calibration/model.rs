//! How often strangers are matched and known people are missed, for one fit: the arithmetic of a gallery.
//!
//! A visit by a stranger is compared with N persons; each comparison is a draw of the strangers' distribution.
//! A match needs the best of them over the threshold and the second at least the margin below. Draws are taken
//! as independent, which errs on the safe side: scores of one visit hang together, so real strangers crowd into
//! fewer visits than the formula says.

use super::quantiles::Quantiles;
use super::tail::Tail;

/// Steps of the integral over the tail (even, for Simpson's rule), and how far it goes, as `ln` of the share.
const STEPS: usize = 32;
const DEPTH: f64 = 16.0;
/// Cells between two known levels of the mated scores.
const CELLS_A_SEGMENT: u32 = 6;

/// One fit: how strangers and the person themself score against one person of the gallery.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Model {
    /// Strangers, up to where the tail begins.
    pub(crate) body: Quantiles,
    /// Strangers, beyond.
    pub(crate) tail: Tail,
    /// The person themself.
    pub(crate) mated: Quantiles,
}

impl Model {
    /// The share of strangers' comparisons above `score`.
    pub(crate) fn above(&self, score: f64) -> f64 {
        if score >= self.tail.from { self.tail.above(score) } else { 1.0 - self.body.below(score) }
    }

    fn score(&self, above: f64) -> f64 {
        if above <= self.tail.rate { self.tail.score(above) } else { self.body.value(1.0 - above) }
    }

    /// The share of strangers' visits that match someone in the worst gallery of up to `persons`: with a
    /// margin, a crowded gallery can match fewer strangers than a smaller one, and a door may hold only some
    /// of the people.
    pub(crate) fn fpir(&self, threshold: f64, margin: f64, persons: f64) -> f64 {
        let share = self.above(threshold);
        if share <= 0.0 {
            return 0.0;
        }
        // Over the share p = share * e^-y of comparisons that score higher still.
        let step = DEPTH / STEPS as f64;
        let term = |index: usize| {
            let weight = if index == 0 || index == STEPS { 1.0 } else { 2.0 + 2.0 * (index % 2) as f64 };
            let p = share * (-(index as f64) * step).exp();
            weight * p * most_winners(self.above(self.score(p) - margin), persons)
        };
        let sum: f64 = (0..=STEPS).map(term).sum();
        let rest = share * (-DEPTH).exp() * persons;
        (sum * step / 3.0 + rest).min(1.0)
    }

    /// The share of visits by people of the gallery that are not matched with them.
    pub(crate) fn fnir(&self, threshold: f64, margin: f64, persons: f64) -> f64 {
        let refused = self.mated.below(threshold);
        let mut taken = 0.0;
        for ends in self.mated.levels().windows(2) {
            let width = (ends[1] - ends[0]) / f64::from(CELLS_A_SEGMENT);
            for cell in 0..CELLS_A_SEGMENT {
                // Where a cell is judged does not depend on the threshold, so that a higher one never pays.
                let from = ends[0] + width * f64::from(cell);
                let accepted = (from + width - refused.max(from)).max(0.0);
                if accepted > 0.0 {
                    let score = self.mated.value(from + width / 2.0);
                    taken += accepted * self.all_below(score - margin, persons - 1.0);
                }
            }
        }
        (1.0 - taken).clamp(0.0, 1.0)
    }

    /// The least threshold at which strangers are matched no more often than `target`; 1 if there is none.
    pub(crate) fn threshold(&self, target: f64, margin: f64, persons: f64) -> f64 {
        let (mut low, mut high) = (self.body.value(0.0), 1.0);
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            if self.fpir(middle, margin, persons) > target {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }

    /// How likely all of `persons` score below `score`.
    fn all_below(&self, score: f64, persons: f64) -> f64 {
        (persons.max(0.0) * (-self.above(score)).ln_1p()).exp()
    }
}

/// The greatest of `n (1 - p)^(n - 1)` for n from 1 to `persons`: how many of n are expected to stand at a place
/// while all others stay below a place that the share `p` exceeds.
fn most_winners(p: f64, persons: f64) -> f64 {
    let log_below = (-p.min(1.0 - 1e-12)).ln_1p();
    let most = if log_below < 0.0 { (-1.0 / log_below).clamp(1.0, persons.max(1.0)) } else { persons };
    most * ((most - 1.0) * log_below).exp()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn model() -> Model {
        let tail = Tail { from: 0.85, rate: 0.05, scale: 0.012, shape: -0.05 };
        let body = Quantiles::new(&[0.0, 0.25, 0.5, 0.75, 0.95], &[0.6, 0.72, 0.77, 0.81, 0.85]);
        let levels = [0.0, 0.01, 0.05, 0.1, 0.5, 1.0];
        Model { body, tail, mated: Quantiles::new(&levels, &[0.9, 0.93, 0.945, 0.95, 0.97, 0.995]) }
    }

    #[test]
    fn without_a_margin_it_is_the_textbook_formula() {
        let model = model();
        for (threshold, persons) in [(0.93, 1.0), (0.93, 30.0), (0.95, 300.0), (0.97, 3000.0)] {
            let exact = 1.0 - (1.0 - model.above(threshold)).powf(persons);
            let found = model.fpir(threshold, 0.0, persons);
            assert!((found / exact - 1.0).abs() < 0.01, "{threshold} {persons}: {found} {exact}");
        }
    }

    #[test]
    fn with_a_margin_it_agrees_with_drawing_lots() {
        let (model, persons) = (model(), 40);
        let mut random = crate::metrics::Random::new(7);
        let (threshold, margin, visits) = (0.9, 0.008, 200_000);
        let mut matched = 0;
        for _ in 0..visits {
            let (mut best, mut second) = (0.0_f64, 0.0_f64);
            for _ in 0..persons {
                let score = model.score(random.unit().max(1e-12));
                (best, second) = if score > best { (score, best) } else { (best, second.max(score)) };
            }
            matched += usize::from(best >= threshold && best - second >= margin);
        }
        let (drawn, found) = (matched as f64 / f64::from(visits), model.fpir(threshold, margin, persons.into()));
        assert!((found / drawn - 1.0).abs() < 0.05, "{found} {drawn}");
    }

    proptest! {
        #[test]
        fn more_people_more_of_everything(
            threshold in 0.7_f64..0.99, margin in 0.0_f64..0.03, persons in 1.0_f64..1e6, more in 1.0_f64..10.0
        ) {
            let model = model();
            let (few, many) = (persons, persons * more);
            let near = |low: f64, high: f64| low <= high * (1.0 + 1e-9) + 1e-12;
            prop_assert!(near(model.fpir(threshold, margin, few), model.fpir(threshold, margin, many)));
            prop_assert!(near(model.fnir(threshold, margin, few), model.fnir(threshold, margin, many)));
            prop_assert!(near(model.fpir(threshold + 0.005, margin, few), model.fpir(threshold, margin, few)));
            prop_assert!(near(model.fnir(threshold, margin, few), model.fnir(threshold + 0.005, margin, few)));
            prop_assert!(near(model.fpir(threshold, margin + 0.005, few), model.fpir(threshold, margin, few)));
        }
    }
}
