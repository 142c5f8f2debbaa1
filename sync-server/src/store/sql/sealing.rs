//! The store's own keys, and the log that must not keep what was deleted.

use ostiary_common::ids::PersonId;
use sqlx::{AnyConnection, AnyPool};

use super::engine::{self, Engine, Purpose};
use super::url::StoreUrl;
use super::{SqlStore, begin};
use crate::ports::StoreError;
use crate::sealing::{DerivedKey, MasterKey, MediaKey};

impl SqlStore {
    /// Whether the store has been sealed with a master key already, which must then be found and not be made anew.
    ///
    /// # Errors
    /// [`StoreError::Database`] if it is there and cannot be read.
    pub async fn is_sealed(url: &StoreUrl) -> Result<bool, StoreError> {
        if url.file().is_some_and(|path| !path.exists()) {
            return Ok(false);
        }
        let pool = engine::pool(url, Purpose::Read, 1)?;
        let known: i64 = sqlx::query_scalar(url.engine().count_tables()).bind("sealing").fetch_one(&pool).await?;
        let rows: i64 = match known {
            0 => 0,
            _ => sqlx::query_scalar("SELECT count(*) FROM sealing").fetch_one(&pool).await?,
        };
        pool.close().await;
        Ok(rows > 0)
    }

    /// A key of the server's own for `purpose`.
    pub fn derived_key(&self, purpose: &str) -> DerivedKey {
        self.master.derived(purpose)
    }

    /// Writes the write-ahead log into the database and empties it, so that bytes deleted there are gone here too.
    /// `false` if a reader is in the way; to be tried again then.
    ///
    /// PostgreSQL keeps deleted bytes until it cleans up by itself, and its log as long as it is told to; what lies in
    /// either is sealed with a key that is gone.
    pub(super) async fn empty_log(&self) -> Result<bool, StoreError> {
        if self.engine == Engine::Postgres {
            return Ok(true);
        }
        let (busy, _, _): (i64, i64, i64) =
            sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.write).await?;
        Ok(busy == 0)
    }
}

/// The media key, made if the store has none; it opens only with the master key the store was sealed with.
pub(super) async fn media_key(engine: Engine, pool: &AnyPool, master: &MasterKey) -> Result<MediaKey, StoreError> {
    let mut tx = begin(engine, pool).await?;
    let there: Option<Vec<u8>> = sqlx::query_scalar("SELECT media_key FROM sealing").fetch_optional(&mut *tx).await?;
    if let Some(wrapped) = there {
        return master.media_key(&wrapped).map_err(|_| StoreError::OtherMasterKey);
    }
    let (key, wrapped) = master.new_media_key();
    sqlx::query("INSERT INTO sealing (\"only\", media_key, done) VALUES (1, $1, 0)")
        .bind(wrapped)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(key)
}

/// Keeps a person's key.
pub(super) async fn insert_person_key(
    tx: &mut AnyConnection,
    person: PersonId,
    wrapped: &[u8],
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO person_keys (person, wrapped) VALUES ($1, $2)")
        .bind(person.as_bytes().as_slice())
        .bind(wrapped)
        .execute(tx)
        .await?;
    Ok(())
}
