//! The audit log as a chain. Appends take the head first, so that they stand in a queue on either engine.

use std::borrow::Cow;

use async_trait::async_trait;
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::again::again;
use super::error::corrupt;
use super::statement::Statement;
use super::{SqlStore, columns};
use crate::domain::audit::chain::{ChainPoint, ChainedLine, LineHash};
use crate::domain::audit::{AuditEntry, AuditFilter, AuditPosition, AuditResult, AuditTrace};
use crate::ports::{AuditStore, LedgerStore, StoreError};

/// Lines written by one statement, at most.
const LINES_AT_ONCE: usize = 64;

const SELECT: &str =
    "SELECT seq, at, actor, action, target, source, result, detail, request, was, became, hash FROM audit_lines";

#[derive(sqlx::FromRow)]
struct LineRow {
    seq: i64,
    at: i64,
    actor: String,
    action: String,
    target: String,
    source: String,
    result: String,
    detail: String,
    request: String,
    was: Option<String>,
    became: Option<String>,
    hash: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct PointRow {
    seq: i64,
    hash: Vec<u8>,
}

impl TryFrom<PointRow> for ChainPoint {
    type Error = StoreError;
    fn try_from(row: PointRow) -> Result<Self, StoreError> {
        let hash = LineHash(columns::bytes32("audit hash", &row.hash)?);
        Ok(Self { seq: columns::unsigned("audit line", row.seq)?, hash })
    }
}

impl TryFrom<LineRow> for ChainedLine {
    type Error = StoreError;
    fn try_from(row: LineRow) -> Result<Self, StoreError> {
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
        let trace = AuditTrace { request: row.request, was: row.was, became: row.became };
        Ok(Self { entry, trace, point: PointRow { seq: row.seq, hash: row.hash }.try_into()? })
    }
}

/// Appends a line within a transaction, so that a change and its line are there together or not at all.
pub(super) async fn append(tx: &mut AnyConnection, entry: &AuditEntry, trace: &AuditTrace) -> Result<(), StoreError> {
    append_all(tx, &[(entry, trace)]).await
}

/// The same for several lines, in their order.
pub(super) async fn append_all(tx: &mut AnyConnection, lines: &[(&AuditEntry, &AuditTrace)]) -> Result<(), StoreError> {
    for lines in lines.chunks(LINES_AT_ONCE) {
        // Taking the next numbers locks the head until the transaction ends.
        let row: PointRow = sqlx::query_as("UPDATE audit_head SET seq = seq + $1 RETURNING seq, hash")
            .bind(columns::to_column(lines.len() as u64))
            .fetch_one(&mut *tx)
            .await?;
        let taken = ChainPoint::try_from(row)?;
        let mut point = ChainPoint { seq: taken.seq - lines.len() as u64, ..taken };
        let mut insert = Statement::new(
            "INSERT INTO audit_lines
                 (seq, at, actor, action, target, source, result, detail, request, was, became, hash) VALUES ",
        );
        for (at, (entry, trace)) in lines.iter().enumerate() {
            let entry = storable(entry);
            point = point.next(&entry, trace);
            insert.push(if at == 0 { "(" } else { ", (" });
            insert.bind(columns::to_column(point.seq)).push(", ").bind(entry.at.0);
            for word in [&entry.actor, &entry.action, &entry.target, &entry.source] {
                insert.push(", ").bind(word.as_str());
            }
            insert.push(", ").bind(entry.result.as_str()).push(", ").bind(entry.detail.as_str());
            insert.push(", ").bind(trace.request.as_str()).push(", ").bind(trace.was.clone());
            insert.push(", ").bind(trace.became.clone()).push(", ").bind(point.hash.0.to_vec()).push(")");
        }
        insert.query().execute(&mut *tx).await?;
        sqlx::query("UPDATE audit_head SET hash = $1").bind(point.hash.0.to_vec()).execute(&mut *tx).await?;
    }
    Ok(())
}

/// As it can be stored on either database; what is hashed is what is stored.
fn storable(entry: &AuditEntry) -> Cow<'_, AuditEntry> {
    let texts = [&entry.actor, &entry.action, &entry.target, &entry.source, &entry.detail];
    if !texts.iter().any(|text| text.contains('\0')) {
        return Cow::Borrowed(entry);
    }
    let of = |text: &str| columns::text(text).into_owned();
    Cow::Owned(AuditEntry {
        actor: of(&entry.actor),
        action: of(&entry.action),
        target: of(&entry.target),
        source: of(&entry.source),
        detail: of(&entry.detail),
        ..*entry
    })
}

