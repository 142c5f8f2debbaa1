//! Gallery synchronisation by state: "I have revision M" is answered by what changed since, per person.
//!
//! The answer is a walk over persons by `(revision of last change, id)`. The device takes it page by page
//! ([`GalleryRequest::most_chunks`]) and continues with [`GalleryWalk`]; whoever changes meanwhile moves to the end of
//! the order, so that a walk over several pages, connections and hours leaves nobody out.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::digest::GalleryDigest;
use crate::envelope::Body;
use crate::ids::{DeviceId, GalleryKeyId, MsgId, PackId, PersonId, TemplateId};
use crate::time::UnixMillis;

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
    /// Continue a walk instead of beginning one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<GalleryWalk>,
    /// Answer with at most so many chunks; the device asks for the rest when it has taken them in. Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_chunks: Option<u32>,
}

/// How far a device has come in an answer of several pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GalleryWalk {
    /// What the walk is.
    pub kind: ChunkKind,
    /// The server's revision when the walk began. If the device's scope changed since, the server begins anew with a
    /// snapshot.
    pub began: Revision,
    /// The place reached: persons behind it in the order `(rev, person)` are still to come.
    pub after: GalleryPlace,
}

/// A person's place in the order of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GalleryPlace {
    /// The revision of the person's last change.
    pub rev: Revision,
    /// The person.
    pub person: PersonId,
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
    /// Whether this is the last of the walk: the device then holds revision `to_rev`.
    pub last: bool,
    /// The digest of the whole gallery at `to_rev`, what the device must hold after the last chunk.
    pub digest: GalleryDigest,
    /// The model pack of all templates here.
    pub pack: PackId,
    /// The persons, each whole; empty where `sealed` carries them.
    pub persons: Vec<PersonChange>,
    /// The walk so far: what to send as [`GalleryRequest::resume`] for what comes behind this chunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub walk: Option<GalleryWalk>,
    /// The persons, compressed and sealed with the device's gallery key, so that nobody reads them on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<SealedPersons>,
}

/// A list of [`PersonChange`] in CBOR, compressed if that helps, then sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SealedPersons {
    /// Which gallery key.
    pub key: GalleryKeyId,
    /// Whether the opened bytes are to be inflated (DEFLATE, RFC 1951) first.
    pub deflated: bool,
    /// Nonce, ciphertext and tag of [`crate::seal::SealKey::seal`]; its place is the request's id.
    pub bytes: ByteBuf,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GalleryAck {
    /// The revision held.
    pub rev: Revision,
    /// The digest computed over what is held.
    pub digest: GalleryDigest,
    /// How many persons.
    pub persons: u32,
    /// How many templates.
    pub templates: u32,
    /// The device's word for it, to be kept as proof that what is not in this gallery is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<HoldingProof>,
}

/// A signed statement of what a device holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldingProof {
    /// The device's wall time.
    pub at: UnixMillis,
    /// Ed25519 by the device's key over [`holding_statement`].
    pub signature: ByteBuf,
}

/// The bytes a device signs to say what it holds.
#[must_use]
pub fn holding_statement(device: DeviceId, rev: Revision, digest: &GalleryDigest, at: UnixMillis) -> Vec<u8> {
    let mut statement = b"ostiary holds 1\0".to_vec();
    statement.extend(device.as_bytes());
    statement.extend(rev.0.to_le_bytes());
    statement.extend(digest.to_bytes());
    statement.extend(at.0.to_le_bytes());
    statement
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
