//! Every pack.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::PackView;
use crate::domain::access::may::SettingsRead;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::problem::ApiError;

/// Packs.
#[derive(Serialize, ToSchema)]
pub struct ModelPacks {
    /// By id. There are few: no pages.
    items: Vec<PackView>,
}

/// Every model pack the server knows, with how far each has come.
#[utoipa::path(get, path = "/api/v1/model-packs", operation_id = "model_packs_list", tag = "model-packs",
    security(("bearer" = [])), responses((status = 200, description = "The packs", body = ModelPacks)))]
#[tracing::instrument(name = "http.v1.model_packs.list", skip_all)]
pub async fn list(State(api): State<Api>, _may: Throughout<SettingsRead>) -> Result<Json<ModelPacks>, ApiError> {
    let packs = api.packs.store.model_packs().await?;
    Ok(Json(ModelPacks { items: packs.iter().map(PackView::from).collect() }))
}
