//! Persons. Every change of templates takes the next revision in the same transaction.

use async_trait::async_trait;
use ostiary_common::ids::{PackId, PersonId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use sqlx::SqliteConnection;

use super::error::on_insert;
use super::{SqliteStore, columns, templates};
use crate::domain::person::{Person, Template};
use crate::ports::{PersonStore, StoreError};

#[derive(sqlx::FromRow)]
struct PersonRow {
    id: Vec<u8>,
    name: String,
    created_at: i64,
    consent_at: Option<i64>,
    rev: i64,
    templates: i64,
}

impl TryFrom<PersonRow> for Person {
    type Error = StoreError;
    fn try_from(row: PersonRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns::id(PersonId, &row.id)?,
            name: row.name,
            created_at: UnixMillis(row.created_at),
            consent_at: columns::time(row.consent_at),
            rev: Revision(columns::unsigned("revision", row.rev)?),
            templates: columns::unsigned32("templates", row.templates)?,
        })
    }
}

/// Takes the next revision of the gallery.
pub(super) async fn next_revision(tx: &mut SqliteConnection) -> Result<Revision, StoreError> {
    let rev: i64 = sqlx::query_scalar("UPDATE gallery SET rev = rev + 1 RETURNING rev").fetch_one(tx).await?;
    Ok(Revision(columns::unsigned("revision", rev)?))
}

/// Marks a person as changed at `rev`.
pub(super) async fn touch(tx: &mut SqliteConnection, person: &[u8], rev: Revision) -> Result<(), StoreError> {
    sqlx::query("UPDATE persons SET rev = ? WHERE id = ?")
        .bind(columns::to_column(rev.0))
        .bind(person)
        .execute(tx)
        .await?;
    Ok(())
}

async fn bury(tx: &mut SqliteConnection, id: PersonId, rev: Revision, now: UnixMillis) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO tombstones (person, rev, removed_at) VALUES (?, ?, ?)")
        .bind(id.as_bytes().as_slice())
        .bind(columns::to_column(rev.0))
        .bind(now.0)
        .execute(tx)
        .await?;
    Ok(())
}

#[async_trait]
impl PersonStore for SqliteStore {
    async fn add_person(&self, person: &Person) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO persons (id, name, created_at, consent_at) VALUES (?, ?, ?, ?)")
            .bind(person.id.as_bytes().as_slice())
            .bind(&person.name)
            .bind(person.created_at.0)
            .bind(person.consent_at.map(|at| at.0))
            .execute(&self.write)
            .await
            .map_err(on_insert("person id", "person"))?;
        Ok(())
    }

    async fn person(&self, id: PersonId) -> Result<Option<Person>, StoreError> {
        let row: Option<PersonRow> = sqlx::query_as(
            "SELECT p.*, (SELECT count(*) FROM templates t WHERE t.person = p.id) AS templates
             FROM persons p WHERE p.id = ?",
        )
        .bind(id.as_bytes().as_slice())
        .fetch_optional(&self.read)
        .await?;
        row.map(Person::try_from).transpose()
    }

    async fn persons(&self, after: Option<PersonId>, limit: u32) -> Result<Vec<Person>, StoreError> {
        let rows: Vec<PersonRow> = sqlx::query_as(
            "SELECT p.*, (SELECT count(*) FROM templates t WHERE t.person = p.id) AS templates
             FROM persons p WHERE p.id > ? ORDER BY p.id LIMIT ?",
        )
        .bind(after.map_or_else(Vec::new, |id| id.as_bytes().to_vec()))
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(Person::try_from).collect()
    }

    async fn remove_person(&self, id: PersonId, now: UnixMillis) -> Result<Option<Revision>, StoreError> {
        let mut tx = self.begin().await?;
        let removed = sqlx::query("DELETE FROM persons WHERE id = ?")
            .bind(id.as_bytes().as_slice())
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if removed == 0 {
            return Ok(None);
        }
        let rev = next_revision(&mut tx).await?;
        bury(&mut tx, id, rev, now).await?;
        tx.commit().await?;
        Ok(Some(rev))
    }

    async fn add_template(&self, template: &Template) -> Result<(TemplateId, Option<Revision>), StoreError> {
        let mut tx = self.begin().await?;
        if let Some(there) = templates::same_photo(&mut tx, template).await? {
            return Ok((there, None));
        }
        templates::insert(&mut tx, template).await?;
        let rev = next_revision(&mut tx).await?;
        touch(&mut tx, template.person.as_bytes(), rev).await?;
        tx.commit().await?;
        Ok((template.id, Some(rev)))
    }

    async fn templates(&self, person: PersonId) -> Result<Vec<Template>, StoreError> {
        self.templates_of(person).await
    }

    async fn remove_template(&self, id: TemplateId) -> Result<Option<Revision>, StoreError> {
        let mut tx = self.begin().await?;
        let Some(person) = templates::delete(&mut tx, id).await? else { return Ok(None) };
        let rev = next_revision(&mut tx).await?;
        touch(&mut tx, &person, rev).await?;
        tx.commit().await?;
        Ok(Some(rev))
    }

    async fn all_templates(&self, pack: &PackId) -> Result<Vec<Template>, StoreError> {
        self.templates_of_pack(pack).await
    }
}
