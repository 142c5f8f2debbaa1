//! Two packs beside each other: what each would have decided on the same faces. Pure arithmetic over embeddings.
//!
//! Two questions are asked of each pack. *Enrolled faces*: every kept picture against those of everyone, once with the
//! person's other pictures in the gallery and once as a stranger (leave one out). *Judged visits*: pictures of events of
//! which people said who it was. Which errors are counted how is [`ostiary_models::metrics`]'.

mod report;

use std::collections::HashMap;

use ostiary_common::ids::PersonId;
use ostiary_models::decide::Rule;
use ostiary_models::embed::Embedding;
use ostiary_models::metrics::{Identification, IdentificationReport, Probe, Trial, Trials, verification};

pub use self::report::{Comparison, Figure, JudgedRates, PackFigures, Point};

/// Faces looked for among all, at most: each is compared with every other one.
pub const MOST_PROBES: usize = 400;
/// Pairs of different people at most.
const MOST_PAIRS: usize = 100_000;
/// Persons kept of each search: the best, and those behind who could be too near.
const NEAREST: usize = 3;
/// Points of a curve told.
const MOST_POINTS: usize = 60;

/// One pack's side of the comparison.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// Enrolled faces: who, and what the pack makes of the picture.
    pub enrolled: Vec<(PersonId, Embedding)>,
    /// Judged visits: who it was, `None` for a stranger, and what the pack makes of the picture; `None` where it finds no
    /// face.
    pub judged: Vec<(Option<PersonId>, Option<Embedding>)>,
    /// Milliseconds each picture took.
    pub took_ms: Vec<f64>,
}

/// Judges one side by the pack's own rule.
pub fn figures(pack: &str, rule: Rule, side: &Side) -> PackFigures {
    let gallery = Gallery::of(&side.enrolled);
    let pairs = verification(&pairs(&gallery), f64::from(rule.threshold));
    let enrolled = Identification::new(left_out(&gallery)).report(rule);
    let judged = judged(&gallery, side);
    let judged = (!judged.is_empty()).then(|| Identification::new(judged).report(rule));
    PackFigures {
        pack: pack.to_owned(),
        threshold: rule.threshold,
        margin: rule.margin,
        dimension: side.enrolled.first().map_or(0, |(_, face)| face.as_slice().len()),
        embed_ms: median(&side.took_ms),
        faces: side.enrolled.len(),
        persons: gallery.persons,
        mated_pairs: pairs.mated,
        non_mated_pairs: pairs.non_mated,
        equal_error_rate: pairs.eer.map(Figure::from),
        fnmr_at_fmr: pairs.fnmr_at_fmr.into_iter().map(|(at, found)| (at, found.map(Figure::from))).collect(),
        enrolled: rates(&enrolled),
        judged: judged.as_ref().map(rates),
        threshold_for_fpir: advice(&enrolled),
    }
}

/// The gallery of a side, persons numbered.
struct Gallery<'a> {
    faces: Vec<(usize, &'a Embedding)>,
    numbers: HashMap<PersonId, usize>,
    persons: usize,
}

impl<'a> Gallery<'a> {
    fn of(enrolled: &'a [(PersonId, Embedding)]) -> Self {
        let mut numbers = HashMap::new();
        let mut faces = Vec::with_capacity(enrolled.len());
        for (person, face) in enrolled {
            let next = numbers.len();
            faces.push((*numbers.entry(*person).or_insert(next), face));
        }
        let persons = numbers.len();
        Self { faces, numbers, persons }
    }

    /// The most alike persons, each with the best of their faces, those of `but` left out.
    fn nearest(&self, probe: &Embedding, but: impl Fn(usize, usize) -> bool) -> Vec<(usize, f32)> {
        let mut best: Vec<Option<f32>> = vec![None; self.persons];
        for (at, (person, face)) in self.faces.iter().enumerate() {
            if !but(at, *person) {
                let similarity = face.similarity(probe);
                best[*person] = Some(best[*person].map_or(similarity, |known| known.max(similarity)));
            }
        }
        let found = best.into_iter().enumerate().filter_map(|(person, found)| found.map(|it| (person, it)));
        let mut found: Vec<(usize, f32)> = found.collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found.truncate(NEAREST);
        found
    }

    fn probes(&self) -> impl Iterator<Item = (usize, usize, &'a Embedding)> {
        let every = self.faces.len().div_ceil(MOST_PROBES).max(1);
        self.faces.iter().enumerate().step_by(every).map(|(at, (person, face))| (at, *person, *face))
    }
}

/// Pairs of one person, and of two.
fn pairs(gallery: &Gallery<'_>) -> Trials {
    let probes: Vec<_> = gallery.probes().collect();
    let others = probes.len() * probes.len().saturating_sub(1) / 2;
    let every = others.div_ceil(MOST_PAIRS).max(1);
    let mut trials = Vec::new();
    let mut count = 0_usize;
    for (n, (_, person, face)) in probes.iter().enumerate() {
        for (_, other, second) in &probes[n + 1..] {
            count += 1;
            let mated = person == other;
            if mated || count.is_multiple_of(every) {
                let score = Some(f64::from(face.similarity(second)));
                trials.push(Trial { score, mated, subjects: [*person, *other] });
            }
        }
    }
    Trials::new(trials)
}

