//! How strict recognition is, for the installation and at a door.

use async_trait::async_trait;
use ostiary_common::ids::DoorId;

use super::StoreError;
use crate::domain::recognition::{Change, Changed, InstallationRules, Layer, Versioned};

/// How strict recognition is. A change takes the next version, and so does, in the same transaction, the desired
/// configuration of every device that is to be told something else by it.
#[async_trait]
pub trait RecognitionStore: Send + Sync {
    /// The installation's.
    async fn recognition(&self) -> Result<Versioned<InstallationRules>, StoreError>;
    /// What a door says beyond it; `None` if there is no such door.
    async fn door_recognition(&self, door: DoorId) -> Result<Option<Versioned<Layer>>, StoreError>;
    /// Sets the installation's; [`StoreError::Outdated`] if it was changed meanwhile.
    async fn put_recognition(&self, rules: &InstallationRules, change: Change) -> Result<Changed, StoreError>;
    /// Sets what a door says; `None` if there is no such door, [`StoreError::Outdated`] if it was changed
    /// meanwhile.
    async fn put_door_recognition(
        &self,
        door: DoorId,
        layer: &Layer,
        change: Change,
    ) -> Result<Option<Changed>, StoreError>;
}
