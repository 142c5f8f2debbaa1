//! Messages on their way out.

use async_trait::async_trait;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::rows::{DELIVERY, DeliveryRow, NOTICE, NoticeRow};
use super::step;
use crate::domain::notify::{Notice, NoticeId, Way};
use crate::domain::replica::Term;
use crate::ports::StoreError;
use crate::ports::notify::{Delivery, DeliveryState, OutboxStore};
use crate::store::sql::again::again;
use crate::store::sql::values::Flag;
use crate::store::sql::{SqlStore, columns, replicas};

#[async_trait]
impl OutboxStore for SqlStore {
    async fn take_due(
        &self,
        term: Term,
        now: UnixMillis,
        until: UnixMillis,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        again(|| async {
            // Asked every few seconds, and mostly there is nothing: writers need not wait for that.
            if !self.anything_due(term, now).await? {
                return Ok(Vec::new());
            }
            let mut tx = self.begin().await?;
            if !replicas::still_leads(&mut tx, term).await? {
                return Ok(Vec::new());
            }
            free_of_others(&mut tx, term, now).await?;
            let query = format!(
                "SELECT {DELIVERY} FROM deliveries d WHERE d.state = 'waiting' AND d.next_at <= $1 ORDER BY d.next_at LIMIT $2"
            );
            let rows: Vec<DeliveryRow> =
                sqlx::query_as(AssertSqlSafe(query)).bind(now.0).bind(i64::from(limit)).fetch_all(&mut *tx).await?;
            let mut due = rows.into_iter().map(Delivery::try_from).collect::<Result<Vec<_>, _>>()?;
            for delivery in &mut due {
                sqlx::query("UPDATE deliveries SET attempts = attempts + 1, next_at = $1, taken_by = $2 WHERE id = $3")
                    .bind(until.0)
                    .bind(term.number())
                    .bind(delivery.id.as_bytes().to_vec())
                    .execute(&mut *tx)
                    .await?;
                delivery.attempts += 1;
            }
            tx.commit().await?;
            Ok(due)
        })
        .await
    }

    async fn notice(&self, id: NoticeId) -> Result<Option<Notice>, StoreError> {
        let row: Option<NoticeRow> =
            sqlx::query_as(AssertSqlSafe(format!("SELECT {NOTICE} FROM notices n WHERE n.id = $1")))
                .bind(id.as_bytes().to_vec())
                .fetch_optional(&self.read)
                .await?;
        row.map(Notice::try_from).transpose()
    }

    async fn conclude(&self, term: Option<Term>, delivery: &Delivery) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            sqlx::query(
                "UPDATE deliveries SET state = $1, attempts = $2, next_at = $3, done_at = $4, error = $5, taken_by = NULL
                 WHERE id = $6 AND (taken_by IS NOT DISTINCT FROM $7 OR $8 = 1)",
            )
            .bind(delivery.state.as_str())
            .bind(columns::to_column(delivery.attempts))
            .bind(delivery.next_at.0)
            .bind(delivery.done_at.map(|at| at.0))
            .bind(delivery.error.clone())
            .bind(delivery.id.as_bytes().to_vec())
            .bind(term.map(Term::number))
            .bind(Flag(delivery.state == DeliveryState::Sent))
            .execute(&mut *tx)
            .await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn sent_since(&self, account: UserId, way: Way, since: UnixMillis) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM deliveries WHERE account = $1 AND created_at >= $2 AND state = 'sent'
             AND done_at >= $3 AND push = $4",
        )
        .bind(account.as_bytes().to_vec())
        // What was made a day before may have been sent just now; older ones were given up.
        .bind(since.0 - 24 * 3_600_000)
        .bind(since.0)
        .bind(Flag(way == Way::Push))
        .fetch_one(&self.read)
        .await?;
        columns::unsigned("count", count)
    }

    async fn next_due(&self) -> Result<Option<UnixMillis>, StoreError> {
        let next: Option<i64> = sqlx::query_scalar("SELECT min(next_at) FROM deliveries WHERE state = 'waiting'")
            .fetch_one(&self.read)
            .await?;
        Ok(columns::time(next))
    }

    async fn add_delivery(&self, delivery: &Delivery) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            step::add_delivery(&mut tx, delivery).await?;
            Ok(tx.commit().await?)
        })
        .await
    }
}

impl SqlStore {
    /// Whether something is due, or was taken under another term.
    async fn anything_due(&self, term: Term, now: UnixMillis) -> Result<bool, StoreError> {
        let (due, taken): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM (SELECT 1 AS one FROM deliveries
                WHERE state = 'waiting' AND next_at <= $1 LIMIT 1) AS due),
             (SELECT count(*) FROM (SELECT 1 AS one FROM deliveries
                WHERE state = 'waiting' AND taken_by IS NOT NULL AND taken_by <> $2 LIMIT 1) AS taken)",
        )
        .bind(now.0)
        .bind(term.number())
        .fetch_one(&self.read)
        .await?;
        Ok(due + taken > 0)
    }
}

/// What was taken under another term is due now: whoever took it is gone, or does not lead any more.
async fn free_of_others(tx: &mut AnyConnection, term: Term, now: UnixMillis) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE deliveries SET taken_by = NULL, next_at = $1
         WHERE state = 'waiting' AND taken_by IS NOT NULL AND taken_by <> $2",
    )
    .bind(now.0)
    .bind(term.number())
    .execute(tx)
    .await?;
    Ok(())
}
