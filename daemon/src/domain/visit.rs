//! One visit: what was seen of one face over its track, and what it means. Decided once; after that the
//! visit is silent until its track ends.
//!
//! **Match** as soon as enough embeddings agree on one person and the fused embedding passes threshold and
//! margin. **Unknown** early only if enough embeddings are clearly below the threshold; who is near it gets
//! more looks, until the track ends. **Unusable** at the end of a track without enough usable looks, with
//! the reason met most often.

use std::collections::BTreeSet;
use std::time::Duration;

use ostiary_common::ids::PersonId;
use ostiary_common::wire::{OutcomeKind, UnusableReason};
use ostiary_models::decide::{Decision, Rule, decide};
use ostiary_models::embed::Embedding;
use ostiary_models::quality::{FaceQuality, QualityGate};
use ostiary_models::search::Candidate;

/// An unknown is certain at once only this far below the threshold.
const CLEARLY_BELOW: f32 = 0.03;
/// Looks taken per visit over the embeddings kept, at most: a face that stays near the threshold is not
/// embedded for ever.
const LOOKS_PER_SHOT: u32 = 4;
/// Between two embeddings of one face at least this much time passes: neighbouring frames say the same.
const MIN_SPACING: Duration = Duration::from_millis(100);
/// Detections of one face, at least, before its disappearing is worth an event: a flicker on a wall is no visit.
const MIN_FRAMES: u32 = 4;

/// What a visit must show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VisitRules {
    /// Threshold and margin (cosine).
    pub decision: Rule,
    /// What a face must reach to be embedded.
    pub gate: QualityGate,
    /// Embeddings that must agree.
    pub min_agreeing: usize,
    /// Embeddings kept.
    pub max_embeddings: usize,
}

/// The nearest persons to an embedding, nearest first.
pub trait Search {
    /// At most `k` persons.
    fn nearest(&self, probe: &Embedding, k: usize) -> Vec<Candidate>;
}

/// An embedded look.
#[derive(Clone, Debug)]
struct Shot {
    quality: f32,
    embedding: Embedding,
}

/// What a visit came to.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// How it ended.
    pub outcome: OutcomeKind,
    /// The person, of a match.
    pub matched: Option<Candidate>,
    /// The nearest other person.
    pub nearest: Option<Candidate>,
    /// Why it was unusable.
    pub reason: Option<UnusableReason>,
    /// The rule that applied.
    pub rule: Rule,
    /// The best look.
    pub best: FaceQuality,
    /// Frames the face was seen in.
    pub frames: u32,
    /// Faces embedded.
    pub embeddings: u32,
    /// All shots fused, if there are any.
    pub fused: Option<Embedding>,
    /// When the track began, on the source's time line.
    pub began: Duration,
}

/// What is known of one face.
#[derive(Debug)]
pub struct Visit {
    began: Duration,
    frames: u32,
    shots: Vec<Shot>,
    embedded: u32,
    last_embedded: Option<Duration>,
    best: FaceQuality,
    flaws: Vec<(UnusableReason, u32)>,
    decided: bool,
}

impl Visit {
    /// A face came into sight at `at`.
    pub fn new(at: Duration) -> Self {
        Self {
            began: at,
            frames: 0,
            shots: Vec::new(),
            embedded: 0,
            last_embedded: None,
            best: FaceQuality::default(),
            flaws: Vec::new(),
            decided: false,
        }
    }

    /// The face was seen, `face_px` wide. Returns whether it is worth a closer look.
    pub fn seen(&mut self, at: Duration, face_px: f32, rules: &VisitRules) -> bool {
        self.frames += 1;
        if self.decided {
            return false;
        }
        if face_px < rules.gate.min_face_px {
            self.flaw(UnusableReason::TooSmall);
            self.best.face_px = self.best.face_px.max(face_px);
            return false;
        }
        let spaced = self.last_embedded.is_none_or(|last| at.saturating_sub(last) >= MIN_SPACING);
        let most = u32::try_from(rules.max_embeddings).unwrap_or(u32::MAX).saturating_mul(LOOKS_PER_SHOT);
        spaced && self.embedded < most
    }

    /// The closer look. Returns whether it is worth an embedding.
    pub fn looked(&mut self, look: &FaceQuality, rules: &VisitRules) -> bool {
        if look.overall > self.best.overall || self.best.overall == 0.0 {
            self.best = *look;
        }
        if let Some(flaw) = look.problem(&rules.gate) {
            self.flaw(flaw);
            return false;
        }
        let worst = self.shots.iter().map(|shot| shot.quality).fold(f32::INFINITY, f32::min);
        self.shots.len() < rules.max_embeddings || look.overall > worst
    }

    /// Whether this look is the best so far.
    pub fn is_best(&self, look: &FaceQuality) -> bool {
        self.best == *look
    }

