//! Faults of the program, and how the fleet is.

use async_trait::async_trait;
use ostiary_common::time::UnixMillis;

use super::SqlStore;
use super::again::again;
use super::error::corrupt;
use crate::domain::fault::{FaultGroup, FaultKind, Fingerprint};
use crate::ports::StoreError;
use crate::ports::health::{FleetCount, HealthStore};

/// Faults kept; those that occurred longest ago go first.
const MAX_FAULTS: i64 = 500;

const COLUMNS: &str = "fingerprint, kind, target, template, message, stack, version, occurred, first_at, last_at,
    resolved_at, resolved_by";

#[derive(sqlx::FromRow)]
struct Row {
    fingerprint: String,
    kind: String,
    target: String,
    template: String,
    message: String,
    stack: String,
    version: String,
    occurred: i64,
    first_at: i64,
    last_at: i64,
    resolved_at: Option<i64>,
    resolved_by: Option<String>,
}

impl TryFrom<Row> for FaultGroup {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let fingerprint = Fingerprint::parse(&row.fingerprint);
        Ok(Self {
            fingerprint: fingerprint.ok_or_else(|| corrupt("fingerprint", &row.fingerprint))?,
            kind: FaultKind::parse(&row.kind).ok_or_else(|| corrupt("kind of fault", &row.kind))?,
            target: row.target,
            template: row.template,
            message: row.message,
            stack: row.stack,
            version: row.version,
            count: u64::try_from(row.occurred).map_err(|e| corrupt("count of a fault", e))?,
            first_at: UnixMillis(row.first_at),
            last_at: UnixMillis(row.last_at),
            resolved: row.resolved_at.map(|at| (UnixMillis(at), row.resolved_by.unwrap_or_default())),
        })
    }
}

#[derive(sqlx::FromRow)]
struct Present {
    presence_state: String,
    devices: i64,
}

#[async_trait]
impl HealthStore for SqlStore {
    async fn add_faults(&self, faults: &[FaultGroup]) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            for fault in faults {
                sqlx::query(
                    "INSERT INTO faults (fingerprint, kind, target, template, message, stack, version, occurred, first_at,
                        last_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                     ON CONFLICT (fingerprint) DO UPDATE SET
                        message = excluded.message, stack = excluded.stack, version = excluded.version,
                        occurred = faults.occurred + excluded.occurred, last_at = excluded.last_at,
                        resolved_at = NULL, resolved_by = NULL",
                )
                .bind(fault.fingerprint.as_str())
                .bind(fault.kind.as_str())
                .bind(&fault.target)
                .bind(&fault.template)
                .bind(&fault.message)
                .bind(&fault.stack)
                .bind(&fault.version)
                .bind(i64::try_from(fault.count).unwrap_or(i64::MAX))
                .bind(fault.first_at.0)
                .bind(fault.last_at.0)
                .execute(&mut *tx)
                .await?;
            }
            sqlx::query(
                "DELETE FROM faults WHERE fingerprint IN (
                    SELECT fingerprint FROM faults ORDER BY last_at DESC, fingerprint DESC LIMIT $1 OFFSET $2)",
            )
            .bind(MAX_FAULTS)
            .bind(MAX_FAULTS)
            .execute(&mut *tx)
            .await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn faults(
        &self,
        open_only: bool,
        before: Option<(UnixMillis, Fingerprint)>,
        limit: u32,
    ) -> Result<Vec<FaultGroup>, StoreError> {
        let open = if open_only { "AND resolved_at IS NULL" } else { "" };
        let (at, fingerprint) = before.unzip();
        // The highest place there can be, so that one statement does for the first page too.
        let (at, fingerprint) = (at.map_or(i64::MAX, |at| at.0), fingerprint.map_or("g".into(), |f| f.to_string()));
        let statement = format!(
            "SELECT {COLUMNS} FROM faults WHERE (last_at < $1 OR (last_at = $2 AND fingerprint < $3)) {open}
             ORDER BY last_at DESC, fingerprint DESC LIMIT $4"
        );
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(at)
            .bind(at)
            .bind(fingerprint)
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.into_iter().map(FaultGroup::try_from).collect()
    }

    async fn fault(&self, fingerprint: &Fingerprint) -> Result<Option<FaultGroup>, StoreError> {
        let statement = format!("SELECT {COLUMNS} FROM faults WHERE fingerprint = $1");
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(fingerprint.as_str())
            .fetch_optional(&self.read)
            .await?;
        row.map(FaultGroup::try_from).transpose()
    }

    async fn resolve_fault(&self, fingerprint: &Fingerprint, by: &str, now: UnixMillis) -> Result<bool, StoreError> {
        again(|| async {
            let resolved = sqlx::query("UPDATE faults SET resolved_at = $1, resolved_by = $2 WHERE fingerprint = $3")
                .bind(now.0)
                .bind(by)
                .bind(fingerprint.as_str())
                .execute(&self.write)
                .await?;
            Ok(resolved.rows_affected() == 1)
        })
        .await
    }

    async fn count_open_faults(&self, since: UnixMillis) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM faults WHERE resolved_at IS NULL AND last_at >= $1")
            .bind(since.0)
            .fetch_one(&self.read)
            .await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    async fn fleet(&self) -> Result<FleetCount, StoreError> {
        let rows: Vec<Present> = sqlx::query_as(
            "SELECT presence_state, count(*) AS devices FROM devices WHERE state = $1 GROUP BY presence_state",
        )
        .bind("active")
        .fetch_all(&self.read)
        .await?;
        let of = |state: Option<&str>| {
            let found = rows.iter().filter(|row| state.is_none_or(|state| row.presence_state == state));
            found.map(|row| u64::try_from(row.devices).unwrap_or_default()).sum()
        };
        Ok(FleetCount { active: of(None), online: of(Some("online")), lost: of(Some("lost")) })
    }
}
