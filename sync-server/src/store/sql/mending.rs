//! Merges and splits of persons. Templates that change persons are made anew, sealed with the other key; the ones of
//! before lie aside (`moved_templates`), as they were, until nothing can be undone any more (`settle`).

mod settle;
mod templates_moved;
mod undo;

pub(super) use undo::now_known_as;

use async_trait::async_trait;
use ostiary_common::ids::{PersonChangeId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use sqlx::AnyConnection;

use super::again::again;
use super::error::corrupt;
use super::persons::{next_revision, touch};
use super::values::Flag;
use super::{SqlStore, columns, consent_rows, ledger, profiles};
use crate::domain::audit::AuditNote;
use crate::domain::mending::{Mending, MendingKind, MergeOrder, SplitOrder, UNDO_FOR, Undone};
use crate::ports::StoreError;
use crate::ports::mending::MendingStore;

const SELECT: &str = "SELECT id, kind, source, target, made_by, made_at, undo_until, undone_at, settled_at
    FROM person_changes";

#[derive(sqlx::FromRow)]
struct MendingRow {
    id: Vec<u8>,
    kind: String,
    source: Vec<u8>,
    target: Vec<u8>,
    made_by: String,
    made_at: i64,
    undo_until: i64,
    undone_at: Option<i64>,
    settled_at: Option<i64>,
}

impl TryFrom<MendingRow> for Mending {
    type Error = StoreError;
    fn try_from(row: MendingRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns::id(PersonChangeId, &row.id)?,
            kind: MendingKind::parse(&row.kind).ok_or_else(|| corrupt("change of persons", &row.kind))?,
            source: columns::id(PersonId, &row.source)?,
            target: columns::id(PersonId, &row.target)?,
            made_by: row.made_by,
            made_at: UnixMillis(row.made_at),
            undo_until: UnixMillis(row.undo_until),
            undone_at: columns::time(row.undone_at),
            settled_at: columns::time(row.settled_at),
        })
    }
}

/// Writes a change down.
struct New<'a> {
    id: PersonChangeId,
    kind: MendingKind,
    source: PersonId,
    target: PersonId,
    groups: String,
    erases: Flag,
    now: UnixMillis,
    note: &'a AuditNote,
}

impl New<'_> {
    async fn insert(&self, tx: &mut AnyConnection) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO person_changes (id, kind, source, target, groups, erases, made_by, made_at, undo_until)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(self.id.as_bytes().to_vec())
        .bind(self.kind.as_str())
        .bind(self.source.as_bytes().to_vec())
        .bind(self.target.as_bytes().to_vec())
        .bind(self.groups.clone())
        .bind(self.erases)
        .bind(self.note.entry.actor.clone())
        .bind(self.now.0)
        .bind(self.now.plus(UNDO_FOR).0)
        .execute(&mut *tx)
        .await?;
        told(tx, self.note, [self.source, self.target]).await
    }
}

/// Writes a line for each of the persons, so that the history of either tells of it.
async fn told(tx: &mut AnyConnection, note: &AuditNote, persons: [PersonId; 2]) -> Result<(), StoreError> {
    for person in persons {
        let mut entry = note.entry.clone();
        entry.target = format!("person:{person}");
        ledger::append(&mut *tx, &entry, &note.trace).await?;
    }
    Ok(())
}

/// What of a person is set aside by a merge; `None` if the person is not there, merged already, or has withdrawn consent.
async fn standing(tx: &mut AnyConnection, id: PersonId) -> Result<Option<(String, Flag)>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT coalesce((SELECT string_agg(hex(m.in_group), '') FROM memberships m WHERE m.person = p.id), '') AS groups,
         p.erase_on_expiry FROM persons p WHERE p.id = $1 AND p.merged_into IS NULL AND p.barred = 0",
    )
    .bind(id.as_bytes().to_vec())
    .fetch_optional(tx)
    .await?)
}

/// Both persons change at the next revision.
async fn change_both(tx: &mut AnyConnection, persons: [PersonId; 2]) -> Result<Revision, StoreError> {
    let rev = next_revision(&mut *tx).await?;
    for person in persons {
        touch(&mut *tx, person.as_bytes(), rev).await?;
        profiles::mark_edited(&mut *tx, person).await?;
    }
    Ok(rev)
}

