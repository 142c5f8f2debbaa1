//! One pack.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use super::view::PackDetail;
use super::{after, found};
use crate::domain::access::may::{SettingsManage, SettingsRead};
use crate::domain::model_pack::PackDeed;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::extract::TextInPath;
use crate::http::problem::{ApiError, Problem};
use crate::packs::keeper::served;

/// A model pack with how complete its templates are and how it compares with the one in force.
#[utoipa::path(get, path = "/api/v1/model-packs/{id}", operation_id = "model_packs_read", tag = "model-packs",
    security(("bearer" = [])), params(("id" = String, Path, description = "The pack, `name@version`")),
    responses(
        (status = 200, description = "The pack", body = PackDetail),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.model_packs.read", skip_all)]
pub async fn read(
    State(api): State<Api>,
    _may: Throughout<SettingsRead>,
    TextInPath(id): TextInPath,
) -> Result<Json<PackDetail>, ApiError> {
    let pack = found(&api, &id).await?;
    let coverage = api.packs.store.pack_coverage(&pack.id).await?;
    Ok(Json(PackDetail::new(&pack, coverage, Vec::new())))
}

/// Remove a model pack with all its templates. Not while doors use it; of the configuration's own pack only the
/// templates go.
#[utoipa::path(delete, path = "/api/v1/model-packs/{id}", operation_id = "model_packs_delete", tag = "model-packs",
    security(("bearer" = [])), params(("id" = String, Path, description = "The pack, `name@version`")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: doors use it, or its templates are being made", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.model_packs.delete", skip_all)]
pub async fn delete(
    State(api): State<Api>,
    may: Throughout<SettingsManage>,
    TextInPath(id): TextInPath,
) -> Result<StatusCode, ApiError> {
    let pack = found(&api, &id).await?;
    after(&pack, PackDeed::Delete)?;
    let was = json!({ "id": pack.id.as_str(), "state": pack.state.as_str() });
    let note = api.note(&may.caller, "model-pack.delete", format!("model-pack:{}", pack.id), Some(was), None);
    let rev = api.packs.store.remove_model_pack(&pack.id, api.now(), &note).await?;
    api.packs.bench.files.forget(&pack.id);
    api.packs.served.set(served(&api.packs.store.model_packs().await?));
    api.tell_gallery(rev);
    for at in api.packs.store.packs_at_devices().await? {
        api.link.config_changed(at.device);
    }
    Ok(StatusCode::NO_CONTENT)
}
