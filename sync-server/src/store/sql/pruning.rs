//! Takes old events out, along the index of time.

use async_trait::async_trait;
use ostiary_common::time::UnixMillis;

use super::SqlStore;
use super::again::again;
use crate::ports::StoreError;
use crate::ports::pruning::PruneStore;

#[async_trait]
impl PruneStore for SqlStore {
    async fn prune_events(&self, before: UnixMillis, at_most: u32) -> Result<u64, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            // Pictures and embeddings go with their event's row.
            let removed = sqlx::query(
                "DELETE FROM events WHERE cursor IN
                 (SELECT cursor FROM events WHERE at < $1 ORDER BY at, cursor LIMIT $2)",
            )
            .bind(before.0)
            .bind(i64::from(at_most))
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(removed.rows_affected())
        })
        .await
    }
}
