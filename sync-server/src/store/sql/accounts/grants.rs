//! Grants as rows.

use ostiary_common::ids::{DoorId, SiteId, UserId};
use sqlx::AnyConnection;

use crate::domain::access::{Grant, Role, Scope};
use crate::domain::account::{LAST_RESORT, State};
use crate::ports::StoreError;
use crate::store::sql::columns;
use crate::store::sql::error::{corrupt, on_insert};

/// A grant's columns.
#[derive(sqlx::FromRow)]
pub struct GrantRow {
    pub account: Vec<u8>,
    pub role: String,
    pub site: Option<Vec<u8>>,
    pub door: Option<Vec<u8>>,
}

impl TryFrom<&GrantRow> for Grant {
    type Error = StoreError;
    fn try_from(row: &GrantRow) -> Result<Self, StoreError> {
        grant(&row.role, row.site.as_deref(), row.door.as_deref())
    }
}

/// A grant of its columns.
pub fn grant(role: &str, site: Option<&[u8]>, door: Option<&[u8]>) -> Result<Grant, StoreError> {
    let scope = match (site, door) {
        (None, None) => Scope::Everything,
        (Some(site), None) => Scope::Site(columns::id(SiteId, site)?),
        (None, Some(door)) => Scope::Door(columns::id(DoorId, door)?),
        (Some(_), Some(_)) => return Err(corrupt("grant", "both a site and a door")),
    };
    Ok(Grant { role: Role::parse(role).ok_or_else(|| corrupt("role", role))?, scope })
}

/// Puts these in place of those there are.
pub async fn put(conn: &mut AnyConnection, account: UserId, grants: &[Grant]) -> Result<(), StoreError> {
    let id = account.as_bytes().as_slice();
    sqlx::query("DELETE FROM account_grants WHERE account = $1").bind(id).execute(&mut *conn).await?;
    for (position, grant) in (0_i64..).zip(grants) {
        let (site, door, place) = match grant.scope {
            Scope::Everything => (None, None, "account"),
            Scope::Site(site) => (Some(site.as_bytes().to_vec()), None, "site"),
            Scope::Door(door) => (None, Some(door.as_bytes().to_vec()), "door"),
        };
        sqlx::query("INSERT INTO account_grants (account, position, role, site, door) VALUES ($1, $2, $3, $4, $5)")
            .bind(id)
            .bind(position)
            .bind(grant.role.as_str())
            .bind(site)
            .bind(door)
            .execute(&mut *conn)
            .await
            .map_err(on_insert("grant", place))?;
    }
    Ok(())
}

/// Whether an active person owns everything.
pub async fn has_owner(conn: &mut AnyConnection) -> Result<bool, StoreError> {
    let owner: Option<Vec<u8>> = sqlx::query_scalar(
        "SELECT a.id FROM account_grants g JOIN accounts a ON a.id = g.account
         WHERE g.role = $1 AND g.site IS NULL AND g.door IS NULL AND a.state = $2 AND a.kind = 'person' LIMIT 1",
    )
    .bind(LAST_RESORT.role.as_str())
    .bind(State::Active.as_str())
    .fetch_optional(conn)
    .await?;
    Ok(owner.is_some())
}
