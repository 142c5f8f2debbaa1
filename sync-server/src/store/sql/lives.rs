//! Devices' lives beyond the claim: moves, revocation, replacement, certificates.

use std::collections::HashMap;

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, DoorId, SiteId, StreamId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::DeviceRoot;
use sqlx::AnyConnection;

use super::again::again;
use super::error::{corrupt, on_insert};
use super::recognition::{all_desired, bump_changed};
use super::{SqlStore, columns, gallery_keys};
use crate::domain::device::Device;
use crate::domain::device_life::{
    CertificateSerial, DeviceCertificate, DeviceLife, FormerPosting, RevokedCertificate, name_when_replaced,
};
use crate::ports::{DeviceStore, LifeStore, StoreError};

/// A device's life as rows have it.
const LIVES: &str = "SELECT d.id, d.placed_at, d.revoked_at, d.replaces,
    (SELECT s.id FROM devices s WHERE s.replaces = d.id) AS replaced_by FROM devices d";

#[derive(sqlx::FromRow)]
struct LifeRow {
    id: Vec<u8>,
    placed_at: Option<i64>,
    revoked_at: Option<i64>,
    replaces: Option<Vec<u8>>,
    replaced_by: Option<Vec<u8>>,
}

impl LifeRow {
    fn read(self) -> Result<(DeviceId, DeviceLife), StoreError> {
        let device = |bytes: Option<Vec<u8>>| bytes.map(|bytes| columns::id(DeviceId, &bytes)).transpose();
        let life = DeviceLife {
            placed_at: columns::time(self.placed_at),
            revoked_at: columns::time(self.revoked_at),
            replaces: device(self.replaces)?,
            replaced_by: device(self.replaced_by)?,
        };
        Ok((columns::id(DeviceId, &self.id)?, life))
    }
}

/// Shuts a device out: no claim code of it serves any more. `false` if there is no such device.
pub(super) async fn revoke(tx: &mut AnyConnection, id: DeviceId, now: UnixMillis) -> Result<bool, StoreError> {
    let changed =
        sqlx::query("UPDATE devices SET state = 'revoked', revoked_at = COALESCE(revoked_at, $1) WHERE id = $2")
            .bind(now.0)
            .bind(id.as_bytes().as_slice())
            .execute(&mut *tx)
            .await?
            .rows_affected();
    sqlx::query("DELETE FROM claim_codes WHERE device = $1").bind(id.as_bytes().as_slice()).execute(tx).await?;
    Ok(changed == 1)
}

/// Lets a device watch another door and remembers where it was. `false` if there is no such device or door, or the
/// device is revoked.
pub(super) async fn post(
    tx: &mut AnyConnection,
    id: DeviceId,
    door: DoorId,
    now: UnixMillis,
) -> Result<bool, StoreError> {
    sqlx::query(
        "INSERT INTO device_postings (device, until, site, door)
         SELECT id, $1, site, door FROM devices WHERE id = $2 AND door != $3 AND state != 'revoked'
         AND EXISTS (SELECT 1 FROM doors WHERE doors.id = $3)
         ON CONFLICT (device, until) DO NOTHING",
    )
    .bind(now.0)
    .bind(id.as_bytes().as_slice())
    .bind(door.as_bytes().as_slice())
    .execute(&mut *tx)
    .await?;
    let moved = sqlx::query(
        "UPDATE devices SET placed_at = CASE WHEN devices.door = doors.id THEN placed_at ELSE $1 END,
         door = doors.id, site = doors.site FROM doors
         WHERE doors.id = $3 AND devices.id = $2 AND devices.state != 'revoked'",
    )
    .bind(now.0)
    .bind(id.as_bytes().as_slice())
    .bind(door.as_bytes().as_slice())
    .execute(tx)
    .await?
    .rows_affected();
    Ok(moved == 1)
}

#[async_trait]
impl LifeStore for SqlStore {
    async fn life(&self, id: DeviceId) -> Result<DeviceLife, StoreError> {
        let row: Option<LifeRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{LIVES} WHERE d.id = $1")))
            .bind(id.as_bytes().as_slice())
            .fetch_optional(&self.read)
            .await?;
        Ok(row.map(LifeRow::read).transpose()?.map(|(_, life)| life).unwrap_or_default())
    }

    async fn lives(&self) -> Result<HashMap<DeviceId, DeviceLife>, StoreError> {
        let rows: Vec<LifeRow> = sqlx::query_as(LIVES).fetch_all(&self.read).await?;
        rows.into_iter().map(LifeRow::read).collect()
    }

    async fn former_postings(&self, id: DeviceId) -> Result<Vec<FormerPosting>, StoreError> {
        let rows: Vec<(i64, Vec<u8>, Vec<u8>)> =
            sqlx::query_as("SELECT until, site, door FROM device_postings WHERE device = $1 ORDER BY until DESC")
                .bind(id.as_bytes().as_slice())
                .fetch_all(&self.read)
                .await?;
        let read = |(until, site, door): (i64, Vec<u8>, Vec<u8>)| {
            let (site, door) = (columns::id(SiteId, &site)?, columns::id(DoorId, &door)?);
            Ok(FormerPosting { until: UnixMillis(until), site, door })
        };
        rows.into_iter().map(read).collect()
    }

