//! Following faces over frames: each face of a frame belongs to at most one track and each track takes at
//! most one face, the nearest pairs first.

use std::time::Duration;

use ostiary_models::geometry::{Point, Rect};

/// Below this overlap two boxes are of one face only if their centres are near.
const MIN_IOU: f32 = 0.2;
/// How far a face may be from where it is expected, in widths of the face.
const MAX_CENTRE_DISTANCE: f32 = 0.9;
/// A face does not grow or shrink by more than this factor between two looks.
const MAX_SCALE: f32 = 1.8;
/// How much of a new velocity counts against the old.
const VELOCITY_WEIGHT: f32 = 0.5;

/// Names a track; never given twice by one tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u64);

#[derive(Clone, Debug)]
struct Track {
    id: TrackId,
    bbox: Rect,
    /// Pixels per second.
    velocity: Point,
    seen: Duration,
}

/// What a frame meant for the tracks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackUpdate {
    /// The track of each face, in the order of the faces.
    pub assigned: Vec<TrackId>,
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
    pub fn update(&mut self, at: Duration, faces: &[Rect]) -> TrackUpdate {
        let ended = self.end_lost(at);
        let mut assigned = vec![None; faces.len()];
        for (face, track) in self.pairs(at, faces) {
            self.tracks[track].follow(at, faces[face]);
            assigned[face] = Some(self.tracks[track].id);
        }
        let assigned = assigned.into_iter().zip(faces).map(|(id, face)| id.unwrap_or_else(|| self.begin(at, *face)));
        TrackUpdate { assigned: assigned.collect(), ended }
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

    fn begin(&mut self, at: Duration, bbox: Rect) -> TrackId {
        let id = TrackId(self.next_id);
        self.next_id += 1;
        self.tracks.push(Track { id, bbox, velocity: Point::default(), seen: at });
        id
    }

    /// Pairs of face and track, one to one: those that fit best first. With the few faces of a door this
    /// gives what an optimal assignment would but for contrived cases.
    fn pairs(&self, at: Duration, faces: &[Rect]) -> Vec<(usize, usize)> {
        let mut costs: Vec<(f32, usize, usize)> = Vec::new();
        for (face, bbox) in faces.iter().enumerate() {
            let fits = self.tracks.iter().enumerate().filter_map(|(n, track)| Some((track.cost(at, bbox)?, face, n)));
            costs.extend(fits);
        }
        costs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut face_taken, mut track_taken) = (vec![false; faces.len()], vec![false; self.tracks.len()]);
        let mut pairs = Vec::new();
        for (_, face, track) in costs {
            if !face_taken[face] && !track_taken[track] {
                (face_taken[face], track_taken[track]) = (true, true);
                pairs.push((face, track));
            }
        }
        pairs
    }
}

impl Track {
    /// Where the face is expected if it moves on as it did.
    fn expected(&self, at: Duration) -> Rect {
        let elapsed = at.saturating_sub(self.seen).as_secs_f32();
        let Point { x, y } = self.velocity;
        Rect::new(self.bbox.left + x * elapsed, self.bbox.top + y * elapsed, self.bbox.width, self.bbox.height)
    }

    /// How badly a face fits; `None` if it cannot be this one.
    fn cost(&self, at: Duration, face: &Rect) -> Option<f32> {
        let expected = self.expected(at);
        let iou = expected.iou(face).max(self.bbox.iou(face));
        let width = self.bbox.width.max(face.width).max(1.0);
        let distance = expected.centre().distance(face.centre()) / width;
        let scale = (self.bbox.width / face.width.max(1.0)).max(face.width / self.bbox.width.max(1.0));
        let fits = scale <= MAX_SCALE && (iou >= MIN_IOU || distance <= MAX_CENTRE_DISTANCE);
        fits.then_some(distance + (1.0 - iou))
    }

