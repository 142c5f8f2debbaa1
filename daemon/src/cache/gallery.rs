//! The gallery on disk: a sealed record per person, and a head that says at which revision they stand.

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{PackId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{Revision, TemplateRow};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::CacheError;
use super::shelf::{Shelf, ShelfBatch};
use crate::domain::holdings::{GalleryHead, GalleryStep, Holdings, KeptWalk, Stamp};

const HEAD: &[u8] = b"head";

#[derive(Serialize, Deserialize)]
struct Head {
    rev: Revision,
    digest: GalleryDigest,
    pack: PackId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    walk: Option<KeptWalk>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proven_at: Option<UnixMillis>,
}

#[derive(Serialize, Deserialize)]
struct StoredPerson {
    templates: Vec<TemplateRow>,
    /// The walk over the whole gallery that named the person last.
    #[serde(default)]
    stamp: Stamp,
}

/// The templates on disk.
#[derive(Clone, Debug)]
pub struct GalleryShelf(Shelf);

/// Everything the gallery holds.
#[derive(Debug, Default, PartialEq)]
pub struct GalleryContents {
    /// The revision held, and how far a walk has come.
    pub head: GalleryHead,
    /// What is held, for the digest.
    pub holdings: Holdings,
    /// The templates, for the index.
    pub persons: Vec<(PersonId, Vec<TemplateRow>)>,
}

impl GalleryShelf {
    pub(super) const fn new(shelf: Shelf) -> Self {
        Self(shelf)
    }

    /// The pack of what is held; `None` if nothing is.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be read.
    pub fn pack(&self) -> Result<Option<PackId>, CacheError> {
        Ok(self.0.get::<Head>(HEAD)?.map(|head| head.pack))
    }

    /// Reads and verifies everything. Templates of another pack than `pack` are removed: they cannot be
    /// compared, and the server sends those of this pack.
    ///
    /// # Errors
    /// [`CacheError`] if a record is damaged or the digest written with the revision is not that of the records.
    pub fn load(&self, pack: &PackId) -> Result<GalleryContents, CacheError> {
        let Some(head) = self.0.get::<Head>(HEAD)? else { return self.load_headless() };
        if head.pack != *pack {
            self.clear()?;
            return Ok(GalleryContents::default());
        }
        let Head { rev, digest, walk, proven_at, .. } = head;
        let head = GalleryHead { rev, digest, walk, proven_at };
        let mut contents = GalleryContents { head, ..GalleryContents::default() };
        for row in self.0.rows::<StoredPerson>() {
            let row = row?;
            let Some(person) = person_of(&row.key) else { continue };
            let StoredPerson { templates, stamp } = row.value?;
            contents.holdings.set(person, &templates, stamp);
            contents.persons.push((person, templates));
        }
        if contents.holdings.digest() != head.digest {
            let text = format!("gallery at revision {} does not have the digest written with it", head.rev.0);
            return Err(CacheError::Inconsistent(text));
        }
        Ok(contents)
    }

    fn load_headless(&self) -> Result<GalleryContents, CacheError> {
        if self.0.keys()?.is_empty() {
            return Ok(GalleryContents::default());
        }
        Err(CacheError::Inconsistent("the gallery has records but no revision".into()))
    }

    /// Makes a step durable, all of it or nothing.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be written.
    pub fn apply(&self, step: &GalleryStep, pack: &PackId) -> Result<(), CacheError> {
        let mut batch = ShelfBatch::default();
        for change in &step.changes {
            let key = change.person.as_bytes();
            if change.templates.is_empty() {
                Shelf::stage_removal(&mut batch, key);
            } else {
                let stored = StoredPerson { templates: change.templates.clone(), stamp: step.stamp };
                self.0.stage(&mut batch, key, &stored)?;
            }
        }
        let GalleryHead { rev, digest, walk, proven_at } = step.head;
        self.0.stage(&mut batch, HEAD, &Head { rev, digest, pack: pack.clone(), walk, proven_at })?;
        self.0.apply(batch)?;
        self.0.flush()
    }

    /// Removes everything.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be written.
    pub fn clear(&self) -> Result<(), CacheError> {
        let mut batch = ShelfBatch::default();
        self.0.keys()?.iter().for_each(|key| Shelf::stage_removal(&mut batch, key));
        self.0.apply(batch)?;
        self.0.flush()
    }
}

fn person_of(key: &[u8]) -> Option<PersonId> {
    Uuid::from_slice(key).ok().map(PersonId)
}
