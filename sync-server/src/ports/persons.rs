//! Persons and their templates.

use async_trait::async_trait;
use ostiary_common::ids::{PackId, PersonId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;

use super::StoreError;
use crate::domain::person::{Person, Template};

/// Persons and templates. Every change of templates takes the next revision in the same transaction.
#[async_trait]
pub trait PersonStore: Send + Sync {
    /// Adds a person, in the groups and for the time it says; [`StoreError::NoSuch`] if there is no such group.
    async fn add_person(&self, person: &Person) -> Result<(), StoreError>;
    /// One person.
    async fn person(&self, id: PersonId) -> Result<Option<Person>, StoreError>;
    /// A page of persons by id, after `after`.
    async fn persons(&self, after: Option<PersonId>, limit: u32) -> Result<Vec<Person>, StoreError>;
    /// Removes a person for good: name, templates and the person's key are deleted, and a tombstone with the new
    /// revision and an erasure that lists every device claimed by now are left, in one transaction. `None` if not
    /// there.
    async fn remove_person(&self, id: PersonId, now: UnixMillis) -> Result<Option<Revision>, StoreError>;
    /// Adds a template and returns the new revision; if one from the same photo and pack is there already,
    /// that one's id and `None`.
    async fn add_template(&self, template: &Template) -> Result<(TemplateId, Option<Revision>), StoreError>;
    /// A person's templates.
    async fn templates(&self, person: PersonId) -> Result<Vec<Template>, StoreError>;
    /// Removes one template and returns the new revision; `None` if not there.
    async fn remove_template(&self, id: TemplateId) -> Result<Option<Revision>, StoreError>;
    /// Every template of a pack, for the server's own search.
    async fn all_templates(&self, pack: &PackId) -> Result<Vec<Template>, StoreError>;
}
