//! Who is in sight: a visit for each track, and what is to be done when a track turns out to be somebody else's.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ostiary_models::detect::DetectedFace;
use ostiary_models::embed::Embedding;
use ostiary_models::frame::RgbImage;
use ostiary_models::geometry::Rect;

use crate::domain::reentry::is_same;
use crate::domain::rivals::Claim;
use crate::domain::track::{TrackId, TrackUpdate};
use crate::domain::visit::{Search, Sight, Verdict, Visit, VisitRules, Wish};

/// Persons looked at for a claim; who is further down has a better claimant.
const CLAIMED: usize = 8;

/// The present frame, for latencies.
#[derive(Clone, Copy)]
pub struct Moment {
    /// When it was taken, on the source's own time line.
    pub at: Duration,
    /// When it was captured.
    pub captured: Instant,
}

/// What is known of one track.
pub struct Known {
    pub visit: Visit,
    pub first_frame: Instant,
    pub last_seen: Duration,
    pub place: Rect,
    pub best_crop: Option<RgbImage>,
    pub verdict: Option<Verdict>,
    /// What was said of who had this track before, if the track was taken over: should the new visit come to the
    /// same, it was one visit all along.
    pub before: Option<Verdict>,
}

impl Known {
    fn new(moment: Moment, place: Rect, rules: &VisitRules) -> Self {
        Self {
            visit: Visit::new(moment.at, rules),
            first_frame: moment.captured,
            last_seen: moment.at,
            place,
            best_crop: None,
            verdict: None,
            before: None,
        }
    }
}

/// A face that is wanted a closer look at.
pub struct Wanted {
    pub track: TrackId,
    pub face: DetectedFace,
    pub wish: Wish,
}

/// The visits in sight.
#[derive(Default)]
pub struct InSight {
    known: BTreeMap<TrackId, Known>,
}

impl InSight {
    pub fn get_mut(&mut self, track: TrackId) -> Option<&mut Known> {
        self.known.get_mut(&track)
    }

    pub fn get(&self, track: TrackId) -> Option<&Known> {
        self.known.get(&track)
    }

    pub fn remove(&mut self, track: TrackId) -> Option<Known> {
        self.known.remove(&track)
    }

    /// Puts back what was taken out by [`InSight::remove`].
    pub fn put_back(&mut self, track: TrackId, known: Known) {
        self.known.insert(track, known);
    }

    /// Whether somebody's visit is open and waits for a look at `at`.
    pub fn wants_look(&self, at: Duration, rules: &VisitRules) -> bool {
        self.known.values().any(|known| !known.visit.is_at_rest(at, rules))
    }

    /// Notes every face of a frame; returns those that are wanted a closer look at.
    pub fn note(
        &mut self,
        update: &TrackUpdate,
        faces: &[DetectedFace],
        moment: Moment,
        rules: &VisitRules,
    ) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for (track, face) in update.assigned.iter().zip(faces) {
            let Some(track) = *track else { continue };
            let known = self.known.entry(track).or_insert_with(|| Known::new(moment, face.bbox, rules));
            (known.last_seen, known.place) = (moment.at, face.bbox);
            let is_doubtful = update.doubtful.contains(&track);
            let sight = Sight { at: moment.at, face_px: face.bbox.width, score: face.score, is_doubtful };
            let wish = known.visit.seen(&sight, rules);
            if wish != Wish::Nothing {
                wanted.push(Wanted { track, face: *face, wish });
            }
        }
        wanted
    }

    /// A face on `track` is surely not the one its visit is about. If it fits the visit of another track the two
    /// have been mixed up and are exchanged; else a new visit begins and the old one is given back, to be ended.
    pub fn taken_over(
        &mut self,
        track: TrackId,
        embedding: &Embedding,
        moment: Moment,
        rules: &VisitRules,
    ) -> Option<Known> {
        let fits = |row: &(&TrackId, &Known)| *row.0 != track && row.1.visit.fits(embedding, rules);
        let likeness = |known: &Known| known.visit.likeness(embedding).unwrap_or(-1.0);
        let best = self.known.iter().filter(fits).max_by(|a, b| likeness(a.1).total_cmp(&likeness(b.1)));
        let other = best.map(|(id, _)| *id);
        let mut old = self.known.remove(&track)?;
        let (place, last_seen) = (old.place, old.last_seen);
        let Some((id, mut found)) = other.and_then(|id| self.known.remove_entry(&id)) else {
            let before = old.verdict.clone();
            self.known.insert(track, Known { before, ..Known::new(moment, place, rules) });
            return Some(old);
        };
        (old.place, old.last_seen) = (found.place, found.last_seen);
        (found.place, found.last_seen) = (place, last_seen);
        self.known.insert(track, found);
        self.known.insert(id, old);
        None
    }

    /// Whether `verdict` only says again what was said of somebody whose track is still kept, but who has not been
    /// seen since the present visit began: who passed behind somebody else and came out on the other side.
    pub fn is_repeat(&self, verdict: &Verdict) -> bool {
        let lost = self.known.values().filter(|known| known.last_seen < verdict.began);
        lost.filter_map(|known| known.verdict.as_ref()).any(|before| is_same(before, verdict))
    }

    /// What each face of the frame lays claim to.
    pub fn claims(&self, in_frame: &[TrackId], search: &dyn Search) -> Vec<Claim> {
        let claim = |track: &TrackId| {
            let Some(known) = self.known.get(track) else { return Claim::Nobody };
            match &known.verdict {
                Some(verdict) => verdict.matched.map_or(Claim::Nobody, |found| Claim::Held(found.person)),
                None => known.visit.fused().map_or(Claim::Nobody, |fused| Claim::Open(search.nearest(&fused, CLAIMED))),
            }
        };
        in_frame.iter().map(claim).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reentry::tests::stranger;
    use crate::testing::RULES;

    #[test]
    fn who_comes_out_behind_somebody_is_not_said_again() {
        let moment = Moment { at: Duration::from_secs(3), captured: Instant::now() };
        let place = Rect { left: 0.0, top: 0.0, width: 80.0, height: 80.0 };
        let said = Known { verdict: Some(stranger(1, 0.0)), ..Known::new(moment, place, &RULES) };
        let mut in_sight = InSight::default();
        in_sight.put_back(TrackId(1), said);
        assert!(in_sight.is_repeat(&stranger(4, 0.1)), "lost at 3 s, and the same face from 4 s on");
        assert!(!in_sight.is_repeat(&stranger(4, 1.0)), "another face");
        assert!(!in_sight.is_repeat(&stranger(2, 0.1)), "both were seen at once");
    }
}
