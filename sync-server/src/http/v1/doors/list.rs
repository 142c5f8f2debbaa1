//! All doors.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::may::DoorsRead;
use crate::domain::device::Door;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::problem::ApiError;

/// A place people pass.
#[derive(Serialize, ToSchema)]
pub struct DoorView {
    /// Id.
    id: Uuid,
    /// Its site.
    site: Uuid,
    /// Name.
    name: String,
    /// Made at.
    created_at: String,
}

impl From<Door> for DoorView {
    fn from(door: Door) -> Self {
        Self { id: door.id.0, site: door.site.0, name: door.name, created_at: door.created_at.to_rfc3339() }
    }
}

/// Doors, by name.
#[derive(Serialize, ToSchema)]
pub struct Doors {
    /// The doors.
    items: Vec<DoorView>,
}

/// All doors, by name.
#[utoipa::path(get, path = "/api/v1/doors", operation_id = "doors_list", tag = "devices", security(("bearer" = [])),
    responses((status = 200, description = "The doors", body = Doors)))]
pub async fn list(State(api): State<Api>, may: May<DoorsRead>) -> Result<Json<Doors>, ApiError> {
    let items = api.within.doors_within(&may.reach).await?.into_iter().map(DoorView::from).collect();
    Ok(Json(Doors { items }))
}
