//! How devices stand, and what was last heard of each.

use std::collections::HashMap;
use std::sync::LazyLock;

use ostiary_common::ids::{DeviceId, SiteId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::monitor::Info;
use ostiary_common::wire::{ConfigReported, GalleryAck};

use super::error::corrupt;
use super::many::{ManyRows, pieces};
use super::{SqlStore, columns};
use crate::domain::device::{DeviceStanding, DeviceState};
use crate::ports::StoreError;

static STANDINGS: LazyLock<ManyRows> = LazyLock::new(|| {
    let tail = ") SELECT d.id, d.site, d.state, d.session FROM asked a JOIN devices d ON d.id = a.id";
    ManyRows::new("WITH asked (id) AS (VALUES", "(?)", tail)
});

impl SqlStore {
    pub(super) async fn standings_of(&self, ids: &[DeviceId]) -> Result<HashMap<DeviceId, DeviceStanding>, StoreError> {
        let mut standings = HashMap::with_capacity(ids.len());
        for piece in pieces(ids) {
            let mut query = sqlx::query_as::<_, (Vec<u8>, Vec<u8>, String, i64)>(STANDINGS.sql(self.engine, piece));
            for id in piece {
                query = query.bind(id.as_bytes().as_slice());
            }
            for (id, site, state, session) in query.fetch_all(&self.read).await? {
                let state = DeviceState::parse(&state).ok_or_else(|| corrupt("device state", &state))?;
                let session = columns::unsigned("session", session)?;
                let standing = DeviceStanding { site: columns::id(SiteId, &site)?, state, session };
                standings.insert(columns::id(DeviceId, &id)?, standing);
            }
        }
        Ok(standings)
    }

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
        let (state, session, version) =
            (state.to_owned(), columns::to_column(session), columns::text(version).into_owned());
        self.small(move |tx| {
            let (state, version) = (state.clone(), version.clone());
            Box::pin(async move {
                let changed = sqlx::query(
                    "UPDATE devices SET
                        presence_since = CASE WHEN presence_state = $1 AND session = $2 THEN presence_since ELSE $4 END,
                        presence_state = $1, session = $2, version = $3, last_seen_at = $4
                     WHERE id = $5 AND session <= $2",
                )
                .bind(state)
                .bind(session)
                .bind(version)
                .bind(now.0)
                .bind(id.as_bytes().to_vec())
                .execute(tx)
                .await?
                .rows_affected();
                Ok(changed == 1)
            })
        })
        .await
    }

    pub(super) async fn set_info(&self, id: DeviceId, json: &str, now: UnixMillis) -> Result<(), StoreError> {
        let told: Info = serde_json::from_str(json).unwrap_or_default();
        let (json, pack) = (json.to_owned(), told.model_pack);
        self.small(move |tx| {
            let (json, pack) = (json.clone(), pack.clone());
            Box::pin(async move {
                // A pack nobody knows here is that of a device that is not set up: it is measured by the one in force.
                sqlx::query(
                    "UPDATE devices SET info_json = $1, last_seen_at = $2,
                     held_pack = (SELECT p.id FROM model_packs p WHERE p.id = $3) WHERE id = $4",
                )
                .bind(json)
                .bind(now.0)
                .bind(pack)
                .bind(id.as_bytes().to_vec())
                .execute(tx)
                .await?;
                Ok(true)
            })
        })
        .await
        .map(drop)
    }

    pub(super) async fn set_health(&self, id: DeviceId, json: &str, now: UnixMillis) -> Result<(), StoreError> {
        self.set_said("UPDATE devices SET health_json = $1, last_seen_at = $2 WHERE id = $3", id, json, now).await
    }

    pub(super) async fn set_config_reported(
        &self,
        id: DeviceId,
        reported: &ConfigReported,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let json = serde_json::to_string(reported).map_err(|e| corrupt("reported config", e))?;
        self.set_said("UPDATE devices SET reported_json = $1, last_seen_at = $2 WHERE id = $3", id, &json, now).await
    }

    /// Keeps a text a device sent of itself, by a statement that takes text, time and device.
    async fn set_said(
        &self,
        statement: &'static str,
        id: DeviceId,
        json: &str,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let json = json.to_owned();
        self.small(move |tx| {
            let json = json.clone();
            Box::pin(async move {
                sqlx::query(statement).bind(json).bind(now.0).bind(id.as_bytes().to_vec()).execute(tx).await?;
                Ok(true)
            })
        })
        .await
        .map(drop)
    }

    pub(super) async fn set_held(&self, id: DeviceId, ack: &GalleryAck, now: UnixMillis) -> Result<(), StoreError> {
        let (rev, digest) = (columns::to_column(ack.rev.0), ack.digest.to_bytes().to_vec());
        let (persons, templates) = (i64::from(ack.persons), i64::from(ack.templates));
        self.small(move |tx| {
            let digest = digest.clone();
            Box::pin(async move {
                sqlx::query(
                    "UPDATE devices SET held_rev = $1, held_digest = $2, held_persons = $3, held_templates = $4,
                     held_at = $5, last_seen_at = $6 WHERE id = $7",
                )
                .bind(rev)
                .bind(digest)
                .bind(persons)
                .bind(templates)
                .bind(now.0)
                .bind(now.0)
                .bind(id.as_bytes().to_vec())
                .execute(tx)
                .await?;
                Ok(true)
            })
        })
        .await
        .map(drop)
    }
}
