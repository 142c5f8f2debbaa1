//! All groups.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::may::PersonsRead;
use crate::domain::gallery::Group;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::problem::ApiError;

/// Persons who have something in common.
#[derive(Serialize, ToSchema)]
pub struct GroupView {
    /// Id.
    id: Uuid,
    /// Name, unique.
    name: String,
    /// The site it counts at; absent if at every site.
    site: Option<Uuid>,
    /// Made at.
    created_at: String,
    /// Rises with every change of name or site; also the `ETag`.
    version: u64,
    /// How many persons are in it.
    members: u64,
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        Self {
            id: group.id.0,
            name: group.name,
            site: group.site.map(|site| site.0),
            created_at: group.created_at.to_rfc3339(),
            version: group.version,
            members: group.members,
        }
    }
}

/// Groups, by name.
#[derive(Serialize, ToSchema)]
pub struct Groups {
    /// The groups.
    items: Vec<GroupView>,
}

/// All groups, by name.
#[utoipa::path(get, path = "/api/v1/groups", operation_id = "groups_list", tag = "groups", security(("bearer" = [])),
    responses((status = 200, description = "The groups", body = Groups)))]
pub async fn list(State(api): State<Api>, may: May<PersonsRead>) -> Result<Json<Groups>, ApiError> {
    let items = api.within.groups_within(&may.reach).await?.into_iter().map(GroupView::from).collect();
    Ok(Json(Groups { items }))
}