fn list(filter: &AuditFilter, before: Option<AuditPosition>, limit: u32) -> Statement {
    let mut query = Statement::new(SELECT);
    // One upper bound that is always there, and the only one: with two an index is entered by one of them, and what lies
    // between is read for nothing.
    let before = before.unwrap_or(AuditPosition { at: UnixMillis(i64::MAX), seq: i64::MAX as u64 });
    let before = filter.until.map_or(before, |until| before.min(AuditPosition { at: until, seq: 0 }));
    query.push(" WHERE (at, seq) < (").bind(before.at.0);
    query.push(", ").bind(columns::to_column(before.seq)).push(")");
    let texts = [("actor", &filter.actor), ("target", &filter.target)];
    for (column, text) in texts.into_iter().filter_map(|(column, text)| Some((column, text.as_ref()?))) {
        query.push(" AND ").push(column).push(" = ").bind(text.clone());
    }
    if let Some(result) = filter.result {
        query.push(" AND result = ").word(result.as_str());
    }
    if !filter.actions.is_empty() {
        query.push(" AND action IN ").bind_list(filter.actions.iter().cloned());
    }
    if let Some(from) = filter.from {
        query.push(" AND at >= ").bind(from.0);
    }
    query.push(" ORDER BY at DESC, seq DESC").limit(limit);
    query
}

#[async_trait]
impl AuditStore for SqlStore {
    async fn audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.audit_traced(entry, &AuditTrace::default()).await
    }
}

#[async_trait]
impl LedgerStore for SqlStore {
    async fn audit_traced(&self, entry: &AuditEntry, trace: &AuditTrace) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            append(&mut tx, entry, trace).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn audit_lines(
        &self,
        filter: &AuditFilter,
        before: Option<AuditPosition>,
        limit: u32,
    ) -> Result<Vec<ChainedLine>, StoreError> {
        let rows: Vec<LineRow> = list(filter, before, limit).query_as().fetch_all(&self.read).await?;
        rows.into_iter().map(ChainedLine::try_from).collect()
    }

    async fn audit_walk(&self, after: u64, limit: u32) -> Result<Vec<ChainedLine>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!("{SELECT} WHERE seq > $1 ORDER BY seq LIMIT $2"));
        let rows: Vec<LineRow> =
            sqlx::query_as(query).bind(columns::to_column(after)).bind(i64::from(limit)).fetch_all(&self.read).await?;
        rows.into_iter().map(ChainedLine::try_from).collect()
    }

    async fn audit_head(&self) -> Result<ChainPoint, StoreError> {
        let row: PointRow = sqlx::query_as("SELECT seq, hash FROM audit_head").fetch_one(&self.read).await?;
        row.try_into()
    }

    async fn audit_last_before(&self, at: UnixMillis) -> Result<Option<ChainPoint>, StoreError> {
        let row: Option<PointRow> = sqlx::query_as(
            "SELECT seq, hash FROM audit_lines
             WHERE seq < coalesce((SELECT min(seq) FROM audit_lines WHERE at >= $1), (SELECT seq + 1 FROM audit_head))
             ORDER BY seq DESC LIMIT 1",
        )
        .bind(at.0)
        .fetch_optional(&self.read)
        .await?;
        row.map(ChainPoint::try_from).transpose()
    }

    async fn add_audit_checkpoint(&self, seq: u64, token: &str) -> Result<bool, StoreError> {
        again(|| async {
            let added =
                sqlx::query("INSERT INTO audit_checkpoints (seq, token) VALUES ($1, $2) ON CONFLICT (seq) DO NOTHING")
                    .bind(columns::to_column(seq))
                    .bind(token)
                    .execute(&self.write)
                    .await?;
            Ok(added.rows_affected() > 0)
        })
        .await
    }

    async fn audit_checkpoints(&self) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT token FROM audit_checkpoints ORDER BY seq").fetch_all(&self.read).await?)
    }

    async fn cut_audit(&self, upto: u64, token: &str) -> Result<u64, StoreError> {
        again(|| async {
            let upto = columns::to_column(upto);
            let mut tx = self.begin().await?;
            sqlx::query("INSERT INTO audit_cuts (upto, token) VALUES ($1, $2) ON CONFLICT (upto) DO NOTHING")
                .bind(upto)
                .bind(token)
                .execute(&mut *tx)
                .await?;
            let gone = sqlx::query("DELETE FROM audit_lines WHERE seq <= $1").bind(upto).execute(&mut *tx).await?;
            sqlx::query("DELETE FROM audit_checkpoints WHERE seq <= $1").bind(upto).execute(&mut *tx).await?;
            tx.commit().await?;
            Ok(gone.rows_affected())
        })
        .await
    }

    async fn audit_cut(&self) -> Result<Option<String>, StoreError> {
        let query = "SELECT token FROM audit_cuts ORDER BY upto DESC LIMIT 1";
        Ok(sqlx::query_scalar(query).fetch_optional(&self.read).await?)
    }
}
