//! Telling a device to do something once.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use ostiary_common::ids::{DeviceId, MsgId};
use ostiary_common::topics::CommandKind;
use ostiary_common::wire::Command;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::may::DevicesManage;
use crate::domain::audit::AuditEntry;
use crate::domain::command::{CommandState, DeviceCommand};
use crate::domain::device::{Device, DeviceState};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::ports::CommandOrder;

/// The longest time a command may wait for its device, minutes.
const LONGEST_MINUTES: u32 = 60;

/// A command.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewCommand {
    /// `identify` (say in the log who is looked for), `resync` (ask for the whole gallery), `restart`, or `reset`: send
    /// what waits, then forget identity, keys, gallery and events. A device that was reset must be claimed anew.
    /// `snapshot` (a picture, if the device's own configuration allows that), `self-test`, `diagnostics` (what helps to
    /// find a fault, without biometrics), `reload` (check the configuration file and go on by it), `log-level`.
    #[garde(length(max = 40))]
    #[schema(example = "identify", max_length = 40)]
    kind: String,
    /// Not done any more after this many minutes, 1 to 60; 5 if it is not said.
    #[garde(range(min = 1, max = LONGEST_MINUTES))]
    #[schema(minimum = 1, maximum = 60)]
    #[serde(default = "five")]
    valid_minutes: u32,
    /// Of `log-level`: `error`, `warn`, `info`, `debug` or `trace`.
    #[garde(length(max = 10))]
    #[schema(max_length = 10)]
    #[serde(default)]
    level: Option<String>,
    /// Of `log-level`: for so many minutes, 1 to 60; 15 if it is not said.
    #[garde(inner(range(min = 1, max = LONGEST_MINUTES)))]
    #[schema(minimum = 1, maximum = 60)]
    #[serde(default)]
    minutes: Option<u32>,
}

const fn five() -> u32 {
    5
}

/// A command on its way.
#[derive(Serialize, ToSchema)]
pub struct CommandSent {
    /// What came of it stands at `/api/v1/devices/{id}/commands/{command}` with this id.
    id: Uuid,
    /// Not done any more after this.
    not_after: String,
}

/// Send a command to a device that is connected now. What came of it, and what the device sent along, is kept.
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
    Valid(body): Valid<NewCommand>,
) -> Result<(StatusCode, axum::Json<CommandSent>), ApiError> {
    let kind = kind(&body.kind)?;
    let device = may.device(id).await?;
    if device.state != DeviceState::Active || device.presence.state != "online" {
        return Err(ApiError::WrongState("this device is not connected; commands are not kept for later".into()));
    }
    let not_after = api.now().plus(Duration::from_secs(u64::from(body.valid_minutes) * 60));
    let command = Command { id: MsgId::generate(), not_after, level: body.level, minutes: body.minutes };
    let mut note = api.note(&may.caller, "device.command", format!("device:{id}"), None, None);
    note.entry.detail = format!("{} {}", kind.as_str(), command.id);
    api.store.add_command(&asked(&device, kind, &command, &note.entry), &note).await?;
    let order = CommandOrder { root: device.root(), session: device.presence.session, kind, command: command.clone() };
    if !api.link.command(order) {
        return Err(ApiError::TooMany { retry_after_s: 5 });
    }
    let sent = CommandSent { id: command.id.0, not_after: not_after.to_rfc3339() };
    Ok((StatusCode::ACCEPTED, axum::Json(sent)))
}

/// As it is kept until the device answers.
fn asked(device: &Device, kind: CommandKind, command: &Command, entry: &AuditEntry) -> DeviceCommand {
    DeviceCommand {
        id: command.id,
        device: device.id,
        kind: kind.as_str().to_owned(),
        asked_by: entry.actor.clone(),
        asked_at: entry.at,
        not_after: command.not_after,
        state: CommandState::Sent,
        detail: String::new(),
        answered_at: None,
        attachment: None,
        has_attachment: false,
    }
}

fn kind(name: &str) -> Result<CommandKind, ApiError> {
    let known = CommandKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    known.ok_or_else(|| ApiError::Invalid {
        field: "kind",
        detail: format!("must be one of {}", CommandKind::ALL.map(CommandKind::as_str).join(", ")),
    })
}
