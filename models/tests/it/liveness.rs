//! Cues of single looks on a real photo: nothing in it speaks against a living face, and one look is never enough.

use std::time::Duration;

use ostiary_models::liveness::{LivenessRules, LivenessTrack, MIN_FACE_PX};
use ostiary_models::quality::Component;

use crate::support::{astronaut, default_engine};

#[test]
fn a_photo_shows_nothing_and_proves_nothing() {
    let mut engine = default_engine();
    let picture = astronaut();
    let face = engine.find_faces_in_photo(picture.view()).unwrap()[0];
    assert!(face.width_px() > MIN_FACE_PX);
    let chip = engine.chip(picture.view(), &face);
    let mut track = LivenessTrack::new(&LivenessRules::default());
    let cues = engine.liveness_cues(picture.view(), &face, &chip).unwrap();
    assert!(cues.is_some());
    track.observe(Duration::ZERO, &face, cues);
    assert!(track.strengths().iter().all(|(_, strength)| *strength < 0.1), "{:?}", track.strengths());
    assert!(!track.verdict().enough);
}

#[test]
fn a_good_portrait_keeps_to_every_limit_that_decides() {
    let mut engine = default_engine();
    let picture = astronaut();
    let faces = engine.find_faces_in_photo(picture.view()).unwrap();
    let chip = engine.chip(picture.view(), &faces[0]);
    let quality = engine.quality(&faces[0], &chip);
    let gate = engine.thresholds().enroll_gate();
    let failed: Vec<Component> = quality.components(&gate).filter(|one| one.decides && !one.ok).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert!(quality.summary().unoccluded.is_some_and(|free| free > 0.9), "{quality:?}");
    assert!(Component::single_face(faces.len()).ok);
}
