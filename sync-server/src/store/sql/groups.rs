//! Groups and who is in them.

use ostiary_common::ids::{GroupId, PersonId, SiteId};
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::again::again;
use super::error::on_insert;
use super::persons::{next_revision, touch};
use super::recognition::next_version;
use super::{SqlStore, columns, scopes};
use crate::domain::gallery::{Group, MemberChange, Rescoped};
use crate::domain::recognition::Change;
use crate::ports::StoreError;

pub(super) const GROUPS: &str =
    "SELECT g.*, (SELECT count(*) FROM memberships m WHERE m.in_group = g.id) AS members FROM person_groups g";

#[derive(sqlx::FromRow)]
pub(super) struct GroupRow {
    id: Vec<u8>,
    name: String,
    site: Option<Vec<u8>>,
    created_at: i64,
    version: i64,
    members: i64,
}

impl TryFrom<GroupRow> for Group {
    type Error = StoreError;
    fn try_from(row: GroupRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns::id(GroupId, &row.id)?,
            name: row.name,
            site: row.site.map(|site| columns::id(SiteId, &site)).transpose()?,
            created_at: UnixMillis(row.created_at),
            version: columns::unsigned("group version", row.version)?,
            members: columns::unsigned("members", row.members)?,
        })
    }
}

async fn version(tx: &mut AnyConnection, id: GroupId) -> Result<Option<u64>, StoreError> {
    let version: Option<i64> = sqlx::query_scalar("SELECT version FROM person_groups WHERE id = $1")
        .bind(id.as_bytes().as_slice())
        .fetch_optional(tx)
        .await?;
    version.map(|version| columns::unsigned("group version", version)).transpose()
}

/// Has one person come or leave; `false` if that was so already.
async fn put_member(
    tx: &mut AnyConnection,
    statement: &'static str,
    group: GroupId,
    person: PersonId,
) -> Result<bool, StoreError> {
    let done = sqlx::query(statement)
        .bind(person.as_bytes().as_slice())
        .bind(group.as_bytes().as_slice())
        .execute(tx)
        .await
        .map_err(on_insert("membership", "person"))?;
    Ok(done.rows_affected() > 0)
}

impl SqlStore {
    pub(super) async fn insert_group(&self, group: &Group) -> Result<(), StoreError> {
        again(|| async {
            sqlx::query("INSERT INTO person_groups (id, name, site, created_at, version) VALUES ($1, $2, $3, $4, $5)")
                .bind(group.id.as_bytes().as_slice())
                .bind(&group.name)
                .bind(group.site.map(|site| site.as_bytes().to_vec()))
                .bind(group.created_at.0)
                .bind(columns::to_column(group.version))
                .execute(&self.write)
                .await
                .map_err(on_insert("group name", "site"))?;
            Ok(())
        })
        .await
    }

    pub(super) async fn all_groups(&self) -> Result<Vec<Group>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!("{GROUPS} ORDER BY g.name, g.id"));
        let rows: Vec<GroupRow> = sqlx::query_as(query).fetch_all(&self.read).await?;
        rows.into_iter().map(Group::try_from).collect()
    }

    pub(super) async fn one_group(&self, id: GroupId) -> Result<Option<Group>, StoreError> {
        let row: Option<GroupRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{GROUPS} WHERE g.id = $1")))
            .bind(id.as_bytes().as_slice())
            .fetch_optional(&self.read)
            .await?;
        row.map(Group::try_from).transpose()
    }

    pub(super) async fn change_group(
        &self,
        id: GroupId,
        name: &str,
        site: Option<SiteId>,
        change: Change,
    ) -> Result<Option<Rescoped>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let Some(present) = version(&mut tx, id).await? else { return Ok(None) };
            let version = next_version(present, &change)?;
            let before = scopes::of_all(&mut tx).await?;
            sqlx::query("UPDATE person_groups SET name = $1, site = $2, version = $3 WHERE id = $4")
                .bind(name)
                .bind(site.map(|site| site.as_bytes().to_vec()))
                .bind(columns::to_column(version))
                .bind(id.as_bytes().as_slice())
                .execute(&mut *tx)
                .await
                .map_err(on_insert("group name", "site"))?;
            let rev = scopes::mark_changed(&mut tx, &before).await?;
            tx.commit().await?;
            Ok(Some(Rescoped { version, rev }))
        })
        .await
    }

    pub(super) async fn delete_group(&self, id: GroupId) -> Result<Option<Rescoped>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let Some(version) = version(&mut tx, id).await? else { return Ok(None) };
            let before = scopes::of_all(&mut tx).await?;
            sqlx::query("DELETE FROM person_groups WHERE id = $1")
                .bind(id.as_bytes().as_slice())
                .execute(&mut *tx)
                .await?;
            let rev = scopes::mark_changed(&mut tx, &before).await?;
            tx.commit().await?;
            Ok(Some(Rescoped { version, rev }))
        })
        .await
    }

    pub(super) async fn page_of_members(
        &self,
        group: GroupId,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<PersonId>, StoreError> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT person FROM memberships WHERE in_group = $1 AND person > $2 ORDER BY person LIMIT $3",
        )
        .bind(group.as_bytes().as_slice())
        .bind(after.map_or_else(Vec::new, |id| id.as_bytes().to_vec()))
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(|person| columns::id(PersonId, person)).collect()
    }

    pub(super) async fn change_members(
        &self,
        group: GroupId,
        change: &MemberChange,
    ) -> Result<Option<Rescoped>, StoreError> {
        again(|| async {
            const COME: &str = "INSERT INTO memberships (person, in_group) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            const LEAVE: &str = "DELETE FROM memberships WHERE person = $1 AND in_group = $2";
            let mut tx = self.begin().await?;
            let Some(version) = version(&mut tx, group).await? else { return Ok(None) };
            let mut moved = Vec::new();
            for (statement, persons) in [(COME, &change.add), (LEAVE, &change.remove)] {
                for person in persons {
                    if put_member(&mut tx, statement, group, *person).await? {
                        moved.push(person);
                    }
                }
            }
            if moved.is_empty() {
                return Ok(Some(Rescoped { version, rev: None }));
            }
            let rev = next_revision(&mut tx).await?;
            for person in moved {
                touch(&mut tx, person.as_bytes(), rev).await?;
            }
            tx.commit().await?;
            Ok(Some(Rescoped { version, rev: Some(rev) }))
        })
        .await
    }
}
