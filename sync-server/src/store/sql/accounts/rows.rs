//! Accounts as rows.

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::grants;
use crate::domain::access::{Access, Grant};
use crate::domain::account::{Account, Email, Kind, Login, NewAccount, State};
use crate::ports::StoreError;
use crate::sealing::{AccountField, AccountKey, DirectoryKey, Lookup, MasterKey};
use crate::store::sql::columns;
use crate::store::sql::error::{corrupt, on_insert};
use crate::store::sql::sealing::prefer_in_force;

/// Columns of an account.
pub const COLUMNS: &str = "a.id, a.kind, a.state, a.wrapped, a.login_sealed, a.name_sealed, a.email_sealed,
    a.created_at, a.last_login_at, a.version, f.confirmed_at";
/// Where they are.
pub const TABLES: &str = "accounts a LEFT JOIN second_factors f ON f.account = a.id";

#[derive(sqlx::FromRow)]
pub struct AccountRow {
    pub id: Vec<u8>,
    kind: String,
    state: String,
    wrapped: Vec<u8>,
    login_sealed: Vec<u8>,
    name_sealed: Vec<u8>,
    email_sealed: Option<Vec<u8>>,
    created_at: i64,
    last_login_at: Option<i64>,
    version: i64,
    confirmed_at: Option<i64>,
}

impl AccountRow {
    /// Opened, with its grants.
    pub fn open(self, master: &MasterKey, grants: Vec<Grant>) -> Result<Account, StoreError> {
        let id = columns::id(UserId, &self.id)?;
        let key = unwrap(master, id, &self.wrapped)?;
        let text = |field, sealed: &[u8]| key.open_text(field, sealed).map_err(|e| corrupt("account", e));
        let email = self.email_sealed.map(|sealed| text(AccountField::Email, &sealed)).transpose()?;
        Ok(Account {
            id,
            kind: Kind::parse(&self.kind).ok_or_else(|| corrupt("kind of account", &self.kind))?,
            state: state(&self.state)?,
            login: Login::stored(&text(AccountField::Login, &self.login_sealed)?),
            name: text(AccountField::Name, &self.name_sealed)?,
            email: email.map(Email::stored),
            access: Access::new(grants),
            second_factor: self.confirmed_at.is_some(),
            created_at: UnixMillis(self.created_at),
            last_login_at: columns::time(self.last_login_at),
            version: columns::unsigned("account version", self.version)?,
        })
    }
}

/// Reads a state.
pub fn state(column: &str) -> Result<State, StoreError> {
    State::parse(column).ok_or_else(|| corrupt("state of account", column))
}

fn unwrap(master: &MasterKey, id: UserId, wrapped: &[u8]) -> Result<AccountKey, StoreError> {
    master.account_key(id, wrapped).map_err(|e| corrupt("account key", e))
}

/// An account's key; `None` if it is not there.
pub async fn key_of(
    conn: &mut AnyConnection,
    master: &MasterKey,
    id: UserId,
) -> Result<Option<AccountKey>, StoreError> {
    let wrapped: Option<Vec<u8>> = sqlx::query_scalar("SELECT wrapped FROM accounts WHERE id = $1")
        .bind(id.as_bytes().as_slice())
        .fetch_optional(conn)
        .await?;
    wrapped.map(|wrapped| unwrap(master, id, &wrapped)).transpose()
}

/// What an address is found by.
pub fn email_hash(directory: &DirectoryKey, email: &Email) -> Vec<u8> {
    directory.lookup(Lookup::Email, &[email.as_str().as_bytes()])
}

/// What a login is found by.
pub fn login_hash(directory: &DirectoryKey, login: &Login) -> Vec<u8> {
    directory.lookup(Lookup::Login, &[login.as_str().as_bytes()])
}

/// Adds an account with its grants.
pub async fn insert(
    tx: &mut AnyConnection,
    (master, directory): (&MasterKey, &DirectoryKey),
    account: &NewAccount,
) -> Result<(), StoreError> {
    prefer_in_force(&mut *tx, master).await?;
    let (key, wrapped) = master.new_account_key(account.id);
    let email = account.email.as_ref();
    sqlx::query(
        "INSERT INTO accounts (id, kind, state, wrapped, login_hash, login_sealed, name_sealed, email_hash,
         email_sealed, password_hash, created_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1)",
    )
    .bind(account.id.as_bytes().as_slice())
    .bind(account.kind.as_str())
    .bind(account.state.as_str())
    .bind(wrapped)
    .bind(login_hash(directory, &account.login))
    .bind(key.seal(AccountField::Login, account.login.as_str().as_bytes()))
    .bind(key.seal(AccountField::Name, account.name.as_bytes()))
    .bind(email.map(|email| email_hash(directory, email)))
    .bind(email.map(|email| key.seal(AccountField::Email, email.as_str().as_bytes())))
    .bind(account.password_hash.as_deref())
    .bind(account.created_at.0)
    .execute(&mut *tx)
    .await
    .map_err(on_insert("login", "account"))?;
    grants::put(tx, account.id, &account.grants).await
}
