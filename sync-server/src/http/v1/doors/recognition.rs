//! How strict recognition is at one door.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use ostiary_common::ids::DoorId;
use ostiary_common::wire::LivenessPolicy;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::may::{SettingsManage, SettingsRead};
use crate::domain::recognition::{Change, Layer, Share, Similarity};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::etag::{IfMatch, etag};
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::devices::view::Settings;
use crate::http::v1::recognition::outlook::Outlook;
use crate::http::v1::recognition::values::{derivable, share, similarity};

/// What a door says otherwise than the installation. What is left out is inherited.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct DoorRecognition {
    /// Share of strangers' visits that may be taken for someone, above 0 and below 1.
    #[garde(inner(custom(rules::share)))]
    #[schema(example = 0.001)]
    target_fpir: Option<f32>,
    /// Least similarity (cosine) for a match, 0 to 1, whatever the target.
    #[garde(inner(custom(rules::similarity)))]
    match_threshold: Option<f32>,
    /// Least distance to the second person (cosine), 0 to 1, whatever the target.
    #[garde(inner(custom(rules::similarity)))]
    match_margin: Option<f32>,
    /// What is done with a visit that does not look live: `off`, `report` or `block`.
    #[garde(skip)]
    #[schema(value_type = Option<String>, example = "block")]
    liveness: Option<LivenessPolicy>,
}

/// A door's settings, what holds there, and what follows.
#[derive(Serialize, ToSchema)]
pub struct DoorRecognitionView {
    /// The door.
    door: Uuid,
    /// Rises with every change, 0 if never set; also the `ETag`.
    version: u64,
    /// The last change.
    changed_at: Option<String>,
    /// What the door says.
    settings: DoorRecognition,
    /// What its devices are told: the door's, completed by the installation's.
    in_force: Settings,
    /// Devices at this door whose own settings say otherwise, and come first.
    devices_apart: Vec<Uuid>,
    /// What follows for the present gallery.
    outlook: Outlook,
}

impl From<Layer> for DoorRecognition {
    fn from(layer: Layer) -> Self {
        Self {
            target_fpir: layer.target_fpir.map(Share::get),
            match_threshold: layer.match_threshold.map(Similarity::get),
            match_margin: layer.match_margin.map(Similarity::get),
            liveness: layer.liveness,
        }
    }
}

impl DoorRecognition {
    fn check(&self) -> Result<Layer, ApiError> {
        Ok(Layer {
            target_fpir: share("target_fpir", self.target_fpir)?,
            match_threshold: similarity("match_threshold", self.match_threshold)?,
            match_margin: similarity("match_margin", self.match_margin)?,
            liveness: self.liveness,
        })
    }
}

/// How strict recognition is at a door, and what follows.
#[utoipa::path(get, path = "/api/v1/doors/{id}/recognition", operation_id = "doors_recognition", tag = "recognition",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The door")),
    responses(
        (status = 200, description = "The settings and what follows; the `ETag` is the version",
            body = DoorRecognitionView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(
    State(api): State<Api>,
    may: May<SettingsRead>,
    InPath(id): InPath<DoorId>,
) -> Result<Response, ApiError> {
    may.door(id).await?;
    answer(&api, id).await
}

/// Set what a door says otherwise than the installation. Its devices are told at once, unless their own settings say
/// otherwise: a device's word comes before its door's, the door's before the installation's.
#[utoipa::path(put, path = "/api/v1/doors/{id}/recognition", operation_id = "doors_recognition_set",
    tag = "recognition", security(("bearer" = [])), request_body = DoorRecognition,
    params(("id" = uuid::Uuid, Path, description = "The door"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` the change was made against")),
    responses(
        (status = 200, description = "Set", body = DoorRecognitionView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "`outdated`: changed meanwhile", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`, or `pack-not-calibrated`", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.doors.recognition", skip_all, fields(door.id = %id))]
pub async fn set(
    State(api): State<Api>,
    may: May<SettingsManage>,
    InPath(id): InPath<DoorId>,
    IfMatch(expected): IfMatch,
    Valid(settings): Valid<DoorRecognition>,
) -> Result<Response, ApiError> {
    let layer = settings.check()?;
    derivable(&api, settings.target_fpir)?;
    change(&api, &may, id, &layer, expected).await?;
    answer(&api, id).await
}

/// Let a door inherit everything again.
#[utoipa::path(delete, path = "/api/v1/doors/{id}/recognition", operation_id = "doors_recognition_reset",
    tag = "recognition", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The door"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` the change was made against")),
    responses(
        (status = 200, description = "Reset", body = DoorRecognitionView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "`outdated`: changed meanwhile", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.doors.recognition_reset", skip_all, fields(door.id = %id))]
pub async fn reset(
    State(api): State<Api>,
    may: May<SettingsManage>,
    InPath(id): InPath<DoorId>,
    IfMatch(expected): IfMatch,
) -> Result<Response, ApiError> {
    change(&api, &may, id, &Layer::default(), expected).await?;
    answer(&api, id).await
}

async fn change(
    api: &Api,
    may: &May<SettingsManage>,
    id: DoorId,
    layer: &Layer,
    expected: Option<u64>,
) -> Result<(), ApiError> {
    may.door(id).await?;
    let change = Change { expected, now: api.now() };
    let changed = api.store.put_door_recognition(id, layer, change).await?.ok_or(ApiError::NotFound("door"))?;
    api.tell_devices(&changed);
    let settings = DoorRecognition::from(*layer);
    let detail =
        serde_json::json!({"version": changed.version, "settings": settings, "devices": changed.devices.len()});
    api.audit_done(&may.caller, "recognition.configure", format!("door:{id}"), detail.to_string()).await?;
    Ok(())
}

async fn answer(api: &Api, id: DoorId) -> Result<Response, ApiError> {
    // What follows is reckoned for whom the door may know: how many are enrolled elsewhere is not told here.
    let persons = api.within.persons_at(id, &api.pack).await?;
    let at = api.recognition.door(id, persons).await?.ok_or(ApiError::NotFound("door"))?;
    let devices = api.store.devices().await?.into_iter().filter(|device| device.door == id);
    let view = DoorRecognitionView {
        door: id.0,
        version: at.door.version,
        changed_at: at.door.changed_at.map(|at| at.to_rfc3339()),
        settings: at.door.value.into(),
        devices_apart: devices.filter(|device| device.is_apart()).map(|device| device.id.0).collect(),
        in_force: at.in_force.into(),
        outlook: Outlook::new(api, at.forecast),
    };
    Ok((etag(at.door.version), axum::Json(view)).into_response())
}
