//! Persons as they come from another system.

use std::collections::BTreeMap;

use ostiary_common::ids::{GroupId, PersonId};
use ostiary_common::time::UnixMillis;

use super::consent::Consent;
use super::fields::FieldValue;
use super::gallery::Validity;

/// Characters of an external id.
pub const MOST_EXTERNAL_CHARS: usize = 200;

/// A person to be made, or changed if the other system's id is known. What is `None` stays as it is.
#[derive(Clone, Debug)]
pub struct ImportedPerson {
    /// The id, if the person is to be made.
    pub id: PersonId,
    /// What the other system calls the person.
    pub external: String,
    /// Display name.
    pub name: String,
    /// A consent to be recorded; absent leaves things as they are.
    pub consent: Option<Consent>,
    /// When the person may be known.
    pub validity: Option<Validity>,
    /// The groups the person is to be in.
    pub groups: Option<Vec<GroupId>>,
    /// Notes.
    pub notes: Option<String>,
    /// Values of fields.
    pub fields: Option<BTreeMap<String, FieldValue>>,
    /// Now.
    pub at: UnixMillis,
}
