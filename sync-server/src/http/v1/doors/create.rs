//! A new door.

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use ostiary_common::ids::{DoorId, SiteId};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::list::DoorView;
use crate::domain::access::Reach;
use crate::domain::access::may::DoorsManage;
use crate::domain::device::Door;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::name;

/// A new door.
#[derive(Deserialize, ToSchema, Validate)]
pub struct NewDoor {
    /// Its site.
    #[garde(skip)]
    site: Uuid,
    /// Name, unique within the site, 1 to 100 characters.
    #[garde(custom(rules::name))]
    #[schema(example = "Main entrance")]
    name: String,
}

/// Add a door. It may know everyone enrolled, or, added by who does not manage doors everywhere, nobody until it is told.
#[utoipa::path(post, path = "/api/v1/doors", operation_id = "doors_create", tag = "devices", security(("bearer" = [])), request_body = NewDoor,
    responses(
        (status = 201, description = "Added", body = DoorView),
        (status = 404, description = "No such site", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`taken`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.doors.create", skip_all)]
pub async fn create(
    State(api): State<Api>,
    may: May<DoorsManage>,
    Valid(body): Valid<NewDoor>,
) -> Result<(StatusCode, axum::Json<DoorView>), ApiError> {
    let (id, site) = (DoorId::generate(), may.site(SiteId(body.site))?);
    let door = Door { id, site, name: name(&body.name)?, created_at: api.now() };
    // Whom a door may know, those who reach it may see.
    match may.reach {
        Reach::Everything => api.store.add_door(&door).await?,
        Reach::Within { .. } => api.within.add_closed_door(&door).await?,
    }
    api.audit_done(&may.caller, "door.create", format!("door:{id}"), String::new()).await?;
    Ok((StatusCode::CREATED, axum::Json(door.into())))
}
