//! The store's own keys, and the log that must not keep what was deleted.

use ostiary_common::ids::PersonId;
use sqlx::{AnyConnection, AnyPool};

use super::engine::{self, Engine, Purpose};
use super::url::StoreUrl;
use super::{SqlStore, begin};
use crate::ports::StoreError;
use crate::sealing::{DerivedKey, Fingerprint, MasterKey, MediaKey, RootKey};

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
        self.root.derived(purpose)
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

/// The keys of the store itself.
pub(super) struct StoreKeys {
    pub(super) media: MediaKey,
    pub(super) root: RootKey,
}

#[derive(sqlx::FromRow)]
struct KeysRow {
    media_key: Vec<u8>,
    root: Option<Vec<u8>>,
    wraps_with: Option<String>,
}

/// The store's keys, made if it has none; they open only with the master key the store was sealed with, which is
/// preferred from then on.
pub(super) async fn store_keys(engine: Engine, pool: &AnyPool, master: &MasterKey) -> Result<StoreKeys, StoreError> {
    let mut tx = begin(engine, pool).await?;
    let there: Option<KeysRow> =
        sqlx::query_as("SELECT media_key, root, wraps_with FROM sealing").fetch_optional(&mut *tx).await?;
    let media = match &there {
        Some(row) => {
            let held = row.wraps_with.clone().is_none_or(|print| master.prefer(&Fingerprint::stored(print)));
            let media = master.media_key(&row.media_key).map_err(|_| StoreError::OtherMasterKey)?;
            held.then_some(media).ok_or(StoreError::OtherMasterKey)?
        }
        None => {
            let (key, wrapped) = master.new_media_key();
            sqlx::query("INSERT INTO sealing (\"only\", media_key, done) VALUES (1, $1, 0)")
                .bind(wrapped)
                .execute(&mut *tx)
                .await?;
            key
        }
    };
    let root = match there.and_then(|row| row.root) {
        Some(wrapped) => master.root_key(&wrapped).map_err(|_| StoreError::OtherMasterKey)?,
        None => {
            let (key, wrapped) = master.new_root_key();
            sqlx::query("UPDATE sealing SET root = $1").bind(wrapped).execute(&mut *tx).await?;
            key
        }
    };
    sqlx::query("UPDATE sealing SET wraps_with = $1 WHERE wraps_with IS NULL")
        .bind(master.fingerprint().as_str())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(StoreKeys { media, root })
}

/// Has new keys wrapped with the master key that is in force, in the transaction that keeps them: another process may
/// have changed it.
pub(super) async fn prefer_in_force(tx: &mut AnyConnection, master: &MasterKey) -> Result<(), StoreError> {
    let print: Option<Option<String>> = sqlx::query_scalar("SELECT wraps_with FROM sealing").fetch_optional(tx).await?;
    match print.flatten() {
        Some(print) if master.prefer(&Fingerprint::stored(print.clone())) => Ok(()),
        None => Ok(()),
        Some(_) => Err(StoreError::OtherMasterKey),
    }
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
