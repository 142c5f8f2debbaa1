//! Keys of requests that are to be carried out once.

use async_trait::async_trait;
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::SqlStore;
use super::again::again;
use super::error::corrupt;
use crate::ports::StoreError;
use crate::ports::idempotency::{IdempotencyStore, KeyClaim, KeyOutcome, KeyStanding};

/// Keys of one account within their life.
const MOST_KEYS: i64 = 10_000;
/// A request that was begun longer ago is not being worked on any more: its server ended.
const AT_WORK_MS: i64 = 120_000;

const AT_WORK: i64 = 0;
const DONE: i64 = 1;
const UNKNOWN: i64 = 2;

#[derive(sqlx::FromRow)]
struct KeyRow {
    fingerprint: Vec<u8>,
    state: i64,
    status: i64,
    answer: Option<Vec<u8>>,
    began_at: i64,
}

impl KeyRow {
    fn standing(self, claim: &KeyClaim) -> Result<KeyStanding, StoreError> {
        if self.fingerprint != claim.fingerprint {
            return Ok(KeyStanding::OtherRequest);
        }
        Ok(match self.state {
            DONE => {
                let status = u16::try_from(self.status).map_err(|e| corrupt("status", e))?;
                KeyStanding::Done { status, answer: self.answer }
            }
            AT_WORK if claim.now.0 - self.began_at < AT_WORK_MS => KeyStanding::InProgress,
            _ => KeyStanding::Unknown,
        })
    }
}

async fn insert(tx: &mut AnyConnection, claim: &KeyClaim) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO idempotency (account, idem_key, fingerprint, state, status, answer, personal, began_at, ends_at)
         VALUES ($1, $2, $3, 0, 0, NULL, $4, $5, $6) ON CONFLICT (account, idem_key) DO NOTHING",
    )
    .bind(claim.account.as_str())
    .bind(claim.key.as_str())
    .bind(claim.fingerprint.to_vec())
    .bind(i64::from(claim.personal))
    .bind(claim.now.0)
    .bind(claim.ends_at.0)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Lets go of answers that tell of persons, because one of them is removed for good.
pub(super) async fn forget_personal(tx: &mut AnyConnection) -> Result<(), StoreError> {
    sqlx::query("UPDATE idempotency SET answer = NULL WHERE personal = 1 AND answer IS NOT NULL").execute(tx).await?;
    Ok(())
}

#[async_trait]
impl IdempotencyStore for SqlStore {
    async fn claim_key(&self, claim: &KeyClaim) -> Result<KeyStanding, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            sqlx::query("DELETE FROM idempotency WHERE account = $1 AND idem_key = $2 AND ends_at <= $3")
                .bind(claim.account.as_str())
                .bind(claim.key.as_str())
                .bind(claim.now.0)
                .execute(&mut *tx)
                .await?;
            let count: i64 = sqlx::query_scalar("SELECT count(*) FROM idempotency WHERE account = $1")
                .bind(claim.account.as_str())
                .fetch_one(&mut *tx)
                .await?;
            if count < MOST_KEYS && insert(&mut tx, claim).await? {
                tx.commit().await?;
                return Ok(KeyStanding::Ours);
            }
            let row: Option<KeyRow> = sqlx::query_as(
                "SELECT fingerprint, state, status, answer, began_at FROM idempotency WHERE account = $1 AND idem_key = $2",
            )
            .bind(claim.account.as_str())
            .bind(claim.key.as_str())
            .fetch_optional(&mut *tx)
            .await?;
            tx.commit().await?;
            row.map_or(Ok(KeyStanding::TooMany), |row| row.standing(claim))
        })
        .await
    }

    async fn settle_key(&self, account: &str, key: &str, outcome: &KeyOutcome) -> Result<(), StoreError> {
        again(|| async {
            let (state, status, answer) = match outcome {
                KeyOutcome::Refused => {
                    sqlx::query("DELETE FROM idempotency WHERE account = $1 AND idem_key = $2")
                        .bind(account)
                        .bind(key)
                        .execute(&self.write)
                        .await?;
                    return Ok(());
                }
                KeyOutcome::Done { status, answer } => (DONE, i64::from(*status), answer.clone()),
                KeyOutcome::Unknown => (UNKNOWN, 0, None),
            };
            sqlx::query(
                "UPDATE idempotency SET state = $1, status = $2, answer = $3 WHERE account = $4 AND idem_key = $5",
            )
            .bind(state)
            .bind(status)
            .bind(answer)
            .bind(account)
            .bind(key)
            .execute(&self.write)
            .await?;
            Ok(())
        })
        .await
    }

    async fn forget_keys(&self, now: UnixMillis) -> Result<u64, StoreError> {
        again(|| async {
            let gone =
                sqlx::query("DELETE FROM idempotency WHERE ends_at <= $1").bind(now.0).execute(&self.write).await?;
            Ok(gone.rows_affected())
        })
        .await
    }
}
