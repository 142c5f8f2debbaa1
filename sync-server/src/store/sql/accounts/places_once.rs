//! Seals where and with what sessions and keys of before were used, once, when the store is opened.

use ostiary_common::ids::UserId;
use sqlx::AnyConnection;

use super::rows;
use crate::ports::StoreError;
use crate::sealing::AccountField;
use crate::store::sql::again::again;
use crate::store::sql::{SqlStore, columns};

/// Rows of one transaction.
const ROWS_AT_ONCE: i64 = 500;

#[derive(sqlx::FromRow)]
struct OpenSession {
    id: Vec<u8>,
    account: Vec<u8>,
    user_agent: String,
    address: String,
}

#[derive(sqlx::FromRow)]
struct OpenKey {
    id: Vec<u8>,
    account: Vec<u8>,
    last_used_from: String,
}

impl SqlStore {
    /// Cut off anywhere, it goes on at the next opening.
    pub(in crate::store::sql) async fn seal_places(&self) -> Result<(), StoreError> {
        let mut sealed = false;
        while self.seal_some_places().await? {
            sealed = true;
        }
        if sealed {
            self.empty_log().await?;
        }
        Ok(())
    }

    async fn seal_some_places(&self) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let sessions: Vec<OpenSession> = sqlx::query_as(
                "SELECT id, account, user_agent, address FROM sessions WHERE user_agent <> '' OR address <> '' LIMIT $1",
            )
            .bind(ROWS_AT_ONCE)
            .fetch_all(&mut *tx)
            .await?;
            let keys: Vec<OpenKey> = sqlx::query_as(
                "SELECT id, account, last_used_from FROM api_keys WHERE last_used_from IS NOT NULL LIMIT $1",
            )
            .bind(ROWS_AT_ONCE)
            .fetch_all(&mut *tx)
            .await?;
            for session in &sessions {
                self.seal_session(&mut tx, session).await?;
            }
            for key in &keys {
                self.seal_key(&mut tx, key).await?;
            }
            tx.commit().await?;
            Ok(!sessions.is_empty() || !keys.is_empty())
        })
        .await
    }

    async fn seal_session(&self, tx: &mut AnyConnection, open: &OpenSession) -> Result<(), StoreError> {
        let key = rows::key_of(&mut *tx, &self.master, columns::id(UserId, &open.account)?).await?;
        let seal = |field, text: &str| key.as_ref().map(|key| key.seal(field, text.as_bytes()));
        sqlx::query(
            "UPDATE sessions SET user_agent = '', address = '', user_agent_sealed = $1, address_sealed = $2 WHERE id = $3",
        )
        .bind(seal(AccountField::UserAgent, &open.user_agent))
        .bind(seal(AccountField::Address, &open.address))
        .bind(&open.id)
        .execute(tx)
        .await?;
        Ok(())
    }

    async fn seal_key(&self, tx: &mut AnyConnection, open: &OpenKey) -> Result<(), StoreError> {
        let key = rows::key_of(&mut *tx, &self.master, columns::id(UserId, &open.account)?).await?;
        let sealed = key.map(|key| key.seal(AccountField::Address, open.last_used_from.as_bytes()));
        sqlx::query("UPDATE api_keys SET last_used_from = NULL, last_used_from_sealed = $1 WHERE id = $2")
            .bind(sealed)
            .bind(&open.id)
            .execute(tx)
            .await?;
        Ok(())
    }
}
