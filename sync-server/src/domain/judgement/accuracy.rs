//! Errors counted, and the rates behind them with intervals of 95 %.
//!
//! Words as in ISO/IEC 19795: a visit of somebody enrolled is mated, of a stranger non-mated. FPIR is the share of
//! strangers' visits that name somebody, FNIR the share of enrolled people's visits that do not name them.
//!
//! People judge what catches their eye, and rather what was wrong: the share of errors among judged events is not that of
//! all events. Matches and unknowns are therefore judged apart, and each share is taken times the number of events of its
//! kind there were ([`Rates::weighted`]). What is left is that within a kind the judged ones must be a fair sample: judge
//! those that the server draws, not those that stand out.

use std::collections::BTreeMap;

use ostiary_common::ids::PersonId;
use ostiary_models::metrics::{Estimate, proportion};

use super::{Judgement, Verdict};
use crate::domain::event::EventKind;

/// How often what was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Matches of the right person.
    pub right_matches: u64,
    /// Matches of somebody enrolled, but under another's name.
    pub misidentified: u64,
    /// Matches of strangers: false positives.
    pub false_matches: u64,
    /// Unknowns who were strangers.
    pub right_unknowns: u64,
    /// Unknowns who should have been known: false negatives, with the misidentified.
    pub missed: u64,
    /// Events of all kinds that showed no face.
    pub not_a_face: u64,
    /// Attacks that were not suspected.
    pub attacks_passed: u64,
    /// Attacks that were suspected.
    pub attacks_caught: u64,
    /// Live faces that were suspected.
    pub live_suspected: u64,
    /// Visits that could not be used and should have been: of people who should have been known.
    pub unusable_missed: u64,
    /// Visits that could not be used, rightly.
    pub right_unusable: u64,
}

/// Errors person by person: of who was named, and of who should have been.
#[must_use]
pub fn by_person(judgements: &[Judgement]) -> BTreeMap<PersonId, Counts> {
    let mut counts: BTreeMap<PersonId, Counts> = BTreeMap::new();
    for judgement in judgements {
        let is_other = judgement.verdict == Verdict::WrongPerson;
        if let Some(named) = judgement.named {
            let theirs = counts.entry(named).or_default();
            // For who was named it is a visit of another, enrolled or not.
            if is_other { theirs.false_matches += 1 } else { theirs.add(judgement) }
        }
        if let Some(person) = judgement.person {
            counts.entry(person).or_default().add(judgement);
        }
    }
    counts
}

/// How many events there were of the kinds that rates are reckoned from, judged or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Matches.
    pub matches: u64,
    /// Unknowns.
    pub unknowns: u64,
}

/// The rates; `None` where nothing that counts was judged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Share of strangers' visits that name somebody.
    pub fpir: Option<Estimate>,
    /// Share of enrolled people's visits that do not name them.
    pub fnir: Option<Estimate>,
}

impl Counts {
    /// Counts a judgement that stands.
    pub fn add(&mut self, judgement: &Judgement) {
        let place = match (judgement.kind, judgement.verdict) {
            (_, Verdict::NotAFace) => &mut self.not_a_face,
            (EventKind::Match, Verdict::Right) => &mut self.right_matches,
            (EventKind::Match, Verdict::WrongPerson) if judgement.person.is_some() => &mut self.misidentified,
            (EventKind::Match, Verdict::WrongPerson) => &mut self.false_matches,
            (EventKind::Match | EventKind::Unknown, Verdict::Spoof) => &mut self.attacks_passed,
            (EventKind::Unknown, Verdict::Right) => &mut self.right_unknowns,
            (EventKind::Unknown, Verdict::KnownAs) => &mut self.missed,
            (EventKind::SpoofSuspected, Verdict::Right) => &mut self.attacks_caught,
            (EventKind::SpoofSuspected, Verdict::Live | Verdict::KnownAs) => &mut self.live_suspected,
            (EventKind::Unusable, Verdict::KnownAs) => &mut self.unusable_missed,
            (EventKind::Unusable, Verdict::Right) => &mut self.right_unusable,
            _ => return,
        };
        *place += 1;
    }

    /// Judged matches that tell of recognition.
    #[must_use]
    pub const fn matches(&self) -> u64 {
        self.right_matches + self.misidentified + self.false_matches
    }

    /// Judged unknowns that tell of recognition.
    #[must_use]
    pub const fn unknowns(&self) -> u64 {
        self.right_unknowns + self.missed
    }

    /// Everything judged.
    #[must_use]
    pub const fn judged(&self) -> u64 {
        self.matches()
            + self.unknowns()
            + self.not_a_face
            + self.attacks_passed
            + self.attacks_caught
            + self.live_suspected
            + self.unusable_missed
            + self.right_unusable
    }
}

