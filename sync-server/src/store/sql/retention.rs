//! Removes what is old enough, some rows at a time.

use async_trait::async_trait;
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::again::again;
use super::error::corrupt;
use super::{SqlStore, columns};
use crate::domain::retention::{DataKind, Held, Removed, day_of};
use crate::ports::StoreError;
use crate::ports::pruning::PruneStore;
use crate::ports::retention::RetentionStore;

/// What is due is counted up to here: beyond, it only matters that it is much.
const MOST_COUNTED: i64 = 100_000;

/// The tables in which pictures and embeddings lie.
const APART: [&str; 2] = ["event_crops", "event_embeddings"];

/// Where a kind's rows lie, and the column of their age.
const fn rows_of(kind: DataKind) -> (&'static str, &'static str) {
    match kind {
        DataKind::Events => ("events", "at"),
        DataKind::Pictures => ("event_crops c JOIN events e ON e.cursor = c.cursor AND c.sealed = 2", "e.at"),
        DataKind::Strangers => ("event_crops c JOIN events e ON e.cursor = c.cursor AND c.sealed < 2", "e.at"),
        DataKind::Audit => ("audit_lines", "at"),
        DataKind::Errors => ("faults", "last_at"),
        DataKind::Consents => {
            ("consents WHERE NOT EXISTS (SELECT 1 FROM persons p WHERE p.id = consents.person)", "ended_at")
        }
        DataKind::Conversations => ("threads WHERE held = 0", "last_at"),
        DataKind::Commands => ("device_commands", "asked_at"),
    }
}

/// Consents of persons who are there stay, whatever their age.
const OLD_CONSENTS: &str = "DELETE FROM consents WHERE id IN (SELECT id FROM consents WHERE ended_at < $1
    AND NOT EXISTS (SELECT 1 FROM persons p WHERE p.id = consents.person) ORDER BY ended_at LIMIT $2)";
const OLD_ERRORS: &str = "DELETE FROM faults WHERE fingerprint IN
    (SELECT fingerprint FROM faults WHERE last_at < $1 ORDER BY last_at LIMIT $2)";
/// What came along goes with them.
const OLD_COMMANDS: &str = "DELETE FROM device_commands WHERE id IN
    (SELECT id FROM device_commands WHERE asked_at < $1 ORDER BY asked_at LIMIT $2)";
/// Pictures that came with answers to commands show whoever stood before the camera.
const OLD_SNAPSHOTS: &str = "DELETE FROM device_command_attachments WHERE command IN
    (SELECT command FROM device_command_attachments WHERE picture = 1 AND at < $1 ORDER BY at LIMIT $2)";

async fn note(tx: &mut AnyConnection, kind: DataKind, count: u64, now: UnixMillis) -> Result<(), StoreError> {
    if count == 0 {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO retention_removed (kind, day, removed) VALUES ($1, $2, $3)
         ON CONFLICT (kind, day) DO UPDATE SET removed = retention_removed.removed + excluded.removed",
    )
    .bind(kind.as_str())
    .bind(day_of(now))
    .bind(columns::to_column(count))
    .execute(tx)
    .await?;
    Ok(())
}

