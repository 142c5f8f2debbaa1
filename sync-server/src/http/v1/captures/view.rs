//! A capture as the API shows it.

use ostiary_common::wire::Angle;
use ostiary_models::liveness::Liveness;
use ostiary_models::quality::FaceQuality;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::capture::{Answer, Kind, Standing};
use crate::http::v1::events::quality::Quality;
use crate::http::v1::persons::photo_view::PhotoResult;

/// A capture.
#[derive(Serialize, ToSchema)]
pub struct CaptureView {
    /// Id.
    id: Uuid,
    /// Who is captured.
    person: Uuid,
    /// `guided`, or `clip`: looks of a clip that wait for approval.
    #[schema(value_type = String)]
    kind: &'static str,
    /// `open` (send frames), `complete` (finish), `proposed` (look through and finish), `timed-out` (finish with what was
    /// taken, or cancel), `another-face` or `spoof-suspected` (nothing can be made of it).
    #[schema(value_type = String)]
    state: &'static str,
    /// The angle asked for next: `frontal`, `left`, `right`, as the person sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    wanted: Option<Angle>,
    /// What to tell the person.
    #[schema(value_type = String)]
    hint: &'static str,
    /// When it began.
    began_at: String,
    /// Until when frames are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<String>,
    /// The looks that were taken.
    shots: Vec<ShotView>,
}

/// A look that was taken.
#[derive(Serialize, ToSchema)]
pub struct ShotView {
    /// Its number, for `/shots/{n}` and to choose by.
    number: usize,
    /// The side of the face.
    #[schema(value_type = String)]
    angle: Angle,
    /// How good it is.
    quality: Quality,
}

/// What a frame showed.
#[derive(Serialize, ToSchema)]
pub struct FrameAnswer {
    /// What to tell the person.
    #[schema(value_type = String)]
    hint: &'static str,
    /// What keeps the frame from being taken: `no-face`, `several-faces`, `too-small`, `too-dark`, `too-bright`,
    /// `blurred`, `occluded`, `wrong-angle`, `moving`, `another-face`, `spoof-suspected`, `quality-too-low`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    problem: Option<&'static str>,
    /// The angle that was taken with this frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    taken: Option<Angle>,
    /// How much of the time a pose is to be held has passed, 0 to 1.
    held: f32,
    /// What was measured on the face.
    #[serde(skip_serializing_if = "Option::is_none")]
    measures: Option<Measures>,
    /// The capture after this frame.
    capture: CaptureView,
}

/// What was measured on a face.
#[derive(Serialize, ToSchema)]
struct Measures {
    /// How good it is, with where the head is turned to.
    quality: Quality,
    /// Mean luminance of the face, 0 to 255.
    mean_luminance: f32,
    /// How alike the light is on both sides, 0 to 1.
    illumination_uniformity: f32,
    /// How free of dark glasses the eyes are, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    eyes_visible: Option<f32>,
    /// How live it looks so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    liveness: Option<LivenessView>,
}

/// How live a face looks so far.
#[derive(Serialize, ToSchema)]
struct LivenessView {
    /// 0 (surely an attack) to 1 (nothing speaks against a live face).
    score: f32,
    /// A score below is suspected.
    threshold: f32,
    /// Whether enough was seen to say anything.
    enough: bool,
    /// Whether it is to be taken for an attack; it is told, and whoever runs the capture decides.
    suspected: bool,
}

/// What became of a capture.
#[derive(Serialize, ToSchema)]
pub struct Finished {
    /// One result per look.
    pub(super) results: Vec<PhotoResult>,
    /// The gallery's revision after them.
    pub(super) revision: u64,
    /// Angles the person has no template of yet; visits from there match less well.
    #[schema(value_type = Vec<String>)]
    pub(super) missing: Vec<Angle>,
}

impl From<Standing> for CaptureView {
    fn from(standing: Standing) -> Self {
        let shots = standing.shots.into_iter().enumerate();
        Self {
            id: standing.id.0,
            person: standing.person.0,
            kind: match standing.kind {
                Kind::Guided => "guided",
                Kind::Clip => "clip",
            },
            state: standing.state,
            wanted: standing.wanted,
            hint: standing.hint,
            began_at: standing.began_at.to_rfc3339(),
            ends_at: standing.ends_at.map(|at| at.to_rfc3339()),
            shots: shots
                .map(|(number, (angle, quality))| ShotView { number, angle, quality: quality.summary().into() })
                .collect(),
        }
    }
}

impl From<Answer> for FrameAnswer {
    fn from(Answer { advice, standing }: Answer) -> Self {
        Self {
            hint: advice.hint,
            problem: advice.problem.map(|problem| problem.as_str()),
            taken: advice.taken,
            held: advice.held,
            measures: advice.quality.map(|quality| Measures::new(&quality, advice.liveness)),
            capture: standing.into(),
        }
    }
}

impl Measures {
    fn new(quality: &FaceQuality, liveness: Option<Liveness>) -> Self {
        Self {
            quality: quality.summary().into(),
            mean_luminance: quality.mean_luminance,
            illumination_uniformity: quality.illumination_uniformity,
            eyes_visible: quality.eyes_visible,
            liveness: liveness.map(|live| LivenessView {
                score: live.score,
                threshold: live.threshold,
                enough: live.enough,
                suspected: live.is_suspected(),
            }),
        }
    }
}
