//! Persons. Every change of templates takes the next revision in the same transaction.

use async_trait::async_trait;
use ostiary_common::ids::{PackId, PersonId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use sqlx::AnyConnection;

use super::again::again;
use super::error::on_insert;
use super::opener::Opener;
use super::values::Flag;
use super::{SqlStore, columns, consents, erasures, idempotency, jobs, profiles, sealing, templates, terms};
use crate::domain::erasure::ErasureReason;
use crate::domain::person::{Person, Template};
use crate::ports::{PersonStore, StoreError};
use crate::sealing::PersonKey;

#[derive(sqlx::FromRow)]
pub(super) struct PersonRow {
    id: Vec<u8>,
    name_sealed: Vec<u8>,
    wrapped: Vec<u8>,
    created_at: i64,
    consent_at: Option<i64>,
    valid_from: Option<i64>,
    valid_until: Option<i64>,
    groups: Option<String>,
    rev: i64,
    templates: i64,
}

/// A query for rows of persons, and for more columns of `persons p`.
pub(super) fn select(more: &str) -> String {
    format!(
        "SELECT p.id, p.name_sealed, k.wrapped, p.created_at, p.consent_at, p.valid_from, p.valid_until, p.rev,
         (SELECT string_agg(hex(m.in_group), '') FROM memberships m WHERE m.person = p.id) AS groups,
         (SELECT count(DISTINCT t.source_sha256) FROM templates t WHERE t.person = p.id) AS templates{more}
         FROM persons p JOIN person_keys k ON k.person = p.id AND p.merged_into IS NULL"
    )
}

impl PersonRow {
    /// The person's key, as it lies there.
    pub(super) fn wrapped(&self) -> &[u8] {
        &self.wrapped
    }

    pub(super) fn open(self, opener: &mut Opener<'_>) -> Result<Person, StoreError> {
        let id = columns::id(PersonId, &self.id)?;
        Ok(Person {
            id,
            name: opener.name(id, &self.wrapped, &self.name_sealed)?,
            created_at: UnixMillis(self.created_at),
            consent_at: columns::time(self.consent_at),
            validity: columns::validity(self.valid_from, self.valid_until)?,
            groups: columns::groups(self.groups.as_deref())?,
            rev: Revision(columns::unsigned("revision", self.rev)?),
            templates: columns::unsigned32("templates", self.templates)?,
        })
    }
}

/// Takes the next revision of the gallery.
pub(super) async fn next_revision(tx: &mut AnyConnection) -> Result<Revision, StoreError> {
    let rev: i64 = sqlx::query_scalar("UPDATE gallery SET rev = rev + 1 RETURNING rev").fetch_one(tx).await?;
    Ok(Revision(columns::unsigned("revision", rev)?))
}

/// Marks a person as changed at `rev`.
pub(super) async fn touch(tx: &mut AnyConnection, person: &[u8], rev: Revision) -> Result<(), StoreError> {
    sqlx::query("UPDATE persons SET rev = $1 WHERE id = $2")
        .bind(columns::to_column(rev.0))
        .bind(person)
        .execute(tx)
        .await?;
    Ok(())
}

/// Removes a person; what hangs on the row goes with it, the key among it. Leaves a tombstone and an erasure.
pub(super) async fn remove(
    tx: &mut AnyConnection,
    id: PersonId,
    reason: ErasureReason,
    now: UnixMillis,
) -> Result<Option<Revision>, StoreError> {
    // Whoever was merged into them goes with them, and what was laid aside of either.
    let merged: Vec<Vec<u8>> = sqlx::query_scalar("SELECT id FROM persons WHERE merged_into = $1")
        .bind(id.as_bytes().as_slice())
        .fetch_all(&mut *tx)
        .await?;
    for other in merged {
        Box::pin(remove(&mut *tx, columns::id(PersonId, &other)?, reason, now)).await?;
    }
    forget(&mut *tx, id).await?;
    let removed =
        sqlx::query("DELETE FROM persons WHERE id = $1").bind(id.as_bytes().as_slice()).execute(&mut *tx).await?;
    if removed.rows_affected() == 0 {
        return Ok(None);
    }
    idempotency::forget_personal(tx).await?;
    consents::forget_words(tx, id, now).await?;
    jobs::forget_person(tx, id).await?;
    let rev = next_revision(tx).await?;
    bury(tx, id, rev, now).await?;
    erasures::begin(tx, id, rev, reason, now).await?;
    Ok(Some(rev))
}

/// Takes a person out of what outlives them.
async fn forget(tx: &mut AnyConnection, id: PersonId) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM moved_templates WHERE was_of = $1 OR now_of = $1",
        "UPDATE judgements SET named = NULL WHERE named = $1",
        "UPDATE judgements SET nearest = NULL WHERE nearest = $1",
        "UPDATE judgements SET person = NULL WHERE person = $1",
    ] {
        sqlx::query(statement).bind(id.as_bytes().as_slice()).execute(&mut *tx).await?;
    }
    Ok(())
}

