//! Makes the store's own keys, and seals what lies open from before there were any.

use std::path::Path;

use ostiary_common::ids::{EventId, PersonId, TemplateId};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqlitePool;

use super::error::corrupt;
use super::opener::key_of;
use super::{SqliteStore, columns, options, pictures};
use crate::ports::StoreError;
use crate::sealing::{MasterKey, MediaKey};

/// Rows sealed in one transaction, so that no reader or writer waits long.
const ROWS_AT_ONCE: u32 = 500;

impl SqliteStore {
    /// Whether the database in `path` has been sealed with a master key already, which must then be found and not
    /// be made anew.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file is no database.
    pub async fn is_sealed(path: &Path) -> Result<bool, StoreError> {
        if !path.exists() {
            return Ok(false);
        }
        let pool = SqlitePool::connect_with(options(path).read_only(true)).await?;
        let known: i64 =
            sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'sealing'").fetch_one(&pool).await?;
        let rows: i64 = match known {
            0 => 0,
            _ => sqlx::query_scalar("SELECT count(*) FROM sealing").fetch_one(&pool).await?,
        };
        pool.close().await;
        Ok(rows > 0)
    }

    /// Seals what was stored before there were keys. Each step can be cut off anywhere and is taken up at the next
    /// start.
    pub(super) async fn seal_what_lies_open(&self) -> Result<(), StoreError> {
        let done: bool = sqlx::query_scalar("SELECT done FROM sealing").fetch_one(&self.write).await?;
        if done {
            return Ok(());
        }
        let mut sealed = 0;
        while self.seal_some_names().await? || self.seal_some_templates().await? || self.seal_some_crops().await? {
            sealed += 1;
        }
        self.seal_embeddings_of_events().await?;
        sqlx::query("UPDATE sealing SET done = 1").execute(&self.write).await?;
        if sealed > 0 {
            tracing::info!("names, templates and pictures stored before are sealed now");
            self.empty_log().await?;
        }
        Ok(())
    }

    /// Writes the write-ahead log into the database and empties it, so that bytes deleted there are gone here too.
    /// `false` if a reader is in the way; to be tried again then.
    pub(super) async fn empty_log(&self) -> Result<bool, StoreError> {
        let (busy, _, _): (i64, i64, i64) =
            sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.write).await?;
        Ok(busy == 0)
    }

    async fn seal_some_names(&self) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let open: Vec<(Vec<u8>, String)> =
            sqlx::query_as("SELECT id, name FROM persons WHERE name_sealed IS NULL LIMIT ?")
                .bind(ROWS_AT_ONCE)
                .fetch_all(&mut *tx)
                .await?;
        for (id, name) in &open {
            let person = columns::id(PersonId, id)?;
            let (key, wrapped) = self.master.new_person_key(person);
            sqlx::query("UPDATE persons SET name = '', name_sealed = ? WHERE id = ?")
                .bind(key.seal_name(name))
                .bind(id)
                .execute(&mut *tx)
                .await?;
            insert_person_key(&mut tx, person, &wrapped).await?;
        }
        tx.commit().await?;
        Ok(!open.is_empty())
    }

    async fn seal_some_templates(&self) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let open: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> =
            sqlx::query_as("SELECT id, person, embedding FROM templates WHERE sealed = 0 LIMIT ?")
                .bind(ROWS_AT_ONCE)
                .fetch_all(&mut *tx)
                .await?;
        for (id, person, embedding) in &open {
            let (template, person) = (columns::id(TemplateId, id)?, columns::id(PersonId, person)?);
            let key = key_of(&mut tx, &self.master, person).await?;
            let key = key.ok_or_else(|| corrupt("template", "its person has no key"))?;
            sqlx::query("UPDATE templates SET embedding = ?, sealed = 1 WHERE id = ?")
                .bind(key.seal_embedding(template, embedding))
                .bind(id)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(!open.is_empty())
    }

    async fn seal_some_crops(&self) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let open: Vec<(i64, Vec<u8>, Vec<u8>, Option<Vec<u8>>)> = sqlx::query_as(
            "SELECT c.cursor, c.jpeg, e.event_id, e.person FROM event_crops c JOIN events e ON e.cursor = c.cursor
             WHERE c.sealed = 0 LIMIT ?",
        )
        .bind(ROWS_AT_ONCE)
        .fetch_all(&mut *tx)
        .await?;
        for (cursor, jpeg, event, person) in &open {
            let person = person.as_deref().map(|id| columns::id(PersonId, id)).transpose()?;
            let seal = self.event_seal(&mut tx, person).await?;
            let sealed = seal.seal(pictures::CROP, columns::id(EventId, event)?, jpeg);
            sqlx::query("UPDATE event_crops SET jpeg = ?, sealed = ? WHERE cursor = ?")
                .bind(sealed)
                .bind(seal.column())
                .bind(cursor)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(!open.is_empty())
    }
}

/// The media key, made if the store has none; it opens only with the master key the store was sealed with.
pub(super) async fn media_key(pool: &SqlitePool, master: &MasterKey) -> Result<MediaKey, StoreError> {
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
    let there: Option<Vec<u8>> = sqlx::query_scalar("SELECT media_key FROM sealing").fetch_optional(&mut *tx).await?;
    if let Some(wrapped) = there {
        return master.media_key(&wrapped).map_err(|_| StoreError::OtherMasterKey);
    }
    let (key, wrapped) = master.new_media_key();
    sqlx::query("INSERT INTO sealing (only, media_key, done) VALUES (1, ?, 0)").bind(wrapped).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(key)
}

/// Keeps a person's key.
pub(super) async fn insert_person_key(
    tx: &mut SqliteConnection,
    person: PersonId,
    wrapped: &[u8],
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO person_keys (person, wrapped) VALUES (?, ?)")
        .bind(person.as_bytes().as_slice())
        .bind(wrapped)
        .execute(tx)
        .await?;
    Ok(())
}
