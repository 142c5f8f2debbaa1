//! What serves once and soon.

use async_trait::async_trait;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

use crate::domain::account::{ApiKeyId, SessionId};
use crate::ports::StoreError;
use crate::ports::accounts::{Hash, OneTime, OneTimeStore, Purpose};
use crate::store::sql::again::again;
use crate::store::sql::error::on_insert;
use crate::store::sql::{SqlStore, columns};

#[derive(sqlx::FromRow)]
struct Row {
    account: Vec<u8>,
    session: Option<Vec<u8>>,
    api_key: Option<Vec<u8>>,
}

impl TryFrom<Row> for OneTime {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            account: columns::id(UserId, &row.account)?,
            session: row.session.map(|id| columns::id(SessionId, &id)).transpose()?,
            api_key: row.api_key.map(|id| columns::id(ApiKeyId, &id)).transpose()?,
        })
    }
}

#[async_trait]
impl OneTimeStore for SqlStore {
    async fn put_one_time(
        &self,
        purpose: Purpose,
        token: &Hash,
        of: OneTime,
        expires_at: UnixMillis,
    ) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            if purpose == Purpose::PasswordReset {
                sqlx::query("DELETE FROM one_time_tokens WHERE account = $1 AND purpose = $2")
                    .bind(of.account.as_bytes().as_slice())
                    .bind(purpose.as_str())
                    .execute(&mut *tx)
                    .await?;
            }
            sqlx::query(
                "INSERT INTO one_time_tokens (token_hash, purpose, account, session, api_key, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(token.as_slice())
            .bind(purpose.as_str())
            .bind(of.account.as_bytes().as_slice())
            .bind(of.session.map(|id| id.as_bytes().to_vec()))
            .bind(of.api_key.map(|id| id.as_bytes().to_vec()))
            .bind(expires_at.0)
            .execute(&mut *tx)
            .await
            .map_err(on_insert("token", "account"))?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn one_time(&self, purpose: Purpose, token: &Hash, now: UnixMillis) -> Result<Option<OneTime>, StoreError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT account, session, api_key FROM one_time_tokens
             WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3",
        )
        .bind(token.as_slice())
        .bind(purpose.as_str())
        .bind(now.0)
        .fetch_optional(&self.read)
        .await?;
        row.map(OneTime::try_from).transpose()
    }

    async fn take_one_time(
        &self,
        purpose: Purpose,
        token: &Hash,
        now: UnixMillis,
    ) -> Result<Option<OneTime>, StoreError> {
        again(|| async {
            let row: Option<Row> = sqlx::query_as(
                "DELETE FROM one_time_tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3
                 RETURNING account, session, api_key",
            )
            .bind(token.as_slice())
            .bind(purpose.as_str())
            .bind(now.0)
            .fetch_optional(&self.write)
            .await?;
            row.map(OneTime::try_from).transpose()
        })
        .await
    }
}
