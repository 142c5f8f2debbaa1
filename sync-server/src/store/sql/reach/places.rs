//! Sites, doors, devices and groups within a reach.

use ostiary_common::ids::{DeviceId, DoorId};

use super::conditions::{one_of, within};
use crate::domain::access::Reach;
use crate::domain::device::{Device, Door, Site};
use crate::domain::gallery::Group;
use crate::ports::StoreError;
use crate::store::sql::SqlStore;
use crate::store::sql::again::again;
use crate::store::sql::device_rows::{DEVICES, DeviceRow, DoorRow, SiteRow};
use crate::store::sql::error::on_insert;
use crate::store::sql::groups::{GROUPS, GroupRow};
use crate::store::sql::statement::Statement;

impl SqlStore {
    pub(super) async fn sites_of(&self, reach: &Reach) -> Result<Vec<Site>, StoreError> {
        let mut statement = Statement::new("SELECT * FROM sites");
        if let Reach::Within { sites, doors } = reach {
            statement.push(" WHERE ");
            one_of(&mut statement, "id", sites.iter().map(|site| site.as_bytes().to_vec()));
            statement.push(" OR id IN (SELECT site FROM doors o WHERE ");
            one_of(&mut statement, "o.id", doors.iter().map(|door| door.as_bytes().to_vec()));
            statement.push(")");
        }
        statement.push(" ORDER BY name, id");
        let rows: Vec<SiteRow> = statement.query_as().fetch_all(&self.read).await?;
        rows.into_iter().map(Site::try_from).collect()
    }

    pub(super) async fn doors_of(&self, reach: &Reach) -> Result<Vec<Door>, StoreError> {
        let mut statement = Statement::new("SELECT * FROM doors WHERE 1 = 1");
        within(&mut statement, reach, "site", "id");
        statement.push(" ORDER BY name, id");
        let rows: Vec<DoorRow> = statement.query_as().fetch_all(&self.read).await?;
        rows.into_iter().map(Door::try_from).collect()
    }

    pub(super) async fn door_of(&self, reach: &Reach, id: DoorId) -> Result<Option<Door>, StoreError> {
        let mut statement = Statement::new("SELECT * FROM doors WHERE id = ");
        statement.bind(id.as_bytes().to_vec());
        within(&mut statement, reach, "site", "id");
        let row: Option<DoorRow> = statement.query_as().fetch_optional(&self.read).await?;
        row.map(Door::try_from).transpose()
    }

    pub(super) async fn insert_closed_door(&self, door: &Door) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            sqlx::query("INSERT INTO doors (id, site, name, created_at) VALUES ($1, $2, $3, $4)")
                .bind(door.id.as_bytes().to_vec())
                .bind(door.site.as_bytes().to_vec())
                .bind(door.name.clone())
                .bind(door.created_at.0)
                .execute(&mut *tx)
                .await
                .map_err(on_insert("door name", "site"))?;
            sqlx::query("INSERT INTO door_gallery (door, everyone, version, changed_at) VALUES ($1, 0, 1, $2)")
                .bind(door.id.as_bytes().to_vec())
                .bind(door.created_at.0)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    pub(super) async fn devices_of(&self, reach: &Reach) -> Result<Vec<Device>, StoreError> {
        let mut statement = Statement::new(DEVICES);
        statement.push(" WHERE 1 = 1");
        within(&mut statement, reach, "d.site", "d.door");
        statement.push(" ORDER BY d.name, d.id");
        let rows: Vec<DeviceRow> = statement.query_as().fetch_all(&self.read).await?;
        rows.into_iter().map(Device::try_from).collect()
    }

    pub(super) async fn device_of(&self, reach: &Reach, id: DeviceId) -> Result<Option<Device>, StoreError> {
        let mut statement = Statement::new(DEVICES);
        statement.push(" WHERE d.id = ").bind(id.as_bytes().to_vec());
        within(&mut statement, reach, "d.site", "d.door");
        let row: Option<DeviceRow> = statement.query_as().fetch_optional(&self.read).await?;
        row.map(Device::try_from).transpose()
    }

    pub(super) async fn groups_of(&self, reach: &Reach) -> Result<Vec<Group>, StoreError> {
        let mut statement = Statement::new(GROUPS);
        if let Reach::Within { sites, .. } = reach {
            statement.push(" WHERE ");
            one_of(&mut statement, "g.site", sites.iter().map(|site| site.as_bytes().to_vec()));
            statement.push(
                " OR EXISTS (SELECT 1 FROM door_gallery_groups x JOIN doors o ON o.id = x.door
                 WHERE x.in_group = g.id AND (g.site IS NULL OR g.site = o.site)",
            );
            within(&mut statement, reach, "o.site", "o.id");
            statement.push(")");
        }
        statement.push(" ORDER BY g.name, g.id");
        let rows: Vec<GroupRow> = statement.query_as().fetch_all(&self.read).await?;
        rows.into_iter().map(Group::try_from).collect()
    }
}
