//! A pack's templates, made of kept pictures while doors go on with the pack in force.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{after, changed_meanwhile, found};
use crate::domain::access::may::SettingsManage;
use crate::domain::model_pack::PackDeed;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::extract::TextInPath;
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::persons::photo_batch::not_filled;
use crate::jobs::filling::FillError;
use crate::packs::work::queue;
use crate::ports::StoreError;

/// A job that was queued.
#[derive(Serialize, ToSchema)]
pub struct ShadowJob {
    /// The job, to be watched at `/api/v1/jobs/{id}`: an item for each kept picture, and one that compares.
    job: Uuid,
}

/// Make a pack's templates of the pictures that were kept when people were enrolled, and compare it with the pack in
/// force. No door uses them yet. May be asked for again: what is there is kept, what is missing made, and all compared.
#[utoipa::path(post, path = "/api/v1/model-packs/{id}/shadow", operation_id = "model_packs_shadow", tag = "model-packs",
    security(("bearer" = [])), params(("id" = String, Path, description = "The pack, `name@version`")),
    responses(
        (status = 202, description = "It is worked on", body = ShadowJob),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.model_packs.shadow", skip_all)]
pub async fn begin(
    State(api): State<Api>,
    may: Throughout<SettingsManage>,
    TextInPath(id): TextInPath,
) -> Result<(StatusCode, Json<ShadowJob>), ApiError> {
    let pack = found(&api, &id).await?;
    after(&pack, PackDeed::BeginShadow)?;
    let queued = queue(&api.jobs, &*api.packs.store, &pack.id, Some(may.caller.account)).await;
    let job = queued.map_err(|error| match error {
        FillError::Store(StoreError::Conflict(_)) => changed_meanwhile(),
        other => not_filled(other),
    })?;
    let detail = format!("job:{job}");
    api.audit_done(&may.caller, "model-pack.shadow", format!("model-pack:{}", pack.id), detail).await?;
    Ok((StatusCode::ACCEPTED, Json(ShadowJob { job: job.0 })))
}
