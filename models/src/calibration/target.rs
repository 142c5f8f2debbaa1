//! What an admin asks of a door: how often a stranger may be taken for someone known.

/// A target that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("a target FPIR of {0} cannot be: it must be above 0 and below 1, for example 0.01 for one stranger in 100")]
pub struct ImpossibleTarget(pub f64);

/// The false positive identification rate asked for: the share of visits by strangers that may end as a match.
/// Above 0 and below 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct TargetFpir(f64);

impl TargetFpir {
    /// What is asked for where nobody chose: one visit of a stranger in 100.
    pub const DEFAULT: Self = Self(0.01);

    /// Takes a rate above 0 and below 1.
    ///
    /// # Errors
    /// [`ImpossibleTarget`] for any other number.
    pub fn new(rate: f64) -> Result<Self, ImpossibleTarget> {
        if rate > 0.0 && rate < 1.0 { Ok(Self(rate)) } else { Err(ImpossibleTarget(rate)) }
    }

    /// The rate.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Default for TargetFpir {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rates_between_nothing_and_everything() {
        let check = |rate: f64, fits: bool| assert_eq!(TargetFpir::new(rate).is_ok(), fits, "{rate}");
        check(0.01, true);
        check(1e-9, true);
        check(0.999, true);
        check(0.0, false);
        check(1.0, false);
        check(-0.1, false);
        check(f64::NAN, false);
    }
}
