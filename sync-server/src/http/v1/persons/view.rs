//! A person as the API shows one.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::person::Person;

/// Someone enrolled.
#[derive(Serialize, ToSchema)]
pub struct PersonView {
    /// Id.
    id: Uuid,
    /// Display name.
    name: String,
    /// Made at.
    created_at: String,
    /// When consent was given; without it there can be no photos.
    consent_at: Option<String>,
    /// Revision of the last change of the person's templates.
    revision: u64,
    /// How many templates there are.
    templates: u32,
}

impl From<Person> for PersonView {
    fn from(person: Person) -> Self {
        Self {
            id: person.id.0,
            name: person.name,
            created_at: person.created_at.to_rfc3339(),
            consent_at: person.consent_at.map(|at| at.to_rfc3339()),
            revision: person.rev.0,
            templates: person.templates,
        }
    }
}