/// Each probe twice: with the person's other faces there, and without any.
fn left_out(gallery: &Gallery<'_>) -> Vec<Probe> {
    let mut probes = Vec::new();
    for (at, subject, face) in gallery.probes() {
        let known = gallery.nearest(face, |other, _| other == at);
        if gallery.faces.iter().enumerate().any(|(other, (person, _))| other != at && *person == subject) {
            probes.push(Probe { subject, mated: true, similarities: Some(known) });
        }
        let stranger = gallery.nearest(face, |_, person| person == subject);
        if !stranger.is_empty() {
            probes.push(Probe { subject, mated: false, similarities: Some(stranger) });
        }
    }
    probes
}

/// Judged visits against everyone; those of persons who are not among them are left out.
fn judged(gallery: &Gallery<'_>, side: &Side) -> Vec<Probe> {
    let mut probes = Vec::new();
    for (n, (who, face)) in side.judged.iter().enumerate() {
        // Strangers are numbered behind the persons, each as one of their own.
        let subject = match who {
            Some(person) => match gallery.numbers.get(person) {
                Some(number) => *number,
                None => continue,
            },
            None => gallery.persons + n,
        };
        let similarities = face.as_ref().map(|face| gallery.nearest(face, |_, _| false));
        probes.push(Probe { subject, mated: who.is_some(), similarities });
    }
    probes
}

fn rates(report: &IdentificationReport) -> JudgedRates {
    let points: Vec<Point> = report
        .curve
        .points()
        .iter()
        .filter(|point| point.threshold.is_finite())
        .map(|point| Point { threshold: point.threshold, fpir: point.false_match, fnir: point.false_non_match })
        .collect();
    let every = points.len().div_ceil(MOST_POINTS).max(1);
    JudgedRates {
        known: report.mated_probes,
        strangers: report.non_mated_probes,
        fpir: report.at_threshold.fpir.map(Figure::from),
        fnir: report.at_threshold.fnir.map(Figure::from),
        wrong_person: report.at_threshold.wrong_person,
        fnir_at_fpir: report.fnir_at_fpir.iter().map(|(at, found)| (*at, found.map(Figure::from))).collect(),
        det: points.into_iter().step_by(every).collect(),
    }
}

/// The least threshold at which strangers match no more often than this.
fn advice(report: &IdentificationReport) -> Vec<(f64, Option<f64>)> {
    let least = |most: f64| {
        let low_enough = report.curve.points().iter().filter(|point| point.false_match <= most);
        low_enough.map(|point| point.threshold).filter(|it| it.is_finite()).min_by(f64::total_cmp)
    };
    [0.1, 0.01, 0.001].into_iter().map(|most| (most, least(most))).collect()
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(degrees: f32) -> Embedding {
        let angle = degrees.to_radians();
        Embedding::from_raw(vec![angle.cos(), angle.sin(), 0.2]).unwrap()
    }

    fn side(spread: f32) -> (Side, Vec<PersonId>) {
        let persons: Vec<PersonId> = (0..6).map(|_| PersonId::generate()).collect();
        let mut side = Side { took_ms: vec![3.0, 1.0, 2.0], ..Side::default() };
        for (n, person) in persons.iter().enumerate() {
            let at = n as f32 * 50.0;
            side.enrolled.extend([at - spread, at, at + spread].map(|degrees| (*person, face(degrees))));
        }
        side.judged = vec![
            (Some(persons[0]), Some(face(spread / 2.0))),
            (Some(persons[1]), None),
            (None, Some(face(25.0))),
            (Some(PersonId::generate()), Some(face(0.0))),
        ];
        (side, persons)
    }

    #[test]
    fn tells_the_better_pack_from_the_worse() {
        let rule = Rule { threshold: 0.97, margin: 0.0 };
        let (good, bad) = (figures("good@1", rule, &side(4.0).0), figures("bad@1", rule, &side(40.0).0));
        assert_eq!((good.persons, good.faces, good.embed_ms), (6, 18, Some(2.0)));
        assert_eq!((good.mated_pairs, good.non_mated_pairs), (18, 135));
        let fnir = |figures: &PackFigures| figures.enrolled.fnir.as_ref().unwrap().value;
        assert_eq!(fnir(&good), 0.0);
        assert!(fnir(&bad) > 0.5, "{bad:?}");
        assert!(good.equal_error_rate.as_ref().unwrap().value < bad.equal_error_rate.as_ref().unwrap().value);
        let figure = good.enrolled.fpir.as_ref().unwrap();
        assert!(figure.value == 0.0 && figure.high > 0.0, "none seen is not none: {figure:?}");
    }

    #[test]
    fn judged_visits_count_those_that_were_missed_and_leave_out_who_is_not_there() {
        let judged = figures("p@1", Rule { threshold: 0.97, margin: 0.0 }, &side(4.0).0).judged.unwrap();
        assert_eq!((judged.known, judged.strangers), (2, 1));
        assert_eq!(judged.fnir.unwrap().value, 0.5, "a face that is not found is a miss");
        assert_eq!(judged.fpir.unwrap().value, 0.0);
    }

    #[test]
    fn of_nothing_nothing_is_said() {
        let empty = figures("p@1", Rule { threshold: 0.9, margin: 0.0 }, &Side::default());
        assert!(empty.judged.is_none() && empty.enrolled.fnir.is_none() && empty.embed_ms.is_none());
        let mut few = side(4.0).0;
        few.enrolled.truncate(1);
        assert_eq!(figures("p@1", Rule { threshold: 0.9, margin: 0.0 }, &few).enrolled.known, 0);
    }
}
