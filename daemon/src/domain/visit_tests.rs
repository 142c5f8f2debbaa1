//! Visits scripted look by look.

use super::*;
use crate::testing::LIVENESS;
use ostiary_common::ids::{PersonId, TemplateId};
use ostiary_models::detect::{Landmarks, Mouth};
use ostiary_models::geometry::{Point, Rect};
use std::collections::BTreeSet;

const RULES: VisitRules = VisitRules {
    decision: Rule { threshold: 0.9, margin: 0.02 },
    gate: QualityGate {
        min_face_px: 60.0,
        min_sharpness: 0.2,
        min_exposure: 0.2,
        min_pose: 0.2,
        min_overall: 0.3,
        min_unoccluded: 0.1,
    },
    min_agreeing: 3,
    max_embeddings: 5,
    policy: LivenessPolicy::Off,
    liveness: LIVENESS,
};

/// A gallery of two persons along the first two axes.
struct Two([PersonId; 2]);

impl Two {
    fn new() -> Self {
        Self([PersonId(uuid::Uuid::from_u128(1)), PersonId(uuid::Uuid::from_u128(2))])
    }
}

impl Search for Two {
    fn nearest(&self, probe: &Embedding, k: usize) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = (0..2)
            .map(|n| Candidate {
                person: self.0[n],
                template: TemplateId(uuid::Uuid::from_u128(9)),
                similarity: probe.as_slice()[n],
            })
            .collect();
        found.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
        found.truncate(k);
        found
    }
}

fn probe(a: f32, b: f32) -> Embedding {
    Embedding::from_raw(vec![a, b, (1.0 - a * a - b * b).max(0.0).sqrt()]).unwrap()
}

fn look(overall: f32) -> FaceQuality {
    FaceQuality {
        overall,
        sharpness: 1.0,
        exposure: 1.0,
        pose: 1.0,
        size: 1.0,
        mean_luminance: 120.0,
        face_px: 100.0,
        ..FaceQuality::default()
    }
}

/// Where the face is; nobody asks for it in here but liveness.
fn some_face() -> DetectedFace {
    let at = Point::default();
    let landmarks = Landmarks { right_eye: at, left_eye: at, nose: at, mouth: Mouth::Centre(at) };
    DetectedFace { bbox: Rect::default(), score: 0.9, landmarks }
}

/// Nobody stands beside.
const NOBODY: BTreeSet<PersonId> = BTreeSet::new();

struct Script {
    visit: Visit,
    rules: VisitRules,
    at: Duration,
    step: Duration,
    taken: BTreeSet<PersonId>,
    is_doubtful: bool,
    last: Option<Taken>,
}

impl Script {
    fn new() -> Self {
        Self::with(RULES)
    }

    fn with(rules: VisitRules) -> Self {
        let (at, step) = (Duration::ZERO, Duration::from_millis(66));
        let visit = Visit::new(at, &rules);
        Self { visit, rules, at, step, taken: NOBODY, is_doubtful: false, last: None }
    }

    /// One frame of quality `overall` whose embedding lies at (a, b).
    fn frame(&mut self, overall: f32, a: f32, b: f32) -> Option<Verdict> {
        self.at += self.step;
        let sight = Sight { at: self.at, face_px: 100.0, score: 0.9, is_doubtful: self.is_doubtful };
        let wish = self.visit.seen(&sight, &self.rules);
        let quality = look(overall);
        if wish == Wish::Nothing {
            return None;
        }
        self.visit.looked(self.at, &some_face(), &quality, None, &self.rules);
        let (embedding, gallery) = (probe(a, b), Two::new());
        if wish == Wish::Check || self.visit.bar().is_beaten_by(&quality) {
            let nearest = gallery.nearest(&embedding, 2);
            self.last = Some(self.visit.embedded(Shot { at: self.at, quality, embedding, nearest }, &self.rules));
        }
        let fused = self.visit.fused()?;
        self.visit.judge(self.at, &gallery.nearest(&fused, 8), &self.taken, &self.rules)
    }

    fn frames(&mut self, count: usize, overall: f32, a: f32, b: f32) -> Vec<(usize, Verdict)> {
        (1..=count).filter_map(|n| self.frame(overall, a, b).map(|verdict| (n, verdict))).collect()
    }

