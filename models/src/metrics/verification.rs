//! One to one: are these two pictures of one person?

use super::{Curve, Estimate, Trials};

/// Error rates at one threshold; `None` where there was no trial of the kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ComparisonRates {
    /// Accepted from here on, cosine.
    pub threshold: f64,
    /// Share of non-mated pairs accepted.
    pub fmr: Option<Estimate>,
    /// Share of mated pairs refused.
    pub fnmr: Option<Estimate>,
}

/// What comparing pairs came to. A pair with a face that was not found is a pair refused.
#[derive(Clone, Debug)]
pub struct VerificationReport {
    /// Pairs of one person.
    pub mated: usize,
    /// Pairs of two people.
    pub non_mated: usize,
    /// How likely a mated pair scores higher than a non-mated one.
    pub auc: Option<Estimate>,
    /// The rate at which both errors are equal.
    pub eer: Option<Estimate>,
    /// FNMR at each FMR of [`VerificationReport::FMR_POINTS`].
    pub fnmr_at_fmr: [(f64, Option<Estimate>); 2],
    /// At the threshold given.
    pub at_threshold: ComparisonRates,
    /// Both errors over all thresholds.
    pub curve: Curve,
}

impl VerificationReport {
    /// The false match rates at which misses are told.
    pub const FMR_POINTS: [f64; 2] = [0.01, 0.001];
}

/// Judges pairs; `threshold` is the one in use.
#[must_use]
pub fn verification(trials: &Trials, threshold: f64) -> VerificationReport {
    let [loose, tight] = VerificationReport::FMR_POINTS;
    let [auc, eer, at_loose, at_tight, fmr, fnmr] = trials.estimate(|curve| {
        [
            curve.auc(),
            curve.eer(),
            curve.false_non_match_at(loose),
            curve.false_non_match_at(tight),
            curve.false_match(threshold),
            curve.false_non_match(threshold),
        ]
    });
    let (mated, non_mated) = (trials.mated(), trials.non_mated());
    let of = |estimate: Option<Estimate>, trials: usize| estimate.map(|found| found.no_surer_than(trials));
    VerificationReport {
        mated,
        non_mated,
        auc,
        eer: of(eer, mated),
        fnmr_at_fmr: [(loose, of(at_loose, mated)), (tight, of(at_tight, mated))],
        at_threshold: ComparisonRates { threshold, fmr: of(fmr, non_mated), fnmr: of(fnmr, mated) },
        curve: trials.curve(),
    }
}
