//! Work done once over what was stored by earlier programs, when the store is opened; a step that was cut short goes on
//! at the next opening.

use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::error::corrupt;
use super::{SqlStore, ledger, pictures};
use crate::domain::audit::{AuditEntry, AuditResult, AuditTrace};
use crate::domain::event::score_of;
use crate::ports::StoreError;

/// Rows of one transaction.
const BATCH: i64 = 1000;
const SCORES: &str = "event scores";

#[derive(sqlx::FromRow)]
struct OldLine {
    id: i64,
    at: i64,
    actor: String,
    action: String,
    target: String,
    source: String,
    result: String,
    detail: String,
}

#[derive(sqlx::FromRow)]
struct OldEvent {
    cursor: i64,
    record: Vec<u8>,
}

impl SqlStore {
    /// Brings what earlier programs stored into the form of this one.
    pub(super) async fn keep_up(&self) -> Result<(), StoreError> {
        while self.chain_old_lines().await? > 0 {}
        self.keep_first_text().await?;
        self.seal_places().await?;
        self.score_old_events().await
    }

    /// Moves audit lines of before the chain into it, in their order.
    async fn chain_old_lines(&self) -> Result<usize, StoreError> {
        let mut tx = self.begin().await?;
        let rows: Vec<OldLine> = sqlx::query_as(
            "SELECT id, at, actor, action, target, source, result, detail FROM audit ORDER BY id LIMIT $1",
        )
        .bind(BATCH)
        .fetch_all(&mut *tx)
        .await?;
        let count = rows.len();
        for row in rows {
            chain(&mut tx, row).await?;
        }
        tx.commit().await?;
        Ok(count)
    }

    /// Fills in the score of events stored before it was a column.
    async fn score_old_events(&self) -> Result<(), StoreError> {
        let done: i64 = sqlx::query_scalar("SELECT count(*) FROM upkeep WHERE name = $1")
            .bind(SCORES)
            .fetch_one(&self.read)
            .await?;
        let mut after = if done > 0 { None } else { Some(0i64) };
        while let Some(cursor) = after {
            after = self.score_after(cursor).await?;
        }
        sqlx::query("INSERT INTO upkeep (name) VALUES ($1) ON CONFLICT (name) DO NOTHING")
            .bind(SCORES)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    async fn score_after(&self, after: i64) -> Result<Option<i64>, StoreError> {
        let mut tx = self.begin().await?;
        let rows: Vec<OldEvent> = sqlx::query_as(
            "SELECT cursor, record FROM events WHERE cursor > $1 AND score IS NULL AND kind IN ('match', 'unknown')
             ORDER BY cursor LIMIT $2",
        )
        .bind(after)
        .bind(BATCH)
        .fetch_all(&mut *tx)
        .await?;
        let last = rows.last().map(|row| row.cursor);
        for row in rows {
            let Some(score) = score_of(&pictures::record(&row.record)?) else { continue };
            sqlx::query("UPDATE events SET score = $1 WHERE cursor = $2")
                .bind(score)
                .bind(row.cursor)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(last)
    }
}

async fn chain(tx: &mut AnyConnection, row: OldLine) -> Result<(), StoreError> {
    let result = AuditResult::parse(&row.result).ok_or_else(|| corrupt("audit result", &row.result))?;
    let entry = AuditEntry {
        at: UnixMillis(row.at),
        actor: row.actor,
        action: row.action,
        target: row.target,
        source: row.source,
        result,
        detail: row.detail,
    };
    ledger::append(tx, &entry, &AuditTrace::default()).await?;
    sqlx::query("DELETE FROM audit WHERE id = $1").bind(row.id).execute(tx).await?;
    Ok(())
}