impl Rates {
    /// Of judged events alone.
    #[must_use]
    pub fn of(counts: &Counts) -> Self {
        let strangers = counts.false_matches + counts.right_unknowns;
        let mated = counts.right_matches + counts.misidentified + counts.missed;
        Self { fpir: share(counts.false_matches, strangers), fnir: share(counts.missed + counts.misidentified, mated) }
    }

    /// Of all events, by the shares among the judged of each kind. The interval takes both shares at the ends of their own
    /// intervals at once, and so holds at least 95 %.
    #[must_use]
    pub fn weighted(counts: &Counts, totals: Totals) -> Self {
        let of_matches = |count| share(count, counts.matches());
        let strangers = of_matches(counts.false_matches);
        let others = of_matches(counts.misidentified);
        let (Some(strangers), Some(others), Some(missed)) =
            (strangers, others, share(counts.missed, counts.unknowns()))
        else {
            return Self::default();
        };
        let (matches, unknowns) = (totals.matches as f64, totals.unknowns as f64);
        // Both rise with each of the shares.
        let fpir =
            |stranger: f64, missed: f64| ratio(matches * stranger, matches * stranger + unknowns * (1.0 - missed));
        let fnir = |stranger: f64, other: f64, missed: f64| {
            let wrong = unknowns * missed + matches * other;
            ratio(wrong, unknowns * missed + matches * (1.0 - stranger).max(other))
        };
        let estimate = |value: f64, low: f64, high: f64| {
            (matches + unknowns > 0.0).then_some(Estimate { value, low: low.min(value), high: high.max(value) })
        };
        Self {
            fpir: estimate(
                fpir(strangers.value, missed.value),
                fpir(strangers.low, missed.low),
                fpir(strangers.high, missed.high),
            ),
            fnir: estimate(
                fnir(strangers.value, others.value, missed.value),
                fnir(strangers.low, others.low, missed.low),
                fnir(strangers.high, others.high, missed.high),
            ),
        }
    }
}

fn share(hits: u64, trials: u64) -> Option<Estimate> {
    (trials > 0).then(|| proportion(hits as f64, usize::try_from(trials).unwrap_or(usize::MAX)))
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(right_matches: u64, false_matches: u64, right_unknowns: u64, missed: u64) -> Counts {
        Counts { right_matches, false_matches, right_unknowns, missed, ..Counts::default() }
    }

    #[test]
    fn rates_of_judged_events() {
        let rates = Rates::of(&counts(90, 1, 99, 10));
        let (fpir, fnir) = (rates.fpir.unwrap(), rates.fnir.unwrap());
        assert!((fpir.value - 0.01).abs() < 1e-9 && (fnir.value - 0.1).abs() < 1e-9);
        assert!(fpir.low > 0.0 && fpir.high < 0.06 && fnir.low > 0.05 && fnir.high < 0.18, "Wilson's");
        assert_eq!(Rates::of(&Counts::default()), Rates::default(), "nothing judged tells nothing");
    }

    #[test]
    fn judging_errors_only_does_not_make_errors_frequent() {
        // A thousand matches and a thousand unknowns; of the matches all twenty wrong ones were judged and as many right
        // ones drawn at random say how the rest is.
        let judged = counts(98, 2, 95, 5);
        let few = Rates::weighted(&judged, Totals { matches: 1_000, unknowns: 1_000 });
        let many = Rates::weighted(&judged, Totals { matches: 100, unknowns: 10_000 });
        let value = |rates: Rates| (rates.fpir.unwrap().value, rates.fnir.unwrap().value);
        assert!((value(few).0 - 20.0 / 970.0).abs() < 1e-9 && (value(few).1 - 50.0 / 1030.0).abs() < 1e-9);
        assert!(value(many).0 < 0.001, "two of a hundred matches among ten thousand strangers");
    }

    proptest! {
        #[test]
        fn intervals_hold_their_value(
            right in 0_u64..500, other in 0_u64..50, wrong in 0_u64..50, strangers in 0_u64..500, missed in 0_u64..50,
            matches in 0_u64..100_000, unknowns in 0_u64..100_000,
        ) {
            let counts = Counts { misidentified: other, ..counts(right, wrong, strangers, missed) };
            let weighted = Rates::weighted(&counts, Totals { matches, unknowns });
            let plain = Rates::of(&counts);
            for estimate in [weighted.fpir, weighted.fnir, plain.fpir, plain.fnir].into_iter().flatten() {
                prop_assert!(0.0 <= estimate.low && estimate.low <= estimate.value);
                prop_assert!(estimate.value <= estimate.high && estimate.high <= 1.0);
            }
        }
    }
}
