//! Persons as people look for and describe them.

use async_trait::async_trait;
use ostiary_common::ids::PersonId;

use super::StoreError;
use crate::domain::audit::AuditNote;
use crate::domain::person::Person;
use crate::domain::profile::{
    NameChanges, NameStamp, Patched, PersonFilter, PersonPatch, PersonStamp, Profile, Profiled,
};
use crate::domain::recognition::Change;

/// Names, notes and fields of persons.
#[async_trait]
pub trait ProfileStore: Send + Sync {
    /// Notes and fields, and the person's state; `None` if there is no such person.
    async fn profile(&self, id: PersonId) -> Result<Option<(Profile, PersonStamp)>, StoreError>;
    /// The person together with it.
    async fn profiled(&self, id: PersonId) -> Result<Option<Profiled>, StoreError>;
    /// Changes a person together with the line in the audit log. `None` if there is no such person,
    /// [`StoreError::NoSuch`] if there is no such group, [`StoreError::Outdated`] if the person was changed since
    /// `expected`. Of `change` only the time is used.
    async fn patch_person(
        &self,
        id: PersonId,
        patch: &PersonPatch,
        expected: Option<PersonStamp>,
        change: Change,
        note: &AuditNote,
    ) -> Result<Option<Patched>, StoreError>;
    /// A page of persons by id, after `after`.
    async fn persons_where(
        &self,
        filter: &PersonFilter,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<Person>, StoreError>;
    /// Where names stand now.
    async fn name_stamp(&self) -> Result<NameStamp, StoreError>;
    /// How names changed since a stamp.
    async fn name_changes(&self, since: NameStamp) -> Result<NameChanges, StoreError>;
    /// A page of names by person's id, after `after`.
    async fn names(&self, after: Option<PersonId>, limit: u32) -> Result<Vec<(PersonId, String)>, StoreError>;
}
