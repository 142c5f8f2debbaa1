//! Sites, doors and devices changed and removed.

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, DoorId, SiteId};
use sqlx::AnyConnection;

use super::again::again;
use super::error::on_insert;
use super::recognition::next_version;
use super::{SqlStore, columns, ledger};
use crate::domain::audit::AuditNote;
use crate::domain::place::Removal;
use crate::domain::recognition::Change;
use crate::ports::StoreError;
use crate::ports::places::PlaceStore;

/// A table of places with its statements; texts, because SQL binds no names of tables.
struct Place {
    version: &'static str,
    rename: &'static str,
    remove: &'static str,
    /// What may hang on one, and how it is counted.
    hangs: &'static [(&'static str, &'static str)],
    /// What the name must not be twice.
    taken: &'static str,
}

const SITE: Place = Place {
    version: "SELECT version FROM sites WHERE id = $1",
    rename: "UPDATE sites SET name = $1, version = $2 WHERE id = $3",
    remove: "DELETE FROM sites WHERE id = $1",
    hangs: &[
        ("doors", "SELECT count(*) FROM doors WHERE site = $1"),
        ("devices", "SELECT count(*) FROM devices WHERE site = $1"),
        ("groups", "SELECT count(*) FROM person_groups WHERE site = $1"),
    ],
    taken: "site name",
};

const DOOR: Place = Place {
    version: "SELECT version FROM doors WHERE id = $1",
    rename: "UPDATE doors SET name = $1, version = $2 WHERE id = $3",
    remove: "DELETE FROM doors WHERE id = $1",
    hangs: &[("devices", "SELECT count(*) FROM devices WHERE door = $1")],
    taken: "door name",
};

impl Place {
    async fn version(&self, conn: &mut AnyConnection, id: &[u8]) -> Result<Option<u64>, StoreError> {
        let version: Option<i64> = sqlx::query_scalar(self.version).bind(id.to_vec()).fetch_optional(conn).await?;
        version.map(|version| columns::unsigned("version", version)).transpose()
    }

    async fn hangs(&self, tx: &mut AnyConnection, id: &[u8]) -> Result<Vec<(&'static str, u64)>, StoreError> {
        let mut counts = Vec::new();
        for (what, query) in self.hangs {
            let count: i64 = sqlx::query_scalar(*query).bind(id.to_vec()).fetch_one(&mut *tx).await?;
            if count > 0 {
                counts.push((*what, columns::unsigned("count", count)?));
            }
        }
        Ok(counts)
    }
}

impl SqlStore {
    async fn rename(
        &self,
        place: &Place,
        id: &[u8],
        (name, change): (&str, Change),
        note: &AuditNote,
    ) -> Result<Option<u64>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let Some(present) = place.version(&mut tx, id).await? else { return Ok(None) };
            let version = next_version(present, &change)?;
            sqlx::query(place.rename)
                .bind(name)
                .bind(columns::to_column(version))
                .bind(id.to_vec())
                .execute(&mut *tx)
                .await
                .map_err(on_insert(place.taken, "site"))?;
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            Ok(Some(version))
        })
        .await
    }

    async fn remove(&self, place: &Place, id: &[u8], note: &AuditNote) -> Result<Option<Removal>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            if place.version(&mut tx, id).await?.is_none() {
                return Ok(None);
            }
            let hangs = place.hangs(&mut tx, id).await?;
            if !hangs.is_empty() {
                return Ok(Some(Removal::InUse(hangs)));
            }
            sqlx::query(place.remove).bind(id.to_vec()).execute(&mut *tx).await?;
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            Ok(Some(Removal::Done))
        })
        .await
    }
}

#[async_trait]
impl PlaceStore for SqlStore {
    async fn site_version(&self, id: SiteId) -> Result<Option<u64>, StoreError> {
        SITE.version(&mut *self.read.acquire().await?, id.as_bytes()).await
    }

    async fn door_version(&self, id: DoorId) -> Result<Option<u64>, StoreError> {
        DOOR.version(&mut *self.read.acquire().await?, id.as_bytes()).await
    }

    async fn rename_site(
        &self,
        id: SiteId,
        name: &str,
        change: Change,
        note: &AuditNote,
    ) -> Result<Option<u64>, StoreError> {
        self.rename(&SITE, id.as_bytes(), (name, change), note).await
    }

    async fn rename_door(
        &self,
        id: DoorId,
        name: &str,
        change: Change,
        note: &AuditNote,
    ) -> Result<Option<u64>, StoreError> {
        self.rename(&DOOR, id.as_bytes(), (name, change), note).await
    }

    async fn rename_device(&self, id: DeviceId, name: &str, note: &AuditNote) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let renamed = sqlx::query("UPDATE devices SET name = $1 WHERE id = $2")
                .bind(name)
                .bind(id.as_bytes().to_vec())
                .execute(&mut *tx)
                .await
                .map_err(on_insert("device name", "door"))?;
            if renamed.rows_affected() == 0 {
                return Ok(false);
            }
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    async fn remove_site(&self, id: SiteId, note: &AuditNote) -> Result<Option<Removal>, StoreError> {
        self.remove(&SITE, id.as_bytes(), note).await
    }

    async fn remove_door(&self, id: DoorId, note: &AuditNote) -> Result<Option<Removal>, StoreError> {
        self.remove(&DOOR, id.as_bytes(), note).await
    }
}
