//! The gallery as the server sees it: per person, what a device may hold now.

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::PackId;
use ostiary_common::wire::{ChunkKind, PersonChange, Revision};

/// The answer to "I have revision M", read in one transaction.
#[derive(Clone, Debug)]
pub struct GalleryDelta {
    /// Changes, or a snapshot where changes cannot bring the device to the truth.
    pub kind: ChunkKind,
    /// The revision reached.
    pub to_rev: Revision,
    /// The whole gallery's digest at that revision.
    pub digest: GalleryDigest,
    /// The pack.
    pub pack: PackId,
    /// Persons changed (or all), each whole; no templates means gone.
    pub persons: Vec<PersonChange>,
}

/// How large a pack's gallery is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GallerySize {
    /// Persons with a template.
    pub persons: u64,
    /// Templates.
    pub templates: u64,
}
