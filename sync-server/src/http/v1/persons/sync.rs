//! Which devices hold a person as the server does.

use std::collections::{HashMap, HashSet};

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::{DeviceId, PersonId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::may::PersonsRead;
use crate::domain::gallery::{GalleryStanding, Verdict};
use crate::domain::person::Person;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// "On 42 of 42 doors."
#[derive(Serialize, ToSchema)]
pub struct PersonSync {
    /// Revision of the person's last change.
    revision: u64,
    /// Every active device.
    devices: Vec<DeviceHolds>,
    /// How many that may hold the person do, as the person is now.
    holding: usize,
    /// How many active devices may hold the person.
    total: usize,
    /// How many active devices may not hold the person (any more), and have yet to say that they do not.
    leaving: usize,
}

/// Whether one device holds the person's last change.
#[derive(Serialize, ToSchema)]
pub struct DeviceHolds {
    /// The device.
    device: Uuid,
    /// What it last said it holds.
    held_revision: Option<u64>,
    /// Whether it may hold the person now.
    may_hold: bool,
    /// Whether it holds the person as the person is now.
    holds: bool,
}

/// How a device stands to a person.
pub(super) struct DeviceOfPerson {
    pub(super) device: DeviceId,
    pub(super) held_revision: Option<u64>,
    pub(super) may_hold: bool,
    /// Whether it has taken in the person's last change.
    pub(super) is_up_to_date: bool,
}

/// Every active device, and how it stands to a person.
pub(super) async fn devices_of(api: &Api, person: &Person) -> Result<Vec<DeviceOfPerson>, ApiError> {
    let standings = api.store.standings(&api.pack).await?;
    let active = standings.into_iter().filter(|standing| standing.is_active);
    let standings: HashMap<_, _> = active.map(|standing| (standing.root.device, standing)).collect();
    let of_person = api.store.devices_of_person(person.id).await?;
    let with_standing = of_person.into_iter().filter_map(|of| Some((of, standings.get(&of.device)?)));
    let stands = |standing: &GalleryStanding| {
        let held_revision = standing.held.map(|held| held.rev.0);
        let knows_of = held_revision.is_some_and(|held| held >= person.rev.0);
        // Who holds exactly what it must needs no newer revision.
        (held_revision, knows_of || (standing.held.is_some() && standing.verdict() == Verdict::InSync))
    };
    let devices = with_standing.map(|(of, standing)| {
        let (held_revision, is_up_to_date) = stands(standing);
        DeviceOfPerson { device: of.device, held_revision, may_hold: of.may_hold, is_up_to_date }
    });
    Ok(devices.collect())
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
    may: May<PersonsRead>,
    InPath(id): InPath<PersonId>,
) -> Result<Json<PersonSync>, ApiError> {
    let person = may.person(id).await?.person;
    let mut devices = devices_of(&api, &person).await?;
    let within: HashSet<_> = api.within.devices_within(&may.reach).await?.into_iter().map(|device| device.id).collect();
    devices.retain(|of| within.contains(&of.device));
    let leaving = devices.iter().filter(|of| !of.may_hold && !of.is_up_to_date).count();
    let holds = |of: DeviceOfPerson| DeviceHolds {
        device: of.device.0,
        held_revision: of.held_revision,
        may_hold: of.may_hold,
        holds: of.may_hold && of.is_up_to_date,
    };
    let devices: Vec<DeviceHolds> = devices.into_iter().map(holds).collect();
    let count = |is: fn(&DeviceHolds) -> bool| devices.iter().filter(|device| is(device)).count();
    let (holding, total) = (count(|device| device.holds), count(|device| device.may_hold));
    Ok(Json(PersonSync { revision: person.rev.0, holding, total, leaving, devices }))
}
