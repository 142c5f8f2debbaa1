//! Which doors use a pack.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::{DoorId, PackId, SiteId};
use ostiary_common::wire::monitor::{Info, PackStage};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{after, changed_meanwhile, found};
use crate::domain::access::may::{SettingsManage, SettingsRead};
use crate::domain::device::{Device, DeviceState};
use crate::domain::model_pack::{ModelPack, PackDeed, PackState, Rollout};
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::extract::{TextInPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::packs::keeper::served;
use crate::ports::model_packs::PackAtDevice;

/// Which doors are to use a pack; exactly one of the first five is said.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct RolloutBody {
    /// `true`: no door any more; they go back to the pack in force.
    #[garde(skip)]
    #[serde(default)]
    nowhere: bool,
    /// These doors.
    #[garde(inner(length(min = 1, max = 1000)))]
    #[serde(default)]
    #[schema(max_items = 1000)]
    doors: Option<Vec<Uuid>>,
    /// Every door of these sites.
    #[garde(inner(length(min = 1, max = 1000)))]
    #[serde(default)]
    #[schema(max_items = 1000)]
    sites: Option<Vec<Uuid>>,
    /// So many of a hundred devices, always the same ones.
    #[garde(inner(range(min = 1, max = 99)))]
    #[serde(default)]
    #[schema(minimum = 1, maximum = 99)]
    percent: Option<u8>,
    /// `true`: every door; the pack is in force from now on, and the one before is kept at hand.
    #[garde(skip)]
    #[serde(default)]
    everywhere: bool,
    /// Go on though some persons could not be known at these doors with the pack.
    #[garde(skip)]
    #[serde(default)]
    accept_missing: bool,
    /// Go on though some of these devices or doors have a threshold or margin of their own, made for another pack.
    #[garde(skip)]
    #[serde(default)]
    keep_thresholds: bool,
}

impl RolloutBody {
    fn rollout(&self) -> Result<Rollout, ApiError> {
        let doors = self.doors.as_ref().map(|ids| Rollout::Doors(ids.iter().copied().map(DoorId).collect()));
        let sites = self.sites.as_ref().map(|ids| Rollout::Sites(ids.iter().copied().map(SiteId).collect()));
        let said = [
            self.nowhere.then_some(Rollout::Nowhere),
            doors,
            sites,
            self.percent.map(Rollout::Percent),
            self.everywhere.then_some(Rollout::Everywhere),
        ];
        let mut said = said.into_iter().flatten();
        match (said.next(), said.next()) {
            (Some(rollout), None) => Ok(rollout),
            _ => Err(ApiError::Invalid {
                field: "everywhere",
                detail: "say exactly one of `nowhere`, `doors`, `sites`, `percent` and `everywhere`".into(),
            }),
        }
    }
}