async fn bury(tx: &mut AnyConnection, id: PersonId, rev: Revision, now: UnixMillis) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO tombstones (person, rev, removed_at) VALUES ($1, $2, $3)
         ON CONFLICT (person) DO UPDATE SET rev = excluded.rev, removed_at = excluded.removed_at",
    )
    .bind(id.as_bytes().as_slice())
    .bind(columns::to_column(rev.0))
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(())
}

#[async_trait]
impl PersonStore for SqlStore {
    async fn add_person(&self, person: &Person) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let (_, flips_at) = self.insert_person(&mut tx, person).await?;
            tx.commit().await?;
            self.memory.expect_flip(flips_at, person.created_at);
            Ok(())
        })
        .await
    }

    async fn person(&self, id: PersonId) -> Result<Option<Person>, StoreError> {
        let row: Option<PersonRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{} WHERE p.id = $1", select(""))))
            .bind(id.as_bytes().as_slice())
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| row.open(&mut Opener::new(&self.master))).transpose()
    }

    async fn persons(&self, after: Option<PersonId>, limit: u32) -> Result<Vec<Person>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!("{} WHERE p.id > $1 ORDER BY p.id LIMIT $2", select("")));
        let rows: Vec<PersonRow> = sqlx::query_as(query)
            .bind(after.map_or_else(Vec::new, |id| id.as_bytes().to_vec()))
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        let mut opener = Opener::new(&self.master);
        rows.into_iter().map(|row| row.open(&mut opener)).collect()
    }

    async fn remove_person(&self, id: PersonId, now: UnixMillis) -> Result<Option<Revision>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let rev = remove(&mut tx, id, ErasureReason::Asked, now).await?;
            tx.commit().await?;
            Ok(rev)
        })
        .await
    }

    async fn add_template(&self, template: &Template) -> Result<(TemplateId, Option<Revision>), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            if let Some(there) = templates::same_photo(&mut tx, template).await? {
                return Ok((there, None));
            }
            templates::insert(&mut tx, &self.master, template).await?;
            let rev = next_revision(&mut tx).await?;
            touch(&mut tx, template.person.as_bytes(), rev).await?;
            tx.commit().await?;
            Ok((template.id, Some(rev)))
        })
        .await
    }

    async fn templates(&self, person: PersonId) -> Result<Vec<Template>, StoreError> {
        self.templates_of(person).await
    }

    async fn remove_template(&self, id: TemplateId) -> Result<Option<Revision>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let Some(person) = templates::delete(&mut tx, id).await? else { return Ok(None) };
            let rev = next_revision(&mut tx).await?;
            touch(&mut tx, &person, rev).await?;
            tx.commit().await?;
            Ok(Some(rev))
        })
        .await
    }

    async fn all_templates(&self, pack: &PackId) -> Result<Vec<Template>, StoreError> {
        self.templates_of_pack(pack).await
    }
}

impl SqlStore {
    /// Adds a person with a new key; also returns when the clock changes something of who may be known.
    pub(super) async fn insert_person(
        &self,
        tx: &mut AnyConnection,
        person: &Person,
    ) -> Result<(PersonKey, Option<UnixMillis>), StoreError> {
        sealing::prefer_in_force(&mut *tx, &self.master).await?;
        let (key, wrapped) = self.master.new_person_key(person.id);
        let edit = profiles::next_edit(&mut *tx).await?;
        let (validity, now) = (person.validity, person.created_at);
        sqlx::query(
            "INSERT INTO persons (id, name, name_sealed, created_at, consent_at, edit, valid_from, valid_until, flips_at,
                 valid) VALUES ($1, '', $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(person.id.as_bytes().as_slice())
        .bind(key.seal_name(&person.name))
        .bind(now.0)
        .bind(person.consent_at.map(|at| at.0))
        .bind(edit)
        .bind(validity.from().map(|at| at.0))
        .bind(validity.until().map(|at| at.0))
        .bind(validity.next_change(now).map(|at| at.0))
        .bind(Flag(validity.contains(now)))
        .execute(&mut *tx)
        .await
        .map_err(on_insert("person id", "person"))?;
        sealing::insert_person_key(&mut *tx, person.id, &wrapped).await?;
        terms::judged_by_clock(&mut *tx, validity, now).await?;
        terms::insert_groups(tx, person.id, &person.groups).await?;
        Ok((key, validity.next_change(now)))
    }
}
