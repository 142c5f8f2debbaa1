//! Jobs that come in.

use std::sync::LazyLock;
use std::time::Duration;

use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::rows;
use crate::domain::job::{JobId, NewItem, NewJob};
use crate::ports::StoreError;
use crate::sealing::JobKey;
use crate::store::sql::again::again;
use crate::store::sql::many::{ManyRows, pieces};
use crate::store::sql::{SqlStore, columns};

static INSERT: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT INTO job_items (job, n, phase, parent, state, fence, leases, failures, due_at, task, reason) VALUES",
        "(?, ?, ?, ?, 'waiting', 0, 0, 0, 0, ?, '')",
        "",
    )
});

impl SqlStore {
    pub(super) async fn insert_job(&self, job: &NewJob) -> Result<JobKey, StoreError> {
        again(|| async {
            let (key, wrapped) = self.master.new_job_key(job.id);
            sqlx::query(
                "INSERT INTO jobs (id, kind, state, priority, account, person, node, wrapped, plan, items, done, refused,
                 dead, created_at, paced_from) VALUES ($1, $2, 'filling', $3, $4, $5, $6, $7, $8, 0, 0, 0, 0, $9, 0)",
            )
            .bind(job.id.as_bytes().as_slice())
            .bind(job.kind.as_str())
            .bind(job.kind.priority())
            .bind(job.account.map(|account| account.as_bytes().to_vec()))
            .bind(job.person.map(|person| person.as_bytes().to_vec()))
            .bind(job.node.as_str())
            .bind(wrapped)
            .bind(key.seal("plan", 0, &job.plan))
            .bind(job.created_at.0)
            .execute(&self.write)
            .await?;
            Ok(key)
        })
        .await
    }

    pub(super) async fn insert_items(&self, job: JobId, from: u64, items: &[NewItem]) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let key = rows::key(&mut tx, &self.master, job).await?.ok_or(StoreError::NoSuch("job"))?;
            let numbered: Vec<(u64, &NewItem)> = (from..).zip(items).collect();
            for piece in pieces(&numbered) {
                let mut query = sqlx::query(INSERT.sql(self.engine, piece));
                for (n, item) in piece {
                    query = query
                        .bind(job.as_bytes().to_vec())
                        .bind(columns::to_column(*n))
                        .bind(i64::from(item.phase))
                        .bind(item.parent.map(columns::to_column))
                        .bind(key.seal("task", *n, &item.task));
                }
                query.execute(&mut *tx).await?;
            }
            let added = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let filled = sqlx::query("UPDATE jobs SET items = items + $1 WHERE id = $2 AND state = 'filling'")
                .bind(added)
                .bind(job.as_bytes().as_slice())
                .execute(&mut *tx)
                .await?;
            if filled.rows_affected() == 0 {
                return Err(StoreError::NoSuch("job to be filled"));
            }
            Ok(tx.commit().await?)
        })
        .await
    }

    pub(super) async fn make_ready(&self, job: JobId, keep: Duration, now: UnixMillis) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            ready(&mut tx, job, keep, now).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    pub(super) async fn make_ready_once(
        &self,
        job: JobId,
        (name, number): (&str, i64),
        keep: Duration,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            // Another number, not a higher one: a clock that was set back leaves no round out.
            let begun = sqlx::query(
                "INSERT INTO followers (name, position) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET position = excluded.position WHERE followers.position <> excluded.position",
            )
            .bind(name)
            .bind(number)
            .execute(&mut *tx)
            .await?;
            if begun.rows_affected() == 0 {
                return Ok(false);
            }
            ready(&mut tx, job, keep, now).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }
}

async fn ready(tx: &mut AnyConnection, job: JobId, keep: Duration, now: UnixMillis) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE jobs SET state = CASE WHEN items = 0 THEN 'done' ELSE 'ready' END,
         ended_at = CASE WHEN items = 0 THEN $1 END, keep_until = CASE WHEN items = 0 THEN $2 END
         WHERE id = $3 AND state = 'filling'",
    )
    .bind(now.0)
    .bind(now.plus(keep).0)
    .bind(job.as_bytes().as_slice())
    .execute(tx)
    .await?;
    Ok(())
}
