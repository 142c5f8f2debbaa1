//! Following faces over frames. Each face of a frame belongs to at most one track and each track takes at most
//! one face: the assignment that fits best as a whole.
//!
//! In three steps, as in ByteTrack and with a third of our own: clear detections by where they are expected and
//! what they look like; then faint ones, which go on a track but begin none; then, for a camera that jumped or
//! somebody who darted, clear ones by looks alone. Where a track may have taken somebody else's face (after a
//! gap, a crossing, a jump) it says so: [`TrackUpdate::doubtful`], and the caller compares embeddings.

mod appearance;
mod kalman;

use std::time::Duration;

use ostiary_models::geometry::Rect;

pub use appearance::Appearance;
use kalman::Motion;

use super::assign::best_pairs;

/// A face this many squared deviations from where it is expected is another (0.03 % of two-dimensional chance).
const MOST_SURPRISE: f32 = 16.0;
/// However uncertain the expectation, a face is not further away, in widths of the larger.
const MOST_DISTANCE: f32 = 1.6;
/// A face does not grow or shrink by more than this factor between two looks.
const MAX_SCALE: f32 = 1.8;
/// Faces less alike are others, wherever they are; light that changes leaves more in common.
const LEAST_LIKENESS: f32 = 0.2;
/// Faces as alike as this may be one wherever they are in the frame.
const ALIKE: f32 = 0.8;
/// Faces less alike than this are taken for one only with doubt.
const DOUBTFUL_LIKENESS: f32 = 0.55;
/// After this time out of sight the face may be another.
const DOUBTFUL_GAP: Duration = Duration::from_millis(350);
/// Tracks whose boxes overlap more may be mixed up.
const CROSSING_IOU: f32 = 0.1;
/// What a pair gains before its cost is taken off; a pair that costs more is left alone.
const PAIR_GAIN: f32 = 1.5;

/// Names a track; never given twice by one tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u64);

/// A face found in a frame.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// Where.
    pub bbox: Rect,
    /// Whether it is a face for sure; a faint one only goes on a track.
    pub is_clear: bool,
    /// What it looks like, if that was looked at.
    pub appearance: Option<Appearance>,
}

#[derive(Clone, Debug)]
struct Track {
    id: TrackId,
    motion: Motion,
    seen: Duration,
    appearance: Option<Appearance>,
    /// It touched another since it was last beyond doubt.
    crossed: bool,
}

/// What a frame meant for the tracks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackUpdate {
    /// The track of each face, in the order of the faces; faint ones may have none.
    pub assigned: Vec<Option<TrackId>>,
    /// Tracks of this frame that may have taken somebody else's face.
    pub doubtful: Vec<TrackId>,
    /// Tracks out of sight for too long; they will not come back.
    pub ended: Vec<TrackId>,
}

/// The tracks in sight.
#[derive(Clone, Debug)]
pub struct Tracker {
    max_gap: Duration,
    tracks: Vec<Track>,
    next_id: u64,
}

impl Tracker {
    /// A face may be out of sight for `max_gap` and keeps its track.
    pub const fn new(max_gap: Duration) -> Self {
        Self { max_gap, tracks: Vec::new(), next_id: 1 }
    }

    /// Takes the faces of the frame captured at `at` (on the source's own time line, never backwards).
    pub fn update(&mut self, at: Duration, faces: &[Sighting]) -> TrackUpdate {
        let ended = self.end_lost(at);
        let mut round = Round { at, faces, track_of: vec![None; faces.len()], doubtful: Vec::new() };
        self.pair(&mut round, |face| face.is_clear, Track::fit);
        self.pair(&mut round, |face| !face.is_clear, Track::fit);
        self.pair(&mut round, |face| face.is_clear, Track::fit_by_looks);
        let Round { track_of, doubtful, .. } = round;
        let of_face =
            |(track, face): (Option<TrackId>, &Sighting)| track.or_else(|| face.is_clear.then(|| self.begin(at, face)));
        let assigned = track_of.into_iter().zip(faces).map(of_face).collect();
        self.note_crossings();
        TrackUpdate { assigned, doubtful, ended }
    }

    /// A track was compared with what is known of it and is beyond doubt.
    pub fn confirm(&mut self, id: TrackId) {
        self.tracks.iter_mut().filter(|track| track.id == id).for_each(|track| track.crossed = false);
    }

    /// Whether a track is there, in sight or out of sight for a moment.
    pub const fn is_empty(&self) -> bool {
        self.tracks.is_empty()
    }

    /// Ends every track: the source has ended or is gone.
    pub fn end_all(&mut self) -> Vec<TrackId> {
        self.tracks.drain(..).map(|track| track.id).collect()
    }

    fn end_lost(&mut self, at: Duration) -> Vec<TrackId> {
        let max_gap = self.max_gap;
        let lost = |track: &mut Track| at.saturating_sub(track.seen) > max_gap;
        self.tracks.extract_if(.., lost).map(|track| track.id).collect()
    }

