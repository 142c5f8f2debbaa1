//! Both error rates over all thresholds.

/// The error rates if scores of at least `threshold` are accepted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Accepted from here on; infinite where nothing is.
    pub threshold: f64,
    /// Share of non-mated trials accepted, 0 to 1.
    pub false_match: f64,
    /// Share of mated trials refused, 0 to 1.
    pub false_non_match: f64,
}

/// One point for each score met, from the lowest threshold to one that accepts nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    points: Vec<Point>,
    auc: Option<f64>,
    mated: f64,
    non_mated: f64,
}

/// What is met at one score, going up.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) score: f64,
    pub(super) mated: bool,
    pub(super) weight: f64,
}

impl Curve {
    /// Of steps sorted by rising score; a trial without a score has negative infinity and is never accepted.
    pub(super) fn of_sorted(steps: &[Step]) -> Self {
        let total = |mated: bool| steps.iter().filter(|step| step.mated == mated).map(|step| step.weight).sum::<f64>();
        let (mated, non_mated) = (total(true), total(false));
        let (mut points, mut wins) = (Vec::new(), 0.0);
        let (mut mated_below, mut non_mated_below) = (0.0, 0.0);
        for same in steps.chunk_by(|a, b| a.score == b.score) {
            let threshold = same[0].score;
            if threshold > f64::NEG_INFINITY {
                points.push(point(threshold, 1.0 - share(non_mated_below, non_mated), share(mated_below, mated)));
            }
            let here =
                |mated: bool| same.iter().filter(|step| step.mated == mated).map(|step| step.weight).sum::<f64>();
            let (mated_here, non_mated_here) = (here(true), here(false));
            // A tie is half a win.
            wins += mated_here * (non_mated_below + non_mated_here / 2.0);
            mated_below += mated_here;
            non_mated_below += non_mated_here;
        }
        points.push(point(f64::INFINITY, 0.0, 1.0));
        let auc = (mated > 0.0 && non_mated > 0.0).then(|| wins / (mated * non_mated));
        Self { points, auc, mated, non_mated }
    }

    /// The points, by rising threshold.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// How likely a mated trial scores higher than a non-mated one, ties counting half; `None` without both.
    #[must_use]
    pub const fn auc(&self) -> Option<f64> {
        self.auc
    }

    /// The error rate where both are equal, straight between the two nearest points; `None` without both kinds.
    #[must_use]
    pub fn eer(&self) -> Option<f64> {
        self.auc?;
        let gap = |point: &Point| point.false_non_match - point.false_match;
        let next = self.points.partition_point(|point| gap(point) < 0.0);
        let high = self.points[next.min(self.points.len() - 1)];
        let Some(low) = next.checked_sub(1).map(|before| self.points[before]) else {
            return Some(f64::midpoint(high.false_match, high.false_non_match));
        };
        let part = gap(&low) / (gap(&low) - gap(&high));
        Some(low.false_match + part * (high.false_match - low.false_match))
    }

    /// The least share of mated trials refused at a threshold that accepts at most `most` of the non-mated ones.
    #[must_use]
    pub fn false_non_match_at(&self, most: f64) -> Option<f64> {
        self.auc?;
        let first = self.points.partition_point(|point| point.false_match > most + ROUNDING);
        Some(self.points[first.min(self.points.len() - 1)].false_non_match)
    }

    /// The share of non-mated trials accepted at a threshold; `None` without any.
    #[must_use]
    pub fn false_match(&self, threshold: f64) -> Option<f64> {
        (self.non_mated > 0.0).then(|| self.at(threshold).false_match)
    }

    /// The share of mated trials refused at a threshold; `None` without any.
    #[must_use]
    pub fn false_non_match(&self, threshold: f64) -> Option<f64> {
        (self.mated > 0.0).then(|| self.at(threshold).false_non_match)
    }

    /// Between two scores met, nothing changes after the lower one.
    fn at(&self, threshold: f64) -> Point {
        let next = self.points.partition_point(|point| point.threshold < threshold);
        self.points[next.min(self.points.len() - 1)]
    }
}

/// Sums of weights are exact only up to this.
const ROUNDING: f64 = 1e-12;

const fn point(threshold: f64, false_match: f64, false_non_match: f64) -> Point {
    Point { threshold, false_match, false_non_match }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
