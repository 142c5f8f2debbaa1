//! How fit a face is for recognition, and what a person could do about it.
//!
//! Components are named as in ISO/IEC 29794-5 where they match: sharpness, illumination (here `exposure`),
//! pose (yaw, pitch, roll, signs as in ISO/IEC 19794-5), inter-eye distance, head size (here `size`).

mod chip;
mod pose;

use ostiary_common::wire::Angle;
use ostiary_common::wire::{QualitySummary, UnusableReason};

pub use pose::HeadPose;

use crate::align::AlignedChip;
use crate::detect::DetectedFace;

/// From this yaw on a template shows a side, in degrees.
const SIDE_YAW: f32 = 18.0;

/// What was measured on one face. The first five are components, 0 (useless) to 1 (ideal).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FaceQuality {
    /// All together: the geometric mean of the components, so that one useless component makes a useless face.
    pub overall: f32,
    /// How much fine detail the chip shows; blur, smear and upscaling take it away.
    pub sharpness: f32,
    /// Whether the face is neither too dark nor too bright nor clipped.
    pub exposure: f32,
    /// How frontal the head is.
    pub pose: f32,
    /// How large the face is.
    pub size: f32,
    /// Variance of the Laplacian over the face's luminance (0 to 255) in the chip; the raw value of `sharpness`.
    pub laplacian_variance: f32,
    /// Mean luminance of the face in the chip, 0 to 255.
    pub mean_luminance: f32,
    /// Share of the face's pixels that are nearly black or nearly white, 0 to 1.
    pub clipped: f32,
    /// Where the head is turned to.
    pub head: HeadPose,
    /// Width of the face's box in camera pixels.
    pub face_px: f32,
    /// Distance between the eyes in camera pixels.
    pub inter_eye_px: f32,
}

/// What a face must reach to be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QualityGate {
    /// Least width of the face in camera pixels.
    pub min_face_px: f32,
    /// Least `sharpness`.
    pub min_sharpness: f32,
    /// Least `exposure`.
    pub min_exposure: f32,
    /// Least `pose`.
    pub min_pose: f32,
    /// Least `overall`.
    pub min_overall: f32,
}

impl FaceQuality {
    /// Measures a face from its landmarks in the picture and its aligned chip.
    #[must_use]
    pub fn measure(face: &DetectedFace, chip: &AlignedChip) -> Self {
        let look = chip::look(chip);
        let head = HeadPose::estimate(&face.landmarks);
        let (sharpness, exposure) = (look.sharpness(), look.exposure());
        let (pose, size) = (head.frontality(), size_score(face.width_px()));
        Self {
            overall: (sharpness * exposure * pose * size).max(0.0).powf(0.25),
            sharpness,
            exposure,
            pose,
            size,
            laplacian_variance: look.laplacian_variance,
            mean_luminance: look.mean_luminance,
            clipped: look.clipped,
            head,
            face_px: face.width_px(),
            inter_eye_px: face.landmarks.inter_eye_px(),
        }
    }

    /// The first thing that makes this face unfit, in the order a person would mend it; `None` if it is fit.
    #[must_use]
    pub fn problem(&self, gate: &QualityGate) -> Option<UnusableReason> {
        if self.face_px < gate.min_face_px {
            Some(UnusableReason::TooSmall)
        } else if self.exposure < gate.min_exposure {
            Some(self.exposure_problem())
        } else if self.pose < gate.min_pose {
            Some(UnusableReason::TurnedAway)
        } else if self.sharpness < gate.min_sharpness {
            Some(UnusableReason::Blurred)
        } else if self.overall < gate.min_overall {
            Some(self.weakest())
        } else {
            None
        }
    }

