//! Groups, and who may be known where.

use async_trait::async_trait;
use ostiary_common::ids::{DoorId, GroupId, PersonId, SiteId};
use ostiary_common::time::UnixMillis;

use super::StoreError;
use crate::domain::gallery::{GalleryRule, Group, MemberChange, PersonAtDevice, Rescoped, Settled, TermsChange};
use crate::domain::recognition::{Change, Versioned};

/// Who may be known where. A change takes the next revision in the same transaction: a person's for whom it concerns,
/// or a device's, if it changes whom the device may know at all.
#[async_trait]
pub trait ScopeStore: Send + Sync {
    /// Adds a group; [`StoreError::Conflict`] if the name is taken.
    async fn add_group(&self, group: &Group) -> Result<(), StoreError>;
    /// All groups, by name.
    async fn groups(&self) -> Result<Vec<Group>, StoreError>;
    /// One group.
    async fn group(&self, id: GroupId) -> Result<Option<Group>, StoreError>;
    /// Sets a group's name and site; `None` if there is no such group, [`StoreError::Outdated`] if it was changed
    /// meanwhile, [`StoreError::Conflict`] if the name is taken, [`StoreError::NoSuch`] if there is no such site.
    async fn put_group(
        &self,
        id: GroupId,
        name: &str,
        site: Option<SiteId>,
        change: Change,
    ) -> Result<Option<Rescoped>, StoreError>;
    /// Removes a group. Its members stay enrolled; doors that named it no longer do. `None` if there is no such group.
    async fn remove_group(&self, id: GroupId) -> Result<Option<Rescoped>, StoreError>;
    /// A page of a group's members by id, after `after`.
    async fn members(&self, group: GroupId, after: Option<PersonId>, limit: u32) -> Result<Vec<PersonId>, StoreError>;
    /// Has persons come into a group and leave it; who is there or away already stays so. `None` if there is no such
    /// group, [`StoreError::NoSuch`] if there is no such person.
    async fn put_members(&self, group: GroupId, change: &MemberChange) -> Result<Option<Rescoped>, StoreError>;
    /// Sets when and by which groups a person may be known. The version is the revision of the person's last change.
    /// `None` if there is no such person, [`StoreError::NoSuch`] if there is no such group,
    /// [`StoreError::Outdated`] if the person was changed meanwhile.
    async fn put_terms(
        &self,
        person: PersonId,
        terms: &TermsChange,
        change: Change,
    ) -> Result<Option<Rescoped>, StoreError>;
    /// What a door says; `None` if there is no such door.
    async fn door_gallery(&self, door: DoorId) -> Result<Option<Versioned<GalleryRule>>, StoreError>;
    /// Sets what a door says; `None` if there is no such door, [`StoreError::NoSuch`] if there is no such group,
    /// [`StoreError::Outdated`] if it was changed meanwhile.
    async fn put_door_gallery(
        &self,
        door: DoorId,
        rule: &GalleryRule,
        change: Change,
    ) -> Result<Option<Rescoped>, StoreError>;
    /// Makes the changes that the clock brings: whose time has come may be known from now on, whose time is over no
    /// longer. Cheap if there are none.
    async fn settle_validity(&self, now: UnixMillis) -> Result<Settled, StoreError>;
    /// Every active device, and whether it may hold this person at the present revision.
    async fn devices_of_person(&self, person: PersonId) -> Result<Vec<PersonAtDevice>, StoreError>;
}
