//! Who may be known where: each method is in the file of its subject.

use async_trait::async_trait;
use ostiary_common::ids::{DoorId, GroupId, PersonId, SiteId};
use ostiary_common::time::UnixMillis;

use super::SqlStore;
use crate::domain::gallery::{GalleryRule, Group, MemberChange, PersonAtDevice, Rescoped, Settled, TermsChange};
use crate::domain::recognition::{Change, Versioned};
use crate::ports::{ScopeStore, StoreError};

#[async_trait]
impl ScopeStore for SqlStore {
    async fn add_group(&self, group: &Group) -> Result<(), StoreError> {
        self.insert_group(group).await
    }

    async fn groups(&self) -> Result<Vec<Group>, StoreError> {
        self.all_groups().await
    }

    async fn group(&self, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.one_group(id).await
    }

    async fn put_group(
        &self,
        id: GroupId,
        name: &str,
        site: Option<SiteId>,
        change: Change,
    ) -> Result<Option<Rescoped>, StoreError> {
        self.change_group(id, name, site, change).await
    }

    async fn remove_group(&self, id: GroupId) -> Result<Option<Rescoped>, StoreError> {
        self.delete_group(id).await
    }

    async fn members(&self, group: GroupId, after: Option<PersonId>, limit: u32) -> Result<Vec<PersonId>, StoreError> {
        self.page_of_members(group, after, limit).await
    }

    async fn put_members(&self, group: GroupId, change: &MemberChange) -> Result<Option<Rescoped>, StoreError> {
        self.change_members(group, change).await
    }

    async fn put_terms(
        &self,
        person: PersonId,
        terms: &TermsChange,
        change: Change,
    ) -> Result<Option<Rescoped>, StoreError> {
        self.change_terms(person, terms, change).await
    }

    async fn door_gallery(&self, door: DoorId) -> Result<Option<Versioned<GalleryRule>>, StoreError> {
        self.rule_of_door(door).await
    }

    async fn put_door_gallery(
        &self,
        door: DoorId,
        rule: &GalleryRule,
        change: Change,
    ) -> Result<Option<Rescoped>, StoreError> {
        self.change_rule(door, rule, change).await
    }

    async fn settle_validity(&self, now: UnixMillis) -> Result<Settled, StoreError> {
        self.settle(now).await
    }

    async fn devices_of_person(&self, person: PersonId) -> Result<Vec<PersonAtDevice>, StoreError> {
        self.devices_knowing(person).await
    }
}
