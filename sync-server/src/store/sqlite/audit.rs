//! The audit log.

use async_trait::async_trait;
use ostiary_common::time::UnixMillis;

use super::SqliteStore;
use super::error::corrupt;
use crate::domain::audit::{AuditEntry, AuditResult, AuditRow};
use crate::ports::{AuditStore, StoreError};

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    at: i64,
    actor: String,
    action: String,
    target: String,
    source: String,
    result: String,
    detail: String,
}

impl TryFrom<Row> for AuditRow {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
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
        Ok(Self { id: row.id, entry })
    }
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO audit (at, actor, action, target, source, result, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(entry.at.0)
        .bind(&entry.actor)
        .bind(&entry.action)
        .bind(&entry.target)
        .bind(&entry.source)
        .bind(entry.result.as_str())
        .bind(&entry.detail)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    async fn audit_rows(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as("SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?")
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(&self.read)
            .await?;
        rows.into_iter().map(AuditRow::try_from).collect()
    }
}
