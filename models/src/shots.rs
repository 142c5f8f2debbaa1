//! The best looks at one face: a few, good ones, from different sides, and what they come to together.
//!
//! Neighbouring frames say the same thing; looks from different angles and distances each add something. So a
//! look is kept for its quality and for how much it differs in pose from those kept already.

use std::time::Duration;

use crate::embed::Embedding;
use crate::quality::{FaceQuality, HeadPose};
use crate::search::Candidate;

/// What a look from a new side is worth, in quality.
const SPREAD_WORTH: f32 = 0.15;
/// From this difference in pose on a look is from a new side, degrees.
const NEW_SIDE_DEG: f32 = 15.0;
/// By how much a look must beat the least of those kept.
const LEAST_GAIN: f32 = 0.03;
/// A useless look still counts a little: weights are never zero.
const LEAST_WEIGHT: f32 = 0.01;

/// An embedded look.
#[derive(Clone, Debug)]
pub struct Shot {
    /// When it was taken, on the source's own time line.
    pub at: Duration,
    /// How good it is.
    pub quality: FaceQuality,
    /// What it was embedded to.
    pub embedding: Embedding,
    /// The nearest persons to it, nearest first, as far as they were searched.
    pub nearest: Vec<Candidate>,
}

/// What a new look must beat; small, so that a thread can take it along.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bar {
    most: usize,
    kept: Vec<(f32, HeadPose)>,
}

/// The best looks so far.
#[derive(Clone, Debug)]
pub struct BestShots {
    most: usize,
    kept: Vec<Shot>,
}

impl BestShots {
    /// Keeps `most` looks, at least one.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most: most.max(1), kept: Vec::new() }
    }

    /// Keeps a look, in place of the one that adds least if there are too many.
    pub fn keep(&mut self, shot: Shot) {
        self.kept.push(shot);
        if self.kept.len() > self.most {
            let rows: Vec<_> = self.kept.iter().map(row).collect();
            let least = (0..rows.len()).min_by(|a, b| worth(&rows, *a).total_cmp(&worth(&rows, *b)));
            if let Some(least) = least {
                self.kept.remove(least);
            }
        }
    }

    /// The looks kept, oldest first.
    #[must_use]
    pub fn kept(&self) -> &[Shot] {
        &self.kept
    }

    /// What a further look must beat to be worth an embedding.
    #[must_use]
    pub fn bar(&self) -> Bar {
        Bar { most: self.most, kept: self.kept.iter().map(row).collect() }
    }

    /// All looks together, weighted by the square of their quality: of two looks the sharper one is not a little
    /// but much nearer to the truth. `None` if there are none.
    #[must_use]
    pub fn fused(&self) -> Option<Embedding> {
        let weight = |shot: &Shot| (shot.quality.overall * shot.quality.overall).max(LEAST_WEIGHT);
        Embedding::fuse(self.kept.iter().map(|shot| (&shot.embedding, weight(shot))))
    }
}

impl Bar {
    /// Whether a look of this quality would be kept.
    #[must_use]
    pub fn is_beaten_by(&self, quality: &FaceQuality) -> bool {
        if self.kept.len() < self.most {
            return true;
        }
        let mut rows = self.kept.clone();
        rows.push((quality.overall, quality.head));
        let new = worth(&rows, rows.len() - 1);
        (0..rows.len() - 1).any(|n| worth(&rows, n) + LEAST_GAIN < new)
    }
}

const fn row(shot: &Shot) -> (f32, HeadPose) {
    (shot.quality.overall, shot.quality.head)
}

/// Quality, and how far the pose is from the nearest of the others.
fn worth(rows: &[(f32, HeadPose)], which: usize) -> f32 {
    let (quality, pose) = rows[which];
    let others = rows.iter().enumerate().filter(|(n, _)| *n != which);
    let nearest = others.map(|(_, (_, other))| turn(pose, *other)).fold(NEW_SIDE_DEG, f32::min);
    quality + SPREAD_WORTH * nearest / NEW_SIDE_DEG
}

/// How far apart two poses are, degrees. Roll is left out: alignment takes it away.
fn turn(a: HeadPose, b: HeadPose) -> f32 {
    (a.yaw - b.yaw).hypot(a.pitch - b.pitch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quality(overall: f32, yaw: f32) -> FaceQuality {
        FaceQuality { overall, head: HeadPose { yaw, ..HeadPose::default() }, ..FaceQuality::default() }
    }

    fn shot(overall: f32, yaw: f32, axis: usize) -> Shot {
        let mut values = vec![0.0; 4];
        values[axis] = 1.0;
        let embedding = Embedding::from_raw(values).unwrap();
        Shot { at: Duration::ZERO, quality: quality(overall, yaw), embedding, nearest: Vec::new() }
    }

    fn kept(shots: &[(f32, f32)], most: usize) -> Vec<(f32, f32)> {
        let mut best = BestShots::new(most);
        shots.iter().for_each(|(overall, yaw)| best.keep(shot(*overall, *yaw, 0)));
        best.kept().iter().map(|shot| (shot.quality.overall, shot.quality.head.yaw)).collect()
    }

    #[test]
    fn quality_and_spread_decide_what_is_kept() {
        let check = |shots: &[(f32, f32)], expected: &[(f32, f32)]| assert_eq!(kept(shots, 2), expected, "{shots:?}");
        check(&[(0.5, 0.0), (0.6, 0.0), (0.7, 0.0)], &[(0.6, 0.0), (0.7, 0.0)]);
        check(&[(0.7, 0.0), (0.65, 20.0), (0.72, 1.0)], &[(0.65, 20.0), (0.72, 1.0)]);
        check(&[(0.7, 0.0), (0.2, 20.0), (0.72, 1.0)], &[(0.7, 0.0), (0.72, 1.0)]);
    }

    #[test]
    fn the_bar_says_beforehand_what_would_be_kept() {
        let mut best = BestShots::new(2);
        assert!(best.bar().is_beaten_by(&quality(0.1, 0.0)));
        best.keep(shot(0.6, 0.0, 0));
        best.keep(shot(0.6, 2.0, 0));
        assert!(!best.bar().is_beaten_by(&quality(0.6, 1.0)));
        assert!(!best.bar().is_beaten_by(&quality(0.3, 20.0)));
        assert!(best.bar().is_beaten_by(&quality(0.7, 1.0)));
        assert!(best.bar().is_beaten_by(&quality(0.6, 20.0)));
    }

    #[test]
    fn better_looks_weigh_more() {
        let mut best = BestShots::new(3);
        assert!(best.fused().is_none());
        best.keep(shot(0.8, 0.0, 0));
        best.keep(shot(0.4, 0.0, 1));
        let fused = best.fused().unwrap();
        assert!((fused.as_slice()[0] / fused.as_slice()[1] - 4.0).abs() < 1e-3);
    }

    proptest! {
        #[test]
        fn never_more_than_wanted_and_never_without_the_best(
            shots in proptest::collection::vec((0.0_f32..1.0, -40.0_f32..40.0), 1..30), most in 1_usize..6
        ) {
            let kept = kept(&shots, most);
            prop_assert_eq!(kept.len(), shots.len().min(most));
            let best = shots.iter().map(|row| row.0).fold(0.0, f32::max);
            prop_assert!(kept.iter().any(|row| row.0 >= best - SPREAD_WORTH));
        }
    }
}
