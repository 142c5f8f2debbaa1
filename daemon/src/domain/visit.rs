//! One visit: what was seen of one face over its track, and what it means. Decided once; after that the visit
//! is silent until its track ends.
//!
//! Start reading at [`Visit::seen`], which says whether a frame is worth a closer look; [`verdict`] is what the
//! looks come to.

mod evidence;
mod verdict;

use std::time::Duration;

use ostiary_common::wire::{LivenessPolicy, LivenessReport, OutcomeKind, UnusableReason};
use ostiary_models::decide::Rule;
use ostiary_models::detect::DetectedFace;
use ostiary_models::embed::Embedding;
use ostiary_models::liveness::{FrameCues, Liveness, LivenessRules, LivenessTrack};
use ostiary_models::quality::{FaceQuality, QualityGate};
use ostiary_models::search::Candidate;
use ostiary_models::shots::{Bar, BestShots, Shot};

pub use verdict::Verdict;

/// Once the first looks were taken, this much time passes between two: neighbouring frames say the same.
const SPACING: Duration = Duration::from_millis(150);
/// Looks taken per visit over the embeddings kept, at most: a face that stays near the threshold is not
/// embedded for ever.
const LOOKS_PER_SHOT: u32 = 2;
/// After so many looks at a face that was not fit, one is taken only now and then.
const PATIENT_LOOKS: u32 = 8;
/// Between two comparisons of a decided visit with the face that is there now.
const CHECK_EVERY: Duration = Duration::from_millis(1500);
/// A detection is surely a face from this score on.
const SURE_SCORE: f32 = 0.75;

/// What a visit must show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VisitRules {
    /// Threshold and margin (cosine).
    pub decision: Rule,
    /// What a face must reach to be embedded.
    pub gate: QualityGate,
    /// Embeddings that must agree, unless they leave no doubt.
    pub min_agreeing: usize,
    /// Embeddings kept.
    pub max_embeddings: usize,
    /// What is done with a visit that does not look live.
    pub policy: LivenessPolicy,
    /// When it does not look live.
    pub liveness: LivenessRules,
}

/// The nearest persons to an embedding, nearest first.
pub trait Search {
    /// At most `k` persons.
    fn nearest(&self, probe: &Embedding, k: usize) -> Vec<Candidate>;
}

/// A face in a frame, as its visit wants to know of it.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// When, on the source's time line.
    pub at: Duration,
    /// Width of the face, camera pixels.
    pub face_px: f32,
    /// The detector's score.
    pub score: f32,
    /// The track may have taken somebody else's face.
    pub is_doubtful: bool,
}

/// What a visit wants of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    Nothing,
    /// A closer look, and an embedding if it is good.
    Evidence,
    /// A closer look and an embedding, to be sure that it is still the same face.
    Check,
}

/// What came of an embedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is of this face.
    Same,
    /// It looks like somebody else; one more look will tell.
    Strange,
    /// It is somebody else's, for the second time.
    Another,
}

/// What is known of one face.
#[derive(Debug)]
pub struct Visit {
    began: Duration,
    frames: u32,
    sure_frames: u32,
    shots: BestShots,
    embedded: u32,
    last_embedded: Option<Duration>,
    last_look: Option<Duration>,
    first_usable: Option<Duration>,
    best: FaceQuality,
    flaws: Vec<(UnusableReason, u32)>,
    liveness: LivenessTrack,
    strange: u32,
    is_doubtful: bool,
    decided: bool,
}

impl Visit {
    /// A face came into sight at `at`.
    pub fn new(at: Duration, rules: &VisitRules) -> Self {
        Self {
            began: at,
            frames: 0,
            sure_frames: 0,
            shots: BestShots::new(rules.max_embeddings),
            embedded: 0,
            last_embedded: None,
            last_look: None,
            first_usable: None,
            best: FaceQuality::default(),
            flaws: Vec::new(),
            liveness: LivenessTrack::new(&rules.liveness),
            strange: 0,
            is_doubtful: false,
            decided: false,
        }
    }

    /// The face was seen. Returns what is wanted of the frame.
    pub fn seen(&mut self, sight: &Sight, rules: &VisitRules) -> Wish {
        self.frames += 1;
        self.sure_frames += u32::from(sight.score >= SURE_SCORE);
        self.is_doubtful |= sight.is_doubtful;
        let is_small = sight.face_px < rules.gate.min_face_px;
        if self.decided {
            return if !is_small && self.is_check_due(sight.at) { Wish::Check } else { Wish::Nothing };
        }
        if is_small {
            self.flaw(UnusableReason::TooSmall);
            self.best.face_px = self.best.face_px.max(sight.face_px);
            return Wish::Nothing;
        }
        if self.is_look_due(sight.at, rules) { Wish::Evidence } else { Wish::Nothing }
    }

    /// What the next look must beat to be embedded.
    pub fn bar(&self) -> Bar {
        self.shots.bar()
    }

