//! Devices' gallery keys.

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, GalleryKeyId};
use sqlx::AnyConnection;

use super::again::again;
use super::error::{corrupt, on_insert};
use super::sealing::prefer_in_force;
use super::{SqlStore, columns};
use crate::ports::{GalleryKeyStore, StoreError};
use crate::sealing::{GalleryKey, MasterKey};

#[derive(sqlx::FromRow)]
struct KeyRow {
    id: Vec<u8>,
    wrapped: Vec<u8>,
}

const SELECT: &str = "SELECT id, wrapped FROM gallery_keys WHERE device = $1";

impl KeyRow {
    fn open(&self, master: &MasterKey, device: DeviceId) -> Result<GalleryKey, StoreError> {
        let id = columns::id(GalleryKeyId, &self.id)?;
        let key = master.gallery_key(device, id, &self.wrapped).map_err(|e| corrupt("gallery key", e))?;
        Ok(GalleryKey { id, key })
    }
}

/// Replaces a device's key, if it has one: what was sealed until now can be opened by nobody who only knows the new
/// one, and the other way round. A device that was given the old one is not told open chunks meanwhile; it sees a key
/// it does not know, and asks for a new token.
pub(super) async fn replace(tx: &mut AnyConnection, master: &MasterKey, device: DeviceId) -> Result<(), StoreError> {
    prefer_in_force(&mut *tx, master).await?;
    let id = GalleryKeyId::generate();
    let (_, wrapped) = master.new_gallery_key(device, id);
    sqlx::query("UPDATE gallery_keys SET id = $1, wrapped = $2 WHERE device = $3")
        .bind(id.as_bytes().as_slice())
        .bind(wrapped)
        .bind(device.as_bytes().as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

/// Takes a device's key away: a new unit takes its place, and is given one of its own.
pub(super) async fn forget(tx: &mut AnyConnection, device: DeviceId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM gallery_keys WHERE device = $1").bind(device.as_bytes().as_slice()).execute(tx).await?;
    Ok(())
}

#[async_trait]
impl GalleryKeyStore for SqlStore {
    async fn give_gallery_key(&self, device: DeviceId) -> Result<GalleryKey, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let bytes = device.as_bytes().as_slice();
            let there: Option<KeyRow> = sqlx::query_as(SELECT).bind(bytes).fetch_optional(&mut *tx).await?;
            let key = match &there {
                Some(row) => row.open(&self.master, device)?,
                None => self.make(&mut tx, device).await?,
            };
            tx.commit().await?;
            Ok(key)
        })
        .await
    }

    async fn gallery_key(&self, device: DeviceId) -> Result<Option<GalleryKey>, StoreError> {
        let row: Option<KeyRow> =
            sqlx::query_as(SELECT).bind(device.as_bytes().as_slice()).fetch_optional(&self.read).await?;
        row.map(|row| row.open(&self.master, device)).transpose()
    }
}

impl SqlStore {
    async fn make(&self, tx: &mut AnyConnection, device: DeviceId) -> Result<GalleryKey, StoreError> {
        prefer_in_force(&mut *tx, &self.master).await?;
        let id = GalleryKeyId::generate();
        let (key, wrapped) = self.master.new_gallery_key(device, id);
        sqlx::query("INSERT INTO gallery_keys (device, id, wrapped) VALUES ($1, $2, $3)")
            .bind(device.as_bytes().as_slice())
            .bind(id.as_bytes().as_slice())
            .bind(wrapped)
            .execute(tx)
            .await
            .map_err(on_insert("gallery key", "device"))?;
        Ok(GalleryKey { id, key })
    }
}