    /// What to tell the person in front of the camera about a problem.
    #[must_use]
    pub fn hint(&self, problem: UnusableReason) -> &'static str {
        match problem {
            UnusableReason::TooSmall => "Come closer.",
            UnusableReason::TooDark => "It is too dark: face the light.",
            UnusableReason::TooBright => "It is too bright: step out of the direct light.",
            UnusableReason::TurnedAway => self.head.hint(),
            UnusableReason::Blurred => "Hold still for a moment.",
            UnusableReason::Occluded => "Uncover your face.",
            UnusableReason::TooShort | UnusableReason::Other => "Look at the camera for a moment.",
        }
    }

    /// The side of the face shown.
    #[must_use]
    pub const fn angle(&self) -> Angle {
        if self.head.yaw > SIDE_YAW {
            Angle::Left
        } else if self.head.yaw < -SIDE_YAW {
            Angle::Right
        } else {
            Angle::Frontal
        }
    }

    /// What travels in an event.
    #[must_use]
    pub const fn summary(&self) -> QualitySummary {
        QualitySummary {
            overall: self.overall,
            sharpness: self.sharpness,
            exposure: self.exposure,
            pose: self.pose,
            face_px: self.face_px,
            inter_eye_px: Some(self.inter_eye_px),
            yaw_deg: Some(self.head.yaw),
            pitch_deg: Some(self.head.pitch),
            roll_deg: Some(self.head.roll),
            unoccluded: None,
        }
    }

    const fn exposure_problem(&self) -> UnusableReason {
        if self.mean_luminance < 128.0 { UnusableReason::TooDark } else { UnusableReason::TooBright }
    }

    fn weakest(&self) -> UnusableReason {
        let rows = [
            (self.size, UnusableReason::TooSmall),
            (self.exposure, self.exposure_problem()),
            (self.pose, UnusableReason::TurnedAway),
            (self.sharpness, UnusableReason::Blurred),
        ];
        rows.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).map_or(UnusableReason::Other, |(_, reason)| reason)
    }
}

/// 0 below 20 pixels, where nothing can be told apart, to 1 from 120 pixels on.
fn size_score(face_px: f32) -> f32 {
    ramp(face_px, 20.0, 120.0)
}

/// 0 up to `low`, 1 from `high` on, straight in between.
fn ramp(value: f32, low: f32, high: f32) -> f32 {
    ((value - low) / (high - low)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATE: QualityGate =
        QualityGate { min_face_px: 60.0, min_sharpness: 0.2, min_exposure: 0.3, min_pose: 0.4, min_overall: 0.5 };

    fn good() -> FaceQuality {
        let (face_px, mean_luminance) = (100.0, 120.0);
        FaceQuality {
            overall: 0.9,
            sharpness: 0.9,
            exposure: 0.9,
            pose: 0.9,
            size: 0.8,
            face_px,
            mean_luminance,
            ..FaceQuality::default()
        }
    }

    #[test]
    fn the_first_problem_is_named() {
        let check = |quality: FaceQuality, expected: Option<UnusableReason>| {
            assert_eq!(quality.problem(&GATE), expected, "{quality:?}");
        };
        check(good(), None);
        check(FaceQuality { face_px: 59.0, sharpness: 0.0, ..good() }, Some(UnusableReason::TooSmall));
        check(FaceQuality { exposure: 0.1, mean_luminance: 30.0, ..good() }, Some(UnusableReason::TooDark));
        check(FaceQuality { exposure: 0.1, mean_luminance: 230.0, ..good() }, Some(UnusableReason::TooBright));
        check(FaceQuality { pose: 0.1, ..good() }, Some(UnusableReason::TurnedAway));
        check(FaceQuality { sharpness: 0.1, ..good() }, Some(UnusableReason::Blurred));
        check(FaceQuality { overall: 0.4, pose: 0.45, ..good() }, Some(UnusableReason::TurnedAway));
    }

    #[test]
    fn sides_are_the_subjects_own() {
        let turned = |yaw| FaceQuality { head: HeadPose { yaw, pitch: 0.0, roll: 0.0 }, ..good() }.angle();
        assert_eq!([turned(30.0), turned(-30.0), turned(5.0)], [Angle::Left, Angle::Right, Angle::Frontal]);
    }
}
