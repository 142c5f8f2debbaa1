//! What became of photos, as the API shows it.

use ostiary_models::geometry::Rect;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::enroll::Accepted;
use crate::enroll::problem::PhotoProblem;
use crate::http::problem::{Problem, problem_value};
use crate::http::v1::events::quality::Quality;

/// What became of each photo, in the order they were sent.
#[derive(Serialize, ToSchema)]
pub struct Photos {
    /// One result per photo.
    pub(super) results: Vec<PhotoResult>,
    /// The gallery's revision after them.
    pub(super) revision: u64,
    /// Set if the gallery is nearly more, or more, than the model pack can tell apart: what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gallery_warning: Option<String>,
}

/// What became of a photo.
#[derive(Serialize, ToSchema)]
pub struct PhotoResult {
    /// Whether it became a template.
    pub(super) accepted: bool,
    /// The template.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<Uuid>,
    /// The same photo was sent before; nothing was added.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
    /// How good the face is.
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<Quality>,
    /// Where the face is, in pixels of the upright photo.
    #[serde(skip_serializing_if = "Option::is_none")]
    face: Option<FaceBox>,
    /// Something to look at, although the photo was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<Warning>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// A rectangle in pixels.
#[derive(Serialize, ToSchema)]
pub struct FaceBox {
    /// Left edge.
    left: f32,
    /// Top edge.
    top: f32,
    /// Width.
    width: f32,
    /// Height.
    height: f32,
}

/// Another person looks alike enough to be mistaken.
#[derive(Serialize, ToSchema)]
struct Warning {
    /// `lookalike`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// The other person.
    person: Uuid,
    /// The other person's name.
    name: String,
    /// Cosine similarity.
    similarity: f32,
    /// The similarity from which persons are named.
    limit: f32,
    /// Whether it may well be the same person, enrolled twice: a door would take the one for the other.
    likely_same: bool,
    /// What to do.
    detail: String,
}

impl From<Accepted> for PhotoResult {
    fn from(accepted: Accepted) -> Self {
        let warning = accepted.lookalike.map(|other| Warning {
            kind: "lookalike",
            person: other.candidate.person.0,
            similarity: other.candidate.similarity,
            limit: other.limit,
            likely_same: other.is_likely_same(),
            detail: format!(
                "{} looks alike: check that this is not the same person enrolled twice; if so, merge the two. If they \
                 are two, visits of either may end as unknown; photos from more sides help.",
                other.name
            ),
            name: other.name,
        });
        Self {
            accepted: true,
            template: Some(accepted.template.0),
            duplicate: accepted.revision.is_none(),
            quality: Some(accepted.quality.summary().into()),
            face: Some(accepted.face.into()),
            warning,
            problem: None,
        }
    }
}

impl From<PhotoProblem> for PhotoResult {
    fn from(problem: PhotoProblem) -> Self {
        let quality = match &problem {
            PhotoProblem::QualityTooLow { quality, .. } => Some(quality.summary().into()),
            _ => None,
        };
        let problem = problem_value(problem.slug(), problem.title(), problem.detail());
        Self {
            accepted: false,
            template: None,
            duplicate: false,
            quality,
            face: None,
            warning: None,
            problem: Some(problem),
        }
    }
}

impl From<Rect> for FaceBox {
    fn from(Rect { left, top, width, height }: Rect) -> Self {
        Self { left, top, width, height }
    }
}
