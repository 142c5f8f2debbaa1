//! Who asks: the account behind a session or key, with its grants, in one statement.

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

use super::grants;
use crate::domain::access::Access;
use crate::domain::account::{Kind, Standing};
use crate::ports::StoreError;
use crate::store::sql::columns;
use crate::store::sql::error::corrupt;

/// One row per grant, or one without.
#[derive(sqlx::FromRow)]
pub struct StandingRow {
    /// Of the session or key.
    pub id: Vec<u8>,
    account: Vec<u8>,
    kind: String,
    expires_at: i64,
    pub created_at: i64,
    pub last_used_at: Option<i64>,
    pub permissions: Option<String>,
    role: Option<String>,
    site: Option<Vec<u8>>,
    door: Option<Vec<u8>>,
}

/// The standing of these rows; `None` if there are none.
pub fn of(rows: &[StandingRow]) -> Result<Option<Standing>, StoreError> {
    let Some(first) = rows.first() else { return Ok(None) };
    let granted = rows.iter().filter_map(|row| {
        row.role.as_deref().map(|role| grants::grant(role, row.site.as_deref(), row.door.as_deref()))
    });
    Ok(Some(Standing {
        account: columns::id(UserId, &first.account)?,
        kind: Kind::parse(&first.kind).ok_or_else(|| corrupt("kind of account", &first.kind))?,
        access: Access::new(granted.collect::<Result<Vec<_>, _>>()?),
        until: UnixMillis(first.expires_at),
    }))
}
