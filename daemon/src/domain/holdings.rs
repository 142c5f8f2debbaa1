//! What a device holds, without the embeddings: enough for the digest, and to tell at the end of a walk who was not
//! named in it.

use std::collections::BTreeMap;

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{PersonId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{GalleryWalk, PersonChange, Revision, TemplateRow};
use serde::{Deserialize, Serialize};

/// Marks the persons named in one walk over the whole gallery; 0 for none.
pub type Stamp = u64;

/// A person held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Held {
    templates: Vec<(TemplateId, u32)>,
    stamp: Stamp,
}

/// What a device holds: for each person, templates and their versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    persons: BTreeMap<PersonId, Held>,
    digest: GalleryDigest,
}

impl Holdings {
    /// Takes in a person's templates as they are now; none means gone.
    pub fn set(&mut self, person: PersonId, templates: &[TemplateRow], stamp: Stamp) {
        for (id, version) in self.persons.remove(&person).unwrap_or_default().templates {
            self.digest.remove(id, version);
        }
        if templates.is_empty() {
            return;
        }
        for row in templates {
            self.digest.add(row.id, row.version);
        }
        let templates = templates.iter().map(|row| (row.id, row.version)).collect();
        self.persons.insert(person, Held { templates, stamp });
    }

    /// Takes in a whole step.
    pub fn take(&mut self, step: &GalleryStep) {
        step.changes.iter().for_each(|change| self.set(change.person, &change.templates, step.stamp));
    }

    /// The digest after a step, without taking it.
    #[must_use]
    pub fn digest_after(&self, changes: &[PersonChange]) -> GalleryDigest {
        let mut digest = self.digest;
        let latest: BTreeMap<PersonId, &PersonChange> = changes.iter().map(|change| (change.person, change)).collect();
        for (person, change) in latest {
            let before = self.persons.get(&person).map_or(&[][..], |held| &held.templates);
            before.iter().for_each(|&(id, version)| digest.remove(id, version));
            change.templates.iter().for_each(|row| digest.add(row.id, row.version));
        }
        digest
    }

    /// Whom the walk of `stamp` has not named so far.
    pub fn unnamed(&self, stamp: Stamp) -> impl Iterator<Item = PersonId> + '_ {
        self.persons.iter().filter(move |(_, held)| held.stamp != stamp).map(|(&person, _)| person)
    }

    /// Whether the person is held.
    #[must_use]
    pub fn holds(&self, person: PersonId) -> bool {
        self.persons.contains_key(&person)
    }

    /// The persons held, in order.
    pub fn ids(&self) -> impl Iterator<Item = PersonId> + '_ {
        self.persons.keys().copied()
    }

    /// The digest over everything held.
    #[must_use]
    pub const fn digest(&self) -> GalleryDigest {
        self.digest
    }

    /// How many persons.
    #[must_use]
    pub fn persons(&self) -> usize {
        self.persons.len()
    }

    /// How many templates.
    #[must_use]
    pub fn templates(&self) -> usize {
        self.persons.values().map(|held| held.templates.len()).sum()
    }
}

/// A walk that is not at its end, kept so that it goes on after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptWalk {
    /// How far it has come.
    pub walk: GalleryWalk,
    /// Marks whom it has named, if it is over the whole gallery; else 0.
    pub stamp: Stamp,
}

/// What is kept beside the persons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GalleryHead {
    /// The revision of the last walk that came to its end.
    pub rev: Revision,
    /// The digest of the persons kept with this head.
    pub digest: GalleryDigest,
    /// The walk under way.
    pub walk: Option<KeptWalk>,
    /// When what is held was last proven equal to the server's, by the server's clock.
    pub proven_at: Option<UnixMillis>,
}

/// Everything kept of the gallery but the embeddings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptGallery {
    /// What it is at.
    pub head: GalleryHead,
    /// The persons.
    pub holdings: Holdings,
}

/// Changes to be made durable together and searched from then on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GalleryStep {
    /// Persons with all templates there are now; none for "gone". Each is named once.
    pub changes: Vec<PersonChange>,
    /// What the persons are marked with.
    pub stamp: Stamp,
    /// What is kept beside them from now on.
    pub head: GalleryHead,
}
