//! People as boxes and coats: walking, flickering, crossing, jumping.

use super::*;
use ostiary_models::frame::RgbImage;
use ostiary_models::geometry::Point;
use proptest::prelude::*;

const FRAME: Duration = Duration::from_millis(66);
const BLUE: [u8; 3] = [40, 50, 120];
const RED: [u8; 3] = [150, 30, 30];

fn square(x: f32, y: f32, side: f32) -> Rect {
    Rect::centred(Point::new(x, y), side, side)
}

fn face(x: f32, y: f32, side: f32) -> Sighting {
    Sighting { bbox: square(x, y, side), is_clear: true, appearance: None }
}

fn faint(x: f32, y: f32, side: f32) -> Sighting {
    Sighting { is_clear: false, ..face(x, y, side) }
}

/// Someone in a coat.
fn dressed(x: f32, y: f32, coat: [u8; 3]) -> Sighting {
    let mut picture = RgbImage::black(8, 8);
    picture.as_raw_mut().chunks_exact_mut(3).for_each(|pixel| pixel.copy_from_slice(&coat));
    let appearance = Some(Appearance::of(&picture.view(), &Rect::new(0.0, 0.0, 8.0, 8.0)));
    Sighting { appearance, ..face(x, y, 70.0) }
}

fn tracker() -> Tracker {
    Tracker::new(Duration::from_millis(500))
}

fn ids(update: &TrackUpdate) -> Vec<u64> {
    update.assigned.iter().map(|id| id.map_or(0, |id| id.0)).collect()
}

#[test]
fn one_face_keeps_its_track_over_movement_flicker_and_jitter() {
    let mut tracker = tracker();
    for n in 0..60_u32 {
        let jitter = [5.0, -4.0, 3.0, -6.0][n as usize % 4];
        let seen = face(100.0 + 6.0 * n as f32 + jitter, 100.0 - jitter, 60.0 + n as f32 + jitter);
        let faces = if n % 7 >= 4 { vec![] } else { vec![seen] };
        let update = tracker.update(FRAME * n, &faces);
        assert!(ids(&update).iter().all(|id| *id == 1), "frame {n}: {update:?}");
        assert!(update.ended.is_empty());
    }
}

#[test]
fn out_of_sight_for_too_long_is_another_track() {
    let mut tracker = tracker();
    tracker.update(Duration::ZERO, &[face(100.0, 100.0, 60.0)]);
    let update = tracker.update(Duration::from_millis(501), &[face(100.0, 100.0, 60.0)]);
    assert_eq!((ids(&update), update.ended), (vec![2], vec![TrackId(1)]));
    assert_eq!(tracker.end_all(), [TrackId(2)]);
    assert!(tracker.is_empty() && tracker.end_all().is_empty());
}

#[test]
fn coming_back_within_the_gap_is_the_same_track_with_doubt() {
    let mut tracker = tracker();
    (0..5).for_each(|n| assert!(tracker.update(FRAME * n, &[face(100.0, 100.0, 60.0)]).doubtful.is_empty()));
    let update = tracker.update(FRAME * 4 + Duration::from_millis(450), &[face(110.0, 100.0, 60.0)]);
    assert_eq!((ids(&update), update.doubtful), (vec![1], vec![TrackId(1)]));
}

#[test]
fn two_faces_that_cross_keep_their_tracks() {
    let mut tracker = tracker();
    for n in 0..40_u32 {
        let x = 100.0 + 10.0 * n as f32;
        let faces = [face(x, 100.0, 70.0), face(490.0 - 10.0 * n as f32, 128.0, 70.0)];
        let order = if n % 2 == 0 { [0, 1] } else { [1, 0] };
        let update = tracker.update(FRAME * n, &order.map(|k| faces[k].clone()));
        assert_eq!(ids(&update), order.map(|k| k as u64 + 1), "frame {n}");
    }
}

#[test]
fn a_crossing_with_one_hidden_behind_the_other_is_told_apart_by_coats_and_noted() {
    let mut tracker = tracker();
    let mut doubted = std::collections::BTreeSet::new();
    for n in 0..40_u32 {
        let (a, b) = (100.0 + 10.0 * n as f32, 490.0 - 10.0 * n as f32);
        let hidden = (a - b).abs() < 60.0;
        let faces =
            if hidden { vec![dressed(a, 100.0, BLUE)] } else { vec![dressed(b, 104.0, RED), dressed(a, 100.0, BLUE)] };
        let update = tracker.update(FRAME * n, &faces);
        let expected = if hidden { vec![2] } else { vec![1, 2] };
        assert_eq!(ids(&update), expected, "frame {n}");
        doubted.extend(update.doubtful);
    }
    assert_eq!(doubted.len(), 2, "both are to be looked at again");
}

