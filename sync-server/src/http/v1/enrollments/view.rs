//! An enrollment at a door, as the API shows it.

use ostiary_common::wire::{Angle, EnrollProgress};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::enroll::door::DoorStanding;
use crate::http::v1::events::quality::Quality;

/// Somebody being enrolled at a door.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnrollmentView {
    /// Id.
    id: Uuid,
    /// By which camera.
    device: Uuid,
    /// Who.
    person: Uuid,
    /// `sent`, `running`, `done`, `failed`, `cancelled`, `expired` (the camera has not said how it ended; what it says
    /// later is taken all the same).
    #[schema(value_type = String)]
    state: &'static str,
    /// Why it failed or ended: `another-face`, `spoof-suspected`, `refused`, `timed-out`, `quality-too-low`,
    /// `consent-missing`, `no-answer`, `cancelled`.
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    /// Templates that were made.
    templates: u32,
    /// When it was asked for.
    asked_at: String,
    /// Not begun any more after this.
    not_after: String,
    /// When its state changed last.
    changed_at: String,
    /// How it goes, while it is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ProgressView>,
}

/// How an enrollment goes.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProgressView {
    /// The angle asked for now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    wanted: Option<Angle>,
    /// The angles taken so far.
    #[schema(value_type = Vec<String>)]
    taken: Vec<Angle>,
    /// What keeps the present frame from being taken, as in captures.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// What to tell the person.
    hint: String,
    /// How much of the time a pose is to be held has passed, 0 to 1.
    held: f32,
    /// What was measured on the face.
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<Quality>,
}

/// A camera's enrollments.
#[derive(Serialize, ToSchema)]
pub struct Enrollments {
    /// The newest first.
    pub(super) items: Vec<EnrollmentView>,
}

impl From<DoorStanding> for EnrollmentView {
    fn from(DoorStanding { enrollment, progress }: DoorStanding) -> Self {
        Self {
            id: enrollment.id.0,
            device: enrollment.device.0,
            person: enrollment.person.0,
            state: enrollment.state.as_str(),
            reason: enrollment.detail,
            templates: enrollment.templates,
            asked_at: enrollment.asked_at.to_rfc3339(),
            not_after: enrollment.not_after.to_rfc3339(),
            changed_at: enrollment.changed_at.to_rfc3339(),
            progress: progress.map(ProgressView::from),
        }
    }
}

impl From<EnrollProgress> for ProgressView {
    fn from(progress: EnrollProgress) -> Self {
        Self {
            wanted: progress.wanted,
            taken: progress.taken,
            problem: progress.problem,
            hint: progress.hint,
            held: progress.held,
            quality: progress.quality.map(Quality::from),
        }
    }
}
