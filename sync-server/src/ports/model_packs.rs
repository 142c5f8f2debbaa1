//! Model packs, what was made with them, and which doors use which.

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, DoorId, PackId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;

use super::StoreError;
use crate::domain::audit::AuditNote;
use crate::domain::job::JobId;
use crate::domain::model_pack::{CropPlace, ModelPack, PackRefusal, PackState, Rollout};
use crate::domain::person::Template;

/// How complete a pack's templates are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackCoverage {
    /// Templates there are.
    pub templates: u64,
    /// Persons who have one at least.
    pub persons: u64,
    /// Pictures of which none was made yet.
    pub waiting: u64,
    /// Pictures of which none could be made.
    pub refused: u64,
    /// Persons who are known by another pack and not by this one: they must be photographed anew.
    pub missing: u64,
}

/// A device, the pack it is to run, and which one its gallery is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackAtDevice {
    /// The device.
    pub device: DeviceId,
    /// Its name.
    pub name: String,
    /// Its door.
    pub door: DoorId,
    /// What it is told to run; `None`: the pack in force.
    pub wanted: Option<PackId>,
    /// What it last said its gallery is of; `None` if it never said.
    pub held: Option<PackId>,
    /// `info` as it last sent it, JSON.
    pub info: Option<String>,
}

/// A face by two packs.
#[derive(Clone, Debug)]
pub struct TwiceEmbedded {
    /// Whose.
    pub person: PersonId,
    /// By the first.
    pub first: Vec<f32>,
    /// By the second.
    pub second: Vec<f32>,
}

/// Packs.
#[async_trait]
pub trait ModelPackStore: Send + Sync {
    /// Every pack, by id.
    async fn model_packs(&self) -> Result<Vec<ModelPack>, StoreError>;
    /// One.
    async fn model_pack(&self, id: &PackId) -> Result<Option<ModelPack>, StoreError>;
    /// Notes the pack of the configuration, which is in force if no other is.
    async fn note_own_pack(&self, id: &PackId, manifest: &str, now: UnixMillis) -> Result<(), StoreError>;
    /// Adds a pack with its archive; [`StoreError::Conflict`] if there is one of this id.
    async fn add_model_pack(&self, pack: &ModelPack, archive: &[u8], note: &AuditNote) -> Result<(), StoreError>;
    /// Bytes of an archive from `from` on, at most `most`; `None` if there is none. Less than asked for is the end.
    async fn pack_bytes(&self, id: &PackId, from: u64, most: usize) -> Result<Option<Vec<u8>>, StoreError>;
    /// Puts a pack into a state, if it is in one of these; `false` if it is not.
    async fn put_pack_state(
        &self,
        id: &PackId,
        from: &[PackState],
        to: PackState,
        job: Option<JobId>,
        now: UnixMillis,
    ) -> Result<bool, StoreError>;
    /// Removes a pack's templates, and itself unless it is the configuration's. The gallery's new revision, if devices
    /// were given any of them.
    async fn remove_model_pack(
        &self,
        id: &PackId,
        now: UnixMillis,
        note: &AuditNote,
    ) -> Result<Option<Revision>, StoreError>;

    /// How complete its templates are.
    async fn pack_coverage(&self, id: &PackId) -> Result<PackCoverage, StoreError>;
    /// Pictures of which the pack made no template and refused none, in order, from behind `after` on.
    async fn pack_waiting(
        &self,
        id: &PackId,
        after: Option<CropPlace>,
        limit: u32,
    ) -> Result<Vec<CropPlace>, StoreError>;
    /// Pictures of which it could make none, in order, from behind `after` on.
    async fn pack_refusals(
        &self,
        id: &PackId,
        after: Option<CropPlace>,
        limit: u32,
    ) -> Result<Vec<PackRefusal>, StoreError>;
    /// Persons known by another pack and not by this one, in order, from behind `after` on.
    async fn pack_missing(&self, id: &PackId, after: Option<PersonId>, limit: u32)
    -> Result<Vec<PersonId>, StoreError>;
    /// Adds a template made of a kept picture, beside those of other packs; nothing if it is there or the picture is gone.
    /// The gallery's new revision if devices are given it.
    async fn add_shadow_template(&self, template: &Template) -> Result<Option<Revision>, StoreError>;
    /// Notes that none could be made of a picture.
    async fn refuse_shadow(&self, id: &PackId, refusal: &PackRefusal) -> Result<(), StoreError>;
    /// Faces that both packs have a template of, at most `limit`, the same ones each time.
    async fn embedded_twice(
        &self,
        first: &PackId,
        second: &PackId,
        limit: u32,
    ) -> Result<Vec<TwiceEmbedded>, StoreError>;

    /// Every active device with the pack it is to run.
    async fn packs_at_devices(&self) -> Result<Vec<PackAtDevice>, StoreError>;
    /// Puts a rollout in force: states and what each device is told change together. The devices that are told something
    /// new; `None` if the pack is in none of the states `from`.
    async fn put_rollout(
        &self,
        id: &PackId,
        from: &[PackState],
        rollout: &Rollout,
        now: UnixMillis,
        note: &AuditNote,
    ) -> Result<Option<Vec<DeviceId>>, StoreError>;
}
