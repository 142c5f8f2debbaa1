//! Where people's browsers take messages.

use std::collections::HashSet;

use async_trait::async_trait;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};

use super::rows;
use crate::domain::notify::PushId;
use crate::ports::StoreError;
use crate::ports::push::{PushStore, PushSubscription};
use crate::sealing::{AccountField, AccountKey, Lookup};
use crate::store::sql::again::again;
use crate::store::sql::error::corrupt;
use crate::store::sql::{SqlStore, columns};

/// What of a browser lies sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    endpoint: String,
    #[serde(with = "serde_bytes")]
    key: Vec<u8>,
    #[serde(with = "serde_bytes")]
    auth: Vec<u8>,
    user_agent: String,
}

type Row = (Vec<u8>, Vec<u8>, i64, Option<i64>);

fn opened(
    key: &AccountKey,
    account: UserId,
    (id, sealed, created_at, used_at): Row,
) -> Result<PushSubscription, StoreError> {
    let plain = key.open(AccountField::Push, &sealed).map_err(|e| corrupt("browser", e))?;
    let Sealed { endpoint, key, auth, user_agent } =
        serde_json::from_slice(&plain).map_err(|e| corrupt("browser", e))?;
    let (created_at, used_at) = (UnixMillis(created_at), columns::time(used_at));
    Ok(PushSubscription {
        id: columns::id(PushId, &id)?,
        account,
        endpoint,
        key,
        auth,
        user_agent,
        created_at,
        used_at,
    })
}

#[async_trait]
impl PushStore for SqlStore {
    async fn add_push(&self, added: &PushSubscription, most: u32) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let key = rows::key_of(&mut tx, &self.master, added.account).await?.ok_or(StoreError::NoSuch("account"))?;
            let sealed = Sealed {
                endpoint: added.endpoint.clone(),
                key: added.key.clone(),
                auth: added.auth.clone(),
                user_agent: added.user_agent.clone(),
            };
            let plain = serde_json::to_vec(&sealed).map_err(|e| corrupt("browser", e))?;
            sqlx::query(
                "INSERT INTO push_subscriptions (id, account, mark, sealed, created_at) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (account, mark) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at",
            )
            .bind(added.id.as_bytes().to_vec())
            .bind(added.account.as_bytes().to_vec())
            .bind(self.directory.key.lookup(Lookup::Push, &[added.endpoint.as_bytes()]))
            .bind(key.seal(AccountField::Push, &plain))
            .bind(added.created_at.0)
            .execute(&mut *tx)
            .await?;
            sqlx::query(
                "DELETE FROM push_subscriptions WHERE account = $1 AND id NOT IN (SELECT p.id FROM push_subscriptions p
                 WHERE p.account = $1 ORDER BY coalesce(p.used_at, p.created_at) DESC, p.id DESC LIMIT $2)",
            )
            .bind(added.account.as_bytes().to_vec())
            .bind(i64::from(most))
            .execute(&mut *tx)
            .await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn pushes_of(&self, account: UserId) -> Result<Vec<PushSubscription>, StoreError> {
        let mut conn = self.read.acquire().await?;
        let Some(key) = rows::key_of(&mut conn, &self.master, account).await? else { return Ok(Vec::new()) };
        let found: Vec<Row> = sqlx::query_as(
            "SELECT id, sealed, created_at, used_at FROM push_subscriptions WHERE account = $1 ORDER BY id",
        )
        .bind(account.as_bytes().to_vec())
        .fetch_all(&mut *conn)
        .await?;
        found.into_iter().map(|row| opened(&key, account, row)).collect()
    }

    async fn accounts_with_push(&self) -> Result<HashSet<UserId>, StoreError> {
        let found: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT DISTINCT account FROM push_subscriptions").fetch_all(&self.read).await?;
        found.iter().map(|id| columns::id(UserId, id)).collect()
    }

    async fn remove_push(&self, account: UserId, id: PushId) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let gone = sqlx::query("DELETE FROM push_subscriptions WHERE account = $1 AND id = $2")
                .bind(account.as_bytes().to_vec())
                .bind(id.as_bytes().to_vec())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(gone.rows_affected() == 1)
        })
        .await
    }

    async fn push_used(&self, id: PushId, now: UnixMillis) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            sqlx::query("UPDATE push_subscriptions SET used_at = $1 WHERE id = $2")
                .bind(now.0)
                .bind(id.as_bytes().to_vec())
                .execute(&mut *tx)
                .await?;
            Ok(tx.commit().await?)
        })
        .await
    }
}
