//! What people do with jobs.

use std::time::Duration;

use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::files;
use crate::domain::job::JobId;
use crate::ports::StoreError;
use crate::store::sql::again::again;
use crate::store::sql::statement::Statement;
use crate::store::sql::{SqlStore, columns};

/// A job that was begun and not filled by then will not be: its request ended.
const FILLED_WITHIN: Duration = Duration::from_secs(24 * 3_600);

impl SqlStore {
    pub(super) async fn cancel(&self, id: JobId, keep: Duration, now: UnixMillis) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let ended = sqlx::query(
                "UPDATE jobs SET state = 'cancelled', ended_at = $1, keep_until = $2, paced_at = NULL
                 WHERE id = $3 AND state IN ('filling', 'ready', 'paused')",
            )
            .bind(now.0)
            .bind(now.plus(keep).0)
            .bind(id.as_bytes().as_slice())
            .execute(&mut *tx)
            .await?;
            if ended.rows_affected() == 0 {
                return Ok(false);
            }
            sqlx::query(
                "UPDATE job_items SET state = 'cancelled', task = NULL, lease_node = NULL, lease_until = NULL, ended_at = $1
                 WHERE job = $2 AND state IN ('waiting', 'leased')",
            )
            .bind(now.0)
            .bind(id.as_bytes().as_slice())
            .execute(&mut *tx)
            .await?;
            files::remove_of_job(&mut tx, id.as_bytes()).await?;
            // What was given up cannot be put back into a job that is over.
            sqlx::query("UPDATE job_items SET task = NULL WHERE job = $1 AND state = 'dead'")
                .bind(id.as_bytes().as_slice())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    pub(super) async fn take_back(&self, id: JobId) -> Result<bool, StoreError> {
        again(|| async {
            let gone = sqlx::query("DELETE FROM jobs WHERE id = $1 AND state = 'filling'")
                .bind(id.as_bytes().as_slice())
                .execute(&self.write)
                .await?;
            Ok(gone.rows_affected() > 0)
        })
        .await
    }

    pub(super) async fn pause(&self, id: JobId) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let paused =
                sqlx::query("UPDATE jobs SET state = 'paused', paced_at = NULL WHERE id = $1 AND state = 'ready'")
                    .bind(id.as_bytes().as_slice())
                    .execute(&mut *tx)
                    .await?;
            if paused.rows_affected() == 0 {
                return Ok(false);
            }
            sqlx::query(
                "UPDATE job_items SET state = 'waiting', lease_node = NULL, lease_until = NULL, leases = leases - 1
                 WHERE job = $1 AND state = 'leased'",
            )
            .bind(id.as_bytes().as_slice())
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    pub(super) async fn resume(&self, id: JobId, now: UnixMillis) -> Result<bool, StoreError> {
        again(|| async {
            let resumed = sqlx::query(
                "UPDATE jobs SET state = 'ready', paced_at = $1, paced_from = done + refused + dead
                 WHERE id = $2 AND state = 'paused'",
            )
            .bind(now.0)
            .bind(id.as_bytes().as_slice())
            .execute(&self.write)
            .await?;
            Ok(resumed.rows_affected() > 0)
        })
        .await
    }

    pub(super) async fn put_dead_back(
        &self,
        id: JobId,
        which: Option<&[u64]>,
        now: UnixMillis,
    ) -> Result<u64, StoreError> {
        again(|| async {
            if which.is_some_and(<[u64]>::is_empty) {
                return Ok(0);
            }
            let mut tx = self.begin().await?;
            let mut statement =
                Statement::new("UPDATE job_items SET state = 'waiting', failures = 0, leases = 0, due_at = ");
            statement.bind(now.0).push(", ended_at = NULL WHERE state = 'dead' AND task IS NOT NULL AND job = ");
            statement.bind(id.as_bytes().to_vec());
            if let Some(which) = which {
                statement.push(" AND n IN ").bind_list(which.iter().map(|n| columns::to_column(*n)));
            }
            statement.push(" AND EXISTS (SELECT 1 FROM jobs j WHERE j.id = job_items.job AND j.state <> 'cancelled')");
            let back = statement.query().execute(&mut *tx).await?.rows_affected();
            if back > 0 {
                reopen(&mut tx, id, columns::to_column(back)).await?;
            }
            tx.commit().await?;
            Ok(back)
        })
        .await
    }

    pub(super) async fn remove_old_jobs(&self, now: UnixMillis) -> Result<Vec<JobId>, StoreError> {
        again(|| async {
            let begun_before = now.0 - i64::try_from(FILLED_WITHIN.as_millis()).unwrap_or(i64::MAX);
            let gone: Vec<Vec<u8>> = sqlx::query_scalar(
                "DELETE FROM jobs WHERE keep_until <= $1 OR (state = 'filling' AND created_at < $2) RETURNING id",
            )
            .bind(now.0)
            .bind(begun_before)
            .fetch_all(&self.write)
            .await?;
            gone.iter().map(|id| columns::id(JobId, id)).collect()
        })
        .await
    }
}

async fn reopen(tx: &mut AnyConnection, id: JobId, back: i64) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE jobs SET dead = dead - $1, state = CASE WHEN state = 'done' THEN 'ready' ELSE state END,
         ended_at = NULL, keep_until = NULL, paced_at = NULL WHERE id = $2",
    )
    .bind(back)
    .bind(id.as_bytes().as_slice())
    .execute(tx)
    .await?;
    Ok(())
}
