//! How fit a face is for recognition, and what a person could do about it.
//!
//! Components are named as in ISO/IEC 29794-5 where they match; [`FaceQuality::components`] lists them with
//! their limits, [`FaceQuality::problem`] says what makes a face unfit. How well they do is measured in
//! `docs/quality.md`.

mod chip;
mod components;
mod cover;
mod light;
mod pose;

use ostiary_common::wire::Angle;
use ostiary_common::wire::{QualitySummary, UnusableReason};

pub use components::{Component, Limit};
pub use pose::HeadPose;

use crate::align::{AlignedChip, Template};
use crate::detect::DetectedFace;
use crate::layout::Layout;
use cover::Cover;
use light::Light;

/// From this yaw on a template shows a side, in degrees.
const SIDE_YAW: f32 = 18.0;
/// Widths in pixels below which nothing can be told apart, and from which on more do not help.
const SIZE_PX: (f32, f32) = (20.0, 120.0);
/// From this share on a face cut off by the picture's edge is unfit.
const MOST_CUT_OFF: f32 = 0.15;
/// Narrower faces do not show whether they are covered.
const COVER_FROM_PX: f32 = 40.0;

const COME_CLOSER: &str = "Come closer.";
const TOO_DARK: &str = "It is too dark: face the light.";
const TOO_BRIGHT: &str = "It is too bright: step out of the direct light.";
const HOLD_STILL: &str = "Hold still for a moment.";
const LOOK_AT_CAMERA: &str = "Look at the camera for a moment.";
const STEP_INTO_PICTURE: &str = "Step into the middle of the picture.";

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
    /// Share of the face that is not dark beyond use, 0 to 1.
    pub under_exposure: f32,
    /// Share of the face that is not bright beyond use, 0 to 1.
    pub over_exposure: f32,
    /// Entropy of the face's luminance in bits, 0 to 8.
    pub dynamic_range: f32,
    /// How alike the light is on both sides, 0 to 1.
    pub illumination_uniformity: f32,
    /// How free of dark glasses the eyes are, 0 to 1; `None` if the face is too small to tell.
    pub eyes_visible: Option<f32>,
    /// How free of a mask or scarf the mouth is, 0 to 1; `None` if the face is too small to tell.
    pub mouth_visible: Option<f32>,
    /// Share of the face outside of the picture, 0 to 1.
    pub cut_off: f32,
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
    /// Least of `eyes_visible` and `mouth_visible`, where they can be told.
    pub min_unoccluded: f32,
}