impl SqlStore {
    async fn remove_rows(
        &self,
        statement: &'static str,
        kind: DataKind,
        (before, at_most, now): (UnixMillis, u32, UnixMillis),
    ) -> Result<u64, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let removed =
                sqlx::query(statement).bind(before.0).bind(i64::from(at_most)).execute(&mut *tx).await?.rows_affected();
            note(&mut tx, kind, removed, now).await?;
            tx.commit().await?;
            Ok(removed)
        })
        .await
    }

    /// Takes pictures and embeddings off events that stay. They are looked for before the transaction, which then only
    /// takes out rows by their keys.
    async fn remove_apart(
        &self,
        kind: DataKind,
        sealed: &'static str,
        (before, at_most, now): (UnixMillis, u32, UnixMillis),
    ) -> Result<u64, StoreError> {
        again(|| async {
            let mut gone = 0;
            for table in APART {
                let due = format!(
                    "SELECT c.cursor FROM {table} c JOIN events e ON e.cursor = c.cursor
                     WHERE c.sealed {sealed} AND e.at < $1 ORDER BY c.sealed, c.cursor LIMIT $2"
                );
                let due: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(due))
                    .bind(before.0)
                    .bind(i64::from(at_most))
                    .fetch_all(&self.read)
                    .await?;
                if due.is_empty() {
                    continue;
                }
                let mut tx = self.begin().await?;
                let mut removed = 0;
                for cursor in &due {
                    let delete = sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE cursor = $1"));
                    removed += sqlx::query(delete).bind(cursor).execute(&mut *tx).await?.rows_affected();
                    sqlx::query(
                        "UPDATE events SET has_crop = 0 WHERE cursor = $1 AND has_crop = 1 AND NOT EXISTS
                                 (SELECT 1 FROM event_crops c WHERE c.cursor = $1)",
                    )
                    .bind(cursor)
                    .execute(&mut *tx)
                    .await?;
                }
                note(&mut tx, kind, removed, now).await?;
                tx.commit().await?;
                gone = gone.max(removed);
            }
            Ok(gone)
        })
        .await
    }
}

#[async_trait]
impl RetentionStore for SqlStore {
    async fn remove_old(
        &self,
        kind: DataKind,
        before: UnixMillis,
        at_most: u32,
        now: UnixMillis,
    ) -> Result<u64, StoreError> {
        let how = (before, at_most, now);
        match kind {
            DataKind::Events => {
                let removed = self.prune_events(before, at_most).await?;
                self.note_removed(kind, removed, now).await?;
                Ok(removed)
            }
            DataKind::Pictures => self.remove_apart(kind, "= 2", how).await,
            DataKind::Strangers => {
                let snapshots = self.remove_rows(OLD_SNAPSHOTS, kind, how).await?;
                Ok(snapshots.max(self.remove_apart(kind, "< 2", how).await?))
            }
            DataKind::Errors => self.remove_rows(OLD_ERRORS, kind, how).await,
            DataKind::Consents => self.remove_rows(OLD_CONSENTS, kind, how).await,
            DataKind::Commands => self.remove_rows(OLD_COMMANDS, kind, how).await,
            // The one is cut with a signature, the others go site by site.
            DataKind::Audit | DataKind::Conversations => Ok(0),
        }
    }

    async fn note_removed(&self, kind: DataKind, count: u64, now: UnixMillis) -> Result<(), StoreError> {
        again(|| async { note(&mut *self.write.acquire().await?, kind, count, now).await }).await
    }

    async fn removed_since(&self, day: i64) -> Result<Vec<Removed>, StoreError> {
        let rows: Vec<(String, i64, i64)> =
            sqlx::query_as("SELECT kind, day, removed FROM retention_removed WHERE day >= $1 ORDER BY day DESC, kind")
                .bind(day)
                .fetch_all(&self.read)
                .await?;
        let read = |(kind, day, count): (String, i64, i64)| {
            let kind = DataKind::parse(&kind).ok_or_else(|| corrupt("kind of data", kind))?;
            Ok(Removed { kind, day, count: columns::unsigned("removed", count)? })
        };
        rows.into_iter().map(read).collect()
    }

    async fn held(&self, kind: DataKind, before: Option<UnixMillis>) -> Result<Held, StoreError> {
        let (rows, age) = rows_of(kind);
        let oldest = format!("SELECT CAST(min({age}) AS BIGINT) FROM {rows}");
        let oldest: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(oldest)).fetch_one(&self.read).await?;
        let Some(before) = before.filter(|before| oldest.is_some_and(|oldest| oldest < before.0)) else {
            return Ok(Held { oldest: columns::time(oldest), due: 0 });
        };
        let joint = if rows.contains(" WHERE ") { "AND" } else { "WHERE" };
        let due = format!("SELECT count(*) FROM (SELECT 1 AS one FROM {rows} {joint} {age} < $1 LIMIT $2) AS due");
        let due: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(due))
            .bind(before.0)
            .bind(MOST_COUNTED)
            .fetch_one(&self.read)
            .await?;
        Ok(Held { oldest: columns::time(oldest), due: columns::unsigned("due", due)? })
    }
}
