//! Unknown visitors are kept for a while only.

use ostiary_common::time::UnixMillis;

use super::edited;
use crate::ports::StoreError;
use crate::store::sql::statement::Statement;
use crate::store::sql::{SqlStore, talk};

impl SqlStore {
    pub(super) async fn forget_visits(&self, before: UnixMillis, at_most: u32) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let old: Vec<i64> =
            sqlx::query_scalar("SELECT cursor FROM unknown_visits WHERE at < $1 ORDER BY at, cursor LIMIT $2")
                .bind(before.0)
                .bind(i64::from(at_most))
                .fetch_all(&mut *tx)
                .await?;
        for some in old.chunks(100) {
            for head in [
                "DELETE FROM event_crops WHERE cursor IN ",
                "DELETE FROM event_embeddings WHERE cursor IN ",
                "DELETE FROM unknown_visits WHERE cursor IN ",
                "UPDATE events SET has_crop = 0 WHERE cursor IN ",
            ] {
                let mut statement = Statement::new(head);
                statement.bind_list(some.iter().copied());
                statement.query().execute(&mut *tx).await?;
            }
        }
        // Also those whose visits went with their events.
        let emptied = sqlx::query(
            "DELETE FROM unknowns WHERE NOT EXISTS (SELECT 1 FROM unknown_visits v WHERE v.visitor = unknowns.id)",
        )
        .execute(&mut *tx)
        .await?;
        if emptied.rows_affected() > 0 {
            talk::end_orphans(&mut tx).await?;
        }
        sqlx::query("DELETE FROM unknown_aliases WHERE at < $1").bind(before.0).execute(&mut *tx).await?;
        if !old.is_empty() || emptied.rows_affected() > 0 {
            edited(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(old.len() as u64)
    }
}
