//! Sessions: their beginning, their renewal, their end.

use std::time::Duration;

use async_trait::async_trait;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::rows;
use super::session_rows::{self, SessionRow};
use super::standing::{self, StandingRow};
use crate::domain::account::lockout::{FORGOTTEN_AFTER, KNOWN_FOR};
use crate::domain::account::session::{Ended, Lasting, NewSession, Refreshed, Session, SessionKind};
use crate::domain::account::{SessionId, Standing, State};
use crate::ports::StoreError;
use crate::ports::accounts::{Hash, SessionStore};
use crate::sealing::AccountField;
use crate::store::sql::again::again;
use crate::store::sql::{SqlStore, columns};

/// Uses are written down once in so long, not with every request.
pub(super) const SEEN_EVERY: Duration = Duration::from_secs(60);
/// How long ended sessions and invitations are kept to be seen.
const KEPT_AFTER_END: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(sqlx::FromRow)]
struct UsedRow {
    session: Vec<u8>,
    account: Vec<u8>,
    used_at: Option<i64>,
    expires_at: i64,
    created_at: i64,
    ended_at: Option<i64>,
    state: String,
}

async fn insert_token(
    tx: &mut AnyConnection,
    session: SessionId,
    hash: &Hash,
    expires_at: UnixMillis,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO refresh_tokens (token_hash, session, expires_at) VALUES ($1, $2, $3)")
        .bind(hash.as_slice())
        .bind(session.as_bytes().as_slice())
        .bind(expires_at.0)
        .execute(tx)
        .await?;
    Ok(())
}

/// Marks a token as used, once; `false` if somebody was faster.
async fn use_up(tx: &mut AnyConnection, token: &Hash, now: UnixMillis) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE refresh_tokens SET used_at = $1 WHERE token_hash = $2 AND used_at IS NULL")
        .bind(now.0)
        .bind(token.as_slice())
        .execute(tx)
        .await?;
    Ok(done.rows_affected() > 0)
}

impl SqlStore {
    async fn note_cookie(&self, id: &[u8], now: UnixMillis, expires_at: UnixMillis) -> Result<(), StoreError> {
        again(|| async {
            sqlx::query("UPDATE sessions SET last_used_at = $1, expires_at = $2 WHERE id = $3 AND ended_at IS NULL")
                .bind(now.0)
                .bind(expires_at.0)
                .bind(id)
                .execute(&self.write)
                .await?;
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl SessionStore for SqlStore {
    async fn begin_session(&self, session: &NewSession) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let active = sqlx::query("UPDATE accounts SET last_login_at = $1 WHERE id = $2 AND state = $3")
                .bind(session.at.0)
                .bind(session.account.as_bytes().as_slice())
                .bind(State::Active.as_str())
                .execute(&mut *tx)
                .await?;
            if active.rows_affected() == 0 {
                return Ok(false);
            }
            let key = rows::key_of(&mut tx, &self.master, session.account).await?;
            let key = key.ok_or(StoreError::NoSuch("account"))?;
            let cookie = (session.kind == SessionKind::Cookie).then(|| session.secret_hash.to_vec());
            sqlx::query(
                "INSERT INTO sessions (id, account, kind, cookie_hash, user_agent, address, user_agent_sealed,
                 address_sealed, created_at, last_used_at, expires_at) VALUES ($1, $2, $3, $4, '', '', $5, $6, $7, $7, $8)",
            )
            .bind(session.id.as_bytes().as_slice())
            .bind(session.account.as_bytes().as_slice())
            .bind(session.kind.as_str())
            .bind(cookie)
            .bind(key.seal(AccountField::UserAgent, session.user_agent.as_bytes()))
            .bind(key.seal(AccountField::Address, session.address.as_bytes()))
            .bind(session.at.0)
            .bind(session.expires_at.0)
            .execute(&mut *tx)
            .await?;
            if session.kind == SessionKind::Bearer {
                insert_token(&mut tx, session.id, &session.secret_hash, session.expires_at).await?;
            }
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    async fn session_standing(&self, id: SessionId, now: UnixMillis) -> Result<Option<Standing>, StoreError> {
        let rows: Vec<StandingRow> = sqlx::query_as(
            "SELECT s.id, s.account, a.kind, s.expires_at, s.created_at, s.last_used_at, CAST(NULL AS TEXT) AS permissions, g.role, g.site, g.door
             FROM sessions s JOIN accounts a ON a.id = s.account LEFT JOIN account_grants g ON g.account = a.id
             WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND a.state = $3",
        )
        .bind(id.as_bytes().as_slice())
        .bind(now.0)
        .bind(State::Active.as_str())
        .fetch_all(&self.read)
        .await?;
        standing::of(&rows)
    }

    async fn cookie_standing(
        &self,
        cookie: &Hash,
        now: UnixMillis,
        lasting: Lasting,
    ) -> Result<Option<(SessionId, Standing)>, StoreError> {
        let rows: Vec<StandingRow> = sqlx::query_as(
            "SELECT s.id, s.account, a.kind, s.expires_at, s.created_at, s.last_used_at, CAST(NULL AS TEXT) AS permissions, g.role, g.site, g.door
             FROM sessions s JOIN accounts a ON a.id = s.account LEFT JOIN account_grants g ON g.account = a.id
             WHERE s.cookie_hash = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND a.state = $3",
        )
        .bind(cookie.as_slice())
        .bind(now.0)
        .bind(State::Active.as_str())
        .fetch_all(&self.read)
        .await?;
        let Some(standing) = standing::of(&rows)? else { return Ok(None) };
        let row = &rows[0];
        if is_due(row.last_used_at, now) {
            self.note_cookie(&row.id, now, lasting.expiry(UnixMillis(row.created_at), now)).await?;
        }
        Ok(Some((columns::id(SessionId, &row.id)?, standing)))
    }

    async fn refresh(
        &self,
        token: &Hash,
        next: &Hash,
        lasting: Lasting,
        from: &str,
        now: UnixMillis,
    ) -> Result<Refreshed, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let first_use = use_up(&mut tx, token, now).await?;
            let row: Option<UsedRow> = sqlx::query_as(
                "SELECT t.session, s.account, t.used_at, t.expires_at, s.created_at, s.ended_at, a.state
                 FROM refresh_tokens t JOIN sessions s ON s.id = t.session JOIN accounts a ON a.id = s.account
                 WHERE t.token_hash = $1",
            )
            .bind(token.as_slice())
            .fetch_optional(&mut *tx)
            .await?;
            let Some(row) = row else { return Ok(Refreshed::Refused) };
            let (session, account) = (columns::id(SessionId, &row.session)?, columns::id(UserId, &row.account)?);
            if row.ended_at.is_some() || row.used_at.is_none() {
                return Ok(Refreshed::Refused);
            }
            if !first_use {
                session_rows::end_one(&mut tx, (account, session), Ended::Reuse, now).await?;
                tx.commit().await?;
                return Ok(Refreshed::Reused { session, account });
            }
            if row.expires_at <= now.0 || row.state != State::Active.as_str() {
                return Ok(Refreshed::Refused);
            }
            let expires_at = lasting.expiry(UnixMillis(row.created_at), now);
            insert_token(&mut tx, session, next, expires_at).await?;
            let key = rows::key_of(&mut tx, &self.master, account).await?.ok_or(StoreError::NoSuch("account"))?;
            sqlx::query("UPDATE sessions SET last_used_at = $1, expires_at = $2, address_sealed = $3 WHERE id = $4")
                .bind(now.0)
                .bind(expires_at.0)
                .bind(key.seal(AccountField::Address, from.as_bytes()))
                .bind(&row.session)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(Refreshed::Renewed { session, account })
        })
        .await
    }

