//! Persons who are removed, until every device has confirmed it.

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, ErasureId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;

use super::StoreError;
use crate::domain::erasure::{Confirmation, Erasure, ErasureDevice};

/// Persons removed for good, and who has confirmed it. [`PersonStore::remove_person`] begins an erasure.
///
/// [`PersonStore::remove_person`]: super::PersonStore::remove_person
#[async_trait]
pub trait ErasureStore: Send + Sync {
    /// Says whether the end of a person's validity erases the person. `false` if there is no such person.
    async fn put_erase_on_expiry(&self, person: PersonId, erase: bool) -> Result<bool, StoreError>;
    /// Whether the end of a person's validity erases the person; `None` if there is no such person.
    async fn erase_on_expiry(&self, person: PersonId) -> Result<Option<bool>, StoreError>;
    /// Removes everybody whose validity has ended and for whom that erases, like `PersonStore::remove_person`.
    async fn erase_expired(&self, now: UnixMillis) -> Result<Vec<(PersonId, Revision)>, StoreError>;
    /// Takes removed persons out of stored events, and empties the database's log of what was deleted. Returns how
    /// many erasures that finished; one that cannot be finished now is taken up at the next call.
    async fn clear_erasures(&self, now: UnixMillis) -> Result<u64, StoreError>;
    /// Completes erasures nobody is outstanding for any more, and returns them.
    async fn complete_erasures(&self, now: UnixMillis) -> Result<Vec<Erasure>, StoreError>;
    /// Whether a device that holds `rev` can confirm something it has not confirmed yet.
    async fn confirmation_awaited(&self, device: DeviceId, rev: Revision) -> Result<bool, StoreError>;
    /// Takes a device's word for all erasures it is awaited for; returns how many those are.
    async fn confirm_erasures(&self, device: DeviceId, said: &Confirmation) -> Result<u64, StoreError>;
    /// The newest erasures first, those older than `before`.
    async fn erasures(&self, before: Option<ErasureId>, limit: u32) -> Result<Vec<Erasure>, StoreError>;
    /// One erasure.
    async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>, StoreError>;
    /// The erasure of a person.
    async fn erasure_of(&self, person: PersonId) -> Result<Option<Erasure>, StoreError>;
    /// Device by device, by name.
    async fn erasure_devices(&self, id: ErasureId) -> Result<Vec<ErasureDevice>, StoreError>;
}