    fn end(&mut self) -> Option<Verdict> {
        self.visit.ended(&Two::new(), &self.taken, &self.rules)
    }
}

#[test]
fn a_match_takes_fewer_looks_the_surer_they_are_and_then_there_is_silence() {
    let check = |similarity: f32, looks: usize| {
        let mut script = Script::new();
        let verdicts = script.frames(20, 0.8, similarity, 0.1);
        assert_eq!(verdicts.iter().map(|row| row.0).collect::<Vec<_>>(), [looks], "{similarity}");
        let verdict = &verdicts[0].1;
        assert_eq!(verdict.outcome, OutcomeKind::Match);
        assert_eq!(verdict.matched.unwrap().person, Two::new().0[0]);
        assert_eq!(verdict.nearest.unwrap().person, Two::new().0[1]);
        assert_eq!((verdict.frames as usize, verdict.embeddings as usize), (looks, looks));
        assert!(script.frames(20, 0.9, similarity, 0.1).is_empty(), "decided once");
        assert!(script.end().is_none());
    };
    check(0.97, 1);
    check(0.94, 2);
    check(0.91, 3);
}

#[test]
fn a_stranger_is_unknown_in_three_frames_if_far_and_later_if_near() {
    let check = |similarity: f32, (least, most): (usize, usize)| {
        let verdicts = Script::new().frames(200, 0.8, similarity, 0.1);
        assert_eq!(verdicts.len(), 1, "{similarity}");
        let (looks, verdict) = &verdicts[0];
        assert!((least..=most).contains(looks), "{similarity}: {looks}");
        assert_eq!((verdict.outcome, verdict.matched), (OutcomeKind::Unknown, None));
        assert!((verdict.nearest.unwrap().similarity - similarity).abs() < 0.01 && verdict.fused.is_some());
        assert!(verdict.embeddings <= 10, "{}", verdict.embeddings);
    };
    check(0.4, (3, 3));
    check(0.83, (6, 12));
    check(0.89, (55, 70));
}

#[test]
fn who_was_far_away_at_first_is_still_known_from_near() {
    let mut script = Script::new();
    assert!(script.frames(8, 0.4, 0.87, 0.1).is_empty());
    let verdicts = script.frames(20, 0.9, 0.97, 0.1);
    assert_eq!(verdicts.len(), 1);
    assert_eq!(verdicts[0].1.outcome, OutcomeKind::Match);
}

#[test]
fn one_lucky_look_and_a_tie_are_no_match() {
    let mut script = Script::new();
    script.frame(0.8, 0.93, 0.1);
    assert!(script.frames(60, 0.8, 0.86, 0.1).iter().all(|row| row.1.outcome != OutcomeKind::Match));
    assert_ne!(script.end().map(|v| v.outcome), Some(OutcomeKind::Match));

    let rule = Rule { threshold: 0.6, margin: 0.05 };
    let mut script = Script::with(VisitRules { decision: rule, ..RULES });
    assert!(script.frames(80, 0.8, 0.7, 0.69).iter().all(|row| row.1.outcome == OutcomeKind::Unknown), "margin");
}

#[test]
fn who_stands_beside_cannot_be_this_one() {
    let mut script = Script::new();
    script.taken.insert(Two::new().0[0]);
    let verdicts = script.frames(10, 0.8, 0.97, 0.1);
    assert_eq!(verdicts.len(), 1);
    assert_eq!(verdicts[0].1.outcome, OutcomeKind::Unknown);
    assert_eq!(verdicts[0].1.nearest.unwrap().person, Two::new().0[1]);
}

#[test]
fn another_face_on_the_track_is_noticed_before_it_counts() {
    let mut script = Script::new();
    assert_eq!(script.frames(5, 0.8, 0.97, 0.1).len(), 1);
    script.is_doubtful = true;
    let noticed = (0..20).position(|_| {
        script.frame(0.8, 0.1, 0.97);
        script.last == Some(Taken::Another)
    });
    assert!(noticed.is_some_and(|frames| frames < 6), "{noticed:?}");

    let mut script = Script::new();
    script.frames(2, 0.8, 0.9, 0.1);
    script.frame(0.8, 0.1, 0.97);
    assert_eq!(script.last, Some(Taken::Strange));
    script.frame(0.8, 0.9, 0.1);
    assert_eq!(script.last, Some(Taken::Same), "one odd look is forgiven, and was not taken for evidence");
    assert_eq!(script.visit.shots.kept().len(), 3);
}

