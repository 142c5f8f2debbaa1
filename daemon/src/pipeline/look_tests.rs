//! The whole pipeline on scripted faces: the picture says where faces are and whose they are.
//!
//! A face is a grey square; its brightness names the axis of its embedding, so the fake needs no state.

use super::*;
use crate::config::Config;
use crate::convert::{PixelFormat, RawPicture};
use crate::domain::trust::Proven;
use crate::ports::{CloseLook, FinderError};
use crate::testing::{DIMENSION, shared, template};
use ostiary_common::wire::{Revision, UnusableReason, VisitReport};
use ostiary_models::align::AlignedChip;
use ostiary_models::detect::{Landmarks, Mouth};
use ostiary_models::embed::Embedding;
use ostiary_models::geometry::{Point, Rect};
use ostiary_models::quality::FaceQuality;

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
/// Brightness of what is behind; by it changes of light are told from people.
const WALL: u8 = 40;
/// Brightness of the face along axis 0; each axis is ten brighter.
const FIRST: u8 = 60;
/// Brightness of a face too blurred to use.
const BLURRED: u8 = 240;

#[derive(Clone, Copy)]
struct Face {
    x: u32,
    y: u32,
    side: u32,
    light: u8,
}

/// Finds the squares of a picture.
struct Squares;

impl FaceFinder for Squares {
    fn clear_score(&self) -> f32 {
        0.5
    }

    fn find(&mut self, frame: RgbView<'_>) -> Result<Vec<DetectedFace>, FinderError> {
        let light = |x: u32, y: u32| frame.row(y)[3 * x as usize];
        let mut found = Vec::new();
        for y in 0..frame.height() {
            for x in 0..frame.width() {
                let is_corner = light(x, y) >= FIRST
                    && (x == 0 || light(x - 1, y) != light(x, y))
                    && (y == 0 || light(x, y - 1) != light(x, y));
                if is_corner {
                    let side = (x..frame.width()).take_while(|&at| light(at, y) == light(x, y)).count();
                    found.push(face_at(x as f32, y as f32, side as f32));
                }
            }
        }
        Ok(found)
    }

    fn looks_at_half(&self, _: u32, _: u32) -> bool {
        false
    }

    fn find_in_half(&mut self, half: RgbView<'_>) -> Result<Vec<DetectedFace>, FinderError> {
        self.find(half)
    }

    fn look(&mut self, frame: RgbView<'_>, face: &DetectedFace, _: bool) -> Result<CloseLook, FinderError> {
        let light = frame.row(face.bbox.top as u32)[3 * face.bbox.left as usize];
        let mut picture = RgbImage::black(8, 8);
        picture.as_raw_mut().fill(light);
        let sharpness = if light == BLURRED { 0.0 } else { 1.0 };
        let quality = FaceQuality {
            overall: 0.8 * sharpness,
            sharpness,
            exposure: 1.0,
            pose: 1.0,
            size: 1.0,
            mean_luminance: 120.0,
            face_px: face.bbox.width,
            ..FaceQuality::default()
        };
        Ok(CloseLook { face: *face, chip: AlignedChip::from_picture(picture).unwrap(), quality, cues: None })
    }

    fn embed(&mut self, look: &CloseLook) -> Result<Embedding, FinderError> {
        let axis = usize::from((look.chip.picture().as_raw()[0] - FIRST) / 10);
        let mut values = vec![0.05; DIMENSION];
        values[axis] = 1.0;
        Embedding::from_raw(values).map_err(|error| FinderError(error.to_string()))
    }
}

fn face_at(x: f32, y: f32, side: f32) -> DetectedFace {
    let point = |dx: f32, dy: f32| Point::new(x + dx * side, y + dy * side);
    let mouth = Mouth::Centre(point(0.5, 0.8));
    let landmarks = Landmarks { right_eye: point(0.3, 0.4), left_eye: point(0.7, 0.4), nose: point(0.5, 0.6), mouth };
    DetectedFace { bbox: Rect::new(x, y, side, side), score: 0.9, landmarks }
}

