//! The gallery as devices are to hold it, and the keys it is sealed with on the way.

use std::sync::Arc;

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, PackId};
use ostiary_common::wire::{PersonChange, Revision};

use super::StoreError;
use crate::domain::gallery::{GalleryPage, GallerySize, GalleryStanding, GalleryTruth, WalkQuestion};
use crate::sealing::GalleryKey;

/// The gallery as devices are to hold it.
#[async_trait]
pub trait GalleryStore: Send + Sync {
    /// The revision now.
    async fn revision(&self) -> Result<Revision, StoreError>;
    /// A page of what a device must be told, read in one transaction; see [`walk`](crate::domain::gallery::walk).
    /// Whose time has come or is over by the question's `now` is settled before.
    /// [`StoreError::NoSuch`] if there is no such device.
    async fn walk(&self, question: &WalkQuestion) -> Result<Arc<GalleryPage>, StoreError>;
    /// Persons who changed after `since`, each with all templates of the pack there are now, whoever may know them,
    /// and the revision this leads to at least: who changed while this was read may be among them, and is told again.
    async fn changes_since(&self, pack: &PackId, since: Revision) -> Result<(Revision, Vec<PersonChange>), StoreError>;
    /// What a device must hold at the present revision. [`StoreError::NoSuch`] if there is no such device.
    async fn truth(&self, device: DeviceId, pack: &PackId) -> Result<GalleryTruth, StoreError>;
    /// What a device that may know everyone must hold.
    async fn truth_of_all(&self, pack: &PackId) -> Result<GalleryTruth, StoreError>;
    /// Every device beside what it must hold, all at one revision.
    async fn standings(&self, pack: &PackId) -> Result<Vec<GalleryStanding>, StoreError>;
    /// How many persons and templates a pack has, whoever may know them.
    async fn gallery_size(&self, pack: &PackId) -> Result<GallerySize, StoreError>;
}

/// The keys devices' galleries are sealed with on the way. Claims, moves and revocations replace them.
#[async_trait]
pub trait GalleryKeyStore: Send + Sync {
    /// The key to hand to a device over HTTPS, made if there is none; from then on its chunks are sealed.
    async fn give_gallery_key(&self, device: DeviceId) -> Result<GalleryKey, StoreError>;
    /// The key to seal a device's chunks with; `None` if the device was never given one.
    async fn gallery_key(&self, device: DeviceId) -> Result<Option<GalleryKey>, StoreError>;
}
