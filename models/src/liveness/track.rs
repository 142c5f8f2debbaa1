//! What the looks of one visit tell together.

use std::time::Duration;

use ostiary_common::wire::SpoofCue;

use super::attached::Attached;
use super::fuse::Evidence;
use super::moved::Moved;
use super::sheet::{self, Turn};
use super::thumbnail::Thumbnail;
use super::{FrameCues, Liveness, LivenessRules, ramp};
use crate::detect::DetectedFace;

/// Earlier looks that a new one is compared with: the first, so that a slow turn adds up, and the last.
const ANCHORS: usize = 2;
/// A turn of this many degrees beyond doubt, and more, is a head's.
const HEAD_TURN_DEG: (f32, f32) = (0.5, 1.2);
/// A comparison is worth something against a head only if it would have seen a turn of this many degrees.
const SURE_WITHIN_DEG: f32 = 1.5;
/// Comparisons that must have shown no turn before a face is taken for a sheet.
const SURE_LOOKS: f32 = 3.0;
/// Movement that a living head does not do without turning a little; in units of [`Moved::amount`].
const MOVED: (f32, f32) = (0.7, 1.2);
/// A time in which a living person blinks, breathes or sways.
const STILL_FOR_S: (f32, f32) = (2.0, 4.0);
/// Movement below which nothing moved; in units of [`Moved::amount`].
const STILL_BELOW: (f32, f32) = (0.05, 0.12);
/// Falls of the eyes' darkness, as a share of its usual value, that are a blink.
const BLINK: (f32, f32) = (0.25, 0.45);
/// How far a blink speaks for a face that shows no turn: less than half, since eyes may blink behind the holes of a
/// cut-out.
const BLINK_RELIEF: f32 = 0.4;

/// Takes in the looks at one face and says how live it is.
#[derive(Clone, Debug)]
pub struct LivenessTrack {
    rules: LivenessRules,
    looks: u32,
    first: Option<Duration>,
    last: Duration,
    moved: Moved,
    attached: Attached,
    moire: Mean,
    model: Mean,
    anchors: Vec<Thumbnail>,
    turns: Turns,
    eye_darkness: Vec<f32>,
}

impl LivenessTrack {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(rules: &LivenessRules) -> Self {
        Self {
            rules: *rules,
            looks: 0,
            first: None,
            last: Duration::ZERO,
            moved: Moved::default(),
            attached: Attached::default(),
            moire: Mean::default(),
            model: Mean::default(),
            anchors: Vec::new(),
            turns: Turns::default(),
            eye_darkness: Vec::new(),
        }
    }

    /// Takes in one look: `at` is the frame's time, `face` as located by the close look, `cues` what
    /// [`crate::engine::FaceEngine::liveness_cues`] gave for it.
    pub fn observe(&mut self, at: Duration, face: &DetectedFace, cues: Option<FrameCues>) {
        let Some(cues) = cues else { return };
        self.first.get_or_insert(at);
        self.last = self.last.max(at);
        self.looks += 1;
        self.moved.take(&face.landmarks);
        self.attached.take(face, &cues.border);
        self.moire.take(cues.moire);
        if let Some(model) = cues.model {
            self.model.take(model);
        }
        self.eye_darkness.push(cues.eye_darkness);
        for anchor in &self.anchors {
            if let Some(turn) = sheet::compare(anchor, &cues.face) {
                self.turns.take(&turn);
            }
        }
        self.anchors.truncate(ANCHORS - 1);
        self.anchors.push(cues.face);
    }

    /// How live it looks so far.
    #[must_use]
    pub fn verdict(&self) -> Liveness {
        let (score, cue) = self.evidence().score();
        let enough = self.looks >= self.rules.min_looks && self.span() >= self.rules.min_span;
        Liveness { score, threshold: self.rules.threshold, cue, enough }
    }

