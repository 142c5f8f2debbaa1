//! Moves accounts of before (`users`, with their names lying open) to where they are sealed, at the first start.

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

use super::{grants, rows};
use crate::domain::access::{Grant, Role, Scope};
use crate::domain::account::{LAST_RESORT, Login, NewAccount};
use crate::ports::StoreError;
use crate::store::sql::error::corrupt;
use crate::store::sql::{SqlStore, columns};

#[derive(sqlx::FromRow)]
struct UserRow {
    id: Vec<u8>,
    login: String,
    password_hash: String,
    role: String,
    created_at: i64,
}

impl TryFrom<&UserRow> for NewAccount {
    type Error = StoreError;
    fn try_from(row: &UserRow) -> Result<Self, StoreError> {
        let role = Role::parse(&row.role).ok_or_else(|| corrupt("role", &row.role))?;
        let grant = Grant { role, scope: Scope::Everything };
        let login = Login::stored(&row.login);
        let person = Self::person(login, row.password_hash.clone(), vec![grant], UnixMillis(row.created_at));
        Ok(Self { id: columns::id(UserId, &row.id)?, ..person })
    }
}

impl SqlStore {
    /// In one transaction. The oldest admin becomes owner if there is none, since somebody must be able to make admins.
    pub(in crate::store::sql) async fn move_users(&self) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let users: Vec<UserRow> =
            sqlx::query_as("SELECT id, login, password_hash, role, created_at FROM users ORDER BY created_at, id")
                .fetch_all(&mut *tx)
                .await?;
        if users.is_empty() {
            return Ok(());
        }
        let mut accounts = users.iter().map(NewAccount::try_from).collect::<Result<Vec<_>, _>>()?;
        if !grants::has_owner(&mut tx).await? && !accounts.iter().any(|account| account.grants.contains(&LAST_RESORT)) {
            let is_admin = |account: &&mut NewAccount| account.grants[0].role == Role::Admin;
            accounts.iter_mut().find(is_admin).into_iter().for_each(|admin| admin.grants = vec![LAST_RESORT]);
        }
        for account in &accounts {
            rows::insert(&mut tx, (&self.master, &self.directory.key), account).await?;
        }
        sqlx::query("DELETE FROM users").execute(&mut *tx).await?;
        tx.commit().await?;
        tracing::info!("{} accounts of before are sealed now", accounts.len());
        // The log would keep their names.
        self.empty_log().await?;
        Ok(())
    }
}
