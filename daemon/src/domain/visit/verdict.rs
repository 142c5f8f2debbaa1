//! What a visit comes to, once.

use std::collections::BTreeSet;
use std::time::Duration;

use ostiary_common::ids::PersonId;
use ostiary_common::wire::{LivenessPolicy, LivenessReport};

use super::evidence::{LIVENESS_WAIT, Proof, weigh};
use super::{Candidate, Embedding, FaceQuality, OutcomeKind, Rule, Search, UnusableReason, Visit, VisitRules};

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
    /// How live it looked, if the door judges it.
    pub liveness: Option<LivenessReport>,
    /// All shots fused, if there are any.
    pub fused: Option<Embedding>,
    /// When the track began, on the source's time line.
    pub began: Duration,
}

impl Verdict {
    /// The verdict of a device that may not tell people apart, for what it holds may be out of date: whoever it would
    /// have named or called a stranger could not be judged.
    #[must_use]
    pub fn without_gallery(self) -> Self {
        if !matches!(self.outcome, OutcomeKind::Match | OutcomeKind::Unknown) {
            return self;
        }
        let (outcome, reason) = (OutcomeKind::Unusable, Some(UnusableReason::GalleryStale));
        Self { outcome, reason, matched: None, nearest: None, ..self }
    }
}

impl Visit {
    /// The verdict, if the looks so far are enough for one. `nearest` are the persons nearest to
    /// [`Visit::fused`]; `taken` are persons that cannot be this one, for they stand beside it.
    pub fn judge(
        &mut self,
        at: Duration,
        nearest: &[Candidate],
        taken: &BTreeSet<PersonId>,
        rules: &VisitRules,
    ) -> Option<Verdict> {
        if self.decided || self.shots.kept().is_empty() {
            return None;
        }
        let usable_for = self.first_usable.map_or(Duration::ZERO, |first| at.saturating_sub(first));
        let proof = weigh(self.shots.kept(), nearest, taken, usable_for, rules);
        let is_blocking = rules.policy == LivenessPolicy::Block;
        let must_wait = is_blocking && !self.liveness.verdict().enough && usable_for < LIVENESS_WAIT;
        match proof {
            Proof::Open { .. } => None,
            Proof::Match { .. } if must_wait => None,
            proof => Some(self.conclude(proof, rules)),
        }
    }

    /// The track has ended: the verdict, unless it was given before or there was hardly a face.
    pub fn ended(&mut self, search: &dyn Search, taken: &BTreeSet<PersonId>, rules: &VisitRules) -> Option<Verdict> {
        if self.decided || self.is_flicker() {
            return None;
        }
        if let Some(reason) = self.is_unusable(rules) {
            return Some(self.unusable(reason, rules));
        }
        let fused = self.fused().map(|fused| search.nearest(&fused, 2 + taken.len())).unwrap_or_default();
        let proof = weigh(self.shots.kept(), &fused, taken, Duration::MAX, rules);
        let is_match = matches!(proof, Proof::Match { .. });
        if is_match && rules.policy == LivenessPolicy::Block && !self.liveness.verdict().enough {
            // A door that blocks attacks opens to nobody it could not look at for long enough.
            return Some(self.unusable(UnusableReason::TooShort, rules));
        }
        Some(self.conclude(proof, rules))
    }

    /// What is proven, unless the door blocks what does not look live.
    fn conclude(&mut self, proof: Proof, rules: &VisitRules) -> Verdict {
        let (matched, nearest) = match proof {
            Proof::Match { best, second } => (Some(best), second),
            Proof::Unknown { nearest } | Proof::Open { nearest } => (None, nearest),
        };
        if rules.policy == LivenessPolicy::Block && self.liveness.verdict().is_suspected() {
            return self.decide(OutcomeKind::SpoofSuspected, None, matched.or(nearest), rules);
        }
        let outcome = if matched.is_some() { OutcomeKind::Match } else { OutcomeKind::Unknown };
        self.decide(outcome, matched, nearest, rules)
    }

    fn unusable(&mut self, reason: UnusableReason, rules: &VisitRules) -> Verdict {
        let mut verdict = self.decide(OutcomeKind::Unusable, None, None, rules);
        verdict.reason = Some(reason);
        verdict
    }

    fn decide(
        &mut self,
        outcome: OutcomeKind,
        matched: Option<Candidate>,
        nearest: Option<Candidate>,
        rules: &VisitRules,
    ) -> Verdict {
        self.decided = true;
        Verdict {
            outcome,
            matched,
            nearest,
            reason: None,
            rule: rules.decision,
            best: self.best,
            frames: self.frames,
            embeddings: self.embedded,
            liveness: self.liveness_report(rules),
            fused: self.fused(),
            began: self.began,
        }
    }
}
