//! Visits scripted look by look.

use super::*;
use ostiary_common::ids::TemplateId;

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

struct Script {
    visit: Visit,
    at: Duration,
    taken: BTreeSet<PersonId>,
}

impl Script {
    fn new() -> Self {
        Self { visit: Visit::new(Duration::ZERO), at: Duration::ZERO, taken: BTreeSet::new() }
    }

    /// One frame of quality `overall` whose embedding lies at (a, b).
    fn frame(&mut self, overall: f32, a: f32, b: f32) -> Option<Verdict> {
        self.at += Duration::from_millis(150);
        if !self.visit.seen(self.at, 100.0, &RULES) || !self.visit.looked(&look(overall), &RULES) {
            return None;
        }
        self.visit.embedded(self.at, &look(overall), probe(a, b), &Two::new(), &self.taken, &RULES)
    }

    fn end(&mut self) -> Option<Verdict> {
        self.visit.ended(&Two::new(), &self.taken, &RULES)
    }
}

#[test]
fn three_agreeing_looks_are_a_match_and_then_silence() {
    let mut script = Script::new();
    assert!(script.frame(0.8, 0.95, 0.1).is_none());
    assert!(script.frame(0.8, 0.96, 0.1).is_none());
    let verdict = script.frame(0.8, 0.95, 0.1).expect("decided");
    assert_eq!(verdict.outcome, OutcomeKind::Match);
    assert_eq!(verdict.matched.unwrap().person, Two::new().0[0]);
    assert_eq!(verdict.nearest.unwrap().person, Two::new().0[1]);
    assert_eq!((verdict.frames, verdict.embeddings), (3, 3));
    for _ in 0..20 {
        assert!(script.frame(0.9, 0.1, 0.99).is_none(), "decided once");
    }
    assert!(script.end().is_none());
}

#[test]
fn a_stranger_is_unknown_after_four_looks() {
    let mut script = Script::new();
    let verdicts: Vec<_> = (0..10).filter_map(|n| script.frame(0.8, 0.4, 0.3).map(|v| (n, v))).collect();
    assert_eq!(verdicts.len(), 1);
    assert_eq!(verdicts[0].0, 3);
    assert_eq!(verdicts[0].1.outcome, OutcomeKind::Unknown);
    assert!(verdicts[0].1.nearest.unwrap().similarity < 0.5);
    assert!(verdicts[0].1.fused.is_some());
}

#[test]
fn who_is_near_the_threshold_gets_more_looks() {
    let mut script = Script::new();
    for _ in 0..6 {
        assert!(script.frame(0.5, 0.89, 0.1).is_none());
    }
    let verdict = (0..5).find_map(|_| script.frame(0.9, 0.97, 0.1)).expect("matched once near enough");
    assert_eq!(verdict.outcome, OutcomeKind::Match);

    let mut script = Script::new();
    assert!((0..60).all(|_| script.frame(0.5, 0.89, 0.1).is_none()), "never certain");
    let verdict = script.end().unwrap();
    assert_eq!(verdict.outcome, OutcomeKind::Unknown);
    assert!(verdict.embeddings <= 20, "{}", verdict.embeddings);
}

#[test]
fn one_lucky_look_and_a_tie_are_no_match() {
    let mut script = Script::new();
    script.frame(0.9, 0.99, 0.1);
    (0..5).for_each(|_| assert!(script.frame(0.8, 0.88, 0.1).is_none_or(|v| v.outcome != OutcomeKind::Match)));
    assert_ne!(script.end().map(|v| v.outcome), Some(OutcomeKind::Match));

    let mut script = Script::new();
    let rules = VisitRules { decision: Rule { threshold: 0.6, margin: 0.05 }, ..RULES };
    for n in 1..=6_u64 {
        let at = Duration::from_millis(200 * n);
        script.visit.seen(at, 100.0, &rules);
        let taken = BTreeSet::new();
        let verdict = script.visit.embedded(at, &look(0.8), probe(0.7, 0.69), &Two::new(), &taken, &rules);
        assert!(verdict.is_none_or(|v| v.outcome != OutcomeKind::Match), "margin");
    }
}

#[test]
fn who_stands_beside_cannot_be_this_one() {
    let mut script = Script::new();
    script.taken.insert(Two::new().0[0]);
    let verdict = (0..10).find_map(|_| script.frame(0.8, 0.97, 0.1)).unwrap();
    assert_eq!(verdict.outcome, OutcomeKind::Unknown);
    assert_eq!(verdict.nearest.unwrap().person, Two::new().0[1]);
}

#[test]
fn without_usable_looks_the_commonest_reason_is_given() {
    let check = |looks: &[FaceQuality], expected: Option<UnusableReason>| {
        let mut visit = Visit::new(Duration::ZERO);
        for (n, look) in looks.iter().enumerate() {
            let at = Duration::from_millis(150 * n as u64);
            if visit.seen(at, look.face_px, &RULES) && visit.looked(look, &RULES) {
                visit.embedded(at, look, probe(0.5, 0.5), &Two::new(), &BTreeSet::new(), &RULES);
            }
        }
        let verdict = visit.ended(&Two::new(), &BTreeSet::new(), &RULES);
        assert_eq!(verdict.as_ref().and_then(|v| v.reason), expected, "{looks:?}");
        assert!(verdict.is_none_or(|v| v.outcome == OutcomeKind::Unusable));
    };
    let dark = FaceQuality { exposure: 0.1, mean_luminance: 20.0, ..look(0.1) };
    let turned = FaceQuality { pose: 0.1, ..look(0.1) };
    let small = FaceQuality { face_px: 30.0, ..look(0.9) };
    let good = look(0.9);
    check(&[dark, dark, turned, small], Some(UnusableReason::TooDark));
    check(&[small, small, small, turned], Some(UnusableReason::TooSmall));
    check(&[good, small, small, small], Some(UnusableReason::TooShort));
    check(&[small, small], None);
    check(&[], None);
}
