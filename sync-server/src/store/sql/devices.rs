//! Sites, doors and devices.

use std::collections::HashMap;

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, DoorId, SiteId, TokenId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{ConfigReported, DeviceSettings, GalleryAck};

use super::again::again;
use super::device_rows::{DEVICES, DeviceRow, DoorRow, SiteRow};
use super::error::{corrupt, on_insert};
use super::recognition::{all_desired, bump_changed};
use super::{SqlStore, columns, gallery_keys, lives, scopes};
use crate::domain::device::{ClaimCode, Device, DeviceStanding, Door, Site};
use crate::ports::{DeviceStore, StoreError};

#[async_trait]
impl DeviceStore for SqlStore {
    async fn add_site(&self, site: &Site) -> Result<(), StoreError> {
        again(|| async {
            sqlx::query("INSERT INTO sites (id, name, created_at) VALUES ($1, $2, $3)")
                .bind(site.id.as_bytes().as_slice())
                .bind(&site.name)
                .bind(site.created_at.0)
                .execute(&self.write)
                .await
                .map_err(on_insert("site name", "site"))?;
            Ok(())
        })
        .await
    }

    async fn sites(&self) -> Result<Vec<Site>, StoreError> {
        let rows: Vec<SiteRow> = sqlx::query_as("SELECT * FROM sites ORDER BY name, id").fetch_all(&self.read).await?;
        rows.into_iter().map(Site::try_from).collect()
    }

    async fn add_door(&self, door: &Door) -> Result<(), StoreError> {
        again(|| async {
            sqlx::query("INSERT INTO doors (id, site, name, created_at) VALUES ($1, $2, $3, $4)")
                .bind(door.id.as_bytes().as_slice())
                .bind(door.site.as_bytes().as_slice())
                .bind(&door.name)
                .bind(door.created_at.0)
                .execute(&self.write)
                .await
                .map_err(on_insert("door name", "site"))?;
            Ok(())
        })
        .await
    }

    async fn doors(&self) -> Result<Vec<Door>, StoreError> {
        let rows: Vec<DoorRow> = sqlx::query_as("SELECT * FROM doors ORDER BY name, id").fetch_all(&self.read).await?;
        rows.into_iter().map(Door::try_from).collect()
    }

    async fn door(&self, id: DoorId) -> Result<Option<Door>, StoreError> {
        let row: Option<DoorRow> = sqlx::query_as("SELECT * FROM doors WHERE id = $1")
            .bind(id.as_bytes().as_slice())
            .fetch_optional(&self.read)
            .await?;
        row.map(Door::try_from).transpose()
    }

    async fn site(&self, id: SiteId) -> Result<Option<Site>, StoreError> {
        let row: Option<SiteRow> = sqlx::query_as("SELECT * FROM sites WHERE id = $1")
            .bind(id.as_bytes().as_slice())
            .fetch_optional(&self.read)
            .await?;
        row.map(Site::try_from).transpose()
    }

