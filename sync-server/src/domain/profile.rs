//! What is known of a person beside templates: the name, notes, fields; and which persons a list wants.

use std::collections::{BTreeMap, BTreeSet};

use ostiary_common::ids::{GroupId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;

use super::fields::FieldValue;
use super::gallery::TermsChange;
use super::person::Person;

/// Characters of notes.
pub const MOST_NOTES_CHARS: usize = 4000;

/// Notes and fields of a person.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// Notes, or empty.
    pub notes: String,
    /// Values by field.
    pub fields: BTreeMap<String, FieldValue>,
}

/// The state of a person: what a change was made against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PersonStamp {
    /// Revision of the last change of templates, groups or validity.
    pub rev: u64,
    /// Number of the last change of name, notes or fields.
    pub edit: u64,
}

/// A person with all that is known.
#[derive(Clone, Debug)]
pub struct Profiled {
    /// The person.
    pub person: Person,
    /// Notes and fields.
    pub profile: Profile,
    /// The state of all of it.
    pub stamp: PersonStamp,
}

/// What is to change of a person; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PersonPatch {
    /// The name.
    pub name: Option<String>,
    /// Notes; empty for none.
    pub notes: Option<String>,
    /// All values from now on.
    pub fields: Option<BTreeMap<String, FieldValue>>,
    /// When and by which groups the person may be known.
    pub terms: Option<TermsChange>,
}

/// What a patch led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patched {
    /// The state now.
    pub stamp: PersonStamp,
    /// The gallery's new revision, if any device is concerned.
    pub rev: Option<Revision>,
}

/// Whether a person may be known at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidAt {
    /// Not yet.
    Before,
    /// Then.
    During,
    /// No longer.
    After,
}

/// Which persons a list wants. Absent means any.
#[derive(Clone, Debug, Default)]
pub struct PersonFilter {
    /// Only these.
    pub among: Option<Vec<PersonId>>,
    /// In this group.
    pub group: Option<GroupId>,
    /// In one of these groups.
    pub in_one_of: Option<BTreeSet<GroupId>>,
    /// By validity at a moment.
    pub validity: Option<(ValidAt, UnixMillis)>,
    /// Who has consented, or has not.
    pub consent: Option<bool>,
    /// Who has templates, or has none.
    pub has_templates: Option<bool>,
    /// Made from this time on.
    pub created_from: Option<UnixMillis>,
    /// Made before this time.
    pub created_until: Option<UnixMillis>,
}

/// Where an index of names stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameStamp {
    /// The last change of a name.
    pub edit: u64,
    /// The last revision, which removals take.
    pub rev: u64,
}

/// How names changed since a stamp.
#[derive(Clone, Debug, Default)]
pub struct NameChanges {
    /// Where that leads to.
    pub stamp: NameStamp,
    /// Names as they are now.
    pub named: Vec<(PersonId, String)>,
    /// Persons removed.
    pub gone: Vec<PersonId>,
}
