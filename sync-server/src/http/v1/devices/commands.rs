//! Telling a device to do something once.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use ostiary_common::ids::{DeviceId, MsgId};
use ostiary_common::topics::CommandKind;
use ostiary_common::wire::Command;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::may::DevicesManage;
use crate::domain::device::DeviceState;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Json};
use crate::http::problem::{ApiError, Problem};
use crate::ports::CommandOrder;

/// The longest time a command may wait for its device, minutes.
const LONGEST_MINUTES: u32 = 60;

/// A command.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCommand {
    /// `identify` (say in the log who is looked for), `resync` (ask for the whole gallery), `restart`, or `reset`: send
    /// what waits, then forget identity, keys, gallery and events. A device that was reset must be claimed anew.
    /// `snapshot` (a picture, if the device's own configuration allows that), `self-test`, `diagnostics` (what helps to
    /// find a fault, without biometrics), `reload` (check the configuration file and go on by it), `log-level`.
    #[schema(example = "identify")]
    kind: String,
    /// Not done any more after this many minutes, 1 to 60; 5 if it is not said.
    #[serde(default = "five")]
    valid_minutes: u32,
    /// Of `log-level`: `error`, `warn`, `info`, `debug` or `trace`.
    #[serde(default)]
    level: Option<String>,
    /// Of `log-level`: for so many minutes, 1 to 60; 15 if it is not said.
    #[serde(default)]
    minutes: Option<u32>,
}

const fn five() -> u32 {
    5
}

/// A command on its way. The device's answer stands in the server's log.
#[derive(Serialize, ToSchema)]
pub struct CommandSent {
    /// Names it in the log.
    id: Uuid,
    /// Not done any more after this.
    not_after: String,
}

/// Send a command to a device that is connected now.
#[utoipa::path(post, path = "/api/v1/devices/{id}/commands", operation_id = "devices_command", tag = "devices", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The device")), request_body = NewCommand,
    responses(
        (status = 202, description = "On its way", body = CommandSent),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: not active, or not connected", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.devices.command", skip_all, fields(device.id = %id))]
pub async fn command(
    State(api): State<Api>,
    may: May<DevicesManage>,
    InPath(id): InPath<DeviceId>,
    Json(body): Json<NewCommand>,
) -> Result<(StatusCode, axum::Json<CommandSent>), ApiError> {
    let kind = kind(&body.kind)?;
    if !(1..=LONGEST_MINUTES).contains(&body.valid_minutes) {
        return Err(ApiError::Invalid { field: "valid_minutes", detail: "must be 1 to 60".into() });
    }
    let device = may.device(id).await?;
    if device.state != DeviceState::Active || device.presence.state != "online" {
        return Err(ApiError::WrongState("this device is not connected; commands are not kept for later".into()));
    }
    let not_after = api.now().plus(Duration::from_secs(u64::from(body.valid_minutes) * 60));
    let command = Command { id: MsgId::generate(), not_after, level: body.level, minutes: body.minutes };
    let order = CommandOrder { root: device.root(), session: device.presence.session, kind, command: command.clone() };
    let detail = format!("{} {}", kind.as_str(), command.id);
    api.audit_done(&may.caller, "device.command", format!("device:{id}"), detail).await?;
    if !api.link.command(order) {
        return Err(ApiError::TooMany { retry_after_s: 5 });
    }
    let sent = CommandSent { id: command.id.0, not_after: not_after.to_rfc3339() };
    Ok((StatusCode::ACCEPTED, axum::Json(sent)))
}

fn kind(name: &str) -> Result<CommandKind, ApiError> {
    let known = CommandKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    known.ok_or_else(|| ApiError::Invalid {
        field: "kind",
        detail: format!("must be one of {}", CommandKind::ALL.map(CommandKind::as_str).join(", ")),
    })
}
