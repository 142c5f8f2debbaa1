//! At which doors a person may be known.

use std::collections::{BTreeMap, HashMap};

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::{DoorId, PersonId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::sync::devices_of;
use crate::domain::access::may::PersonsRead;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// Doors and what their devices hold of a person.
#[derive(Serialize, ToSchema)]
pub struct PersonDoors {
    /// Every door with an active device, by name.
    items: Vec<DoorKnows>,
}

/// What a door's devices hold of a person.
#[derive(Serialize, ToSchema)]
pub struct DoorKnows {
    /// The door.
    door: Uuid,
    /// Its site.
    site: Uuid,
    /// Its name.
    name: String,
    /// Whether the person may be known there now.
    may_know: bool,
    /// Active devices at the door.
    devices: usize,
    /// Devices that have taken in the person's last change: they know the person, or no longer do.
    up_to_date: usize,
}

/// At which doors a person may be known, and whether their devices have taken that in.
#[utoipa::path(get, path = "/api/v1/persons/{id}/doors", operation_id = "persons_doors", tag = "persons",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The person")),
    responses(
        (status = 200, description = "Door by door", body = PersonDoors),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn doors(
    State(api): State<Api>,
    may: May<PersonsRead>,
    InPath(id): InPath<PersonId>,
) -> Result<Json<PersonDoors>, ApiError> {
    let person = may.person(id).await?.person;
    let known: HashMap<_, _> = devices_of(&api, &person).await?.into_iter().map(|of| (of.device, of)).collect();
    let mut at_doors: BTreeMap<DoorId, Vec<_>> = BTreeMap::new();
    for device in api.within.devices_within(&may.reach).await? {
        if let Some(of) = known.get(&device.id) {
            at_doors.entry(device.door).or_default().push(of);
        }
    }
    let doors = api.within.doors_within(&may.reach).await?;
    let items = doors.into_iter().filter_map(|door| {
        let devices = at_doors.get(&door.id)?;
        Some(DoorKnows {
            door: door.id.0,
            site: door.site.0,
            name: door.name,
            may_know: devices.iter().any(|of| of.may_hold),
            devices: devices.len(),
            up_to_date: devices.iter().filter(|of| of.is_up_to_date).count(),
        })
    });
    Ok(Json(PersonDoors { items: items.collect() }))
}