/// A device and the pack it runs.
#[derive(Serialize, ToSchema)]
pub struct DevicePack {
    /// The device.
    device: Uuid,
    /// Its name.
    name: String,
    /// Its door.
    door: Uuid,
    /// Whether it is to run this pack.
    wanted: bool,
    /// The pack it last said it runs; absent if it never said.
    #[serde(skip_serializing_if = "Option::is_none")]
    runs: Option<String>,
    /// How it stands with another pack it was told to run or hold: `fetching`, `filling` (its gallery is on its way),
    /// `ready`, `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    stage: Option<PackStage>,
    /// What is wrong, in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

/// How far a pack's rollout is.
#[derive(Serialize, ToSchema)]
pub struct RolloutView {
    /// The pack.
    pack: String,
    /// Its state.
    #[schema(value_type = String)]
    state: &'static str,
    /// Devices that are to run it.
    wanted: usize,
    /// Of them, those that said they do.
    running: usize,
    /// Of them, those that said they cannot.
    failed: usize,
    /// Every active device, by name.
    devices: Vec<DevicePack>,
}

/// Which devices are to run a pack, and which of them do.
#[utoipa::path(get, path = "/api/v1/model-packs/{id}/rollout", operation_id = "model_packs_rollout",
    tag = "model-packs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The pack, `name@version`")),
    responses(
        (status = 200, description = "How far it is", body = RolloutView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.model_packs.rollout", skip_all)]
pub async fn read(
    State(api): State<Api>,
    _may: Throughout<SettingsRead>,
    TextInPath(id): TextInPath,
) -> Result<Json<RolloutView>, ApiError> {
    let pack = found(&api, &id).await?;
    view(&api, &pack).await.map(Json)
}

/// Have doors use a pack, or no more. Devices fetch it, check it, hold both galleries, and switch between two visits; one
/// that cannot goes on with the pack it runs and says why. Going back is the same, without fetching. Refused with
/// `wrong-state` if somebody could not be known at a door with it (`accept_missing`), or a door has a threshold of its own
/// (`keep_thresholds`).
#[utoipa::path(put, path = "/api/v1/model-packs/{id}/rollout", operation_id = "model_packs_rollout_set",
    tag = "model-packs", security(("bearer" = [])), request_body = RolloutBody,
    params(("id" = String, Path, description = "The pack, `name@version`")),
    responses(
        (status = 200, description = "In force; devices follow", body = RolloutView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`, and what to do first", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.model_packs.rollout_set", skip_all)]
pub async fn set(
    State(api): State<Api>,
    may: Throughout<SettingsManage>,
    TextInPath(id): TextInPath,
    Valid(body): Valid<RolloutBody>,
) -> Result<Json<RolloutView>, ApiError> {
    let pack = found(&api, &id).await?;
    let rollout = body.rollout()?;
    after(&pack, rollout.deed())?;
    may_go_on(&api, &pack, &rollout, &body).await?;
    let (was, became) = (json!({ "state": pack.state.as_str() }), json!({ "doors": rollout.to_string() }));
    let target = format!("model-pack:{}", pack.id);
    let note = api.note(&may.caller, "model-pack.rollout", target, Some(was), Some(became));
    let told = api.packs.store.put_rollout(&pack.id, &[pack.state], &rollout, api.now(), &note).await?;
    let told = told.ok_or_else(changed_meanwhile)?;
    // Before devices ask for its gallery.
    api.packs.served.set(served(&api.packs.store.model_packs().await?));
    for device in told {
        api.link.config_changed(device);
    }
    view(&api, &found(&api, &id).await?).await.map(Json)
}

/// Whether nothing speaks against it that the caller has not accepted.
async fn may_go_on(api: &Api, pack: &ModelPack, rollout: &Rollout, body: &RolloutBody) -> Result<(), ApiError> {
    if rollout.deed() == PackDeed::TakeBack {
        return Ok(());
    }
    let packs = api.packs.store.model_packs().await?;
    let staged = packs.iter().find(|other| other.state == PackState::Staged && other.id != pack.id);
    if let Some(other) = staged {
        let why = format!("{} is being tried at some doors; take it back or put it in force first", other.id);
        return Err(ApiError::WrongState(why));
    }
    let meant =
        |device: &Device| device.state == DeviceState::Active && rollout.takes(device.id, device.door, device.site);
    let devices: Vec<Device> = api.store.devices().await?.into_iter().filter(meant).collect();
    if !body.keep_thresholds {
        own_thresholds(&devices)?;
    }
    if !body.accept_missing
        && let Some(before) = packs.iter().find(|other| other.state == PackState::Active && other.id != pack.id)
    {
        let mut doors: BTreeSet<DoorId> = devices.iter().map(|device| device.door).collect();
        if let Rollout::Doors(named) = rollout {
            doors.extend(named);
        }
        gaps(api, &before.id, &pack.id, doors).await?;
    }
    Ok(())
}

fn own_thresholds(devices: &[Device]) -> Result<(), ApiError> {
    let set = devices.iter().filter(|device| {
        let desired = device.desired();
        desired.match_threshold.is_some() || desired.match_margin.is_some()
    });
    match set.count() {
        0 => Ok(()),
        count => Err(ApiError::WrongState(format!(
            "{count} devices have a threshold or margin of their own or of their door, which means something else with \
             another pack; take them away, set a target instead, or say `keep_thresholds`"
        ))),
    }
}

/// Refuses doors at which somebody could not be known any more.
async fn gaps(api: &Api, before: &PackId, pack: &PackId, doors: BTreeSet<DoorId>) -> Result<(), ApiError> {
    let (mut at, mut most) = (0, 0);
    for door in doors {
        let known = api.within.persons_at(door, before).await?;
        let gap = known.saturating_sub(api.within.persons_at(door, pack).await?);
        at += usize::from(gap > 0);
        most = most.max(gap);
    }
    if at == 0 {
        return Ok(());
    }
    Err(ApiError::WrongState(format!(
        "{most} persons could not be known with {pack} at a door, at {at} doors in all; `…/missing` names them. Take new \
         photos of them, or say `accept_missing`"
    )))
}

async fn view(api: &Api, pack: &ModelPack) -> Result<RolloutView, ApiError> {
    let is_active = pack.state == PackState::Active;
    let devices = api.packs.store.packs_at_devices().await?;
    let devices: Vec<DevicePack> = devices.into_iter().map(|at| device_pack(at, pack, is_active)).collect();
    let of = |is: &dyn Fn(&DevicePack) -> bool| devices.iter().filter(|it| it.wanted && is(it)).count();
    Ok(RolloutView {
        pack: pack.id.to_string(),
        state: pack.state.as_str(),
        wanted: of(&|_| true),
        running: of(&|it| it.runs.as_deref() == Some(pack.id.as_str())),
        failed: of(&|it| it.stage == Some(PackStage::Failed)),
        devices,
    })
}

fn device_pack(at: PackAtDevice, pack: &ModelPack, is_active: bool) -> DevicePack {
    let info: Option<Info> = at.info.as_deref().and_then(|json| serde_json::from_str(json).ok());
    let other = info.as_ref().and_then(|info| info.other_pack.clone());
    DevicePack {
        device: at.device.0,
        name: at.name,
        door: at.door.0,
        wanted: at.wanted.as_ref().map_or(is_active, |wanted| *wanted == pack.id),
        runs: info.map(|info| info.model_pack).filter(|id| !id.is_empty()),
        stage: other.as_ref().map(|other| other.stage),
        detail: other.map(|other| other.detail).unwrap_or_default(),
    }
}
