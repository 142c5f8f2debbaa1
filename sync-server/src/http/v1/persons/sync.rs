//! Which devices hold a person as the server does.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::PersonId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::device::{Device, DeviceState};
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// "On 42 of 42 doors."
#[derive(Serialize, ToSchema)]
pub struct PersonSync {
    /// Revision of the person's last change.
    revision: u64,
    /// Every active device.
    devices: Vec<DeviceHolds>,
    /// How many hold it.
    holding: usize,
    /// How many active devices there are.
    total: usize,
}

/// Whether one device holds the person's last change.
#[derive(Serialize, ToSchema)]
pub struct DeviceHolds {
    /// The device.
    device: Uuid,
    /// What it last said it holds.
    held_revision: Option<u64>,
    /// Whether that includes the person's last change.
    holds: bool,
}

/// Which devices hold a person's last change.
#[utoipa::path(get, path = "/api/v1/persons/{id}/sync", operation_id = "persons_sync", tag = "persons", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The person")),
    responses(
        (status = 200, description = "Device by device", body = PersonSync),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn sync(
    State(api): State<Api>,
    _caller: Caller,
    InPath(id): InPath<PersonId>,
) -> Result<Json<PersonSync>, ApiError> {
    let person = api.store.person(id).await?.ok_or(ApiError::NotFound("person"))?;
    let holds = |device: Device| {
        let held_revision = device.held.map(|held| held.rev.0);
        let holds = held_revision.is_some_and(|held| held >= person.rev.0);
        DeviceHolds { device: device.id.0, held_revision, holds }
    };
    let devices = api.store.devices().await?;
    let active = devices.into_iter().filter(|device| device.state == DeviceState::Active);
    let devices: Vec<DeviceHolds> = active.map(holds).collect();
    let holding = devices.iter().filter(|device| device.holds).count();
    Ok(Json(PersonSync { revision: person.rev.0, holding, total: devices.len(), devices }))
}
