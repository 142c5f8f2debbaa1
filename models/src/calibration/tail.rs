//! The upper tail of strangers' scores, beyond what was measured: a generalised Pareto distribution over a
//! threshold (peaks over threshold), fitted by probability-weighted moments.
//!
//! Source: Hosking & Wallis, "Parameter and quantile estimation for the generalized Pareto distribution",
//! Technometrics 29 (1987): steadier than maximum likelihood for some hundred exceedances.

/// The heaviest tail taken at its word: cosines end at 1, so what looks heavier is chance.
pub(crate) const HEAVIEST: f64 = 0.25;

/// Fewer exceedances than this tell nothing of a shape; an exponential tail is taken then.
const ENOUGH_FOR_A_SHAPE: usize = 20;

/// `P(score > s) = rate * (1 + shape (s - from) / scale)^(-1/shape)` for `s >= from`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tail {
    /// Where the tail begins, cosine.
    pub(crate) from: f64,
    /// The share of scores beyond `from`, 0 to 1.
    pub(crate) rate: f64,
    /// How fast it falls, in cosine; above 0.
    pub(crate) scale: f64,
    /// Negative ends somewhere, 0 is exponential, positive is heavier.
    pub(crate) shape: f64,
}

impl Tail {
    /// Fits what exceeds `from`: `excesses` are `score - from`, all above 0, of `total` scores.
    /// `None` if fewer than two exceed.
    pub(crate) fn fit(from: f64, excesses: &mut [f64], total: usize) -> Option<Self> {
        if excesses.len() < 2 || total < excesses.len() {
            return None;
        }
        excesses.sort_by(f64::total_cmp);
        let count = excesses.len() as f64;
        let rate = count / total as f64;
        let mean = excesses.iter().sum::<f64>() / count;
        // Weighted by the share of exceedances above each: the second moment of Hosking and Wallis.
        let weighted = |(rank, excess): (usize, &f64)| excess * (count - rank as f64 - 1.0) / (count - 1.0);
        let second = excesses.iter().enumerate().map(weighted).sum::<f64>() / count;
        let spread = mean - 2.0 * second;
        let told = excesses.len() >= ENOUGH_FOR_A_SHAPE && spread > 0.0;
        let shape = if told { 2.0 - mean / spread } else { 0.0 };
        Some(Self::bounded(from, rate, mean, shape))
    }

    /// With the shape brought to what can be: no lighter than what reaches a cosine of 1 (somewhere there is a
    /// twin), no heavier than [`HEAVIEST`]. The scale is then the one with the mean excess measured.
    fn bounded(from: f64, rate: f64, mean: f64, shape: f64) -> Self {
        // The end, from + scale / -shape, with scale = mean (1 - shape), is at 1 for this shape.
        let room = (1.0 - from).max(mean);
        let lightest = if room > mean { -mean / (room - mean) } else { -1.0 };
        let shape = shape.clamp(lightest.max(-1.0), HEAVIEST);
        Self { from, rate, scale: mean * (1.0 - shape), shape }
    }

    /// The share of scores above `score`, which must be at least `from`.
    pub(crate) fn above(&self, score: f64) -> f64 {
        let z = (score - self.from) / self.scale;
        self.rate
            * if self.is_exponential() { (-z).exp() } else { (1.0 + self.shape * z).max(0.0).powf(-1.0 / self.shape) }
    }

    /// The score that the share `above` exceeds; `above` must be over 0 and at most `rate`.
    pub(crate) fn score(&self, above: f64) -> f64 {
        let ratio = above / self.rate;
        let z = if self.is_exponential() { -ratio.ln() } else { (ratio.powf(-self.shape) - 1.0) / self.shape };
        self.from + self.scale * z
    }

    /// Near 0 the general form loses all its digits.
    const fn is_exponential(&self) -> bool {
        self.shape.abs() < 1e-6
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn draws(tail: Tail, count: usize) -> Vec<f64> {
        (0..count).map(|i| tail.score(tail.rate * (i as f64 + 0.5) / count as f64) - tail.from).collect()
    }

    #[test]
    fn finds_the_tail_the_draws_came_from() {
        let check = |scale: f64, shape: f64| {
            let truth = Tail { from: 0.8, rate: 0.05, scale, shape };
            let found = Tail::fit(0.8, &mut draws(truth, 2000), 40_000).unwrap();
            assert!((found.scale / scale - 1.0).abs() < 0.05, "{found:?} for {truth:?}");
            assert!((found.shape - shape).abs() < 0.05, "{found:?} for {truth:?}");
            assert!((found.rate - 0.05).abs() < 1e-12);
        };
        check(0.02, 0.0);
        check(0.02, 0.15);
        check(0.015, -0.05);
    }

    #[test]
    fn no_threshold_below_one_is_beyond_a_strangers_reach() {
        // All exceedances near `from`: the shape alone would end the tail at 0.82.
        let truth = Tail { from: 0.8, rate: 0.05, scale: 0.02, shape: -0.9 };
        let found = Tail::fit(0.8, &mut draws(truth, 500), 10_000).unwrap();
        assert!(found.above(0.999) > 0.0, "{found:?}");
    }

    #[test]
    fn too_few_exceedances() {
        assert!(Tail::fit(0.8, &mut [], 100).is_none());
        assert!(Tail::fit(0.8, &mut [0.1], 100).is_none());
        assert_eq!(Tail::fit(0.8, &mut [0.01, 0.02, 0.03], 100).unwrap().shape, 0.0);
    }

    proptest! {
        #[test]
        fn there_and_back(scale in 0.001_f64..0.1, shape in -0.2_f64..0.25, part in 0.001_f64..1.0) {
            let tail = Tail { from: 0.7, rate: 0.1, scale, shape };
            let above = part * tail.rate;
            prop_assert!((tail.above(tail.score(above)) / above - 1.0).abs() < 1e-6);
        }
    }
}
