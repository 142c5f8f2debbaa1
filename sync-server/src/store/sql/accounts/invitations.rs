//! Invitations. Their grants are kept as text (`role`, `role site:<id>`, `role door:<id>`, a line each), since they hold
//! only once somebody accepts; the places are looked at then.

use async_trait::async_trait;
use ostiary_common::ids::{DoorId, SiteId, UserId};
use ostiary_common::time::UnixMillis;

use super::rows;
use crate::domain::access::{Grant, Role, Scope};
use crate::domain::account::invitation::{Invitation, NewInvitation};
use crate::domain::account::{Email, InvitationId, NewAccount};
use crate::ports::StoreError;
use crate::ports::accounts::{Hash, InvitationStore};
use crate::sealing::DirectoryKey;
use crate::store::sql::again::again;
use crate::store::sql::error::corrupt;
use crate::store::sql::{SqlStore, columns};

#[derive(sqlx::FromRow)]
struct Row {
    id: Vec<u8>,
    email_sealed: Option<Vec<u8>>,
    grants: String,
    invited_by: String,
    created_at: i64,
    expires_at: i64,
    accepted_by: Option<Vec<u8>>,
    revoked_at: Option<i64>,
}

const SELECT: &str =
    "SELECT id, email_sealed, grants, invited_by, created_at, expires_at, accepted_by, revoked_at FROM invitations";

impl Row {
    fn open(self, directory: &DirectoryKey) -> Result<Invitation, StoreError> {
        let id = columns::id(InvitationId, &self.id)?;
        let email = self.email_sealed.map(|sealed| open_email(directory, id, &sealed)).transpose()?;
        Ok(Invitation {
            id,
            email,
            grants: self.grants.lines().map(read).collect::<Option<_>>().ok_or_else(|| corrupt("grants", "a line"))?,
            invited_by: self.invited_by,
            created_at: UnixMillis(self.created_at),
            expires_at: UnixMillis(self.expires_at),
            accepted_by: self.accepted_by.map(|id| columns::id(UserId, &id)).transpose()?,
            revoked: self.revoked_at.is_some(),
        })
    }
}

fn place(id: InvitationId) -> Vec<u8> {
    [b"invitation/".as_slice(), id.as_bytes()].concat()
}

fn open_email(directory: &DirectoryKey, id: InvitationId, sealed: &[u8]) -> Result<Email, StoreError> {
    let bytes = directory.open(&place(id), sealed).map_err(|e| corrupt("address", e))?;
    String::from_utf8(bytes).map(Email::stored).map_err(|e| corrupt("address", e))
}

fn write(grant: &Grant) -> String {
    let role = grant.role.as_str();
    match grant.scope {
        Scope::Everything => role.to_owned(),
        Scope::Site(site) => format!("{role} site:{site}"),
        Scope::Door(door) => format!("{role} door:{door}"),
    }
}

fn read(line: &str) -> Option<Grant> {
    let (role, scope) = match line.split_once(' ') {
        None => (line, Scope::Everything),
        Some((role, place)) => match place.split_once(':')? {
            ("site", id) => (role, Scope::Site(id.parse::<SiteId>().ok()?)),
            ("door", id) => (role, Scope::Door(id.parse::<DoorId>().ok()?)),
            _ => return None,
        },
    };
    Some(Grant { role: Role::parse(role)?, scope })
}

#[async_trait]
impl InvitationStore for SqlStore {
    async fn add_invitation(&self, invitation: &NewInvitation) -> Result<(), StoreError> {
        again(|| async {
            let sealed = |email: &Email| self.directory.key.seal(&place(invitation.id), email.as_str().as_bytes());
            sqlx::query(
                "INSERT INTO invitations (id, token_hash, email_sealed, grants, invited_by, created_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(invitation.id.as_bytes().as_slice())
            .bind(invitation.token_hash.as_slice())
            .bind(invitation.email.as_ref().map(sealed))
            .bind(invitation.grants.iter().map(write).collect::<Vec<_>>().join("\n"))
            .bind(&invitation.invited_by)
            .bind(invitation.created_at.0)
            .bind(invitation.expires_at.0)
            .execute(&self.write)
            .await?;
            Ok(())
        })
        .await
    }

    async fn invitations(&self, before: Option<InvitationId>, limit: u32) -> Result<Vec<Invitation>, StoreError> {
        let before = before.map_or([0xFF; 16], |id| *id.as_bytes());
        let query = sqlx::AssertSqlSafe(format!("{SELECT} WHERE id < $1 ORDER BY id DESC LIMIT $2"));
        let rows: Vec<Row> =
            sqlx::query_as(query).bind(before.as_slice()).bind(i64::from(limit)).fetch_all(&self.read).await?;
        rows.into_iter().map(|row| row.open(&self.directory.key)).collect()
    }

    async fn invitation(&self, id: InvitationId) -> Result<Option<Invitation>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!("{SELECT} WHERE id = $1"));
        let row: Option<Row> = sqlx::query_as(query).bind(id.as_bytes().as_slice()).fetch_optional(&self.read).await?;
        row.map(|row| row.open(&self.directory.key)).transpose()
    }

    async fn invitation_by_token(&self, token: &Hash) -> Result<Option<Invitation>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!("{SELECT} WHERE token_hash = $1"));
        let row: Option<Row> = sqlx::query_as(query).bind(token.as_slice()).fetch_optional(&self.read).await?;
        row.map(|row| row.open(&self.directory.key)).transpose()
    }

    async fn accept_invitation(
        &self,
        id: InvitationId,
        account: &NewAccount,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let used = sqlx::query(
                "UPDATE invitations SET accepted_at = $1, accepted_by = $2
                 WHERE id = $3 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $1",
            )
            .bind(now.0)
            .bind(account.id.as_bytes().as_slice())
            .bind(id.as_bytes().as_slice())
            .execute(&mut *tx)
            .await?;
            if used.rows_affected() == 0 {
                return Ok(false);
            }
            rows::insert(&mut tx, (&self.master, &self.directory.key), account).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    async fn revoke_invitation(&self, id: InvitationId, now: UnixMillis) -> Result<bool, StoreError> {
        again(|| async {
            let done = sqlx::query(
                "UPDATE invitations SET revoked_at = $1
                 WHERE id = $2 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $1",
            )
            .bind(now.0)
            .bind(id.as_bytes().as_slice())
            .execute(&self.write)
            .await?;
            Ok(done.rows_affected() > 0)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_read_back() {
        for scope in [Scope::Everything, Scope::Site(SiteId::generate()), Scope::Door(DoorId::generate())] {
            let grant = Grant { role: Role::Viewer, scope };
            assert_eq!(read(&write(&grant)), Some(grant));
        }
        for bad in ["", "king", "viewer ", "viewer gate:1", "viewer door:1"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
