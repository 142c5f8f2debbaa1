//! The notification centre: what somebody was told of, as far as they may still know of it.

use async_trait::async_trait;
use ostiary_common::ids::{EventId, UserId};
use ostiary_common::time::UnixMillis;

use super::rows::{DELIVERY, DeliveryRow, NOTICE, NoticeRow};
use crate::domain::access::Reach;
use crate::domain::notify::{DeliveryId, NoticeId};
use crate::ports::StoreError;
use crate::ports::notify::{CentreStore, Delivery, DeliveryFilter, Sight, Told};
use crate::store::sql::again::again;
use crate::store::sql::statement::Statement;
use crate::store::sql::values::Flag;
use crate::store::sql::{SqlStore, columns, reach};

#[derive(sqlx::FromRow)]
struct ToldRow {
    #[sqlx(flatten)]
    notice: NoticeRow,
    unread: Flag,
    read_at: Option<i64>,
}

impl TryFrom<ToldRow> for Told {
    type Error = StoreError;
    fn try_from(row: ToldRow) -> Result<Self, StoreError> {
        Ok(Self { notice: row.notice.try_into()?, unread: row.unread.0, read_at: columns::time(row.read_at) })
    }
}

const FROM: &str = " FROM notice_readers r JOIN notices n ON n.id = r.notice WHERE r.account = ";

/// Everything somebody was told of, and may know of.
fn mine(account: UserId, sight: &Sight) -> Statement {
    let mut query = Statement::new("SELECT ");
    query.push(NOTICE).push(", r.unread, r.read_at").push(FROM).bind(account.as_bytes().to_vec());
    known(&mut query, sight);
    query
}

/// Adds ` AND …`: it is of a kind and at a place that may be known. What has no place may be known by those who know
/// of everything; what was told without a rule concerns the account itself.
fn known(query: &mut Statement, sight: &Sight) {
    query.push(" AND (n.rule IS NULL");
    for (what, within) in sight.iter().filter(|(what, within)| !what.is_empty() && !within.is_nothing()) {
        query.push(" OR (n.what IN ").bind_list(what.iter().map(|what| what.as_str()));
        reach::within(query, within, "n.site", "n.door");
        query.push(")");
    }
    query.push(")");
}

#[async_trait]
impl CentreStore for SqlStore {
    async fn told(
        &self,
        account: UserId,
        sight: &Sight,
        unread_only: bool,
        before: Option<NoticeId>,
        limit: u32,
    ) -> Result<Vec<Told>, StoreError> {
        let mut query = mine(account, sight);
        if unread_only {
            query.push(" AND r.unread = 1");
        }
        if let Some(before) = before {
            query.push(" AND r.notice < ").bind(before.as_bytes().to_vec());
        }
        query.push(" ORDER BY r.notice DESC").limit(limit);
        let rows: Vec<ToldRow> = query.query_as().fetch_all(&self.read).await?;
        rows.into_iter().map(Told::try_from).collect()
    }

    async fn told_one(&self, account: UserId, sight: &Sight, id: NoticeId) -> Result<Option<Told>, StoreError> {
        let mut query = mine(account, sight);
        query.push(" AND r.notice = ").bind(id.as_bytes().to_vec());
        let row: Option<ToldRow> = query.query_as().fetch_optional(&self.read).await?;
        row.map(Told::try_from).transpose()
    }

    async fn count_unread(&self, account: UserId, sight: &Sight) -> Result<u64, StoreError> {
        let mut query = Statement::new("SELECT count(*)");
        query.push(FROM).bind(account.as_bytes().to_vec()).push(" AND r.unread = 1");
        known(&mut query, sight);
        let (count,): (i64,) = query.query_as().fetch_one(&self.read).await?;
        columns::unsigned("count", count)
    }

    async fn notice_events(
        &self,
        id: NoticeId,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<(EventId, UnixMillis)>, StoreError> {
        let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(
            "SELECT event, at FROM notice_events WHERE notice = $1 AND event > $2 ORDER BY event LIMIT $3",
        )
        .bind(id.as_bytes().to_vec())
        .bind(after.map_or_else(Vec::new, |id| id.as_bytes().to_vec()))
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(|(event, at)| Ok((columns::id(EventId, &event)?, UnixMillis(at)))).collect()
    }

    async fn mark_read(&self, account: UserId, id: Option<NoticeId>, now: UnixMillis) -> Result<u64, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let of = |query: &mut Statement, column: &str| {
                if let Some(id) = id {
                    query.push(" AND ").push(column).push(" = ").bind(id.as_bytes().to_vec());
                }
            };
            let mut stop =
                Statement::new("UPDATE notices SET escalate_at = NULL WHERE escalate_at IS NOT NULL AND id IN ");
            stop.push("(SELECT notice FROM notice_readers WHERE unread = 1 AND account = ")
                .bind(account.as_bytes().to_vec());
            of(&mut stop, "notice");
            stop.push(")");
            stop.query().execute(&mut *tx).await?;
            let mut read = Statement::new("UPDATE notice_readers SET unread = 0, read_at = ");
            read.bind(now.0).push(" WHERE unread = 1 AND account = ").bind(account.as_bytes().to_vec());
            of(&mut read, "notice");
            let marked = read.query().execute(&mut *tx).await?.rows_affected();
            tx.commit().await?;
            Ok(marked)
        })
        .await
    }

    async fn deliveries(
        &self,
        within: &Reach,
        filter: DeliveryFilter,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut query = Statement::new("SELECT ");
        query.push(DELIVERY).push(" FROM deliveries d LEFT JOIN notices n ON n.id = d.notice");
        query.push(" LEFT JOIN webhooks w ON w.id = d.webhook WHERE d.id < ");
        query.bind(before.map_or_else(|| columns::BEHIND_EVERY_ID.to_vec(), |id| id.as_bytes().to_vec()));
        reach::within(&mut query, within, "coalesce(n.site, w.site)", "coalesce(n.door, w.door)");
        let ids = [
            ("d.id", filter.id.map(|id| id.as_bytes().to_vec())),
            ("d.notice", filter.notice.map(|id| id.as_bytes().to_vec())),
            ("d.webhook", filter.webhook.map(|id| id.as_bytes().to_vec())),
        ];
        for (column, id) in ids {
            if let Some(id) = id {
                query.push(" AND ").push(column).push(" = ").bind(id);
            }
        }
        if let Some(state) = filter.state {
            query.push(" AND d.state = ").word(state.as_str());
        }
        query.push(" ORDER BY d.id DESC").limit(limit);
        let rows: Vec<DeliveryRow> = query.query_as().fetch_all(&self.read).await?;
        rows.into_iter().map(Delivery::try_from).collect()
    }

    async fn prune_notices(&self, before: UnixMillis, at_most: u32) -> Result<u64, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let gone = sqlx::query(
                "DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE last_at < $1 AND next_at IS NULL
                 ORDER BY last_at LIMIT $2)",
            )
            .bind(before.0)
            .bind(i64::from(at_most))
            .execute(&mut *tx)
            .await?
            .rows_affected();
            sqlx::query("DELETE FROM deliveries WHERE notice IS NULL AND created_at < $1")
                .bind(before.0)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(gone)
        })
        .await
    }
}
