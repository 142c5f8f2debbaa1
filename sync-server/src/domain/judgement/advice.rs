//! What judged scores say of the threshold.

use ostiary_models::metrics::{Curve, Estimate, Trial, Trials, proportion};

use super::{Judgement, Verdict};
use crate::domain::event::EventKind;

/// Judged visits of strangers below which no threshold is advised: by the rule of three, no error in so many means at most
/// one in ten.
pub const LEAST_STRANGERS: usize = 30;

/// Scores of judged visits; `None` of a visit that nobody was near to, which no threshold accepts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Of enrolled people, to themselves.
    pub mated: Vec<Option<f32>>,
    /// Of strangers, to the nearest person.
    pub strangers: Vec<Option<f32>>,
}

/// What is advised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Advice {
    /// Too few strangers' visits were judged to say anything.
    TooFew {
        /// Judged.
        strangers: usize,
    },
    /// No threshold met would keep the target.
    NoneKeeps {
        /// The target.
        target_fpir: f64,
    },
    /// The lowest threshold that keeps the target among the judged, and what it costs.
    From {
        /// The threshold.
        threshold: f32,
        /// Strangers' visits that would name somebody.
        fpir: Estimate,
        /// Enrolled people's visits that would not name them; `None` if none were judged.
        fnir: Option<Estimate>,
    },
}

impl Scores {
    /// Takes a judgement that stands, if it tells a score.
    pub fn add(&mut self, judgement: &Judgement) {
        let Judgement { kind, verdict, score, nearest, person, .. } = judgement;
        match (kind, verdict) {
            (EventKind::Match, Verdict::Right) => self.mated.push(*score),
            // The score is that of another person: how near the right one was is not known.
            (EventKind::Match, Verdict::WrongPerson) if person.is_some() => self.mated.push(None),
            (EventKind::Match, Verdict::WrongPerson) | (EventKind::Unknown, Verdict::Right) => {
                self.strangers.push(*score);
            }
            (EventKind::Unknown, Verdict::KnownAs) => self.mated.push(score.filter(|_| nearest == person)),
            _ => {}
        }
    }

    /// Both errors over all thresholds.
    #[must_use]
    pub fn curve(&self) -> Curve {
        Trials::new(self.trials()).curve()
    }

    fn trials(&self) -> impl Iterator<Item = Trial> + '_ {
        let trial = |mated: bool| {
            move |(subject, score): (usize, &Option<f32>)| Trial {
                score: score.map(f64::from),
                mated,
                subjects: [subject, subject],
            }
        };
        let mated = self.mated.iter().enumerate().map(trial(true));
        mated.chain(self.strangers.iter().enumerate().map(trial(false)))
    }

    /// The lowest threshold among the scores met at which at most `target_fpir` of the strangers name somebody.
    #[must_use]
    pub fn advice(&self, target_fpir: f64) -> Advice {
        let strangers = self.strangers.len();
        if strangers < LEAST_STRANGERS {
            return Advice::TooFew { strangers };
        }
        let mut thresholds: Vec<f32> = self.mated.iter().chain(&self.strangers).flatten().copied().collect();
        thresholds.sort_unstable_by(f32::total_cmp);
        let accepted = |scores: &[Option<f32>], threshold: f32| {
            scores.iter().flatten().filter(|score| **score >= threshold).count() as f64
        };
        let keeps = |threshold: &f32| accepted(&self.strangers, *threshold) / strangers as f64 <= target_fpir;
        let Some(threshold) = thresholds.into_iter().find(keeps) else { return Advice::NoneKeeps { target_fpir } };
        let mated = self.mated.len();
        Advice::From {
            threshold,
            fpir: proportion(accepted(&self.strangers, threshold), strangers),
            fnir: (mated > 0).then(|| proportion(mated as f64 - accepted(&self.mated, threshold), mated)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_threshold_that_keeps_the_target() {
        let strangers = |count: u16| (0..count).map(|n| Some(0.8 + f32::from(n) / 1000.0)).collect::<Vec<_>>();
        let mated = vec![Some(0.85), Some(0.95), Some(0.96), None];
        let scores = Scores { mated: mated.clone(), strangers: strangers(100) };
        let Advice::From { threshold, fpir, fnir } = scores.advice(0.02) else { panic!() };
        assert!((threshold - 0.898).abs() < 1e-4 && (fpir.value - 0.02).abs() < 1e-9, "{threshold} {fpir:?}");
        assert!((fnir.unwrap().value - 0.5).abs() < 1e-9);
        let few = Scores { mated, strangers: strangers(9) };
        assert_eq!(few.advice(0.02), Advice::TooFew { strangers: 9 });
        let hopeless = Scores { mated: Vec::new(), strangers: vec![Some(0.9); 40] };
        assert_eq!(hopeless.advice(0.02), Advice::NoneKeeps { target_fpir: 0.02 });
        assert!(scores.curve().points().len() > 100);
    }
}