    /// The face was embedded. `taken` are persons that cannot be this one, for they stand beside it.
    pub fn embedded(
        &mut self,
        at: Duration,
        look: &FaceQuality,
        embedding: Embedding,
        search: &dyn Search,
        taken: &BTreeSet<PersonId>,
        rules: &VisitRules,
    ) -> Option<Verdict> {
        if self.decided {
            return None;
        }
        self.embedded += 1;
        self.last_embedded = Some(at);
        self.keep(Shot { quality: look.overall, embedding }, rules);
        if self.shots.len() < rules.min_agreeing {
            return None;
        }
        match self.judge(search, taken, rules) {
            decision @ Decision::Match { .. } => Some(self.decide(decision, rules)),
            Decision::Unknown { nearest } if self.is_clearly_unknown(nearest, rules) => {
                Some(self.decide(Decision::Unknown { nearest }, rules))
            }
            Decision::Unknown { .. } => None,
        }
    }

    /// The track has ended: the verdict, unless it was given before or there was hardly a face.
    pub fn ended(&mut self, search: &dyn Search, taken: &BTreeSet<PersonId>, rules: &VisitRules) -> Option<Verdict> {
        if self.decided || (self.frames < MIN_FRAMES && self.shots.is_empty()) {
            return None;
        }
        if self.shots.len() >= rules.min_agreeing {
            let decision = self.judge(search, taken, rules);
            return Some(self.decide(decision, rules));
        }
        let reason = if self.shots.is_empty() { self.worst_flaw() } else { UnusableReason::TooShort };
        let mut verdict = self.decide(Decision::Unknown { nearest: None }, rules);
        verdict.outcome = OutcomeKind::Unusable;
        verdict.reason = Some(reason);
        Some(verdict)
    }

    fn keep(&mut self, shot: Shot, rules: &VisitRules) {
        if self.shots.len() >= rules.max_embeddings {
            let worst = self.shots.iter().enumerate().min_by(|a, b| a.1.quality.total_cmp(&b.1.quality));
            if let Some(worst) = worst.map(|(n, _)| n) {
                self.shots.swap_remove(worst);
            }
        }
        self.shots.push(shot);
    }

    fn fused(&self) -> Option<Embedding> {
        Embedding::fuse(self.shots.iter().map(|shot| (&shot.embedding, shot.quality.max(0.01))))
    }

    /// The open-set decision over all shots, and enough of them by themselves.
    fn judge(&self, search: &dyn Search, taken: &BTreeSet<PersonId>, rules: &VisitRules) -> Decision {
        let nearest = |probe: &Embedding| {
            let mut found = search.nearest(probe, 2 + taken.len());
            found.retain(|candidate| !taken.contains(&candidate.person));
            found
        };
        let Some(fused) = self.fused() else { return Decision::Unknown { nearest: None } };
        let decision = decide(&nearest(&fused), rules.decision);
        let Decision::Match { best, .. } = decision else { return decision };
        let agrees = |shot: &&Shot| match decide(&nearest(&shot.embedding), rules.decision) {
            Decision::Match { best: alone, .. } => alone.person == best.person,
            Decision::Unknown { .. } => false,
        };
        let agreeing = self.shots.iter().filter(agrees).count();
        if agreeing >= rules.min_agreeing { decision } else { Decision::Unknown { nearest: Some(best) } }
    }

    fn is_clearly_unknown(&self, nearest: Option<Candidate>, rules: &VisitRules) -> bool {
        let below = rules.decision.threshold - CLEARLY_BELOW;
        let clearly = nearest.is_none_or(|candidate| candidate.similarity < below);
        // One look more than a match needs: saying "unknown" too early cannot be taken back.
        let enough = (rules.min_agreeing + 1).min(rules.max_embeddings);
        clearly && self.shots.len() >= enough
    }

    fn decide(&mut self, decision: Decision, rules: &VisitRules) -> Verdict {
        self.decided = true;
        let (outcome, matched, nearest) = match decision {
            Decision::Match { best, second } => (OutcomeKind::Match, Some(best), second),
            Decision::Unknown { nearest } => (OutcomeKind::Unknown, None, nearest),
        };
        Verdict {
            outcome,
            matched,
            nearest,
            reason: None,
            rule: rules.decision,
            best: self.best,
            frames: self.frames,
            embeddings: self.embedded,
            fused: self.fused(),
            began: self.began,
        }
    }

    fn flaw(&mut self, reason: UnusableReason) {
        match self.flaws.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => self.flaws.push((reason, 1)),
        }
    }

    fn worst_flaw(&self) -> UnusableReason {
        self.flaws.iter().max_by_key(|(_, count)| *count).map_or(UnusableReason::TooShort, |(reason, _)| *reason)
    }
}

#[cfg(test)]
#[path = "visit_tests.rs"]
mod tests;
