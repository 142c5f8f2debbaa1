//! What came of one command.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::{DeviceId, MsgId};

use super::view::CommandView;
use crate::domain::access::may::DevicesRead;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// What came of a command.
#[utoipa::path(get, path = "/api/v1/devices/{id}/commands/{command}", operation_id = "devices_command_read",
    tag = "devices", security(("bearer" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The device"),
        ("command" = uuid::Uuid, Path, description = "The command")
    ),
    responses(
        (status = 200, description = "The command", body = CommandView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(
    State(api): State<Api>,
    may: May<DevicesRead>,
    InPath((id, command)): InPath<(DeviceId, MsgId)>,
) -> Result<Json<CommandView>, ApiError> {
    let device = may.device(id).await?;
    let found = api.store.command(device.id, command).await?.ok_or(ApiError::NotFound("command"))?;
    Ok(Json(CommandView::at(found, api.now())))
}
