//! All sites.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::may::DoorsRead;
use crate::domain::device::Site;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::problem::ApiError;

/// A building.
#[derive(Serialize, ToSchema)]
pub struct SiteView {
    /// Id.
    id: Uuid,
    /// Name.
    name: String,
    /// Made at.
    created_at: String,
}

impl From<Site> for SiteView {
    fn from(site: Site) -> Self {
        Self { id: site.id.0, name: site.name, created_at: site.created_at.to_rfc3339() }
    }
}

/// Sites, by name.
#[derive(Serialize, ToSchema)]
pub struct Sites {
    /// The sites.
    items: Vec<SiteView>,
}

/// All sites, by name.
#[utoipa::path(get, path = "/api/v1/sites", operation_id = "sites_list", tag = "devices", security(("bearer" = [])),
    responses((status = 200, description = "The sites", body = Sites)))]
pub async fn list(State(api): State<Api>, may: May<DoorsRead>) -> Result<Json<Sites>, ApiError> {
    let items = api.within.sites_within(&may.reach).await?.into_iter().map(SiteView::from).collect();
    Ok(Json(Sites { items }))
}