    /// How strongly each cue speaks against a live face so far, 0 to 1.
    #[must_use]
    pub fn strengths(&self) -> [(SpoofCue, f32); 5] {
        self.evidence().rows().map(|(strength, cue)| (cue, strength))
    }

    fn span(&self) -> Duration {
        self.first.map_or(Duration::ZERO, |first| self.last.saturating_sub(first))
    }

    fn evidence(&self) -> Evidence {
        let blink = self.blink();
        let moved = self.moved.amount();
        let still_for = ramp(self.span().as_secs_f32(), STILL_FOR_S.0, STILL_FOR_S.1);
        Evidence {
            model: self.model.value(),
            moire: self.moire.value(),
            frame: self.attached.strength(),
            rigid: ramp(moved, MOVED.0, MOVED.1) * self.turns.flatness() * (1.0 - BLINK_RELIEF * blink),
            still: still_for * (1.0 - ramp(moved, STILL_BELOW.0, STILL_BELOW.1)) * (1.0 - blink),
        }
    }

    /// Whether the eyes closed and opened, 0 to 1: the deepest fall of their darkness that came back.
    fn blink(&self) -> f32 {
        let mut sorted = self.eye_darkness.clone();
        sorted.sort_by(f32::total_cmp);
        let usual = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
        let reached = |looks: &[f32]| looks.iter().copied().fold(0.0, f32::max).min(usual);
        let fall = |at: usize| {
            let (before, after) = (&self.eye_darkness[..at], &self.eye_darkness[at + 1..]);
            1.0 - self.eye_darkness[at] / reached(before).min(reached(after)).max(1e-3)
        };
        let deepest = (0..self.eye_darkness.len()).map(fall).fold(0.0, f32::max);
        ramp(deepest, BLINK.0, BLINK.1)
    }
}

/// A running mean.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f32,
    count: f32,
}

impl Mean {
    fn take(&mut self, value: f32) {
        self.sum += value;
        self.count += 1.0;
    }

    fn value(&self) -> f32 {
        if self.count > 0.0 { self.sum / self.count } else { 0.0 }
    }
}

/// What comparisons with earlier looks showed.
#[derive(Clone, Copy, Debug, Default)]
struct Turns {
    /// Comparisons that would have seen a turn.
    sure: f32,
    /// The largest turn beyond doubt, in degrees.
    largest_deg: f32,
}

impl Turns {
    fn take(&mut self, turn: &Turn) {
        if turn.doubt_deg <= SURE_WITHIN_DEG {
            self.sure += 1.0;
            self.largest_deg = self.largest_deg.max(turn.parallax_deg - 2.0 * turn.doubt_deg);
        }
    }

    /// 0 (a head, or too little seen) to 1 (surely flat).
    fn flatness(&self) -> f32 {
        (self.sure / SURE_LOOKS).min(1.0) * (1.0 - ramp(self.largest_deg, HEAD_TURN_DEG.0, HEAD_TURN_DEG.1))
    }
}

#[cfg(test)]
mod tests {
    use super::super::border::Border;
    use super::super::sheet::samples::moved;
    use super::*;
    use crate::detect::Landmarks;
    use crate::geometry::{Point, Rect};

    fn face_at(x: f32, y: f32) -> DetectedFace {
        let point = |dx: f32, dy: f32| Point::new(x + dx, y + dy);
        let landmarks =
            Landmarks::with_mouth_centre(point(-25.0, 0.0), point(25.0, 0.0), point(0.0, 31.0), point(0.0, 54.0));
        DetectedFace { bbox: Rect::centred(point(0.0, 20.0), 115.0, 120.0), score: 0.9, landmarks }
    }

    fn cues(face: Thumbnail, eye_darkness: f32, moire: f32) -> FrameCues {
        FrameCues { moire, border: Border::default(), model: None, eye_darkness, face }
    }

