//! Accounts and their grants.

use std::collections::HashMap;

use async_trait::async_trait;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::grants::{self, GrantRow, grant};
use super::rows::{self, AccountRow, COLUMNS, TABLES};
use super::session_rows;
use crate::domain::access::Grant;
use crate::domain::account::session::Ended;
use crate::domain::account::{Account, Credentials, Email, Kind, Login, NewAccount, SessionId, State};
use crate::domain::recognition::Change;
use crate::ports::StoreError;
use crate::ports::accounts::AccountStore;
use crate::sealing::AccountField;
use crate::store::sql::again::again;
use crate::store::sql::recognition::next_version;
use crate::store::sql::{SqlStore, columns};

/// An account beside one of its grants, if it has any.
#[derive(sqlx::FromRow)]
struct GrantedRow {
    #[sqlx(flatten)]
    account: AccountRow,
    role: Option<String>,
    site: Option<Vec<u8>>,
    door: Option<Vec<u8>>,
}

impl GrantedRow {
    fn grant(&self) -> Option<Result<Grant, StoreError>> {
        self.role.as_ref().map(|role| grant(role, self.site.as_deref(), self.door.as_deref()))
    }
}

#[derive(sqlx::FromRow)]
struct CredentialRow {
    id: Vec<u8>,
    state: String,
    password_hash: Option<String>,
    confirmed_at: Option<i64>,
}

const CREDENTIALS: &str = "SELECT a.id, a.state, a.password_hash, f.confirmed_at
    FROM accounts a LEFT JOIN second_factors f ON f.account = a.id";

impl TryFrom<CredentialRow> for Credentials {
    type Error = StoreError;
    fn try_from(row: CredentialRow) -> Result<Self, StoreError> {
        Ok(Self {
            account: columns::id(UserId, &row.id)?,
            state: rows::state(&row.state)?,
            password_hash: row.password_hash,
            second_factor: row.confirmed_at.is_some(),
        })
    }
}

