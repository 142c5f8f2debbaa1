//! Persons and their templates.

use ostiary_common::ids::{GroupId, PackId, PersonId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{Angle, Revision};

use super::gallery::Validity;

/// Someone enrolled.
#[derive(Clone, Debug)]
pub struct Person {
    /// Id.
    pub id: PersonId,
    /// Display name, Unicode NFC, trimmed.
    pub name: String,
    /// Made at.
    pub created_at: UnixMillis,
    /// Consent: when it was given; without it enrollment is refused.
    pub consent_at: Option<UnixMillis>,
    /// When the person may be known.
    pub validity: Validity,
    /// The groups the person is in, in order of id.
    pub groups: Vec<GroupId>,
    /// Revision of the last change of this person's templates, groups or validity.
    pub rev: Revision,
    /// How many templates there are.
    pub templates: u32,
}

impl Person {
    /// Someone new without templates, who may be known at any time and is in no group.
    pub fn new(id: PersonId, name: String, created_at: UnixMillis, consent_at: Option<UnixMillis>) -> Self {
        let (validity, groups) = (Validity::ALWAYS, Vec::new());
        Self { id, name, created_at, consent_at, validity, groups, rev: Revision(0), templates: 0 }
    }
}

/// An embedding kept for a person.
#[derive(Clone, Debug)]
pub struct Template {
    /// Id.
    pub id: TemplateId,
    /// Whose.
    pub person: PersonId,
    /// Rises when made anew.
    pub version: u32,
    /// The model pack.
    pub pack: PackId,
    /// Angle.
    pub angle: Angle,
    /// Overall quality of the photo, 0..1.
    pub quality: f32,
    /// Unit length.
    pub embedding: Vec<f32>,
    /// SHA-256 of the photo it came from, so that the same upload twice makes one template.
    pub source_sha256: [u8; 32],
    /// Made at.
    pub created_at: UnixMillis,
}
