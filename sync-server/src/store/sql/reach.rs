//! Reads that see a reach and nothing else: each method is in the file of its subject.

mod conditions;
mod events;
mod persons;
mod places;

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, DoorId, EventId, PackId, PersonId, TemplateId};

use super::SqlStore;
use crate::domain::access::{Circle, Reach};
use crate::domain::device::{Device, Door, Site};
use crate::domain::event::{EventFilter, Page, StoredEvent};
use crate::domain::gallery::Group;
use crate::domain::person::Person;
use crate::ports::StoreError;
use crate::ports::reach::ReachStore;

pub(super) use conditions::within;

#[async_trait]
impl ReachStore for SqlStore {
    async fn sites_within(&self, reach: &Reach) -> Result<Vec<Site>, StoreError> {
        self.sites_of(reach).await
    }

    async fn doors_within(&self, reach: &Reach) -> Result<Vec<Door>, StoreError> {
        self.doors_of(reach).await
    }

    async fn door_within(&self, reach: &Reach, id: DoorId) -> Result<Option<Door>, StoreError> {
        self.door_of(reach, id).await
    }

    async fn add_closed_door(&self, door: &Door) -> Result<(), StoreError> {
        self.insert_closed_door(door).await
    }

    async fn devices_within(&self, reach: &Reach) -> Result<Vec<Device>, StoreError> {
        self.devices_of(reach).await
    }

    async fn device_within(&self, reach: &Reach, id: DeviceId) -> Result<Option<Device>, StoreError> {
        self.device_of(reach, id).await
    }

    async fn groups_within(&self, reach: &Reach) -> Result<Vec<Group>, StoreError> {
        self.groups_of(reach).await
    }

    async fn circle(&self, reach: &Reach) -> Result<Circle, StoreError> {
        self.circle_of(reach).await
    }

    async fn persons_within(
        &self,
        circle: &Circle,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<Person>, StoreError> {
        self.persons_of(circle, after, limit).await
    }

    async fn person_of(&self, template: TemplateId) -> Result<Option<PersonId>, StoreError> {
        self.owner_of_template(template).await
    }

    async fn all_within(&self, circle: &Circle, persons: &[PersonId]) -> Result<bool, StoreError> {
        self.are_all_of(circle, persons).await
    }

    async fn persons_at(&self, door: DoorId, pack: &PackId) -> Result<u64, StoreError> {
        self.count_known_at(door, pack).await
    }

    async fn events_within(
        &self,
        reach: &Reach,
        filter: &EventFilter,
        page: Page,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.events_of(reach, filter, page, limit).await
    }

    async fn event_within(&self, reach: &Reach, id: EventId) -> Result<Option<StoredEvent>, StoreError> {
        self.event_of(reach, id).await
    }

    async fn crop_within(&self, reach: &Reach, id: EventId) -> Result<Option<Vec<u8>>, StoreError> {
        self.picture(reach, id).await
    }
}
