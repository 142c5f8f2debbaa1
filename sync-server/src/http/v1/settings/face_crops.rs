//! Whether pictures of enrolled faces are kept for model packs to come.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::may::{SettingsManage, SettingsRead};
use crate::domain::recognition::Change;
use crate::enroll::crop_policy::{CropPolicy, NAME};
use crate::http::api::Api;
use crate::http::auth::{May, Throughout};
use crate::http::etag::{MustMatch, etag};
use crate::http::extract::Valid;
use crate::http::problem::ApiError;
use crate::ports::face_crops::CropCounts;

/// Removed in one transaction: others write between two.
const AT_ONCE: u32 = 200;

/// Whether pictures of enrolled faces are kept.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct FaceCropSettings {
    /// Keep, sealed, a small picture of every face that is enrolled, so that a new model pack can make its templates of
    /// it. Without them a new pack asks for new photos of everyone. Those there are removed when this is switched off.
    #[garde(skip)]
    keep: bool,
}

/// Whether pictures of enrolled faces are kept, and how many there are.
#[derive(Serialize, ToSchema)]
pub struct FaceCropsHeld {
    /// Whether pictures are kept of faces enrolled from now on.
    keep: bool,
    /// Pictures there are.
    crops: u64,
    /// Persons who have one at least.
    persons: u64,
}

/// Whether pictures of enrolled faces are kept for model packs to come.
#[utoipa::path(get, path = "/api/v1/settings/face-crops", operation_id = "settings_face_crops", tag = "settings",
    security(("bearer" = [])),
    responses((status = 200, description = "The settings; the `ETag` is the version", body = FaceCropsHeld)))]
pub async fn read(State(api): State<Api>, _may: May<SettingsRead>) -> Result<Response, ApiError> {
    answer(&api).await
}

/// Set whether pictures of enrolled faces are kept. Switched off, those there are removed before this answers.
#[utoipa::path(put, path = "/api/v1/settings/face-crops", operation_id = "settings_face_crops_set", tag = "settings",
    security(("bearer" = [])), request_body = FaceCropSettings,
    params(("If-Match" = String, Header, description = "The `ETag` the change was made against, or `*`")),
    responses((status = 200, description = "Set", body = FaceCropsHeld)))]
#[tracing::instrument(name = "http.v1.settings.face_crops", skip_all)]
pub async fn set(
    State(api): State<Api>,
    may: Throughout<SettingsManage>,
    MustMatch(expected): MustMatch,
    Valid(body): Valid<FaceCropSettings>,
) -> Result<Response, ApiError> {
    let (was, _) = CropPolicy::read(&*api.store).await?;
    let json = |policy: &CropPolicy| serde_json::to_value(policy).expect("a flag has a JSON form");
    let became = json(&CropPolicy { keep: body.keep });
    let note =
        api.note(&may.caller, "settings.face-crops", "installation".into(), Some(json(&was)), Some(became.clone()));
    api.store.put_setting(NAME, &became.to_string(), Change { expected, now: api.now() }, &note).await?;
    if !body.keep {
        while api.face_crops.remove_face_crops(AT_ONCE).await? >= u64::from(AT_ONCE) {}
    }
    answer(&api).await
}

async fn answer(api: &Api) -> Result<Response, ApiError> {
    let (CropPolicy { keep }, version) = CropPolicy::read(&*api.store).await?;
    let CropCounts { crops, persons } = api.face_crops.face_crop_counts().await?;
    Ok((etag(version), axum::Json(FaceCropsHeld { keep, crops, persons })).into_response())
}
