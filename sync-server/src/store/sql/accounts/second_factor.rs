//! Second factors: the secret sealed with its account's key, recovery codes as keyed hashes.

use async_trait::async_trait;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::rows;
use crate::ports::StoreError;
use crate::ports::accounts::{SecondFactorStore, StoredFactor};
use crate::sealing::{AccountField, DirectoryKey, Lookup};
use crate::store::sql::again::again;
use crate::store::sql::error::corrupt;
use crate::store::sql::{SqlStore, columns};

fn code_hash(directory: &DirectoryKey, account: UserId, code: &str) -> Vec<u8> {
    directory.lookup(Lookup::RecoveryCode, &[account.as_bytes(), code.as_bytes()])
}

impl SqlStore {
    async fn replace_codes(&self, tx: &mut AnyConnection, account: UserId, codes: &[String]) -> Result<(), StoreError> {
        delete(tx, "DELETE FROM recovery_codes WHERE account = $1", account).await?;
        for code in codes {
            sqlx::query("INSERT INTO recovery_codes (account, code_hash) VALUES ($1, $2)")
                .bind(account.as_bytes().as_slice())
                .bind(code_hash(&self.directory.key, account, code))
                .execute(&mut *tx)
                .await?;
        }
        Ok(())
    }
}

async fn delete(tx: &mut AnyConnection, statement: &'static str, account: UserId) -> Result<bool, StoreError> {
    let done = sqlx::query(statement).bind(account.as_bytes().as_slice()).execute(tx).await?;
    Ok(done.rows_affected() > 0)
}

#[async_trait]
impl SecondFactorStore for SqlStore {
    async fn second_factor(&self, account: UserId) -> Result<Option<StoredFactor>, StoreError> {
        let mut conn = self.read.acquire().await?;
        let row: Option<(Vec<u8>, Option<i64>, i64)> =
            sqlx::query_as("SELECT secret_sealed, confirmed_at, last_step FROM second_factors WHERE account = $1")
                .bind(account.as_bytes().as_slice())
                .fetch_optional(&mut *conn)
                .await?;
        let Some((sealed, confirmed_at, last_step)) = row else { return Ok(None) };
        let Some(key) = rows::key_of(&mut conn, &self.master, account).await? else { return Ok(None) };
        let secret = key.open(AccountField::SecondFactor, &sealed).map_err(|e| corrupt("second factor", e))?;
        let last_step = columns::unsigned("time step", last_step)?;
        Ok(Some(StoredFactor { secret, confirmed: confirmed_at.is_some(), last_step }))
    }

    async fn put_second_factor(&self, account: UserId, secret: &[u8], now: UnixMillis) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let Some(key) = rows::key_of(&mut tx, &self.master, account).await? else { return Ok(false) };
            let done = sqlx::query(
                "INSERT INTO second_factors (account, secret_sealed, created_at, last_step) VALUES ($1, $2, $3, 0)
                 ON CONFLICT (account) DO UPDATE SET secret_sealed = excluded.secret_sealed,
                 created_at = excluded.created_at, last_step = 0 WHERE second_factors.confirmed_at IS NULL",
            )
            .bind(account.as_bytes().as_slice())
            .bind(key.seal(AccountField::SecondFactor, secret))
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(done.rows_affected() > 0)
        })
        .await
    }

    async fn confirm_second_factor(
        &self,
        account: UserId,
        step: u64,
        recovery_codes: &[String],
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let done = sqlx::query(
                "UPDATE second_factors SET confirmed_at = $1, last_step = $2
                 WHERE account = $3 AND confirmed_at IS NULL",
            )
            .bind(now.0)
            .bind(columns::to_column(step))
            .bind(account.as_bytes().as_slice())
            .execute(&mut *tx)
            .await?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
            self.replace_codes(&mut tx, account, recovery_codes).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    async fn use_step(&self, account: UserId, step: u64) -> Result<bool, StoreError> {
        again(|| async {
            let done = sqlx::query("UPDATE second_factors SET last_step = $1 WHERE account = $2 AND last_step < $1")
                .bind(columns::to_column(step))
                .bind(account.as_bytes().as_slice())
                .execute(&self.write)
                .await?;
            Ok(done.rows_affected() > 0)
        })
        .await
    }

    async fn put_recovery_codes(&self, account: UserId, codes: &[String]) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            self.replace_codes(&mut tx, account, codes).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn use_recovery_code(&self, account: UserId, code: &str) -> Result<bool, StoreError> {
        again(|| async {
            let done = sqlx::query("DELETE FROM recovery_codes WHERE account = $1 AND code_hash = $2")
                .bind(account.as_bytes().as_slice())
                .bind(code_hash(&self.directory.key, account, code))
                .execute(&self.write)
                .await?;
            Ok(done.rows_affected() > 0)
        })
        .await
    }

    async fn recovery_codes_left(&self, account: UserId) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM recovery_codes WHERE account = $1")
            .bind(account.as_bytes().as_slice())
            .fetch_one(&self.read)
            .await?;
        columns::unsigned("count", count)
    }

    async fn remove_second_factor(&self, account: UserId) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            delete(&mut tx, "DELETE FROM recovery_codes WHERE account = $1", account).await?;
            let removed = delete(&mut tx, "DELETE FROM second_factors WHERE account = $1", account).await?;
            tx.commit().await?;
            Ok(removed)
        })
        .await
    }
}