    /// Ten looks, 150 ms apart: how far the face has moved by then (pixels), what it shows, how dark the eyes are.
    fn visit(look: impl Fn(f32) -> (f32, FrameCues)) -> Liveness {
        let mut track = LivenessTrack::new(&LivenessRules::default());
        for index in 0..10_u8 {
            let (x, cues) = look(f32::from(index) / 9.0);
            track.observe(Duration::from_millis(150 * u64::from(index)), &face_at(200.0 + x, 150.0), Some(cues));
        }
        track.verdict()
    }

    fn tilted(share: f32) -> Thumbnail {
        moved([0.02 * share, 0.01 * share, -0.02 * share, 0.0, 0.01 * share, 0.02 * share, 0.01, 0.0], (0.0, 0.0))
    }

    #[test]
    fn a_sheet_that_moves_is_suspected_and_a_head_is_not() {
        let sheet = visit(|share| (20.0 * share, cues(tilted(share), 0.4, 0.0)));
        assert!(sheet.is_suspected() && sheet.cue == Some(SpoofCue::Rigid), "{sheet:?}");
        let head = visit(|share| (20.0 * share, cues(moved([0.0; 8], (6.0 * share, 0.0)), 0.4, 0.0)));
        assert!(!head.is_suspected() && head.score > 0.9, "{head:?}");
    }

    #[test]
    fn who_does_not_move_is_not_taken_for_a_sheet() {
        let quiet = visit(|share| (2.0 * share, cues(tilted(0.1 * share), 0.4, 0.0)));
        assert!(!quiet.is_suspected(), "{quiet:?}");
    }

    #[test]
    fn blinking_eyes_in_a_sheet_do_not_save_it() {
        let blinks = |share: f32| if (0.4..0.6).contains(&share) { 0.1 } else { 0.4 };
        let cut_out = visit(|share| (20.0 * share, cues(tilted(share), blinks(share), 0.0)));
        assert!(cut_out.is_suspected(), "{cut_out:?}");
    }

    #[test]
    fn a_screens_dots_are_named() {
        let screen = visit(|share| (20.0 * share, cues(moved([0.0; 8], (6.0 * share, 0.0)), 0.4, 0.8)));
        assert!(screen.is_suspected() && screen.cue == Some(SpoofCue::Moire), "{screen:?}");
    }

    #[test]
    fn a_model_of_the_pack_counts() {
        let judged = |live: f32| {
            visit(|share| (5.0 * share, cues(moved([0.0; 8], (5.0 * share, 0.0)), 0.4, 0.0).with_model(live)))
        };
        assert!(judged(0.1).is_suspected() && judged(0.1).cue == Some(SpoofCue::Model));
        assert!(!judged(0.9).is_suspected());
    }

    #[test]
    fn nothing_is_said_too_early() {
        let mut track = LivenessTrack::new(&LivenessRules::default());
        assert!(!track.verdict().enough);
        for index in 0..10 {
            track.observe(Duration::from_millis(20 * index), &face_at(200.0, 150.0), Some(cues(tilted(0.0), 0.4, 1.0)));
        }
        assert!(!track.verdict().enough && !track.verdict().is_suspected());
        track.observe(Duration::from_millis(500), &face_at(200.0, 150.0), None);
        assert!(!track.verdict().enough, "a look without cues counts for nothing");
        track.observe(Duration::from_millis(500), &face_at(200.0, 150.0), Some(cues(tilted(0.0), 0.4, 1.0)));
        assert!(track.verdict().is_suspected());
    }

    #[test]
    fn a_picture_that_never_moves_is_still() {
        let mut track = LivenessTrack::new(&LivenessRules::default());
        for index in 0..30 {
            let at = Duration::from_millis(150 * index);
            track.observe(at, &face_at(200.0, 150.0), Some(cues(tilted(0.0), 0.4, 0.0)));
        }
        let found = track.verdict();
        assert!(found.is_suspected() && found.cue == Some(SpoofCue::Still), "{found:?}");
    }
}
