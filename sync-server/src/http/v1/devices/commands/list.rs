//! What a device was told, and what came of it.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::{DeviceId, MsgId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::view::CommandView;
use crate::domain::access::may::DevicesRead;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, ValidQuery};
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};

/// Which page.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Commands of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(skip)]
    before: Option<Uuid>,
}

/// A page of commands, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Commands {
    /// The commands.
    items: Vec<CommandView>,
    /// Pass it as `before` for the next page; absent on the last.
    next: Option<Uuid>,
}

/// What a device was told to do, the newest first, and what came of it. They are kept as long as errors
/// (`errors_days` at `/api/v1/settings/retention`).
#[utoipa::path(get, path = "/api/v1/devices/{id}/commands", operation_id = "devices_commands", tag = "devices",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The device"), Page),
    responses(
        (status = 200, description = "The commands", body = Commands),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn list(
    State(api): State<Api>,
    may: May<DevicesRead>,
    InPath(id): InPath<DeviceId>,
    ValidQuery(page): ValidQuery<Page>,
) -> Result<Json<Commands>, ApiError> {
    let device = may.device(id).await?;
    let limit = paging::limit(page.limit)?;
    let found = api.store.commands(device.id, page.before.map(MsgId), limit).await?;
    let now = api.now();
    let items: Vec<CommandView> = found.into_iter().map(|command| CommandView::at(command, now)).collect();
    let next = items.last().filter(|_| items.len() == limit as usize).map(|last| last.id);
    Ok(Json(Commands { items, next }))
}
