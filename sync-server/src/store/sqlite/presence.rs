//! What was last heard of a device.

use ostiary_common::ids::DeviceId;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{ConfigReported, GalleryAck};

use super::error::corrupt;
use super::{SqliteStore, columns};
use crate::ports::StoreError;

impl SqliteStore {
    /// Takes a state unless its session is older than the one known: a late will must not mark a device as
    /// lost that has come back since.
    pub(super) async fn set_presence(
        &self,
        id: DeviceId,
        state: &str,
        session: u64,
        version: &str,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let changed = sqlx::query(
            "UPDATE devices SET
                presence_since = CASE WHEN presence_state = ?1 AND session = ?2 THEN presence_since ELSE ?4 END,
                presence_state = ?1, session = ?2, version = ?3, last_seen_at = ?4
             WHERE id = ?5 AND session <= ?2",
        )
        .bind(state)
        .bind(columns::to_column(session))
        .bind(version)
        .bind(now.0)
        .bind(id.as_bytes().as_slice())
        .execute(&self.write)
        .await?
        .rows_affected();
        Ok(changed == 1)
    }

    pub(super) async fn set_info(&self, id: DeviceId, json: &str, now: UnixMillis) -> Result<(), StoreError> {
        self.set_said("UPDATE devices SET info_json = ?, last_seen_at = ? WHERE id = ?", id, json, now).await
    }

    pub(super) async fn set_health(&self, id: DeviceId, json: &str, now: UnixMillis) -> Result<(), StoreError> {
        self.set_said("UPDATE devices SET health_json = ?, last_seen_at = ? WHERE id = ?", id, json, now).await
    }

    pub(super) async fn set_config_reported(
        &self,
        id: DeviceId,
        reported: &ConfigReported,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let json = serde_json::to_string(reported).map_err(|e| corrupt("reported config", e))?;
        self.set_said("UPDATE devices SET reported_json = ?, last_seen_at = ? WHERE id = ?", id, &json, now).await
    }

    /// Keeps a text a device sent of itself, by a statement that takes text, time and device.
    async fn set_said(
        &self,
        statement: &'static str,
        id: DeviceId,
        json: &str,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        sqlx::query(statement).bind(json).bind(now.0).bind(id.as_bytes().as_slice()).execute(&self.write).await?;
        Ok(())
    }

    pub(super) async fn set_held(&self, id: DeviceId, ack: &GalleryAck, now: UnixMillis) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE devices SET held_rev = ?, held_digest = ?, held_persons = ?, held_templates = ?, held_at = ?,
             last_seen_at = ? WHERE id = ?",
        )
        .bind(columns::to_column(ack.rev.0))
        .bind(ack.digest.to_bytes().to_vec())
        .bind(ack.persons)
        .bind(ack.templates)
        .bind(now.0)
        .bind(now.0)
        .bind(id.as_bytes().as_slice())
        .execute(&self.write)
        .await?;
        Ok(())
    }
}
