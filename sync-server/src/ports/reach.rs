//! What of the store lies within a reach. Handlers read by these; what lies outside does not exist for them.

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, DoorId, EventId, PackId, PersonId, TemplateId};

use super::StoreError;
use crate::domain::access::{Circle, Reach};
use crate::domain::device::{Device, Door, Site};
use crate::domain::event::{EventFilter, Page, StoredEvent};
use crate::domain::gallery::Group;
use crate::domain::person::Person;

/// Reads that see a reach and nothing else.
#[async_trait]
pub trait ReachStore: Send + Sync {
    /// Sites within, and those of doors within, by name.
    async fn sites_within(&self, reach: &Reach) -> Result<Vec<Site>, StoreError>;
    /// Doors, by name.
    async fn doors_within(&self, reach: &Reach) -> Result<Vec<Door>, StoreError>;
    /// One door.
    async fn door_within(&self, reach: &Reach, id: DoorId) -> Result<Option<Door>, StoreError>;
    /// Adds a door that may know nobody until it is told: for who may not see everyone.
    async fn add_closed_door(&self, door: &Door) -> Result<(), StoreError>;
    /// Devices that are at a door within now, by name.
    async fn devices_within(&self, reach: &Reach) -> Result<Vec<Device>, StoreError>;
    /// One device that is at a door within now.
    async fn device_within(&self, reach: &Reach, id: DeviceId) -> Result<Option<Device>, StoreError>;
    /// Groups that a door within names and that count there, and those of the sites within, by name.
    async fn groups_within(&self, reach: &Reach) -> Result<Vec<Group>, StoreError>;
    /// Whom a reach lets see, and whom it lets change.
    async fn circle(&self, reach: &Reach) -> Result<Circle, StoreError>;
    /// A page of the persons of a circle by id, after `after`.
    async fn persons_within(
        &self,
        circle: &Circle,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<Person>, StoreError>;
    /// Whose a template is.
    async fn person_of(&self, template: TemplateId) -> Result<Option<PersonId>, StoreError>;
    /// Whether all of these persons are there and of a circle.
    async fn all_within(&self, circle: &Circle, persons: &[PersonId]) -> Result<bool, StoreError>;
    /// How many persons with a template of the pack a door may know by its rule.
    async fn persons_at(&self, door: DoorId, pack: &PackId) -> Result<u64, StoreError>;
    /// A page of events that were stored at doors within.
    async fn events_within(
        &self,
        reach: &Reach,
        filter: &EventFilter,
        page: Page,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError>;
    /// One event that was stored at a door within.
    async fn event_within(&self, reach: &Reach, id: EventId) -> Result<Option<StoredEvent>, StoreError>;
    /// The JPEG sent with such an event.
    async fn crop_within(&self, reach: &Reach, id: EventId) -> Result<Option<Vec<u8>>, StoreError>;
}
