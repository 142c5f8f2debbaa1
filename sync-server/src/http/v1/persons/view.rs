//! A person as the API shows one.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::Circle;
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
    /// When the consent in force was given; none if there never was one or it was withdrawn.
    consent_at: Option<String>,
    /// Not known at any door before this time.
    valid_from: Option<String>,
    /// Not known at any door from this time on.
    valid_until: Option<String>,
    /// The groups the person is in, in order of id.
    groups: Vec<Uuid>,
    /// Revision of the last change of the person's templates, groups or validity.
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
            valid_from: person.validity.from().map(|at| at.to_rfc3339()),
            valid_until: person.validity.until().map(|at| at.to_rfc3339()),
            groups: person.groups.into_iter().map(|group| group.0).collect(),
            revision: person.rev.0,
            templates: person.templates,
        }
    }
}

impl PersonView {
    /// A person as somebody sees one who sees this circle.
    pub fn new(mut person: Person, circle: &Circle) -> Self {
        person.groups.retain(|group| circle.shows(*group));
        person.into()
    }
}