struct Door {
    _dir: tempfile::TempDir,
    pipeline: Pipeline<Squares>,
    frames: u64,
    interval: Duration,
    decided: Vec<VisitReport>,
}

impl Door {
    /// A door whose gallery holds the persons of axes 0 and 1.
    fn new(reentry_s: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (shared, ..) = shared(dir.path(), &Config::default());
        let persons = [template(0), template(1)].map(|(person, row)| (person, vec![row])).to_vec();
        shared.gallery.store(Arc::new(Gallery::build(Revision(3), DIMENSION, persons)));
        let (max_gap, reentry) = (Duration::from_millis(500), Duration::from_secs(reentry_s));
        let setup = Setup { max_gap, reentry, is_live: false };
        let pipeline = Pipeline::new(shared, Squares, vec![Squares], setup).unwrap();
        Self { _dir: dir, pipeline, frames: 0, interval: Duration::from_millis(100), decided: Vec::new() }
    }

    fn frame(&mut self, faces: &[Face]) {
        let mut data = vec![WALL; (WIDTH * HEIGHT) as usize];
        for face in faces {
            for y in face.y..face.y + face.side {
                let start = (y * WIDTH + face.x) as usize;
                data[start..start + face.side as usize].fill(face.light);
            }
        }
        let picture =
            RawPicture { format: PixelFormat::Grey, width: WIDTH, height: HEIGHT, stride: WIDTH as usize, data };
        let at = self.interval * u32::try_from(self.frames).unwrap();
        self.frames += 1;
        let frame = Frame { picture, at, captured: Instant::now(), seq: self.frames };
        self.decided.extend(self.pipeline.process(&frame).into_iter().map(|decided| decided.report));
    }

    fn frames(&mut self, count: u32, faces: impl Fn(u32) -> Vec<Face>) {
        (0..count).for_each(|n| self.frame(&faces(n)));
    }

    /// Outcome and person's axis of each visit, once everybody has gone.
    fn outcomes(mut self) -> Vec<(OutcomeKind, Option<u128>)> {
        self.decided.extend(self.pipeline.end_all().into_iter().map(|decided| decided.report));
        self.decided.iter().map(|r| (r.outcome, r.matched.map(|found| found.person.0.as_u128()))).collect()
    }
}

const fn person(axis: u8, x: u32, y: u32) -> Face {
    Face { x, y, side: 60, light: FIRST + 10 * axis }
}

#[test]
fn each_visit_is_decided_once_and_carries_what_it_should() {
    let mut door = Door::new(0);
    door.frames(20, |n| vec![person(0, 40 + 5 * n, 60)]);
    door.frames(8, |_| vec![]);
    door.frames(20, |n| vec![person(2, 40 + 5 * n, 60)]);
    let (known, stranger) = (&door.decided[0], &door.decided[1]);
    assert_eq!(known.gallery_rev, Revision(3));
    assert!(known.embedding.is_some() && stranger.embedding.is_some());
    assert!(known.crop_jpeg.as_ref().is_some_and(|jpeg| jpeg.len() < 16 * 1024));
    assert!(known.nearest.is_some_and(|second| second.similarity < known.matched.unwrap().similarity));
    assert!((1..=3).contains(&known.embeddings) && known.quality.face_px >= 60.0);
    assert_eq!(door.outcomes(), [(OutcomeKind::Match, Some(0)), (OutcomeKind::Unknown, None)]);
}

#[test]
fn nobody_is_matched_while_the_gallery_may_be_out_of_date() {
    let mut door = Door::new(0);
    door.pipeline.shared.proven.store(Arc::default());
    door.frames(20, |n| vec![person(0, 40 + 5 * n, 60)]);
    door.frames(8, |_| vec![]);
    door.pipeline.shared.proven.store(Arc::new(Proven { at: None, in_this_run: Some(Duration::ZERO) }));
    door.frames(20, |n| vec![person(0, 40 + 5 * n, 60)]);
    assert_eq!(door.decided[0].reason, Some(UnusableReason::GalleryStale));
    assert!(door.decided[0].nearest.is_none() && door.decided[0].embedding.is_none());
    assert_eq!(door.outcomes(), [(OutcomeKind::Unusable, None), (OutcomeKind::Match, Some(0))]);
}

