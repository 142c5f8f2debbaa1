//! Undoing a merge or a split.

use ostiary_common::ids::{PersonChangeId, PersonId};
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::{MendingRow, SELECT, change_both, told};
use crate::domain::audit::AuditNote;
use crate::domain::erasure::ErasureReason;
use crate::domain::mending::{Mending, MendingKind, Undone};
use crate::ports::StoreError;
use crate::store::sql::{SqlStore, columns, persons};

impl SqlStore {
    pub(super) async fn undo(
        &self,
        id: PersonChangeId,
        now: UnixMillis,
        note: &AuditNote,
    ) -> Result<Option<Undone>, StoreError> {
        let mut tx = self.begin().await?;
        let query = sqlx::AssertSqlSafe(format!("{SELECT} WHERE id = $1"));
        let row: Option<MendingRow> =
            sqlx::query_as(query).bind(id.as_bytes().to_vec()).fetch_optional(&mut *tx).await?;
        let Some(change) = row.map(Mending::try_from).transpose()? else { return Ok(None) };
        if !change.is_open(now) {
            return Ok(Some(Undone::TooLate));
        }
        if is_built_upon(&mut tx, &change).await? {
            return Ok(Some(Undone::BuiltUpon));
        }
        self.bring_back(&mut tx, id).await?;
        let rev = match change.kind {
            MendingKind::Merge => {
                part(&mut tx, &change).await?;
                change_both(&mut tx, [change.source, change.target]).await?
            }
            MendingKind::Split => {
                change_both(&mut tx, [change.source, change.target]).await?;
                let removed = persons::remove(&mut tx, change.target, ErasureReason::Merged, now).await?;
                removed.ok_or(StoreError::NoSuch("person"))?
            }
        };
        sqlx::query("UPDATE person_changes SET undone_at = $1 WHERE id = $2")
            .bind(now.0)
            .bind(id.as_bytes().to_vec())
            .execute(&mut *tx)
            .await?;
        told(&mut tx, note, [change.source, change.target]).await?;
        tx.commit().await?;
        Ok(Some(Undone::Done(rev)))
    }
}

/// Whether either person was merged since, or who a split made has templates that did not come by it.
async fn is_built_upon(tx: &mut AnyConnection, change: &Mending) -> Result<bool, StoreError> {
    let gone: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM person_changes c WHERE c.kind = 'merge' AND c.undone_at IS NULL AND c.id <> $1
         AND c.made_at >= $2 AND (c.source = $3 OR c.source = $4)",
    )
    .bind(change.id.as_bytes().to_vec())
    .bind(change.made_at.0)
    .bind(change.source.as_bytes().to_vec())
    .bind(change.target.as_bytes().to_vec())
    .fetch_one(&mut *tx)
    .await?;
    if gone > 0 || change.kind == MendingKind::Merge {
        return Ok(gone > 0);
    }
    let own: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM templates WHERE person = $1
         AND source_sha256 NOT IN (SELECT source_sha256 FROM moved_templates WHERE change = $2 AND made IS NOT NULL)",
    )
    .bind(change.target.as_bytes().to_vec())
    .bind(change.id.as_bytes().to_vec())
    .fetch_one(tx)
    .await?;
    Ok(own > 0)
}

/// Makes who was merged a person of their own again: groups and past visits come back.
async fn part(tx: &mut AnyConnection, change: &Mending) -> Result<(), StoreError> {
    let (source, target) = (change.source.as_bytes().to_vec(), change.target.as_bytes().to_vec());
    sqlx::query(
        "UPDATE persons SET merged_into = NULL,
         erase_on_expiry = (SELECT erases FROM person_changes WHERE id = $1) WHERE id = $2",
    )
    .bind(change.id.as_bytes().to_vec())
    .bind(source.clone())
    .execute(&mut *tx)
    .await?;
    let groups: String = sqlx::query_scalar("SELECT groups FROM person_changes WHERE id = $1")
        .bind(change.id.as_bytes().to_vec())
        .fetch_one(&mut *tx)
        .await?;
    for group in columns::groups(Some(&groups))? {
        // A group that is gone is not made anew.
        sqlx::query(
            "INSERT INTO memberships (person, in_group) SELECT $1, id FROM person_groups WHERE id = $2
             ON CONFLICT DO NOTHING",
        )
        .bind(source.clone())
        .bind(group.as_bytes().to_vec())
        .execute(&mut *tx)
        .await?;
    }
    for statement in [
        // Of those who were merged into the source before.
        "UPDATE events SET person = $1 WHERE person = $2 AND named IN (SELECT id FROM persons WHERE merged_into = $1)",
        "UPDATE events SET person = $1, named = NULL WHERE person = $2 AND named = $1",
    ] {
        sqlx::query(statement).bind(source.clone()).bind(target.clone()).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Who somebody was merged into, and so on; none who is a person of their own.
pub(in crate::store::sql) async fn now_known_as(
    tx: &mut AnyConnection,
    person: PersonId,
) -> Result<Option<PersonId>, StoreError> {
    let mut known: Option<PersonId> = None;
    // Nobody is merged into who was merged; the bound is for a store that was tampered with.
    for _ in 0..16 {
        let into: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT merged_into FROM persons WHERE id = $1 AND merged_into IS NOT NULL")
                .bind(known.unwrap_or(person).as_bytes().to_vec())
                .fetch_optional(&mut *tx)
                .await?;
        match into {
            Some(into) => known = Some(columns::id(PersonId, &into)?),
            None => break,
        }
    }
    Ok(known)
}