    fn begin(&mut self, at: Duration, face: &Sighting) -> TrackId {
        let id = TrackId(self.next_id);
        self.next_id += 1;
        let (motion, appearance) = (Motion::new(at, &face.bbox), face.appearance.clone());
        self.tracks.push(Track { id, motion, seen: at, appearance, crossed: false });
        id
    }

    /// One step: pairs the tracks and faces that are still free.
    fn pair(
        &mut self,
        round: &mut Round<'_>,
        wanted: impl Fn(&Sighting) -> bool,
        fit: impl Fn(&Track, &Motion, &Sighting) -> Option<f32>,
    ) {
        let free = |track: &&mut Track| !round.track_of.contains(&Some(track.id));
        let mut tracks: Vec<&mut Track> = self.tracks.iter_mut().filter(free).collect();
        let open = |n: &usize| round.track_of[*n].is_none() && wanted(&round.faces[*n]);
        let faces: Vec<usize> = (0..round.faces.len()).filter(open).collect();
        let expected: Vec<Motion> = tracks.iter().map(|track| track.motion.expected(round.at)).collect();
        let gain = |row: usize, column: usize| {
            fit(tracks[column], &expected[column], &round.faces[faces[row]]).map(|cost| PAIR_GAIN - cost)
        };
        for (row, column) in best_pairs(faces.len(), tracks.len(), gain) {
            let (track, face) = (&mut tracks[column], &round.faces[faces[row]]);
            let is_doubtful = track.is_doubtful(round.at, &expected[column], face);
            track.follow(round.at, expected[column], face);
            round.track_of[faces[row]] = Some(track.id);
            if is_doubtful {
                round.doubtful.push(track.id);
            }
        }
    }

    fn note_crossings(&mut self) {
        let boxes: Vec<Rect> = self.tracks.iter().map(|track| track.motion.bbox()).collect();
        for (n, track) in self.tracks.iter_mut().enumerate() {
            let touches = |(other, bbox): (usize, &Rect)| other != n && bbox.iou(&boxes[n]) > CROSSING_IOU;
            track.crossed |= boxes.iter().enumerate().any(touches);
        }
    }
}

/// What one frame has come to so far.
struct Round<'a> {
    at: Duration,
    faces: &'a [Sighting],
    track_of: Vec<Option<TrackId>>,
    doubtful: Vec<TrackId>,
}

impl Track {
    /// What it costs to take a face for this one, by place and looks; `None` if it cannot be.
    fn fit(&self, expected: &Motion, face: &Sighting) -> Option<f32> {
        let bbox = expected.bbox();
        let width = bbox.width.max(face.bbox.width).max(1.0);
        let distance = bbox.centre().distance(face.bbox.centre()) / width;
        let surprise = expected.surprise(&face.bbox, face.is_clear);
        let likeness = self.likeness(face);
        let fits = surprise <= MOST_SURPRISE && distance <= MOST_DISTANCE && is_of_size(&bbox, &face.bbox);
        let cost = 0.5 * surprise / MOST_SURPRISE + 0.3 * (1.0 - bbox.iou(&face.bbox)) + 0.5 * (1.0 - likeness);
        (fits && likeness >= LEAST_LIKENESS).then_some(cost)
    }

    /// The same by looks alone, for what moved in a way nobody does.
    fn fit_by_looks(&self, expected: &Motion, face: &Sighting) -> Option<f32> {
        self.appearance.as_ref()?;
        face.appearance.as_ref()?;
        let likeness = self.likeness(face);
        (likeness >= ALIKE && is_of_size(&expected.bbox(), &face.bbox)).then_some(1.0 - likeness)
    }

    fn likeness(&self, face: &Sighting) -> f32 {
        match (&self.appearance, &face.appearance) {
            (Some(known), Some(seen)) => known.likeness(seen),
            _ => 1.0,
        }
    }

    fn is_doubtful(&self, at: Duration, expected: &Motion, face: &Sighting) -> bool {
        let far = expected.surprise(&face.bbox, face.is_clear) > MOST_SURPRISE;
        far || self.crossed || self.likeness(face) < DOUBTFUL_LIKENESS || at.saturating_sub(self.seen) > DOUBTFUL_GAP
    }

    fn follow(&mut self, at: Duration, expected: Motion, face: &Sighting) {
        let jumped = expected.surprise(&face.bbox, face.is_clear) > MOST_SURPRISE;
        self.motion = if jumped { Motion::new(at, &face.bbox) } else { expected };
        self.motion.correct(&face.bbox, face.is_clear);
        self.seen = at;
        match (&mut self.appearance, &face.appearance) {
            (Some(known), Some(seen)) => known.learn(seen),
            (none @ None, Some(seen)) => *none = Some(seen.clone()),
            (_, None) => {}
        }
    }
}

fn is_of_size(expected: &Rect, found: &Rect) -> bool {
    let ratio = expected.width.max(1.0) / found.width.max(1.0);
    (1.0 / MAX_SCALE..=MAX_SCALE).contains(&ratio)
}

#[cfg(test)]
#[path = "track_tests.rs"]
mod tests;
