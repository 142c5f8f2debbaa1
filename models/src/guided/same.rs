//! Whether it is one face all along: by never leaving the picture, and by resembling itself.

use std::time::Duration;

use super::GuideRules;
use crate::embed::Embedding;
use crate::geometry::Rect;
use crate::quality::HeadPose;

/// A face that overlaps itself less from frame to frame has jumped.
const LEAST_OVERLAP: f32 = 0.25;
/// Longer out of sight, it may be somebody else's.
const MOST_GAP: Duration = Duration::from_millis(900);
/// Looks nearer in pose than this, in degrees, need not both be remembered.
const NEW_POSE_DEG: f32 = 7.0;
/// Looks remembered, at most.
const MOST_LOOKS: usize = 16;

/// The face this is about, from all sides it was seen from.
#[derive(Clone, Debug, Default)]
pub(super) struct SameFace {
    looks: Vec<(HeadPose, Embedding)>,
    last: Option<(Duration, Rect)>,
    was_gone: bool,
}

impl SameFace {
    /// A face is at `place`: whether it can be told by its place that it is the one before.
    pub(super) fn follow(&mut self, at: Duration, place: Rect) {
        let stays =
            self.last.is_none_or(|(then, was)| at.saturating_sub(then) <= MOST_GAP && was.iou(&place) >= LEAST_OVERLAP);
        self.was_gone |= !stays;
        self.last = Some((at, place));
    }

    /// No single face is there, or it cannot be looked at: who is there next may be somebody else.
    pub(super) fn lose(&mut self, at: Duration) {
        let gone = |(then, _): &(Duration, Rect)| at.saturating_sub(*then) > MOST_GAP;
        self.was_gone |= self.last.as_ref().is_some_and(gone);
    }

    /// Several faces were there at once: which of them stays is not known.
    pub(super) const fn mingle(&mut self) {
        self.was_gone = true;
    }

    /// Whether a look is of this face; remembers it if so.
    pub(super) fn admits(&mut self, head: &HeadPose, embedding: &Embedding, rules: &GuideRules) -> bool {
        let turn = |other: &HeadPose| (head.yaw - other.yaw).hypot(head.pitch - other.pitch);
        let nearest = self.looks.iter().min_by(|a, b| turn(&a.0).total_cmp(&turn(&b.0)));
        let Some((pose, look)) = nearest else {
            self.looks.push((*head, embedding.clone()));
            self.was_gone = false;
            return true;
        };
        let least = if self.was_gone { rules.same_face_again } else { rules.same_face };
        let is_same = look.similarity(embedding) >= least;
        if is_same {
            self.was_gone = false;
            if turn(pose) > NEW_POSE_DEG && self.looks.len() < MOST_LOOKS {
                self.looks.push((*head, embedding.clone()));
            }
        }
        is_same
    }

    /// Forgets who was there: nothing was taken yet.
    pub(super) fn forget(&mut self) {
        *self = Self { last: self.last, ..Self::default() };
    }
}
