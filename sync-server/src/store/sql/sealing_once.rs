//! Seals what was stored before there were keys, once, when the store is first opened with them.

use ostiary_common::ids::{EventId, PersonId, TemplateId};

use super::error::corrupt;
use super::opener::key_of;
use super::pictures::{Attached, CROP, record, record_bytes};
use super::sealing::insert_person_key;
use super::values::Flag;
use super::{SqlStore, columns};
use crate::ports::StoreError;

/// Rows sealed in one transaction.
const ROWS_AT_ONCE: u32 = 500;
/// Records looked through for embeddings in one transaction.
const RECORDS_AT_ONCE: u32 = 2_000;

/// Something that came with an event.
#[derive(sqlx::FromRow)]
struct EventRow {
    cursor: i64,
    bytes: Vec<u8>,
    event_id: Vec<u8>,
    person: Option<Vec<u8>>,
}

impl EventRow {
    fn event(&self) -> Result<EventId, StoreError> {
        columns::id(EventId, &self.event_id)
    }

    fn person(&self) -> Result<Option<PersonId>, StoreError> {
        self.person.as_deref().map(|id| columns::id(PersonId, id)).transpose()
    }
}

impl SqlStore {
    /// Each step can be cut off anywhere and is taken up at the next
    /// start.
    pub(super) async fn seal_what_lies_open(&self) -> Result<(), StoreError> {
        let done: Flag = sqlx::query_scalar("SELECT done FROM sealing").fetch_one(&self.write).await?;
        if done.0 {
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

    async fn seal_some_names(&self) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let open: Vec<(Vec<u8>, String)> =
            sqlx::query_as("SELECT id, name FROM persons WHERE name_sealed IS NULL LIMIT $1")
                .bind(i64::from(ROWS_AT_ONCE))
                .fetch_all(&mut *tx)
                .await?;
        for (id, name) in &open {
            let person = columns::id(PersonId, id)?;
            let (key, wrapped) = self.master.new_person_key(person);
            sqlx::query("UPDATE persons SET name = '', name_sealed = $1 WHERE id = $2")
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
            sqlx::query_as("SELECT id, person, embedding FROM templates WHERE sealed = 0 LIMIT $1")
                .bind(i64::from(ROWS_AT_ONCE))
                .fetch_all(&mut *tx)
                .await?;
        for (id, person, embedding) in &open {
            let (template, person) = (columns::id(TemplateId, id)?, columns::id(PersonId, person)?);
            let key = key_of(&mut tx, &self.master, person).await?;
            let key = key.ok_or_else(|| corrupt("template", "its person has no key"))?;
            sqlx::query("UPDATE templates SET embedding = $1, sealed = 1 WHERE id = $2")
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
        let open: Vec<EventRow> = sqlx::query_as(
            "SELECT c.cursor, c.jpeg AS bytes, e.event_id, e.person FROM event_crops c JOIN events e ON e.cursor = c.cursor
             WHERE c.sealed = 0 LIMIT $1",
        )
        .bind(i64::from(ROWS_AT_ONCE))
        .fetch_all(&mut *tx)
        .await?;
        for row in &open {
            let seal = self.event_seal(&mut tx, row.person()?).await?;
            sqlx::query("UPDATE event_crops SET jpeg = $1, sealed = $2 WHERE cursor = $3")
                .bind(seal.seal(CROP, row.event()?, &row.bytes))
                .bind(seal.column())
                .bind(row.cursor)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(!open.is_empty())
    }

    /// Takes embeddings out of records.
    async fn seal_embeddings_of_events(&self) -> Result<(), StoreError> {
        let mut after = 0i64;
        while let Some(last) = self.seal_some_embeddings(after).await? {
            after = last;
        }
        Ok(())
    }

    /// The same for some events after a cursor; returns the last one's.
    async fn seal_some_embeddings(&self, after: i64) -> Result<Option<i64>, StoreError> {
        let mut tx = self.begin().await?;
        let rows: Vec<EventRow> = sqlx::query_as(
            "SELECT cursor, record AS bytes, event_id, person FROM events WHERE cursor > $1 ORDER BY cursor LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(RECORDS_AT_ONCE))
        .fetch_all(&mut *tx)
        .await?;
        for row in &rows {
            // What cannot be read was of a newer kind, and is left as it is.
            let Ok(mut record) = record(&row.bytes) else { continue };
            let attached = Attached::take(&mut record);
            if attached.is_empty() {
                continue;
            }
            let seal = self.event_seal(&mut tx, row.person()?).await?;
            attached.insert(&mut tx, row.cursor, row.event()?, &seal).await?;
            sqlx::query("UPDATE events SET record = $1 WHERE cursor = $2")
                .bind(record_bytes(&record)?)
                .bind(row.cursor)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(rows.last().map(|row| row.cursor))
    }
}
