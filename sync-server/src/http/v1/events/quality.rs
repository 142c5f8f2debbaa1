//! How good a face was, as the API shows it.

use ostiary_common::wire::QualitySummary;
use serde::Serialize;
use utoipa::ToSchema;

/// How good a face is: shares from 0 (useless) to 1 (ideal), and what was measured of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Quality {
    /// All together, 0 to 1.
    overall: f32,
    /// Sharpness, 0 to 1.
    sharpness: f32,
    /// Exposure, 0 to 1.
    exposure: f32,
    /// Frontality, 0 to 1.
    pose: f32,
    /// Width of the face in pixels of the picture.
    face_px: f32,
    /// Distance between the eyes in pixels of the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    inter_eye_px: Option<f32>,
    /// Rotation to the subject's left, degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    yaw_deg: Option<f32>,
    /// Looking down, degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pitch_deg: Option<f32>,
    /// Tilt towards the subject's right shoulder, degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    roll_deg: Option<f32>,
    /// How free of cover the face is, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    unoccluded: Option<f32>,
}

impl From<QualitySummary> for Quality {
    fn from(quality: QualitySummary) -> Self {
        Self {
            overall: quality.overall,
            sharpness: quality.sharpness,
            exposure: quality.exposure,
            pose: quality.pose,
            face_px: quality.face_px,
            inter_eye_px: quality.inter_eye_px,
            yaw_deg: quality.yaw_deg,
            pitch_deg: quality.pitch_deg,
            roll_deg: quality.roll_deg,
            unoccluded: quality.unoccluded,
        }
    }
}
