//! API keys of services.

use async_trait::async_trait;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

use super::rows;
use super::session_rows::open_place;
use super::sessions::is_due;
use super::standing::{self, StandingRow};
use crate::domain::access::Permission;
use crate::domain::account::service_key::{ApiKey, NewApiKey};
use crate::domain::account::{ApiKeyId, Standing, State};
use crate::ports::StoreError;
use crate::ports::accounts::{ApiKeyStore, Hash};
use crate::sealing::{AccountField, AccountKey};
use crate::store::sql::again::again;
use crate::store::sql::error::{corrupt, on_insert};
use crate::store::sql::{SqlStore, columns};

#[derive(sqlx::FromRow)]
struct Row {
    id: Vec<u8>,
    hint: String,
    name: String,
    permissions: Option<String>,
    created_at: i64,
    expires_at: i64,
    last_used_at: Option<i64>,
    last_used_from_sealed: Option<Vec<u8>>,
    revoked_at: Option<i64>,
}

impl Row {
    fn open(self, account: &AccountKey) -> Result<ApiKey, StoreError> {
        let row = self;
        let from = open_place(account, AccountField::Address, row.last_used_from_sealed.as_deref())?;
        Ok(ApiKey {
            id: columns::id(ApiKeyId, &row.id)?,
            hint: row.hint,
            name: row.name,
            permissions: row.permissions.as_deref().map(permissions).transpose()?,
            created_at: UnixMillis(row.created_at),
            expires_at: UnixMillis(row.expires_at),
            last_used: row.last_used_at.map(|at| (UnixMillis(at), from)),
            revoked_at: columns::time(row.revoked_at),
        })
    }
}

fn permissions(column: &str) -> Result<Vec<Permission>, StoreError> {
    let read = |word| Permission::parse(word).ok_or_else(|| corrupt("permission", word));
    column.split_whitespace().map(read).collect()
}

fn limited(rows: &[StandingRow]) -> Result<Option<Standing>, StoreError> {
    let Some(standing) = standing::of(rows)? else { return Ok(None) };
    let Some(column) = &rows[0].permissions else { return Ok(Some(standing)) };
    let access = standing.access.limited_to(&permissions(column)?);
    Ok(Some(Standing { access, ..standing }))
}

const STANDING: &str = "SELECT k.id, k.account, a.kind, k.expires_at, k.created_at, k.last_used_at, k.permissions,
    g.role, g.site, g.door
    FROM api_keys k JOIN accounts a ON a.id = k.account LEFT JOIN account_grants g ON g.account = a.id
    WHERE k.revoked_at IS NULL AND k.expires_at > $1 AND a.state = $2";

#[async_trait]
impl ApiKeyStore for SqlStore {
    async fn add_api_key(&self, key: &NewApiKey) -> Result<(), StoreError> {
        again(|| async {
            let words = |of: &Vec<Permission>| of.iter().map(|p| p.as_str()).collect::<Vec<_>>().join(" ");
            sqlx::query(
                "INSERT INTO api_keys (id, account, key_hash, hint, name, permissions, created_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(key.id.as_bytes().as_slice())
            .bind(key.account.as_bytes().as_slice())
            .bind(key.key_hash.as_slice())
            .bind(&key.hint)
            .bind(&key.name)
            .bind(key.permissions.as_ref().map(words))
            .bind(key.created_at.0)
            .bind(key.expires_at.0)
            .execute(&self.write)
            .await
            .map_err(on_insert("key", "service account"))?;
            Ok(())
        })
        .await
    }

    async fn api_keys(&self, account: UserId) -> Result<Vec<ApiKey>, StoreError> {
        let mut conn = self.read.acquire().await?;
        let Some(key) = rows::key_of(&mut conn, &self.master, account).await? else { return Ok(Vec::new()) };
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, hint, name, permissions, created_at, expires_at, last_used_at, last_used_from_sealed,
             revoked_at
             FROM api_keys WHERE account = $1 ORDER BY id DESC LIMIT 200",
        )
        .bind(account.as_bytes().as_slice())
        .fetch_all(&mut *conn)
        .await?;
        rows.into_iter().map(|row| row.open(&key)).collect()
    }

    async fn revoke_api_key(&self, account: UserId, id: ApiKeyId, now: UnixMillis) -> Result<bool, StoreError> {
        again(|| async {
            // In turn, because it counts as a change of accounts as well, like much else.
            let mut tx = self.begin().await?;
            let done = sqlx::query(
                "UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND account = $3 AND revoked_at IS NULL",
            )
            .bind(now.0)
            .bind(id.as_bytes().as_slice())
            .bind(account.as_bytes().as_slice())
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(done.rows_affected() > 0)
        })
        .await
    }

    async fn key_standing(
        &self,
        key: &Hash,
        from: &str,
        now: UnixMillis,
    ) -> Result<Option<(ApiKeyId, Standing)>, StoreError> {
        again(|| async {
            let rows: Vec<StandingRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{STANDING} AND k.key_hash = $3")))
                .bind(now.0)
                .bind(State::Active.as_str())
                .bind(key.as_slice())
                .fetch_all(&self.read)
                .await?;
            let Some(standing) = limited(&rows)? else { return Ok(None) };
            let row = &rows[0];
            if is_due(row.last_used_at, now) {
                let mut conn = self.write.acquire().await?;
                let account = rows::key_of(&mut conn, &self.master, standing.account)
                    .await?
                    .ok_or(StoreError::NoSuch("account"))?;
                sqlx::query("UPDATE api_keys SET last_used_at = $1, last_used_from_sealed = $2 WHERE id = $3")
                    .bind(now.0)
                    .bind(account.seal(AccountField::Address, from.as_bytes()))
                    .bind(&row.id)
                    .execute(&mut *conn)
                    .await?;
            }
            Ok(Some((columns::id(ApiKeyId, &row.id)?, standing)))
        })
        .await
    }

    async fn key_standing_by_id(&self, id: ApiKeyId, now: UnixMillis) -> Result<Option<Standing>, StoreError> {
        let rows: Vec<StandingRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{STANDING} AND k.id = $3")))
            .bind(now.0)
            .bind(State::Active.as_str())
            .bind(id.as_bytes().as_slice())
            .fetch_all(&self.read)
            .await?;
        limited(&rows)
    }
}