#[test]
fn two_people_side_by_side_and_crossing_are_two_visits() {
    let mut door = Door::new(0);
    door.frames(24, |n| vec![person(0, 10 + 10 * n, 20), person(1, 250 - 10 * n, 120)]);
    let mut outcomes = door.outcomes();
    outcomes.sort_by_key(|(_, person)| *person);
    assert_eq!(outcomes, [(OutcomeKind::Match, Some(0)), (OutcomeKind::Match, Some(1))]);
}

#[test]
fn one_person_cannot_stand_in_a_frame_twice() {
    let mut door = Door::new(0);
    door.frames(20, |_| vec![person(0, 20, 60), person(0, 200, 60)]);
    let mut outcomes = door.outcomes();
    outcomes.sort_by_key(|(_, person)| person.is_none());
    assert_eq!(outcomes, [(OutcomeKind::Match, Some(0)), (OutcomeKind::Unknown, None)]);
}

#[test]
fn flicker_goes_on_and_a_short_absence_counts_as_configured() {
    let script = |reentry_s| {
        let mut door = Door::new(reentry_s);
        door.frames(20, |n| if n % 5 == 4 { vec![] } else { vec![person(0, 40, 60)] });
        door.frames(10, |_| vec![]);
        door.frames(10, |_| vec![person(0, 40, 60)]);
        door.frames(40, |_| vec![]);
        door.frames(10, |_| vec![person(0, 40, 60)]);
        door.outcomes().len()
    };
    assert_eq!(script(0), 3, "each track is a visit");
    assert_eq!(script(2), 2, "a second away is the same visit, four seconds are not");
}

#[test]
fn faces_too_small_or_blurred_end_as_unusable_with_the_reason() {
    let mut door = Door::new(0);
    door.frames(10, |_| vec![Face { side: 20, ..person(0, 40, 60) }]);
    door.frames(8, |_| vec![]);
    door.frames(10, |_| vec![Face { light: BLURRED, ..person(0, 40, 60) }]);
    door.frames(8, |_| vec![]);
    let reasons: Vec<_> = door.decided.iter().map(|report| report.reason).collect();
    assert_eq!(reasons, [Some(UnusableReason::TooSmall), Some(UnusableReason::Blurred)]);
}

#[test]
fn a_frame_that_cannot_be_read_is_counted_and_passed_over() {
    let mut door = Door::new(0);
    let picture = RawPicture { format: PixelFormat::Jpeg, width: 0, height: 0, stride: 0, data: vec![1, 2, 3] };
    let frame = Frame { picture, at: Duration::ZERO, captured: Instant::now(), seq: 1 };
    assert!(door.pipeline.process(&frame).is_empty());
    assert_eq!(door.pipeline.shared.telemetry.frames_bad.get(), 1);
}

/// A leaf in the wind is looked at less and less; who steps out of it is found all the same.
#[test]
fn what_moves_in_vain_is_looked_at_less_often() {
    let mut door = Door::new(0);
    let leaf = |n: u32| vec![Face { x: 20 + 10 * (n % 3), y: 180, side: 30, light: 55 }];
    door.interval = Duration::from_millis(50);
    door.frames(60, leaf);
    let looked = door.pipeline.shared.telemetry.frames_processed.get();
    assert!((8..=25).contains(&looked), "{looked} of 60 frames");
    door.frames(20, |n| [leaf(n), vec![person(0, 200, 40)]].concat());
    door.frames(20, |_| vec![]);
    assert_eq!(door.outcomes(), [(OutcomeKind::Match, Some(0))]);
}