    async fn replace_device(
        &self,
        old: DeviceId,
        successor: DeviceId,
        now: UnixMillis,
    ) -> Result<Option<Device>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let name: Option<String> = sqlx::query_scalar("SELECT name FROM devices WHERE id = $1")
                .bind(old.as_bytes().as_slice())
                .fetch_optional(&mut *tx)
                .await?;
            let Some(name) = name else { return Ok(None) };
            if is_replaced(&mut tx, old).await? {
                return Err(StoreError::Conflict("the device's place"));
            }
            revoke(&mut tx, old, now).await?;
            gallery_keys::replace(&mut tx, &self.master, old).await?;
            rename(&mut tx, old, &name_when_replaced(&name, now)).await?;
            let door: Vec<u8> = sqlx::query_scalar("SELECT door FROM devices WHERE id = $1")
                .bind(old.as_bytes().as_slice())
                .fetch_one(&mut *tx)
                .await?;
            let door = Some(columns::id(DoorId, &door)?);
            let before = all_desired(&mut tx, door).await?;
            insert_successor(&mut tx, old, successor, &name, now).await?;
            bump_changed(&mut tx, door, &before).await?;
            tx.commit().await?;
            self.device(successor).await
        })
        .await
    }

    async fn highest_seq(&self, device: DeviceId, stream: StreamId) -> Result<u64, StoreError> {
        let highest: Option<i64> = sqlx::query_scalar(
            "SELECT MAX(seq) FROM (SELECT upto_seq AS seq FROM streams WHERE device = $1 AND stream = $2
             UNION ALL SELECT last_seq FROM stream_ranges WHERE device = $1 AND stream = $2) AS numbers",
        )
        .bind(device.as_bytes().as_slice())
        .bind(stream.as_bytes().as_slice())
        .fetch_one(&self.read)
        .await?;
        columns::unsigned("sequence number", highest.unwrap_or(0))
    }

    async fn add_certificate(&self, certificate: &DeviceCertificate, keep: u32) -> Result<(), StoreError> {
        again(|| async {
            let DeviceCertificate { serial, device, issued_at, ends_at } = certificate;
            let mut tx = self.begin().await?;
            sqlx::query(
                "UPDATE device_certificates SET revoked_at = $1 WHERE device = $2 AND revoked_at IS NULL AND serial NOT IN
                 (SELECT serial FROM device_certificates WHERE device = $2 ORDER BY issued_at DESC, serial LIMIT $3)",
            )
            .bind(issued_at.0)
            .bind(device.as_bytes().as_slice())
            .bind(i64::from(keep))
            .execute(&mut *tx)
            .await?;
            sqlx::query("INSERT INTO device_certificates (serial, device, issued_at, ends_at) VALUES ($1, $2, $3, $4)")
                .bind(serial.0.as_slice())
                .bind(device.as_bytes().as_slice())
                .bind(issued_at.0)
                .bind(ends_at.0)
                .execute(&mut *tx)
                .await
                .map_err(on_insert("certificate serial number", "device"))?;
            // Ended ones are refused for their age.
            sqlx::query("DELETE FROM device_certificates WHERE ends_at <= $1").bind(issued_at.0).execute(&mut *tx).await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    async fn revoked_certificates(&self, now: UnixMillis) -> Result<Vec<RevokedCertificate>, StoreError> {
        let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(
            "SELECT c.serial, CASE WHEN c.revoked_at < coalesce(d.revoked_at, c.revoked_at + 1) THEN c.revoked_at
             ELSE coalesce(d.revoked_at, c.revoked_at) END
             FROM device_certificates c JOIN devices d ON d.id = c.device
             WHERE c.ends_at > $1 AND (c.revoked_at IS NOT NULL OR d.revoked_at IS NOT NULL) ORDER BY c.serial",
        )
        .bind(now.0)
        .fetch_all(&self.read)
        .await?;
        let read = |(serial, at): (Vec<u8>, i64)| {
            let bytes = serial.as_slice().try_into().map_err(|e| corrupt("certificate serial number", e))?;
            Ok(RevokedCertificate { serial: CertificateSerial(bytes), at: UnixMillis(at) })
        };
        rows.into_iter().map(read).collect()
    }

    async fn departed(&self) -> Result<Vec<DeviceRoot>, StoreError> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "SELECT site, id FROM devices WHERE state = 'revoked' UNION
             SELECT p.site, p.device FROM device_postings p JOIN devices d ON d.id = p.device WHERE p.site != d.site",
        )
        .fetch_all(&self.read)
        .await?;
        let read = |(site, device): (Vec<u8>, Vec<u8>)| {
            Ok(DeviceRoot { site: columns::id(SiteId, &site)?, device: columns::id(DeviceId, &device)? })
        };
        rows.into_iter().map(read).collect()
    }
}

async fn is_replaced(tx: &mut AnyConnection, id: DeviceId) -> Result<bool, StoreError> {
    let successors: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM devices WHERE replaces = $1")
        .bind(id.as_bytes().as_slice())
        .fetch_one(tx)
        .await?;
    Ok(successors > 0)
}

async fn rename(tx: &mut AnyConnection, id: DeviceId, name: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE devices SET name = $1 WHERE id = $2")
        .bind(name)
        .bind(id.as_bytes().as_slice())
        .execute(tx)
        .await
        .map_err(on_insert("device name", "device"))?;
    Ok(())
}

/// With site, door and settings of the old one; whoever calls gives what it is to be told its first version.
async fn insert_successor(
    tx: &mut AnyConnection,
    old: DeviceId,
    successor: DeviceId,
    name: &str,
    now: UnixMillis,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO devices (id, site, door, name, state, created_at, config_version, config_json, replaces)
         SELECT $1, site, door, $2, 'pending', $3, 0, config_json, id FROM devices WHERE id = $4",
    )
    .bind(successor.as_bytes().as_slice())
    .bind(name)
    .bind(now.0)
    .bind(old.as_bytes().as_slice())
    .execute(tx)
    .await
    .map_err(on_insert("device name", "device"))?;
    Ok(())
}
