//! Pictures of enrolled faces, kept for model packs to come.

use async_trait::async_trait;
use ostiary_common::ids::PersonId;
use ostiary_common::time::UnixMillis;
use ostiary_models::face_crop::FaceCrop;

use super::StoreError;
pub use crate::domain::model_pack::CropPlace;

/// How many pictures are kept, and of how many persons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CropCounts {
    /// Pictures.
    pub crops: u64,
    /// Persons who have one at least.
    pub persons: u64,
}

/// Kept pictures.
#[async_trait]
pub trait FaceCropStore: Send + Sync {
    /// A picture; `None` if it is not kept (any more).
    async fn face_crop(&self, place: CropPlace) -> Result<Option<FaceCrop>, StoreError>;
    /// A person's pictures: of which photos, and since when.
    async fn face_crops_of(&self, person: PersonId) -> Result<Vec<(CropPlace, UnixMillis)>, StoreError>;
    /// How many there are.
    async fn face_crop_counts(&self) -> Result<CropCounts, StoreError>;
    /// Removes at most so many; less than that were removed if none is left.
    async fn remove_face_crops(&self, at_most: u32) -> Result<u64, StoreError>;
}
