//! What was uploaded for jobs, where several servers share the store.

use async_trait::async_trait;
use sqlx::AnyConnection;

use crate::domain::job::JobId;
use crate::ports::StoreError;
use crate::ports::job_files::JobFileStore;
use crate::store::sql::again::again;
use crate::store::sql::error::on_insert;
use crate::store::sql::{SqlStore, columns};

#[async_trait]
impl JobFileStore for SqlStore {
    async fn put_file_piece(&self, job: JobId, n: u64, piece: u64, bytes: &[u8]) -> Result<(), StoreError> {
        again(|| async {
            sqlx::query(
                "INSERT INTO job_files (job, n, piece, bytes) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (job, n, piece) DO UPDATE SET bytes = excluded.bytes",
            )
            .bind(job.as_bytes().as_slice())
            .bind(columns::to_column(n))
            .bind(columns::to_column(piece))
            .bind(bytes)
            .execute(&self.write)
            .await
            .map_err(on_insert("piece of a file", "job"))?;
            Ok(())
        })
        .await
    }

    async fn file_piece(&self, job: JobId, n: u64, piece: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(sqlx::query_scalar("SELECT bytes FROM job_files WHERE job = $1 AND n = $2 AND piece = $3")
            .bind(job.as_bytes().as_slice())
            .bind(columns::to_column(n))
            .bind(columns::to_column(piece))
            .fetch_optional(&self.read)
            .await?)
    }

    async fn share_job(&self, job: JobId) -> Result<(), StoreError> {
        again(|| async {
            let shared = sqlx::query("UPDATE jobs SET node = '' WHERE id = $1 AND state = 'filling'")
                .bind(job.as_bytes().as_slice())
                .execute(&self.write)
                .await?;
            if shared.rows_affected() == 0 { Err(StoreError::NoSuch("job to be filled")) } else { Ok(()) }
        })
        .await
    }
}

/// Removes a file whose item has its outcome.
pub(super) async fn remove_of_item(tx: &mut AnyConnection, job: &[u8], n: u64) -> Result<(), StoreError> {
    let n = columns::to_column(n);
    sqlx::query("DELETE FROM job_files WHERE job = $1 AND n = $2").bind(job).bind(n).execute(tx).await?;
    Ok(())
}

/// Removes every file of a job that will not need any again.
pub(super) async fn remove_of_job(tx: &mut AnyConnection, job: &[u8]) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM job_files WHERE job = $1").bind(job).execute(tx).await?;
    Ok(())
}
