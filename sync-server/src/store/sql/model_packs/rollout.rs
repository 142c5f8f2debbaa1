//! Which devices use which pack. States, what each device is told, and the new versions of those concerned change in one
//! transaction.

use std::collections::HashMap;

use ostiary_common::ids::{DeviceId, DoorId, PackId, SiteId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{PackArchive, PackOrder};
use sqlx::AnyConnection;

use super::rows;
use crate::domain::device::Device;
use crate::domain::model_pack::{ModelPack, PackDeed, PackState, Rollout};
use crate::ports::StoreError;
use crate::ports::model_packs::PackAtDevice;
use crate::store::sql::columns;
use crate::store::sql::device_rows::{DEVICES, DeviceRow};

/// What a device is told of packs, as the query of devices reads it.
#[derive(sqlx::FromRow)]
pub(in crate::store::sql) struct OrderRow {
    want_pack: Option<String>,
    hold_pack: Option<String>,
    run_pack: Option<String>,
    run_sha256: Option<Vec<u8>>,
    run_bytes: Option<i64>,
    run_key: Option<String>,
}

impl OrderRow {
    /// Nothing is told where every device has the pack it is to run, and none is to be at hand.
    pub(in crate::store::sql) fn read(self) -> Result<Option<PackOrder>, StoreError> {
        let Some(run) = self.run_pack else { return Ok(None) };
        let archive = match (self.run_sha256, self.run_bytes, self.run_key) {
            (Some(sha256), Some(bytes), Some(key_pem)) => Some(PackArchive {
                sha256: hex::encode(sha256),
                size_bytes: columns::unsigned("size", bytes)?,
                key_pem,
            }),
            _ => None,
        };
        if archive.is_none() && self.want_pack.is_none() && self.hold_pack.is_none() {
            return Ok(None);
        }
        let hold = self.hold_pack.as_deref().map(columns::pack).transpose()?;
        Ok(Some(PackOrder { run: columns::pack(&run)?, archive, hold }))
    }
}

/// What every device is told of packs now.
pub(in crate::store::sql) async fn orders(
    conn: &mut AnyConnection,
) -> Result<HashMap<DeviceId, Option<PackOrder>>, StoreError> {
    let rows: Vec<DeviceRow> = sqlx::query_as(DEVICES).fetch_all(conn).await?;
    rows.into_iter().map(|row| Device::try_from(row).map(|device| (device.id, device.pack))).collect()
}

/// Gives a new version to every device that is told something else than `before`.
pub(super) async fn bump(
    conn: &mut AnyConnection,
    before: &HashMap<DeviceId, Option<PackOrder>>,
) -> Result<Vec<DeviceId>, StoreError> {
    let mut changed = Vec::new();
    for (id, order) in orders(&mut *conn).await? {
        if before.get(&id) == Some(&order) {
            continue;
        }
        sqlx::query("UPDATE devices SET config_version = config_version + 1 WHERE id = $1")
            .bind(id.as_bytes().as_slice())
            .execute(&mut *conn)
            .await?;
        changed.push(id);
    }
    Ok(changed)
}

#[derive(sqlx::FromRow)]
struct PlaceRow {
    id: Vec<u8>,
    door: Vec<u8>,
    site: Vec<u8>,
}

/// Puts a rollout in force.
pub(super) async fn put(
    tx: &mut AnyConnection,
    id: &PackId,
    from: &[PackState],
    rollout: &Rollout,
    now: UnixMillis,
) -> Result<Option<Vec<DeviceId>>, StoreError> {
    let packs = rows::all(&mut *tx).await?;
    let Some(pack) = packs.iter().find(|pack| pack.id == *id && from.contains(&pack.state)) else { return Ok(None) };
    let Ok(to) = pack.state.after(rollout.deed()) else { return Ok(None) };
    let before = orders(&mut *tx).await?;
    let in_force = packs.iter().find(|pack| pack.state == PackState::Active && pack.id != *id);
    match rollout.deed() {
        PackDeed::Activate => activate(&mut *tx, &packs, id, in_force, now).await?,
        _ => assign(&mut *tx, id, rollout, in_force).await?,
    }
    rows::put_state(&mut *tx, id.as_str(), to, now).await?;
    bump(tx, &before).await.map(Some)
}

/// Every device runs the pack, and can go back to the one before it.
async fn activate(
    tx: &mut AnyConnection,
    packs: &[ModelPack],
    id: &PackId,
    in_force: Option<&ModelPack>,
    now: UnixMillis,
) -> Result<(), StoreError> {
    for other in packs.iter().filter(|other| other.id != *id) {
        let to = match other.state {
            PackState::Active => PackState::Retired,
            PackState::Staged => PackState::Comparing,
            _ => continue,
        };
        rows::put_state(&mut *tx, other.id.as_str(), to, now).await?;
    }
    sqlx::query("UPDATE devices SET want_pack = NULL, hold_pack = $1")
        .bind(in_force.map(|pack| pack.id.as_str().to_owned()))
        .execute(tx)
        .await?;
    Ok(())
}

/// The devices meant run the pack, the others the one in force.
async fn assign(
    tx: &mut AnyConnection,
    id: &PackId,
    rollout: &Rollout,
    in_force: Option<&ModelPack>,
) -> Result<(), StoreError> {
    let devices: Vec<PlaceRow> = sqlx::query_as("SELECT id, door, site FROM devices").fetch_all(&mut *tx).await?;
    for row in devices {
        let device = columns::id(DeviceId, &row.id)?;
        let taken = rollout.takes(device, columns::id(DoorId, &row.door)?, columns::id(SiteId, &row.site)?);
        let hold = in_force.filter(|_| taken).map(|pack| pack.id.as_str().to_owned());
        sqlx::query("UPDATE devices SET want_pack = $1, hold_pack = $2 WHERE id = $3")
            .bind(taken.then(|| id.as_str().to_owned()))
            .bind(hold)
            .bind(row.id)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct AtDeviceRow {
    id: Vec<u8>,
    name: String,
    door: Vec<u8>,
    want_pack: Option<String>,
    held_pack: Option<String>,
    info_json: Option<String>,
}

/// Every active device with the pack it is to run.
pub(super) async fn at_devices(conn: &mut AnyConnection) -> Result<Vec<PackAtDevice>, StoreError> {
    let rows: Vec<AtDeviceRow> = sqlx::query_as(
        "SELECT id, name, door, want_pack, held_pack, info_json FROM devices WHERE state = 'active' ORDER BY name, id",
    )
    .fetch_all(conn)
    .await?;
    let read = |row: AtDeviceRow| {
        Ok(PackAtDevice {
            device: columns::id(DeviceId, &row.id)?,
            name: row.name,
            door: columns::id(DoorId, &row.door)?,
            wanted: row.want_pack.as_deref().map(columns::pack).transpose()?,
            held: row.held_pack.as_deref().map(columns::pack).transpose()?,
            info: row.info_json,
        })
    };
    rows.into_iter().map(read).collect()
}
