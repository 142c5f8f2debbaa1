//! How strict recognition is, for the installation and per door. A change and the new versions of the devices it
//! concerns are committed together.

use std::collections::HashMap;

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, DoorId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::DeviceSettings;
use sqlx::{Any, AnyConnection, Executor};

use super::again::again;
use super::device_rows::{DEVICES, DeviceRow};
use super::recognition_rows::{DoorRow, InstallationRow, share_to_column, similarity_to_column};
use super::{SqlStore, columns};
use crate::domain::device::Device;
use crate::domain::recognition::{Change, Changed, InstallationRules, Layer, Versioned, liveness_name};
use crate::ports::{RecognitionStore, StoreError};

async fn installation(conn: impl Executor<'_, Database = Any>) -> Result<Versioned<InstallationRules>, StoreError> {
    let row: InstallationRow = sqlx::query_as("SELECT * FROM recognition").fetch_one(conn).await?;
    row.try_into()
}

/// What a door says, which is nothing as long as nobody set it; `None` if there is no such door.
async fn of_door(
    conn: impl Executor<'_, Database = Any>,
    door: DoorId,
) -> Result<Option<Versioned<Layer>>, StoreError> {
    let row: Option<DoorRow> = sqlx::query_as(
        "SELECT o.target_fpir, o.match_threshold, o.match_margin, o.liveness, o.version, o.changed_at
         FROM doors d LEFT JOIN door_recognition o ON o.door = d.id WHERE d.id = $1",
    )
    .bind(door.as_bytes().as_slice())
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// The number of the next version, if the change was made against the present one.
pub(super) fn next_version(present: u64, change: &Change) -> Result<u64, StoreError> {
    match change.expected {
        Some(expected) if expected != present => Err(StoreError::Outdated { expected, present }),
        _ => Ok(present + 1),
    }
}

/// What each device (of one door, or all) is to be told now.
pub(super) async fn all_desired(
    conn: &mut AnyConnection,
    door: Option<DoorId>,
) -> Result<HashMap<DeviceId, DeviceSettings>, StoreError> {
    let query = format!("{DEVICES} WHERE $1 IS NULL OR d.door = $1");
    let rows: Vec<DeviceRow> = sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(door.map(|door| door.as_bytes().to_vec()))
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(|row| Device::try_from(row).map(|device| (device.id, device.desired()))).collect()
}

/// Gives a new version to every device that is to be told something else than `before`.
pub(super) async fn bump_changed(
    conn: &mut AnyConnection,
    door: Option<DoorId>,
    before: &HashMap<DeviceId, DeviceSettings>,
) -> Result<Vec<DeviceId>, StoreError> {
    let nothing = DeviceSettings::default();
    let mut changed = Vec::new();
    for (id, desired) in all_desired(&mut *conn, door).await? {
        if *before.get(&id).unwrap_or(&nothing) == desired {
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

async fn write_installation(
    conn: &mut AnyConnection,
    rules: &InstallationRules,
    version: u64,
    now: UnixMillis,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE recognition SET target_fpir = $1, target_fnir = $2, liveness = $3, lookalike = $4, version = $5,
         changed_at = $6",
    )
    .bind(share_to_column(rules.target_fpir))
    .bind(f64::from(rules.target_fnir.get()))
    .bind(rules.liveness.map(liveness_name))
    .bind(similarity_to_column(rules.lookalike))
    .bind(columns::to_column(version))
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

async fn write_door(
    conn: &mut AnyConnection,
    door: DoorId,
    layer: &Layer,
    version: u64,
    now: UnixMillis,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO door_recognition (door, target_fpir, match_threshold, match_margin, liveness, version, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (door) DO UPDATE SET target_fpir = excluded.target_fpir,
         match_threshold = excluded.match_threshold, match_margin = excluded.match_margin,
         liveness = excluded.liveness, version = excluded.version, changed_at = excluded.changed_at",
    )
    .bind(door.as_bytes().as_slice())
    .bind(share_to_column(layer.target_fpir))
    .bind(similarity_to_column(layer.match_threshold))
    .bind(similarity_to_column(layer.match_margin))
    .bind(layer.liveness.map(liveness_name))
    .bind(columns::to_column(version))
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

#[async_trait]
impl RecognitionStore for SqlStore {
    async fn recognition(&self) -> Result<Versioned<InstallationRules>, StoreError> {
        installation(&self.read).await
    }

    async fn door_recognition(&self, door: DoorId) -> Result<Option<Versioned<Layer>>, StoreError> {
        of_door(&self.read, door).await
    }

    async fn put_recognition(&self, rules: &InstallationRules, change: Change) -> Result<Changed, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let version = next_version(installation(&mut *tx).await?.version, &change)?;
            let before = all_desired(&mut tx, None).await?;
            write_installation(&mut tx, rules, version, change.now).await?;
            let devices = bump_changed(&mut tx, None, &before).await?;
            tx.commit().await?;
            Ok(Changed { version, devices })
        })
        .await
    }

    async fn put_door_recognition(
        &self,
        door: DoorId,
        layer: &Layer,
        change: Change,
    ) -> Result<Option<Changed>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let Some(present) = of_door(&mut *tx, door).await? else { return Ok(None) };
            let version = next_version(present.version, &change)?;
            let before = all_desired(&mut tx, Some(door)).await?;
            write_door(&mut tx, door, layer, version, change.now).await?;
            let devices = bump_changed(&mut tx, Some(door), &before).await?;
            tx.commit().await?;
            Ok(Some(Changed { version, devices }))
        })
        .await
    }
}
