//! What became of photos, as the API shows it.

use ostiary_common::wire::Angle;
use ostiary_models::geometry::Rect;
use ostiary_models::quality::{FaceQuality, QualityGate};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::coverage::Coverage;
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
    /// Which sides of the person's face are enrolled now.
    pub(super) coverage: CoverageView,
    /// Set if the gallery is nearly more, or more, than the model pack can tell apart: what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gallery_warning: Option<String>,
}

/// Which sides of a person's face are enrolled.
#[derive(Serialize, ToSchema)]
#[schema(as = Coverage)]
pub struct CoverageView {
    /// Templates from the front.
    frontal: u32,
    /// Templates of the subject's left side.
    left: u32,
    /// Templates of the subject's right side.
    right: u32,
    /// Sides of which there is none: `frontal`, `left`, `right`.
    #[schema(value_type = Vec<String>)]
    missing: Vec<Angle>,
    /// What to do about it; absent if nothing is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    advice: Option<&'static str>,
}

impl From<Coverage> for CoverageView {
    fn from(coverage: Coverage) -> Self {
        let (missing, advice) = (coverage.missing(), coverage.advice());
        Self { frontal: coverage.frontal, left: coverage.left, right: coverage.right, missing, advice }
    }
}

/// One thing measured on a face.
#[derive(Serialize, ToSchema)]
#[schema(as = QualityComponent)]
struct ComponentView {
    /// Stable, as in ISO/IEC 29794-5 where it has the component.
    #[schema(value_type = String)]
    name: &'static str,
    /// What was measured.
    value: f32,
    /// `1` for a score or share from 0 to 1, else `px`, `deg`, `bit`.
    #[schema(value_type = String)]
    unit: &'static str,
    /// Whether it is as it should be.
    ok: bool,
    /// What to do about it; absent if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    hint: Option<&'static str>,
}

/// Everything measured on a face, in the order of the table in docs/quality.md.
fn components(quality: &FaceQuality, gate: &QualityGate) -> Vec<ComponentView> {
    let view = |found: ostiary_models::quality::Component| ComponentView {
        name: found.name,
        value: found.value,
        unit: found.unit,
        ok: found.ok,
        hint: (!found.ok).then_some(found.hint),
    };
    quality.components(gate).map(view).collect()
}

/// What became of a photo.
#[derive(Serialize, ToSchema)]
pub struct PhotoResult {
    /// Whether it became a template.
    pub(super) accepted: bool,
    /// The template.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<Uuid>,
    /// The same photo was sent before, or one that shows the same; nothing was added.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
    /// How alike (cosine) the photo is to the template that shows the same, if it was made of another photo.
    #[serde(skip_serializing_if = "Option::is_none")]
    near: Option<f32>,
    /// Templates it took the place of, because it is better.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    instead_of: Vec<Uuid>,
    /// It was taken only because `insist` was said.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    insisted: bool,
    /// The side of the face: `frontal`, `left`, `right`, `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    angle: Option<Angle>,
    /// How good the face is.
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<Quality>,
    /// Everything measured on the face, with what to do where it is not as it should be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<ComponentView>,
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

impl PhotoResult {
    /// Of a photo that was taken; `gate` is what a face must reach.
    pub(in crate::http::v1) fn accepted(accepted: Accepted, gate: &QualityGate) -> Self {
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
            near: accepted.near,
            instead_of: accepted.instead_of.into_iter().map(|template| template.0).collect(),
            insisted: accepted.insisted,
            angle: Some(accepted.quality.angle()),
            quality: Some(accepted.quality.summary().into()),
            components: components(&accepted.quality, gate),
            face: Some(accepted.face.into()),
            warning,
            problem: None,
        }
    }

    /// Of a photo that was refused.
    pub(in crate::http::v1) fn refused(problem: &PhotoProblem, gate: &QualityGate) -> Self {
        let measured = match problem {
            PhotoProblem::QualityTooLow { quality, .. } => Some(quality),
            _ => None,
        };
        Self {
            accepted: false,
            template: None,
            duplicate: false,
            near: None,
            instead_of: Vec::new(),
            insisted: false,
            angle: measured.map(FaceQuality::angle),
            quality: measured.map(|quality| quality.summary().into()),
            components: measured.map(|quality| components(quality, gate)).unwrap_or_default(),
            face: None,
            warning: None,
            problem: Some(problem_value(problem.slug(), problem.title(), problem.detail())),
        }
    }
}

impl From<Rect> for FaceBox {
    fn from(Rect { left, top, width, height }: Rect) -> Self {
        Self { left, top, width, height }
    }
}