impl FaceQuality {
    /// Measures a face from its landmarks in the picture and its chip, aligned to `template`.
    #[must_use]
    pub fn measure(face: &DetectedFace, chip: &AlignedChip, template: &Template) -> Self {
        let look = chip::look(chip);
        let layout = Layout::of(template);
        let light = Light::measure(chip, &layout);
        let cover = (face.width_px() >= COVER_FROM_PX).then(|| Cover::measure(chip, &layout));
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
            under_exposure: light.under_exposure,
            over_exposure: light.over_exposure,
            dynamic_range: light.dynamic_range,
            illumination_uniformity: light.uniformity,
            eyes_visible: cover.map(|cover| cover.eyes()),
            mouth_visible: cover.map(|cover| cover.mouth()),
            cut_off: chip.cut_off(),
        }
    }

    /// Everything measured, with its limits at `gate`, for people and APIs.
    pub fn components(&self, gate: &QualityGate) -> impl Iterator<Item = Component> + use<> {
        components::rows(self, gate)
    }

    /// How free of cover the face is, 0 to 1; `None` if the face is too small to tell.
    #[must_use]
    pub fn unoccluded(&self) -> Option<f32> {
        Some(self.eyes_visible?.min(self.mouth_visible?))
    }

    /// The first thing that makes this face unfit, in the order a person would mend it; `None` if it is fit.
    #[must_use]
    pub fn problem(&self, gate: &QualityGate) -> Option<UnusableReason> {
        if self.face_px < gate.min_face_px {
            Some(UnusableReason::TooSmall)
        } else if self.cut_off > MOST_CUT_OFF {
            Some(UnusableReason::Occluded)
        } else if self.exposure < gate.min_exposure {
            Some(self.exposure_problem())
        } else if self.pose < gate.min_pose {
            Some(UnusableReason::TurnedAway)
        } else if self.sharpness < gate.min_sharpness {
            Some(UnusableReason::Blurred)
        } else if self.unoccluded().is_some_and(|free| free < gate.min_unoccluded) {
            // After blur, which takes the mouth's line away as a mask does.
            Some(UnusableReason::Occluded)
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
            UnusableReason::TooSmall => COME_CLOSER,
            UnusableReason::TooDark => TOO_DARK,
            UnusableReason::TooBright => TOO_BRIGHT,
            UnusableReason::TurnedAway => self.head.hint(),
            UnusableReason::Blurred => HOLD_STILL,
            UnusableReason::Occluded => self.occlusion_hint(),
            UnusableReason::TooShort | UnusableReason::GalleryStale | UnusableReason::Other => LOOK_AT_CAMERA,
        }
    }

    fn occlusion_hint(&self) -> &'static str {
        if self.cut_off > MOST_CUT_OFF {
            return STEP_INTO_PICTURE;
        }
        match (self.eyes_visible, self.mouth_visible) {
            (Some(eyes), Some(mouth)) if eyes < mouth => "Take off dark glasses.",
            (Some(_), Some(_)) => "Uncover your mouth and nose.",
            _ => "Uncover your face.",
        }
    }

    const fn exposure_hint(&self) -> &'static str {
        match self.exposure_problem() {
            UnusableReason::TooDark => TOO_DARK,
            _ => TOO_BRIGHT,
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
    pub fn summary(&self) -> QualitySummary {
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
            unoccluded: self.unoccluded(),
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

fn size_score(face_px: f32) -> f32 {
    ramp(face_px, SIZE_PX.0, SIZE_PX.1)
}

/// 0 up to `low`, 1 from `high` on, straight in between.
fn ramp(value: f32, low: f32, high: f32) -> f32 {
    ((value - low) / (high - low)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATE: QualityGate = QualityGate {
        min_face_px: 60.0,
        min_sharpness: 0.2,
        min_exposure: 0.3,
        min_pose: 0.4,
        min_overall: 0.5,
        min_unoccluded: 0.3,
    };

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
        check(FaceQuality { cut_off: 0.4, ..good() }, Some(UnusableReason::Occluded));
        let covered = FaceQuality { eyes_visible: Some(0.9), mouth_visible: Some(0.1), ..good() };
        check(covered, Some(UnusableReason::Occluded));
        assert_eq!(covered.hint(UnusableReason::Occluded), "Uncover your mouth and nose.");
    }

    #[test]
    fn components_say_what_problem_says() {
        let check = |quality: FaceQuality, expected: &[&str]| {
            let failed: Vec<_> = quality.components(&GATE).filter(|one| one.decides && !one.ok).collect();
            let names: Vec<_> = failed.iter().map(|one| one.name).collect();
            assert_eq!(names, expected, "{quality:?}");
            assert_eq!(quality.problem(&GATE).is_none(), expected.is_empty());
        };
        check(good(), &[]);
        check(FaceQuality { face_px: 59.0, ..good() }, &["head_size"]);
        check(FaceQuality { exposure: 0.1, ..good() }, &["exposure"]);
        check(FaceQuality { pose: 0.1, sharpness: 0.1, ..good() }, &["sharpness", "head_pose"]);
        let covered = FaceQuality { eyes_visible: Some(0.1), mouth_visible: Some(0.8), ..good() };
        check(covered, &["eyes_visible"]);
        check(FaceQuality { cut_off: 0.4, ..good() }, &["cut_off"]);
    }

    #[test]
    fn a_component_reads_as_a_sentence() {
        let turned = FaceQuality { head: HeadPose { yaw: 43.0, ..HeadPose::default() }, ..good() };
        let yaw = turned.components(&GATE).find(|one| one.name == "yaw").unwrap();
        assert_eq!(yaw.to_string(), "yaw 43.00 deg (-90 to 90, within 36.20): Turn a little to the right.");
        assert_eq!(
            Component::single_face(2).to_string(),
            "single_face 2.00 (0 to 1000, exactly 1): One person only, please."
        );
    }

    #[test]
    fn sides_are_the_subjects_own() {
        let turned = |yaw| FaceQuality { head: HeadPose { yaw, pitch: 0.0, roll: 0.0 }, ..good() }.angle();
        assert_eq!([turned(30.0), turned(-30.0), turned(5.0)], [Angle::Left, Angle::Right, Angle::Frontal]);
    }
}
