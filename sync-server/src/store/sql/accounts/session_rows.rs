//! Sessions as rows, and how they end.

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use crate::domain::account::SessionId;
use crate::domain::account::session::{Ended, Session, SessionKind};
use crate::ports::StoreError;
use crate::sealing::{AccountField, AccountKey};
use crate::store::sql::columns;
use crate::store::sql::error::corrupt;

#[derive(sqlx::FromRow)]
pub struct SessionRow {
    id: Vec<u8>,
    kind: String,
    user_agent_sealed: Option<Vec<u8>>,
    address_sealed: Option<Vec<u8>>,
    created_at: i64,
    last_used_at: i64,
    expires_at: i64,
    ended_at: Option<i64>,
    ended_by: Option<String>,
}

/// What a session was used with, from columns sealed with the account's key.
pub fn open_place(key: &AccountKey, field: AccountField, sealed: Option<&[u8]>) -> Result<String, StoreError> {
    let Some(sealed) = sealed else { return Ok(String::new()) };
    key.open_text(field, sealed).map_err(|e| corrupt("place of a session", e))
}

impl SessionRow {
    pub fn open(self, key: &AccountKey) -> Result<Session, StoreError> {
        let row = self;
        let why = |text: String| Ended::parse(&text).ok_or_else(|| corrupt("end of session", text));
        let ended = match (row.ended_at, row.ended_by) {
            (Some(at), Some(text)) => Some((UnixMillis(at), why(text)?)),
            _ => None,
        };
        Ok(Session {
            id: columns::id(SessionId, &row.id)?,
            kind: SessionKind::parse(&row.kind).ok_or_else(|| corrupt("kind of session", &row.kind))?,
            user_agent: open_place(key, AccountField::UserAgent, row.user_agent_sealed.as_deref())?,
            address: open_place(key, AccountField::Address, row.address_sealed.as_deref())?,
            created_at: UnixMillis(row.created_at),
            last_used_at: UnixMillis(row.last_used_at),
            expires_at: UnixMillis(row.expires_at),
            ended,
        })
    }
}

/// Ends one session; `false` if it is not going on.
pub async fn end_one(
    conn: &mut AnyConnection,
    (account, id): (UserId, SessionId),
    why: Ended,
    now: UnixMillis,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE sessions SET ended_at = $1, ended_by = $2
         WHERE id = $3 AND account = $4 AND ended_at IS NULL AND expires_at > $1",
    )
    .bind(now.0)
    .bind(why.as_str())
    .bind(id.as_bytes().as_slice())
    .bind(account.as_bytes().as_slice())
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends every session of an account but `keep`, and voids links and half log-ins made before.
pub async fn end_all(
    conn: &mut AnyConnection,
    account: UserId,
    keep: Option<SessionId>,
    why: Ended,
    now: UnixMillis,
) -> Result<u64, StoreError> {
    let keep = keep.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
    let ended = sqlx::query(
        "UPDATE sessions SET ended_at = $1, ended_by = $2
         WHERE account = $3 AND id <> $4 AND ended_at IS NULL AND expires_at > $1",
    )
    .bind(now.0)
    .bind(why.as_str())
    .bind(account.as_bytes().as_slice())
    .bind(keep)
    .execute(&mut *conn)
    .await?;
    sqlx::query("DELETE FROM one_time_tokens WHERE account = $1")
        .bind(account.as_bytes().as_slice())
        .execute(conn)
        .await?;
    Ok(ended.rows_affected())
}
