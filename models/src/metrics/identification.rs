//! One to many, with people who are not in the gallery: who is this, if anyone here?

use super::{Curve, Estimate, Trial, Trials};
use crate::decide::Rule;

/// One search of the gallery.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Who it shows, numbered from 0 over gallery and strangers alike.
    pub subject: usize,
    /// Whether they are in the gallery.
    pub mated: bool,
    /// The similarity to each person of the gallery (person, similarity), in any order; `None` where no face
    /// was found.
    pub similarities: Option<Vec<(usize, f32)>>,
}

/// Error rates at one rule; `None` where there was no probe of the kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchRates {
    /// Threshold and margin.
    pub rule: Rule,
    /// Share of strangers' probes that matched someone.
    pub fpir: Option<Estimate>,
    /// Share of known people's probes that did not match them.
    pub fnir: Option<Estimate>,
    /// Known people's probes that matched somebody else.
    pub wrong_person: usize,
}

/// What searching came to. A probe whose face was not found is a probe that matched nobody.
#[derive(Clone, Debug)]
pub struct IdentificationReport {
    /// Probes of people in the gallery.
    pub mated_probes: usize,
    /// Probes of others.
    pub non_mated_probes: usize,
    /// FNIR at each FPIR of [`IdentificationReport::FPIR_POINTS`], without a margin.
    pub fnir_at_fpir: [(f64, Option<Estimate>); 2],
    /// At the rule given.
    pub at_threshold: SearchRates,
    /// Both errors over all thresholds, without a margin.
    pub curve: Curve,
    /// The score of each probe, without a margin.
    pub trials: Trials,
}

impl IdentificationReport {
    /// The false positive rates at which misses are told.
    pub const FPIR_POINTS: [f64; 2] = [0.1, 0.01];
}

/// Searches to be judged.
#[derive(Clone, Debug, Default)]
pub struct Identification {
    probes: Vec<Probe>,
}

impl Identification {
    /// Of these probes.
    #[must_use]
    pub const fn new(probes: Vec<Probe>) -> Self {
        Self { probes }
    }

    /// Judges them; `rule` is the one in use.
    #[must_use]
    pub fn report(&self, rule: Rule) -> IdentificationReport {
        let [often, seldom] = IdentificationReport::FPIR_POINTS;
        let trials = self.trials(f32::NEG_INFINITY);
        let [at_often, at_seldom] =
            trials.estimate(|curve| [curve.false_non_match_at(often), curve.false_non_match_at(seldom)]);
        let of = |estimate: Option<Estimate>| estimate.map(|found| found.no_surer_than(trials.mated()));
        IdentificationReport {
            mated_probes: trials.mated(),
            non_mated_probes: trials.non_mated(),
            fnir_at_fpir: [(often, of(at_often)), (seldom, of(at_seldom))],
            at_threshold: self.rates(rule),
            curve: trials.curve(),
            trials,
        }
    }

    /// The rates at a rule.
    #[must_use]
    pub fn rates(&self, rule: Rule) -> SearchRates {
        let trials = self.trials(rule.margin);
        let threshold = f64::from(rule.threshold);
        let [fpir, fnir] = trials.estimate(|curve| [curve.false_match(threshold), curve.false_non_match(threshold)]);
        let wrong = |probe: &&Probe| {
            probe.mated && probe.best().is_some_and(|best| best.clear(rule) && best.person != probe.subject)
        };
        SearchRates {
            rule,
            fpir: fpir.map(|found| found.no_surer_than(trials.non_mated())),
            fnir: fnir.map(|found| found.no_surer_than(trials.mated())),
            wrong_person: self.probes.iter().filter(wrong).count(),
        }
    }

    /// Each probe as one score that a threshold decides on: the best similarity, or none if the best is not
    /// the right one or the second is too near.
    fn trials(&self, margin: f32) -> Trials {
        Trials::new(self.probes.iter().map(|probe| {
            let right = |best: &Best| best.gap >= margin && (!probe.mated || best.person == probe.subject);
            let score = probe.best().filter(right).map(|best| f64::from(best.similarity));
            Trial { score, mated: probe.mated, subjects: [probe.subject; 2] }
        }))
    }
}

/// The nearest person.
struct Best {
    person: usize,
    similarity: f32,
    gap: f32,
}

impl Best {
    fn clear(&self, rule: Rule) -> bool {
        self.similarity >= rule.threshold && self.gap >= rule.margin
    }
}

impl Probe {
    fn best(&self) -> Option<Best> {
        let mut best: Option<Best> = None;
        for (person, similarity) in self.similarities.as_ref()?.iter().copied().filter(|(_, s)| !s.is_nan()) {
            best = Some(match best {
                None => Best { person, similarity, gap: f32::INFINITY },
                Some(known) if similarity > known.similarity => {
                    Best { person, similarity, gap: similarity - known.similarity }
                }
                Some(known) => Best { gap: known.gap.min(known.similarity - similarity), ..known },
            });
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(subject: usize, mated: bool, similarities: &[f32]) -> Probe {
        Probe { subject, mated, similarities: Some(similarities.iter().copied().enumerate().collect()) }
    }

    #[test]
    fn each_way_a_search_can_end() {
        let missed = Probe { subject: 0, mated: true, similarities: None };
        let searches = Identification::new(vec![
            probe(0, true, &[0.95, 0.80]),
            probe(0, true, &[0.92, 0.80]),
            probe(1, true, &[0.96, 0.94]),
            probe(1, true, &[0.945, 0.95]),
            missed,
            probe(7, false, &[0.94, 0.90]),
            probe(8, false, &[0.94, 0.938]),
            probe(9, false, &[0.80, 0.70]),
            probe(9, false, &[]),
        ]);
        let check = |threshold: f32, margin: f32, fpir: f64, fnir: f64, wrong: usize| {
            let found = searches.rates(Rule { threshold, margin });
            assert_eq!((found.fpir.unwrap().value, found.fnir.unwrap().value), (fpir, fnir), "{threshold} {margin}");
            assert_eq!(found.wrong_person, wrong, "{threshold} {margin}");
        };
        check(0.93, 0.0, 0.5, 0.6, 1);
        check(0.93, 0.01, 0.25, 0.8, 1);
        check(0.93, 0.03, 0.25, 0.8, 0);
        check(0.90, 0.0, 0.5, 0.4, 1);
        let report = searches.report(Rule { threshold: 0.93, margin: 0.01 });
        assert_eq!((report.mated_probes, report.non_mated_probes), (5, 4));
        // Strangers reach 0.94; only the first and the fourth probe are right and above.
        assert_eq!(report.fnir_at_fpir.map(|(_, found)| found.unwrap().value), [0.6, 0.6]);
    }
}