    async fn add_device(&self, device: &Device) -> Result<(), StoreError> {
        again(|| async {
            let config = serde_json::to_string(&device.config).map_err(|e| corrupt("device config", e))?;
            let mut tx = self.begin().await?;
            let before = all_desired(&mut tx, Some(device.door)).await?;
            sqlx::query(
                "INSERT INTO devices (id, site, door, name, state, public_key_pem, created_at, claimed_at, config_version,
                 config_json) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(device.id.as_bytes().as_slice())
            .bind(device.site.as_bytes().as_slice())
            .bind(device.door.as_bytes().as_slice())
            .bind(&device.name)
            .bind(device.state.as_str())
            .bind(&device.public_key_pem)
            .bind(device.created_at.0)
            .bind(device.claimed_at.map(|at| at.0))
            .bind(columns::to_column(device.config_version))
            .bind(config)
            .execute(&mut *tx)
            .await
            .map_err(on_insert("device name", "door"))?;
            // It starts with what its door says, if that says anything.
            bump_changed(&mut tx, Some(device.door), &before).await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    async fn device(&self, id: DeviceId) -> Result<Option<Device>, StoreError> {
        let row: Option<DeviceRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{DEVICES} WHERE d.id = $1")))
            .bind(id.as_bytes().as_slice())
            .fetch_optional(&self.read)
            .await?;
        row.map(Device::try_from).transpose()
    }

    async fn device_standings(&self, ids: &[DeviceId]) -> Result<HashMap<DeviceId, DeviceStanding>, StoreError> {
        self.standings_of(ids).await
    }

    async fn devices(&self) -> Result<Vec<Device>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!("{DEVICES} ORDER BY d.name, d.id"));
        let rows: Vec<DeviceRow> = sqlx::query_as(query).fetch_all(&self.read).await?;
        rows.into_iter().map(Device::try_from).collect()
    }

    async fn put_claim_code(&self, code: &ClaimCode) -> Result<(), StoreError> {
        self.insert_claim_code(code).await
    }

    async fn claim(
        &self,
        code_hash: &str,
        public_key_pem: &str,
        now: UnixMillis,
    ) -> Result<Option<Device>, StoreError> {
        match self.use_claim_code(code_hash, public_key_pem, now).await? {
            Some(device) => self.device(device).await,
            None => Ok(None),
        }
    }

    async fn revoke_device(&self, id: DeviceId, now: UnixMillis) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let found = lives::revoke(&mut tx, id, now).await?;
            gallery_keys::replace(&mut tx, &self.master, id).await?;
            tx.commit().await?;
            Ok(found)
        })
        .await
    }

    async fn use_assertion(&self, jti: TokenId, expires_at: UnixMillis) -> Result<bool, StoreError> {
        self.remember_assertion(jti, expires_at).await
    }

    async fn put_presence(
        &self,
        id: DeviceId,
        state: &str,
        session: u64,
        version: &str,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        self.set_presence(id, state, session, version, now).await
    }

    async fn put_info(&self, id: DeviceId, json: &str, now: UnixMillis) -> Result<(), StoreError> {
        self.set_info(id, json, now).await
    }

    async fn put_health(&self, id: DeviceId, json: &str, now: UnixMillis) -> Result<(), StoreError> {
        self.set_health(id, json, now).await
    }

    async fn put_held(&self, id: DeviceId, ack: &GalleryAck, now: UnixMillis) -> Result<(), StoreError> {
        self.set_held(id, ack, now).await
    }

    async fn put_config_reported(
        &self,
        id: DeviceId,
        reported: &ConfigReported,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        self.set_config_reported(id, reported, now).await
    }

    async fn put_config(&self, id: DeviceId, settings: &DeviceSettings) -> Result<Option<u64>, StoreError> {
        again(|| async {
            let config = serde_json::to_string(settings).map_err(|e| corrupt("device config", e))?;
            let version: Option<i64> = sqlx::query_scalar(
                "UPDATE devices SET config_json = $1, config_version = config_version + 1 WHERE id = $2
                 RETURNING config_version",
            )
            .bind(config)
            .bind(id.as_bytes().as_slice())
            .fetch_optional(&self.write)
            .await?;
            version.map(|v| columns::unsigned("config version", v)).transpose()
        })
        .await
    }

    async fn move_device(&self, id: DeviceId, door: DoorId, now: UnixMillis) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let before = all_desired(&mut tx, None).await?;
            let known_before = scopes::of_all(&mut tx).await?;
            let moved = lives::post(&mut tx, id, door, now).await?;
            bump_changed(&mut tx, Some(door), &before).await?;
            if moved {
                gallery_keys::replace(&mut tx, &self.master, id).await?;
            }
            scopes::mark_changed(&mut tx, &known_before).await?;
            tx.commit().await?;
            Ok(moved)
        })
        .await
    }
}
