//! Changes that can be undone no more: what was kept for that goes. Whoever was merged is removed for good, like anybody who
//! is removed; before, their past visits are made wholly the other's.

use ostiary_common::ids::PersonId;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use sqlx::AnyConnection;

use super::templates_moved::throw_away;
use super::{MendingRow, SELECT};
use crate::domain::erasure::ErasureReason;
use crate::domain::mending::{Mending, MendingKind};
use crate::ports::StoreError;
use crate::store::sql::again::again;
use crate::store::sql::opener::key_of;
use crate::store::sql::pictures::{EventSeal, record, record_bytes};
use crate::store::sql::{SqlStore, persons};

/// Events rewritten in one transaction.
const EVENTS_AT_ONCE: i64 = 200;

impl SqlStore {
    pub(super) async fn settle_all(&self, now: UnixMillis) -> Result<Vec<(Mending, Option<Revision>)>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE undo_until <= $1 AND settled_at IS NULL AND undone_at IS NULL ORDER BY made_at"
        ));
        let rows: Vec<MendingRow> = sqlx::query_as(query).bind(now.0).fetch_all(&self.read).await?;
        let mut settled = Vec::with_capacity(rows.len());
        for row in rows {
            let change = Mending::try_from(row)?;
            if change.kind == MendingKind::Merge {
                while self.rename_some(&change).await? {}
            }
            let rev = self.close_change(&change, now).await?;
            settled.push((change, rev));
        }
        Ok(settled)
    }

    /// Has some events tell the person they are of now. `false` if there are no more.
    async fn rename_some(&self, change: &Mending) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let rows: Vec<(i64, Vec<u8>)> =
                sqlx::query_as("SELECT cursor, record FROM events WHERE named = $1 ORDER BY cursor LIMIT $2")
                    .bind(change.source.as_bytes().to_vec())
                    .bind(EVENTS_AT_ONCE)
                    .fetch_all(&mut *tx)
                    .await?;
            let key = key_of(&mut tx, &self.master, change.target).await?;
            let (Some(key), false) = (key, rows.is_empty()) else { return Ok(false) };
            let seal = EventSeal::Person(key);
            for (cursor, bytes) in &rows {
                self.reseal(&mut tx, *cursor, &seal).await?;
                rename(&mut tx, *cursor, bytes, change).await?;
            }
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    async fn close_change(&self, change: &Mending, now: UnixMillis) -> Result<Option<Revision>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            throw_away(&mut tx, change.id).await?;
            let rev = match change.kind {
                MendingKind::Merge => {
                    forget_in_judgements(&mut tx, change.source, change.target).await?;
                    persons::remove(&mut tx, change.source, ErasureReason::Merged, now).await?
                }
                MendingKind::Split => None,
            };
            sqlx::query("UPDATE person_changes SET settled_at = $1 WHERE id = $2")
                .bind(now.0)
                .bind(change.id.as_bytes().to_vec())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(rev)
        })
        .await
    }
}

/// An event whose person was merged again meanwhile stays the later one's; the key is that of `named`.
async fn rename(tx: &mut AnyConnection, cursor: i64, bytes: &[u8], change: &Mending) -> Result<(), StoreError> {
    let mut record = record(bytes)?;
    if let Some(visit) = record.visit.as_mut() {
        for told in [visit.matched.as_mut(), visit.nearest.as_mut()].into_iter().flatten() {
            if told.person == change.source {
                told.person = change.target;
            }
        }
    }
    sqlx::query("UPDATE events SET record = $1, named = CASE WHEN person = $2 THEN NULL ELSE $2 END WHERE cursor = $3")
        .bind(record_bytes(&record)?)
        .bind(change.target.as_bytes().to_vec())
        .bind(cursor)
        .execute(tx)
        .await?;
    Ok(())
}

async fn forget_in_judgements(tx: &mut AnyConnection, from: PersonId, to: PersonId) -> Result<(), StoreError> {
    for statement in [
        "UPDATE judgements SET named = $1 WHERE named = $2",
        "UPDATE judgements SET nearest = $1 WHERE nearest = $2",
        "UPDATE judgements SET person = $1 WHERE person = $2",
    ] {
        sqlx::query(statement).bind(to.as_bytes().to_vec()).bind(from.as_bytes().to_vec()).execute(&mut *tx).await?;
    }
    Ok(())
}
