//! Gallery synchronisation by state: "I have revision M" is answered by what changed since, per person.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::digest::GalleryDigest;
use crate::envelope::Body;
use crate::ids::{MsgId, PackId, PersonId, TemplateId};

/// The gallery's revision; rises with every change of a person or template, 0 for "nothing".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

/// The side of the face a template shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Angle {
    /// Facing the camera.
    Frontal,
    /// The subject turned to their left.
    Left,
    /// The subject turned to their right.
    Right,
    /// Not known.
    #[serde(other)]
    Unknown,
}

/// "I have this; tell me what changed." `rev` 0 asks for a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GalleryRequest {
    /// Names this request; chunks that answer another are dropped.
    pub request: MsgId,
    /// What the device holds.
    pub rev: Revision,
    /// The digest of what the device holds.
    pub digest: GalleryDigest,
    /// The pack the templates must be of.
    pub pack: PackId,
}

/// Whether chunks add to what is held or replace it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChunkKind {
    /// What changed since the revision asked from.
    Changes,
    /// Everything; after the last chunk, persons not named are gone.
    Snapshot,
}

/// A part of the answer, in order of `index` from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GalleryChunk {
    /// The request answered.
    pub request: MsgId,
    /// Changes or snapshot.
    pub kind: ChunkKind,
    /// The revision reached once all chunks are applied.
    pub to_rev: Revision,
    /// Position, from 0.
    pub index: u32,
    /// Whether this is the last.
    pub last: bool,
    /// The digest of the whole gallery at `to_rev`, what the device must hold after the last chunk.
    pub digest: GalleryDigest,
    /// The model pack of all templates here.
    pub pack: PackId,
    /// The persons, each whole.
    pub persons: Vec<PersonChange>,
}

/// A person's templates now; none means gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PersonChange {
    /// The person.
    pub person: PersonId,
    /// The revision of the person's last change.
    pub rev: Revision,
    /// All templates now held for this person; empty if the person is gone from this gallery.
    pub templates: Vec<TemplateRow>,
}

/// One template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateRow {
    /// The template.
    pub id: TemplateId,
    /// Rises when the same template is made anew.
    pub version: u32,
    /// The angle.
    pub angle: Angle,
    /// Unit-length embedding, little-endian f32.
    pub embedding: ByteBuf,
}

/// "I hold this now."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GalleryAck {
    /// The revision held.
    pub rev: Revision,
    /// The digest computed over what is held.
    pub digest: GalleryDigest,
    /// How many persons.
    pub persons: u32,
    /// How many templates.
    pub templates: u32,
}

/// "Something changed, come and get it."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GalleryNotice {
    /// The revision now.
    pub rev: Revision,
}

impl Body for GalleryRequest {
    const KIND: &'static str = "gallery request";
    const MAX_BYTES: usize = 1024;
}

impl Body for GalleryChunk {
    const KIND: &'static str = "gallery chunk";
    const MAX_BYTES: usize = 256 * 1024;
}

impl Body for GalleryAck {
    const KIND: &'static str = "gallery ack";
    const MAX_BYTES: usize = 1024;
}

impl Body for GalleryNotice {
    const KIND: &'static str = "gallery notice";
    const MAX_BYTES: usize = 1024;
}