    async fn sessions(&self, account: UserId) -> Result<Vec<Session>, StoreError> {
        let mut conn = self.read.acquire().await?;
        let Some(key) = rows::key_of(&mut conn, &self.master, account).await? else { return Ok(Vec::new()) };
        let rows: Vec<SessionRow> = sqlx::query_as(
            "SELECT id, kind, user_agent_sealed, address_sealed, created_at, last_used_at, expires_at, ended_at, ended_by
             FROM sessions WHERE account = $1 ORDER BY id DESC LIMIT 200",
        )
        .bind(account.as_bytes().as_slice())
        .fetch_all(&mut *conn)
        .await?;
        rows.into_iter().map(|row| row.open(&key)).collect()
    }

    async fn end_session(
        &self,
        account: UserId,
        id: SessionId,
        why: Ended,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let ended = session_rows::end_one(&mut tx, (account, id), why, now).await?;
            tx.commit().await?;
            Ok(ended)
        })
        .await
    }

    async fn end_sessions(
        &self,
        account: UserId,
        keep: Option<SessionId>,
        why: Ended,
        now: UnixMillis,
    ) -> Result<u64, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let ended = session_rows::end_all(&mut tx, account, keep, why, now).await?;
            tx.commit().await?;
            Ok(ended)
        })
        .await
    }

    async fn forget_old(&self, now: UnixMillis) -> Result<(), StoreError> {
        again(|| async {
            let before = |age: Duration| now.0.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
            for (statement, limit) in [
                ("DELETE FROM sessions WHERE expires_at <= $1", before(KEPT_AFTER_END)),
                ("DELETE FROM one_time_tokens WHERE expires_at <= $1", now.0),
                ("DELETE FROM invitations WHERE expires_at <= $1", before(KEPT_AFTER_END)),
                ("DELETE FROM login_failures WHERE last_at <= $1", before(FORGOTTEN_AFTER)),
                ("DELETE FROM known_places WHERE last_at <= $1", before(KNOWN_FOR)),
            ] {
                sqlx::query(statement).bind(limit).execute(&self.write).await?;
            }
            Ok(())
        })
        .await
    }
}

/// Whether a use is to be written down (again).
pub(super) fn is_due(last_used_at: Option<i64>, now: UnixMillis) -> bool {
    let passed = last_used_at.map_or(i64::MAX, |last| now.0.saturating_sub(last));
    u128::try_from(passed).unwrap_or(0) >= SEEN_EVERY.as_millis()
}