#[test]
fn a_decided_face_is_compared_now_and_then() {
    let mut script = Script::new();
    assert_eq!(script.frames(30, 0.8, 0.97, 0.1).len(), 1);
    let before = script.visit.embedded;
    script.frames(60, 0.8, 0.97, 0.1);
    let checks = script.visit.embedded - before;
    assert!((2..=3).contains(&checks), "{checks} in four seconds");
}

#[test]
fn a_door_that_blocks_waits_for_liveness_but_not_for_ever() {
    let rules = VisitRules { policy: LivenessPolicy::Block, ..RULES };
    let mut script = Script::with(rules);
    let verdicts = script.frames(60, 0.8, 0.97, 0.1);
    assert_eq!(verdicts.len(), 1);
    let waited = script.step * u32::try_from(verdicts[0].0 - 1).unwrap();
    assert!(waited >= evidence::LIVENESS_WAIT && waited < evidence::LIVENESS_WAIT * 2, "{waited:?}");
    assert_eq!(verdicts[0].1.liveness.map(|said| said.policy), Some(LivenessPolicy::Block));

    let mut script = Script::with(rules);
    assert!(script.frames(4, 0.8, 0.97, 0.1).is_empty());
    let verdict = script.end().unwrap();
    assert_eq!((verdict.outcome, verdict.reason), (OutcomeKind::Unusable, Some(UnusableReason::TooShort)));

    let reporting = Script::with(VisitRules { policy: LivenessPolicy::Report, ..RULES }).frames(3, 0.8, 0.97, 0.1);
    assert!(reporting[0].0 == 1 && reporting[0].1.liveness.is_some());
    assert!(Script::new().frames(3, 0.8, 0.97, 0.1)[0].1.liveness.is_none());
}

#[test]
fn without_usable_looks_the_commonest_reason_is_given() {
    let check = |looks: &[FaceQuality], score: f32, expected: Option<UnusableReason>| {
        let mut visit = Visit::new(Duration::ZERO, &RULES);
        for (n, quality) in looks.iter().enumerate() {
            let at = Duration::from_millis(150 * n as u64);
            let sight = Sight { at, face_px: quality.face_px, score, is_doubtful: false };
            if visit.seen(&sight, &RULES) == Wish::Evidence {
                visit.looked(at, &some_face(), quality, None, &RULES);
                if quality.problem(&RULES.gate).is_none() {
                    let (quality, embedding) = (*quality, probe(0.5, 0.5));
                    visit.embedded(Shot { at, quality, embedding, nearest: Vec::new() }, &RULES);
                }
            }
        }
        let verdict = visit.ended(&Two::new(), &NOBODY, &RULES);
        assert_eq!(verdict.as_ref().and_then(|v| v.reason), expected, "{score} {looks:?}");
        assert!(verdict.is_none_or(|v| v.outcome == OutcomeKind::Unusable));
    };
    let dark = FaceQuality { exposure: 0.1, mean_luminance: 20.0, ..look(0.1) };
    let turned = FaceQuality { pose: 0.1, ..look(0.1) };
    let small = FaceQuality { face_px: 30.0, ..look(0.9) };
    let good = look(0.9);
    check(&[dark, dark, turned, small], 0.6, Some(UnusableReason::TooDark));
    check(&[small, small, small, turned], 0.6, Some(UnusableReason::TooSmall));
    check(&[good, small, small, small], 0.6, Some(UnusableReason::TooShort));
    check(&[good], 0.6, Some(UnusableReason::TooShort));
    // Surely a face, if only for two frames; a flicker of the detector is not.
    check(&[small, small], 0.9, Some(UnusableReason::TooSmall));
    check(&[small, small], 0.6, None);
    check(&[small], 0.9, None);
    check(&[], 0.9, None);
}