impl SqlStore {
    async fn merge(&self, order: &MergeOrder) -> Result<Option<Revision>, StoreError> {
        let MergeOrder { id, source, target, now, note } = order;
        let (source, target) = (*source, *target);
        let mut tx = self.begin().await?;
        let (before, other) = (standing(&mut tx, source).await?, standing(&mut tx, target).await?);
        let (Some((groups, erases)), Some(_), false) = (before, other, source == target) else { return Ok(None) };
        let new = New { id: *id, kind: MendingKind::Merge, source, target, groups, erases, now: *now, note };
        new.insert(&mut tx).await?;
        for template in templates_moved::of(&mut tx, source).await? {
            self.move_template(&mut tx, *id, &template, target).await?;
        }
        sqlx::query("UPDATE persons SET merged_into = $1, erase_on_expiry = 0 WHERE id = $2")
            .bind(target.as_bytes().to_vec())
            .bind(source.as_bytes().to_vec())
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM memberships WHERE person = $1")
            .bind(source.as_bytes().to_vec())
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE events SET named = coalesce(named, person), person = $1 WHERE person = $2")
            .bind(target.as_bytes().to_vec())
            .bind(source.as_bytes().to_vec())
            .execute(&mut *tx)
            .await?;
        let rev = change_both(&mut tx, [source, target]).await?;
        tx.commit().await?;
        Ok(Some(rev))
    }

    async fn split(&self, order: &SplitOrder) -> Result<Option<Revision>, StoreError> {
        let (source, target, note) = (order.source, order.person.id, &order.note);
        let mut tx = self.begin().await?;
        if standing(&mut tx, source).await?.is_none() {
            return Ok(None);
        }
        let theirs = templates_moved::of(&mut tx, source).await?;
        let moving: Vec<_> = theirs.iter().filter(|template| order.templates.contains(&template.id)).collect();
        if moving.len() != order.templates.len() || moving.is_empty() {
            return Ok(None);
        }
        let (key, flips_at) = self.insert_person(&mut tx, &order.person).await?;
        consent_rows::insert(&mut tx, &key, &order.consent).await?;
        let (id, kind, groups, now) = (order.id, MendingKind::Split, String::new(), order.now);
        New { id, kind, source, target, groups, erases: Flag(false), now, note }.insert(&mut tx).await?;
        // What other packs made of the same photos goes along.
        let sources: Vec<&[u8]> = moving.iter().map(|template| template.source()).collect();
        for template in theirs.iter().filter(|template| sources.contains(&template.source())) {
            self.move_template(&mut tx, order.id, template, target).await?;
        }
        let rev = change_both(&mut tx, [source, target]).await?;
        tx.commit().await?;
        self.memory.expect_flip(flips_at, now);
        Ok(Some(rev))
    }

    async fn one_mending(&self, id: PersonChangeId) -> Result<Option<Mending>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!("{SELECT} WHERE id = $1"));
        let row: Option<MendingRow> =
            sqlx::query_as(query).bind(id.as_bytes().to_vec()).fetch_optional(&self.read).await?;
        row.map(Mending::try_from).transpose()
    }
}

#[async_trait]
impl MendingStore for SqlStore {
    async fn merge_persons(&self, order: &MergeOrder) -> Result<Option<Revision>, StoreError> {
        again(|| self.merge(order)).await
    }

    async fn split_person(&self, order: &SplitOrder) -> Result<Option<Revision>, StoreError> {
        again(|| self.split(order)).await
    }

    async fn undo_mending(
        &self,
        id: PersonChangeId,
        now: UnixMillis,
        note: &AuditNote,
    ) -> Result<Option<Undone>, StoreError> {
        again(|| self.undo(id, now, note)).await
    }

    async fn mending(&self, id: PersonChangeId) -> Result<Option<Mending>, StoreError> {
        self.one_mending(id).await
    }

    async fn mendings_of(&self, person: PersonId, limit: u32) -> Result<Vec<Mending>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE source = $1 UNION {SELECT} WHERE target = $1 ORDER BY made_at DESC LIMIT $2"
        ));
        let rows: Vec<MendingRow> =
            sqlx::query_as(query).bind(person.as_bytes().to_vec()).bind(i64::from(limit)).fetch_all(&self.read).await?;
        rows.into_iter().map(Mending::try_from).collect()
    }

    async fn settle_mendings(&self, now: UnixMillis) -> Result<Vec<(Mending, Option<Revision>)>, StoreError> {
        self.settle_all(now).await
    }
}