#[test]
fn doubt_lasts_until_it_is_removed() {
    let mut tracker = tracker();
    let faces = [face(100.0, 100.0, 60.0), face(140.0, 100.0, 60.0)];
    tracker.update(Duration::ZERO, &faces);
    for n in 1..5 {
        assert_eq!(tracker.update(FRAME * n, &faces).doubtful.len(), 2, "frame {n}");
    }
    let apart = [face(90.0, 100.0, 60.0), face(160.0, 100.0, 60.0)];
    assert_eq!(tracker.update(FRAME * 5, &apart).doubtful.len(), 2);
    tracker.confirm(TrackId(1));
    assert_eq!(tracker.update(FRAME * 6, &apart).doubtful, [TrackId(2)]);
}

#[test]
fn a_faint_detection_goes_on_a_track_and_begins_none() {
    let mut tracker = tracker();
    assert_eq!(ids(&tracker.update(Duration::ZERO, &[faint(100.0, 100.0, 60.0)])), [0]);
    assert_eq!(ids(&tracker.update(FRAME, &[face(100.0, 100.0, 60.0)])), [1]);
    assert_eq!(ids(&tracker.update(FRAME * 2, &[faint(103.0, 100.0, 58.0)])), [1]);
    let both = [faint(100.0, 100.0, 60.0), face(104.0, 100.0, 60.0)];
    assert_eq!(ids(&tracker.update(FRAME * 3, &both)), [0, 1], "the clear one comes first");
}

#[test]
fn a_camera_that_jumps_keeps_who_looks_alike_and_doubts_it() {
    let mut tracker = tracker();
    for n in 0..5 {
        tracker.update(FRAME * n, &[dressed(150.0, 100.0, BLUE), dressed(350.0, 100.0, RED)]);
    }
    let update = tracker.update(FRAME * 5, &[dressed(550.0, 260.0, RED), dressed(350.0, 260.0, BLUE)]);
    assert_eq!(ids(&update), [2, 1]);
    assert_eq!(update.doubtful.len(), 2);
    let stranger = tracker.update(FRAME * 6, &[dressed(60.0, 400.0, [30, 160, 40])]);
    assert_eq!(ids(&stranger), [3]);
}

#[test]
fn a_face_far_away_or_of_another_size_is_another() {
    let mut tracker = tracker();
    tracker.update(Duration::ZERO, &[face(100.0, 100.0, 60.0)]);
    assert_eq!(ids(&tracker.update(FRAME, &[face(300.0, 100.0, 60.0)])), [2]);
    assert_eq!(ids(&tracker.update(FRAME, &[face(100.0, 100.0, 150.0)])), [3]);
}

#[test]
fn two_people_pass_side_by_side() {
    let mut tracker = tracker();
    for n in 0..30_u32 {
        let x = 80.0 + 12.0 * n as f32;
        let faces = [dressed(x, 100.0, BLUE), dressed(x + 60.0, 110.0, RED)];
        assert_eq!(ids(&tracker.update(FRAME * n, &faces)), [1, 2], "frame {n}");
    }
}

proptest! {
    #[test]
    fn assignment_is_one_to_one(frames in proptest::collection::vec(
        proptest::collection::vec((0.0..640_f32, 0.0..480_f32, 20.0..200_f32, any::<bool>()), 0..6), 1..20)
    ) {
        let mut tracker = tracker();
        let mut ended = std::collections::BTreeSet::new();
        for (n, faces) in frames.iter().enumerate() {
            let faces: Vec<Sighting> =
                faces.iter().map(|&(x, y, s, is_clear)| Sighting { is_clear, ..face(x, y, s) }).collect();
            let update = tracker.update(FRAME * u32::try_from(n).unwrap(), &faces);
            ended.extend(update.ended);
            prop_assert_eq!(update.assigned.len(), faces.len());
            let given: Vec<TrackId> = update.assigned.iter().flatten().copied().collect();
            let distinct: std::collections::BTreeSet<_> = given.iter().copied().collect();
            prop_assert_eq!(distinct.len(), given.len());
            prop_assert!(given.iter().all(|id| !ended.contains(id)));
            prop_assert!(update.assigned.iter().zip(&faces).all(|(id, face)| id.is_some() || !face.is_clear));
            prop_assert!(update.doubtful.iter().all(|id| distinct.contains(id)));
        }
    }
}
