//! What doors say of who may be known there, and who may be known to devices by it.

use std::collections::BTreeSet;

use ostiary_common::ids::{DeviceId, DoorId, GroupId, PersonId};
use sqlx::AnyConnection;

use super::again::again;
use super::error::on_insert;
use super::recognition::next_version;
use super::values::Flag;
use super::{SqlStore, columns, scopes};
use crate::domain::gallery::{GalleryRule, PersonAtDevice, Rescoped};
use crate::domain::recognition::{Change, Versioned};
use crate::ports::StoreError;

#[derive(sqlx::FromRow)]
struct RuleRow {
    everyone: Option<Flag>,
    version: Option<i64>,
    changed_at: Option<i64>,
    groups: Option<String>,
}

impl TryFrom<RuleRow> for Versioned<GalleryRule> {
    type Error = StoreError;
    fn try_from(row: RuleRow) -> Result<Self, StoreError> {
        let groups: BTreeSet<GroupId> = columns::groups(row.groups.as_deref())?.into_iter().collect();
        let everyone = row.everyone.is_none_or(|everyone| everyone.0);
        let value = if everyone { GalleryRule::Everyone } else { GalleryRule::Groups(groups) };
        let version = columns::unsigned("rule version", row.version.unwrap_or_default())?;
        Ok(Self { value, version, changed_at: columns::time(row.changed_at) })
    }
}

/// What a door says, which is "everyone" as long as nobody set it; `None` if there is no such door.
async fn of_door(conn: &mut AnyConnection, door: DoorId) -> Result<Option<Versioned<GalleryRule>>, StoreError> {
    let row: Option<RuleRow> = sqlx::query_as(
        "SELECT r.everyone, r.version, r.changed_at,
         (SELECT string_agg(hex(x.in_group), '') FROM door_gallery_groups x WHERE x.door = d.id) AS groups
         FROM doors d LEFT JOIN door_gallery r ON r.door = d.id WHERE d.id = $1",
    )
    .bind(door.as_bytes().as_slice())
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

async fn write(
    tx: &mut AnyConnection,
    door: DoorId,
    rule: &GalleryRule,
    version: u64,
    change: Change,
) -> Result<(), StoreError> {
    let nobody = BTreeSet::new();
    let (everyone, groups) = match rule {
        GalleryRule::Everyone => (true, &nobody),
        GalleryRule::Groups(groups) => (false, groups),
    };
    sqlx::query(
        "INSERT INTO door_gallery (door, everyone, version, changed_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (door) DO UPDATE SET everyone = excluded.everyone, version = excluded.version,
         changed_at = excluded.changed_at",
    )
    .bind(door.as_bytes().as_slice())
    .bind(Flag(everyone))
    .bind(columns::to_column(version))
    .bind(change.now.0)
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM door_gallery_groups WHERE door = $1")
        .bind(door.as_bytes().as_slice())
        .execute(&mut *tx)
        .await?;
    for group in groups {
        sqlx::query("INSERT INTO door_gallery_groups (door, in_group) VALUES ($1, $2)")
            .bind(door.as_bytes().as_slice())
            .bind(group.as_bytes().as_slice())
            .execute(&mut *tx)
            .await
            .map_err(on_insert("group at this door", "group"))?;
    }
    Ok(())
}

impl SqlStore {
    pub(super) async fn rule_of_door(&self, door: DoorId) -> Result<Option<Versioned<GalleryRule>>, StoreError> {
        of_door(&mut *self.read.acquire().await?, door).await
    }

    pub(super) async fn change_rule(
        &self,
        door: DoorId,
        rule: &GalleryRule,
        change: Change,
    ) -> Result<Option<Rescoped>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let Some(present) = of_door(&mut tx, door).await? else { return Ok(None) };
            let version = next_version(present.version, &change)?;
            let before = scopes::of_all(&mut tx).await?;
            write(&mut tx, door, rule, version, change).await?;
            let rev = scopes::mark_changed(&mut tx, &before).await?;
            tx.commit().await?;
            Ok(Some(Rescoped { version, rev }))
        })
        .await
    }

    pub(super) async fn devices_knowing(&self, person: PersonId) -> Result<Vec<PersonAtDevice>, StoreError> {
        let mut tx = self.begin_reading().await?;
        let row: Option<(Flag, Option<String>)> = sqlx::query_as(
            "SELECT p.valid, (SELECT string_agg(hex(m.in_group), '') FROM memberships m WHERE m.person = p.id)
             FROM persons p WHERE p.id = $1",
        )
        .bind(person.as_bytes().as_slice())
        .fetch_optional(&mut *tx)
        .await?;
        let (valid, groups) = row.unwrap_or_default();
        let groups = columns::groups(groups.as_deref())?;
        let scopes = scopes::of_all(&mut tx).await?;
        let active: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT id FROM devices WHERE state = 'active' ORDER BY name, id")
                .fetch_all(&mut *tx)
                .await?;
        let standing = |id: &Vec<u8>| {
            let device = columns::id(DeviceId, id)?;
            let may_hold = valid.0 && scopes.get(&device).is_some_and(|of| of.scope.admits(&groups));
            Ok(PersonAtDevice { device, may_hold })
        };
        active.iter().map(standing).collect()
    }
}