    /// The closer look: the face as it was located, how fit it is, and what it tells about being alive, if the
    /// door wants to know.
    pub fn looked(
        &mut self,
        at: Duration,
        face: &DetectedFace,
        look: &FaceQuality,
        cues: Option<FrameCues>,
        rules: &VisitRules,
    ) {
        self.last_look = Some(at);
        if self.decided {
            return;
        }
        self.liveness.observe(at, face, cues);
        if look.overall > self.best.overall || self.best.overall == 0.0 {
            self.best = *look;
        }
        match look.problem(&rules.gate) {
            Some(flaw) => self.flaw(flaw),
            None => self.first_usable = self.first_usable.or(Some(at)),
        }
    }

    /// Whether this look is the best so far.
    pub fn is_best(&self, look: &FaceQuality) -> bool {
        self.best == *look
    }

    /// The face was embedded. Kept as evidence unless it is somebody else's.
    pub fn embedded(&mut self, shot: Shot, rules: &VisitRules) -> Taken {
        self.embedded += 1;
        self.last_embedded = Some(shot.at);
        if self.is_strange(&shot, rules) {
            self.strange += 1;
            return if self.strange >= 2 { Taken::Another } else { Taken::Strange };
        }
        (self.strange, self.is_doubtful) = (0, false);
        if !self.decided {
            self.shots.keep(shot);
        }
        Taken::Same
    }

    /// How much an embedding resembles the looks kept; `None` if there are none.
    pub fn likeness(&self, embedding: &Embedding) -> Option<f32> {
        Some(self.shots.fused()?.similarity(embedding))
    }

    /// Whether an embedding may be of this visit's face.
    pub fn fits(&self, embedding: &Embedding, rules: &VisitRules) -> bool {
        self.likeness(embedding).is_some_and(|likeness| likeness >= evidence::same_face(rules.decision))
    }

    /// All looks kept, as one.
    pub fn fused(&self) -> Option<Embedding> {
        self.shots.fused()
    }

    /// What is to be said of liveness; nothing if the door does not judge it or nothing was seen.
    fn liveness_report(&self, rules: &VisitRules) -> Option<LivenessReport> {
        let Liveness { score, threshold, cue, .. } = self.liveness.verdict();
        let was_seen = rules.policy != LivenessPolicy::Off && self.last_look.is_some();
        was_seen.then_some(LivenessReport { score, threshold, policy: rules.policy, cue })
    }

    /// Outcome of nobody's visit: the track ended before there was surely a face. Such flickers of the detector
    /// are counted, not reported: fewer than four frames, of them at most one with a good score, and no look
    /// that was fit to embed.
    fn is_flicker(&self) -> bool {
        self.frames < 4 && self.sure_frames < 2 && self.shots.kept().is_empty()
    }

    /// Whether nothing is wanted of a frame at `at` but to follow the face: the visit is decided, or the next look
    /// would come too soon after the last to say more.
    pub fn is_at_rest(&self, at: Duration, rules: &VisitRules) -> bool {
        self.decided || (!self.shots.kept().is_empty() && !self.is_look_due(at, rules))
    }

    fn is_look_due(&self, at: Duration, rules: &VisitRules) -> bool {
        let since = |then: Option<Duration>| then.map_or(Duration::MAX, |then| at.saturating_sub(then));
        let flawed: u32 = self.flaws.iter().filter(|row| row.0 != UnusableReason::TooSmall).map(|row| row.1).sum();
        if flawed >= PATIENT_LOOKS && since(self.last_look) < SPACING {
            return false;
        }
        // The first looks come frame by frame, for an early answer; a strange one is followed by another at once.
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let first = self.embedded <= count(rules.min_agreeing) || self.strange > 0;
        let most = count(rules.max_embeddings).saturating_mul(LOOKS_PER_SHOT);
        let spaced = since(self.last_embedded).min(since(self.last_look)) >= SPACING;
        first || (spaced && self.embedded < most)
    }

    fn is_check_due(&self, at: Duration) -> bool {
        let last = self.last_embedded.map_or(Duration::MAX, |then| at.saturating_sub(then));
        self.strange > 0 || (self.is_doubtful && last >= SPACING) || last >= CHECK_EVERY
    }

    /// A face turned far away resembles nobody, not even itself: it proves nothing.
    fn is_strange(&self, shot: &Shot, rules: &VisitRules) -> bool {
        let least =
            if self.is_doubtful { evidence::same_face(rules.decision) } else { evidence::other_face(rules.decision) };
        shot.quality.pose >= 0.5 && self.likeness(&shot.embedding).is_some_and(|likeness| likeness < least)
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

    fn is_unusable(&self, rules: &VisitRules) -> Option<UnusableReason> {
        let count = self.shots.kept().len();
        let reason = || if count == 0 { self.worst_flaw() } else { UnusableReason::TooShort };
        (count < rules.min_agreeing).then(reason)
    }
}

#[cfg(test)]
#[path = "visit_tests.rs"]
mod tests;
