//! Whom devices may know: read from rows, and marked with a revision where it changes.

use std::collections::{BTreeSet, HashMap};

use ostiary_common::ids::{DeviceId, GroupId};
use ostiary_common::wire::Revision;
use sqlx::{AnyConnection, Row};

use super::columns;
use super::persons::next_revision;
use super::values::Flag;
use crate::domain::gallery::Scope;
use crate::ports::StoreError;

/// What a device may know, and since which revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DeviceScope {
    pub(super) scope: Scope,
    pub(super) since: Revision,
}

/// Devices with what their doors say, one row per group that counts at the device's site, or one without a group.
const SCOPES: &str = "SELECT d.id, d.scope_rev, coalesce(r.everyone, 1) AS everyone, g.id AS in_group
    FROM devices d LEFT JOIN door_gallery r ON r.door = d.door
    LEFT JOIN door_gallery_groups x ON x.door = d.door
    LEFT JOIN person_groups g ON g.id = x.in_group AND (g.site IS NULL OR g.site = d.site)";

#[derive(sqlx::FromRow)]
struct ScopeRow {
    id: Vec<u8>,
    scope_rev: i64,
    everyone: Flag,
    in_group: Option<Vec<u8>>,
}

fn by_device(rows: Vec<ScopeRow>) -> Result<HashMap<DeviceId, DeviceScope>, StoreError> {
    let mut scopes = HashMap::new();
    for row in rows {
        let device = columns::id(DeviceId, &row.id)?;
        let since = Revision(columns::unsigned("revision", row.scope_rev)?);
        let empty = if row.everyone.0 { Scope::Everyone } else { Scope::Groups(BTreeSet::new()) };
        let found = scopes.entry(device).or_insert(DeviceScope { scope: empty, since });
        if let (Scope::Groups(groups), Some(group)) = (&mut found.scope, row.in_group) {
            groups.insert(columns::id(GroupId, &group)?);
        }
    }
    Ok(scopes)
}

/// One device's; `None` if there is no such device.
pub(super) async fn of_device(conn: &mut AnyConnection, device: DeviceId) -> Result<Option<DeviceScope>, StoreError> {
    let rows: Vec<ScopeRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{SCOPES} WHERE d.id = $1")))
        .bind(device.as_bytes().as_slice())
        .fetch_all(conn)
        .await?;
    Ok(by_device(rows)?.remove(&device))
}

/// Every device's.
pub(super) async fn of_all(conn: &mut AnyConnection) -> Result<HashMap<DeviceId, DeviceScope>, StoreError> {
    by_device(sqlx::query_as(sqlx::AssertSqlSafe(SCOPES.to_owned())).fetch_all(conn).await?)
}

/// Gives the next revision to every device whose scope is another than `before`; `None` if none is.
pub(super) async fn mark_changed(
    tx: &mut AnyConnection,
    before: &HashMap<DeviceId, DeviceScope>,
) -> Result<Option<Revision>, StoreError> {
    let now = of_all(&mut *tx).await?;
    let is_other = |(device, now): &(&DeviceId, &DeviceScope)| before.get(device).is_none_or(|b| b.scope != now.scope);
    let changed: Vec<DeviceId> = now.iter().filter(is_other).map(|(device, _)| *device).collect();
    if changed.is_empty() {
        return Ok(None);
    }
    let rev = next_revision(&mut *tx).await?;
    for device in changed {
        mark(&mut *tx, device, rev).await?;
    }
    forget_scopes(tx, rev).await?;
    Ok(Some(rev))
}

async fn mark(tx: &mut AnyConnection, device: DeviceId, rev: Revision) -> Result<(), StoreError> {
    sqlx::query("UPDATE devices SET scope_rev = $1 WHERE id = $2")
        .bind(columns::to_column(rev.0))
        .bind(device.as_bytes().as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

/// Has everyone read devices' scopes anew.
async fn forget_scopes(tx: &mut AnyConnection, rev: Revision) -> Result<(), StoreError> {
    sqlx::query("UPDATE gallery SET scopes = $1").bind(columns::to_column(rev.0)).execute(tx).await?;
    Ok(())
}

/// The gallery's revision, and the last of them that changed a device's scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) rev: Revision,
    pub(super) scopes: Revision,
}

/// The head as the connection sees it now.
pub(super) async fn head(conn: &mut AnyConnection) -> Result<Head, StoreError> {
    let row = sqlx::query("SELECT rev, scopes FROM gallery").fetch_one(conn).await?;
    let read = |column: &str| Ok::<_, StoreError>(Revision(columns::unsigned("revision", row.try_get(column)?)?));
    Ok(Head { rev: read("rev")?, scopes: read("scopes")? })
}
