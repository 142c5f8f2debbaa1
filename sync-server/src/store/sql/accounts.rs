//! Accounts.

use async_trait::async_trait;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

use super::error::{corrupt, on_insert};
use super::{SqlStore, columns};
use crate::domain::account::{Role, User};
use crate::ports::{AccountStore, StoreError};

#[derive(sqlx::FromRow)]
struct UserRow {
    id: Vec<u8>,
    login: String,
    password_hash: String,
    role: String,
    created_at: i64,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;
    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns::id(UserId, &row.id)?,
            login: row.login,
            password_hash: row.password_hash,
            role: Role::parse(&row.role).ok_or_else(|| corrupt("role", row.role))?,
            created_at: UnixMillis(row.created_at),
        })
    }
}

#[async_trait]
impl AccountStore for SqlStore {
    async fn add_user(&self, user: &User) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO users (id, login, password_hash, role, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(user.id.as_bytes().as_slice())
            .bind(&user.login)
            .bind(&user.password_hash)
            .bind(user.role.as_str())
            .bind(user.created_at.0)
            .execute(&self.write)
            .await
            .map_err(on_insert("login", "account"))?;
        Ok(())
    }

    async fn user_by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        let row: Option<UserRow> =
            sqlx::query_as("SELECT * FROM users WHERE login = $1").bind(login).fetch_optional(&self.read).await?;
        row.map(User::try_from).transpose()
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row: Option<UserRow> = sqlx::query_as("SELECT * FROM users WHERE id = $1")
            .bind(id.as_bytes().as_slice())
            .fetch_optional(&self.read)
            .await?;
        row.map(User::try_from).transpose()
    }

    async fn count_users(&self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(&self.read).await?;
        columns::unsigned("count", count)
    }
}
