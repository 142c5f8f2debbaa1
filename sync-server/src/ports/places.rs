//! Sites, doors and devices changed and removed, each with its line in the audit log.

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, DoorId, SiteId};

use super::StoreError;
use crate::domain::audit::AuditNote;
use crate::domain::place::Removal;
use crate::domain::recognition::Change;

/// Changes of sites, doors and devices' names. Each commits together with its line.
#[async_trait]
pub trait PlaceStore: Send + Sync {
    /// The version of a site; `None` if there is no such site.
    async fn site_version(&self, id: SiteId) -> Result<Option<u64>, StoreError>;
    /// The version of a door; `None` if there is no such door.
    async fn door_version(&self, id: DoorId) -> Result<Option<u64>, StoreError>;
    /// Renames a site and returns its new version; `None` if there is no such site, [`StoreError::Conflict`] if the name
    /// is taken, [`StoreError::Outdated`] if it was changed meanwhile.
    async fn rename_site(
        &self,
        id: SiteId,
        name: &str,
        change: Change,
        note: &AuditNote,
    ) -> Result<Option<u64>, StoreError>;
    /// The same of a door.
    async fn rename_door(
        &self,
        id: DoorId,
        name: &str,
        change: Change,
        note: &AuditNote,
    ) -> Result<Option<u64>, StoreError>;
    /// Renames a device; `false` if there is no such device, [`StoreError::Conflict`] if the name is taken.
    async fn rename_device(&self, id: DeviceId, name: &str, note: &AuditNote) -> Result<bool, StoreError>;
    /// Removes a site nothing hangs on; `None` if there is no such site.
    async fn remove_site(&self, id: SiteId, note: &AuditNote) -> Result<Option<Removal>, StoreError>;
    /// Removes a door no device ever watched; `None` if there is no such door.
    async fn remove_door(&self, id: DoorId, note: &AuditNote) -> Result<Option<Removal>, StoreError>;
}