/// The next version of an account; `None` if there is no such account.
async fn bump(tx: &mut AnyConnection, id: UserId, change: &Change) -> Result<Option<u64>, StoreError> {
    let id = id.as_bytes().as_slice();
    let present: Option<i64> =
        sqlx::query_scalar("SELECT version FROM accounts WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?;
    let Some(present) = present else { return Ok(None) };
    let version = next_version(columns::unsigned("account version", present)?, change)?;
    sqlx::query("UPDATE accounts SET version = $1 WHERE id = $2")
        .bind(columns::to_column(version))
        .bind(id)
        .execute(tx)
        .await?;
    Ok(Some(version))
}

/// Refuses what would leave nobody who owns everything.
async fn keep_an_owner(tx: &mut AnyConnection, had_one: bool) -> Result<(), StoreError> {
    if had_one && !grants::has_owner(tx).await? { Err(StoreError::LastOwner) } else { Ok(()) }
}

#[async_trait]
impl AccountStore for SqlStore {
    async fn add_account(&self, account: &NewAccount) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            rows::insert(&mut tx, (&self.master, &self.directory.key), account).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        let query = AssertSqlSafe(format!(
            "SELECT {COLUMNS}, g.role, g.site, g.door FROM {TABLES} LEFT JOIN account_grants g ON g.account = a.id
             WHERE a.id = $1 ORDER BY g.position"
        ));
        let mut rows: Vec<GrantedRow> =
            sqlx::query_as(query).bind(id.as_bytes().as_slice()).fetch_all(&self.read).await?;
        let grants = rows.iter().filter_map(GrantedRow::grant).collect::<Result<_, _>>()?;
        rows.pop().map(|row| row.account.open(&self.master, grants)).transpose()
    }

    async fn accounts(&self, kind: Kind, after: Option<UserId>, limit: u32) -> Result<Vec<Account>, StoreError> {
        let mut conn = self.read.acquire().await?;
        let after = after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
        let query = AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE a.kind = $1 AND a.id > $2 ORDER BY a.id LIMIT $3"
        ));
        let rows: Vec<AccountRow> =
            sqlx::query_as(query).bind(kind.as_str()).bind(&after).bind(i64::from(limit)).fetch_all(&mut *conn).await?;
        let Some(last) = rows.last() else { return Ok(Vec::new()) };
        let granted: Vec<GrantRow> = sqlx::query_as(
            "SELECT g.account, g.role, g.site, g.door FROM account_grants g JOIN accounts a ON a.id = g.account
             WHERE a.kind = $1 AND a.id > $2 AND a.id <= $3 ORDER BY g.account, g.position",
        )
        .bind(kind.as_str())
        .bind(&after)
        .bind(&last.id)
        .fetch_all(&mut *conn)
        .await?;
        let mut by_account: HashMap<Vec<u8>, Vec<Grant>> = HashMap::new();
        for row in &granted {
            by_account.entry(row.account.clone()).or_default().push(Grant::try_from(row)?);
        }
        let open = |row: AccountRow| {
            let grants = by_account.remove(&row.id).unwrap_or_default();
            row.open(&self.master, grants)
        };
        rows.into_iter().map(open).collect()
    }

    async fn count_people(&self) -> Result<u64, StoreError> {
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM accounts WHERE kind = 'person'").fetch_one(&self.read).await?;
        columns::unsigned("count", count)
    }

    async fn has_owner(&self) -> Result<bool, StoreError> {
        let mut conn = self.read.acquire().await?;
        grants::has_owner(&mut conn).await
    }

    async fn credentials(&self, login: &Login) -> Result<Option<Credentials>, StoreError> {
        let query = AssertSqlSafe(format!("{CREDENTIALS} WHERE a.login_hash = $1 AND a.kind = 'person'"));
        let row: Option<CredentialRow> =
            sqlx::query_as(query).bind(rows::login_hash(&self.directory.key, login)).fetch_optional(&self.read).await?;
        row.map(Credentials::try_from).transpose()
    }

    async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, StoreError> {
        let query = AssertSqlSafe(format!("{CREDENTIALS} WHERE a.id = $1 AND a.kind = 'person'"));
        let row: Option<CredentialRow> =
            sqlx::query_as(query).bind(id.as_bytes().as_slice()).fetch_optional(&self.read).await?;
        row.map(Credentials::try_from).transpose()
    }

    async fn people_by_email(&self, email: &Email) -> Result<Vec<UserId>, StoreError> {
        let ids: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT id FROM accounts WHERE email_hash = $1 AND kind = 'person' AND state = $2 ORDER BY id LIMIT 10",
        )
        .bind(rows::email_hash(&self.directory.key, email))
        .bind(State::Active.as_str())
        .fetch_all(&self.read)
        .await?;
        ids.iter().map(|id| columns::id(UserId, id)).collect()
    }

    async fn put_password(
        &self,
        id: UserId,
        hash: &str,
        keep: Option<SessionId>,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let done = sqlx::query("UPDATE accounts SET password_hash = $1 WHERE id = $2 AND kind = 'person'")
                .bind(hash)
                .bind(id.as_bytes().as_slice())
                .execute(&mut *tx)
                .await?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
            session_rows::end_all(&mut tx, id, keep, Ended::PasswordChanged, now).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    async fn rehash_password(&self, id: UserId, from: &str, to: &str) -> Result<(), StoreError> {
        again(|| async {
            sqlx::query("UPDATE accounts SET password_hash = $1 WHERE id = $2 AND password_hash = $3")
                .bind(to)
                .bind(id.as_bytes().as_slice())
                .bind(from)
                .execute(&self.write)
                .await?;
            Ok(())
        })
        .await
    }

    async fn put_profile(
        &self,
        id: UserId,
        name: &str,
        email: Option<&Email>,
        change: Change,
    ) -> Result<Option<u64>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let Some(key) = rows::key_of(&mut tx, &self.master, id).await? else { return Ok(None) };
            let Some(version) = bump(&mut tx, id, &change).await? else { return Ok(None) };
            sqlx::query("UPDATE accounts SET name_sealed = $1, email_hash = $2, email_sealed = $3 WHERE id = $4")
                .bind(key.seal(AccountField::Name, name.as_bytes()))
                .bind(email.map(|email| rows::email_hash(&self.directory.key, email)))
                .bind(email.map(|email| key.seal(AccountField::Email, email.as_str().as_bytes())))
                .bind(id.as_bytes().as_slice())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(Some(version))
        })
        .await
    }

    async fn put_grants(&self, id: UserId, grants: &[Grant], change: Change) -> Result<Option<u64>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let had_one = grants::has_owner(&mut tx).await?;
            let Some(version) = bump(&mut tx, id, &change).await? else { return Ok(None) };
            grants::put(&mut tx, id, grants).await?;
            keep_an_owner(&mut tx, had_one).await?;
            tx.commit().await?;
            Ok(Some(version))
        })
        .await
    }

    async fn put_state(&self, id: UserId, state: State, change: Change) -> Result<Option<u64>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let had_one = grants::has_owner(&mut tx).await?;
            let Some(version) = bump(&mut tx, id, &change).await? else { return Ok(None) };
            sqlx::query("UPDATE accounts SET state = $1 WHERE id = $2")
                .bind(state.as_str())
                .bind(id.as_bytes().as_slice())
                .execute(&mut *tx)
                .await?;
            if state != State::Active {
                session_rows::end_all(&mut tx, id, None, Ended::ShutOut, change.now).await?;
            }
            keep_an_owner(&mut tx, had_one).await?;
            tx.commit().await?;
            Ok(Some(version))
        })
        .await
    }

    async fn remove_account(&self, id: UserId) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let had_one = grants::has_owner(&mut tx).await?;
            let done = sqlx::query("DELETE FROM accounts WHERE id = $1")
                .bind(id.as_bytes().as_slice())
                .execute(&mut *tx)
                .await?;
            keep_an_owner(&mut tx, had_one).await?;
            tx.commit().await?;
            Ok(done.rows_affected() > 0)
        })
        .await
    }
}
