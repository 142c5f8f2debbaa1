//! Made-up looks for tests: two persons whose faces lie far apart, and grow somewhat unlike themselves as they turn.

use std::time::Duration;

use super::{Glance, GuideRules, Seen};
use crate::align::AlignedChip;
use crate::decide::Rule;
use crate::detect::{DetectedFace, Landmarks};
use crate::embed::Embedding;
use crate::frame::RgbImage;
use crate::geometry::{Point, Rect};
use crate::quality::{FaceQuality, HeadPose, QualityGate};

pub(super) const RULE: Rule = Rule { threshold: 0.93, margin: 0.01 };
pub(super) const GATE: QualityGate = QualityGate {
    min_face_px: 80.0,
    min_sharpness: 0.2,
    min_exposure: 0.35,
    min_pose: 0.3,
    min_overall: 0.4,
    min_unoccluded: 0.35,
};

pub(super) fn rules() -> GuideRules {
    GuideRules::new(GATE, RULE)
}

/// How somebody looks in one frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) who: usize,
    pub(super) yaw: f32,
    pub(super) overall: f32,
    pub(super) left: f32,
    pub(super) face_px: f32,
}

pub(super) const USUAL: Look = Look { who: 0, yaw: 0.0, overall: 0.8, left: 200.0, face_px: 150.0 };

pub(super) fn turned(yaw: f32) -> Look {
    Look { yaw, ..USUAL }
}

pub(super) fn embedding(who: usize, yaw: f32) -> Embedding {
    let mut values = vec![0.0; 4];
    values[who] = 1.0;
    values[3] = (yaw / 90.0) * 0.9;
    Embedding::from_raw(values).unwrap()
}

pub(super) fn seen(look: Look) -> Seen<f32> {
    let point = |x: f32, y: f32| Point::new(look.left + x, 100.0 + y);
    let landmarks =
        Landmarks::with_mouth_centre(point(45.0, 60.0), point(105.0, 60.0), point(75.0, 95.0), point(75.0, 120.0));
    let bbox = Rect::new(look.left, 100.0, look.face_px, look.face_px);
    let head = HeadPose { yaw: look.yaw, ..HeadPose::default() };
    let pose = head.frontality();
    let quality = FaceQuality {
        overall: look.overall * pose.powf(0.25),
        pose,
        sharpness: 0.8,
        exposure: 0.9,
        size: 1.0,
        face_px: look.face_px,
        head,
        ..FaceQuality::default()
    };
    let embedding = rules().wants_embedding(&quality).then(|| embedding(look.who, look.yaw));
    let chip = AlignedChip::from_picture(RgbImage::black(8, 8)).unwrap();
    let face = DetectedFace { bbox, score: 0.9, landmarks };
    Seen::One(Box::new(Glance { face, quality, cues: None, chip, embedding, keep: look.yaw }))
}

pub(super) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