    fn follow(&mut self, at: Duration, face: Rect) {
        let elapsed = at.saturating_sub(self.seen).as_secs_f32();
        if elapsed > 0.0 {
            let (old, new) = (self.bbox.centre(), face.centre());
            let blend = |velocity: f32, moved: f32| velocity + VELOCITY_WEIGHT * (moved / elapsed - velocity);
            self.velocity = Point::new(blend(self.velocity.x, new.x - old.x), blend(self.velocity.y, new.y - old.y));
        }
        (self.bbox, self.seen) = (face, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAME: Duration = Duration::from_millis(66);

    fn face(x: f32, y: f32, side: f32) -> Rect {
        Rect::centred(Point::new(x, y), side, side)
    }

    fn tracker() -> Tracker {
        Tracker::new(Duration::from_millis(500))
    }

    #[test]
    fn one_face_keeps_its_track_over_movement_and_flicker() {
        let mut tracker = tracker();
        for n in 0..60_u32 {
            let at = FRAME * n;
            let missing = n % 7 >= 4;
            let faces = if missing { vec![] } else { vec![face(100.0 + 6.0 * n as f32, 100.0, 60.0 + n as f32)] };
            let update = tracker.update(at, &faces);
            assert!(update.assigned.iter().all(|id| *id == TrackId(1)), "frame {n}: {update:?}");
            assert!(update.ended.is_empty());
        }
    }

    #[test]
    fn out_of_sight_for_too_long_is_another_visit() {
        let mut tracker = tracker();
        tracker.update(Duration::ZERO, &[face(100.0, 100.0, 60.0)]);
        let update = tracker.update(Duration::from_millis(501), &[face(100.0, 100.0, 60.0)]);
        assert_eq!(update, TrackUpdate { assigned: vec![TrackId(2)], ended: vec![TrackId(1)] });
        assert_eq!(tracker.end_all(), [TrackId(2)]);
        assert_eq!(tracker.end_all(), []);
    }

    #[test]
    fn two_faces_that_cross_keep_their_tracks() {
        let mut tracker = tracker();
        for n in 0..40_u32 {
            let x = 100.0 + 10.0 * n as f32;
            let faces = [face(x, 100.0, 70.0), face(490.0 - 10.0 * n as f32, 128.0, 70.0)];
            let order = if n % 2 == 0 { [0, 1] } else { [1, 0] };
            let update = tracker.update(FRAME * n, &order.map(|k| faces[k]));
            let expected = order.map(|k| TrackId(k as u64 + 1));
            assert_eq!(update.assigned, expected, "frame {n}");
        }
    }

    #[test]
    fn a_face_far_away_or_of_another_size_is_another() {
        let mut tracker = tracker();
        tracker.update(Duration::ZERO, &[face(100.0, 100.0, 60.0)]);
        assert_eq!(tracker.update(FRAME, &[face(300.0, 100.0, 60.0)]).assigned, [TrackId(2)]);
        assert_eq!(tracker.update(FRAME, &[face(100.0, 100.0, 150.0)]).assigned, [TrackId(3)]);
    }

    proptest! {
        #[test]
        fn assignment_is_one_to_one(frames in proptest::collection::vec(
            proptest::collection::vec((0.0..640_f32, 0.0..480_f32, 20.0..200_f32), 0..6), 1..20)
        ) {
            let mut tracker = tracker();
            let mut ended = std::collections::BTreeSet::new();
            for (n, faces) in frames.iter().enumerate() {
                let faces: Vec<Rect> = faces.iter().map(|&(x, y, s)| face(x, y, s)).collect();
                let update = tracker.update(FRAME * u32::try_from(n).unwrap(), &faces);
                ended.extend(update.ended);
                let mut ids = update.assigned.clone();
                ids.sort();
                ids.dedup();
                prop_assert_eq!(ids.len(), faces.len());
                prop_assert!(ids.iter().all(|id| !ended.contains(id)));
            }
        }
    }
}
