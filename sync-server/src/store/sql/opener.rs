//! Opens what lies sealed in rows read by person.

use ostiary_common::ids::{PersonId, TemplateId};
use ostiary_common::seal::OpenError;
use sqlx::AnyConnection;

use super::error::corrupt;
use crate::ports::StoreError;
use crate::sealing::{MasterKey, PersonKey};

/// Opens rows of persons. It keeps the key of the last person, since rows come person by person, and no longer than
/// one answer takes: a key that was destroyed must not live on in memory.
pub(super) struct Opener<'a> {
    master: &'a MasterKey,
    last: Option<(PersonId, PersonKey)>,
}

impl<'a> Opener<'a> {
    pub(super) const fn new(master: &'a MasterKey) -> Self {
        Self { master, last: None }
    }

    /// A person's name.
    pub(super) fn name(&mut self, person: PersonId, wrapped: &[u8], sealed: &[u8]) -> Result<String, StoreError> {
        self.key(person, wrapped)?.open_name(sealed).map_err(|e| corrupt("name", e))
    }

    /// A template's embedding, little-endian f32.
    pub(super) fn embedding(
        &mut self,
        (person, wrapped): (PersonId, &[u8]),
        template: TemplateId,
        sealed: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let opened: Result<_, OpenError> = self.key(person, wrapped)?.open_embedding(template, sealed);
        opened.map_err(|e| corrupt("embedding", e))
    }

    /// A person's key, from the row it lies in.
    pub(super) fn key(&mut self, person: PersonId, wrapped: &[u8]) -> Result<&PersonKey, StoreError> {
        if self.last.as_ref().is_none_or(|(of, _)| *of != person) {
            self.last = Some((person, unwrap(self.master, person, wrapped)?));
        }
        Ok(&self.last.as_ref().expect("set above").1)
    }
}

/// A person's key, from the row it lies in.
pub(super) fn unwrap(master: &MasterKey, person: PersonId, wrapped: &[u8]) -> Result<PersonKey, StoreError> {
    master.person_key(person, wrapped).map_err(|e| corrupt("person key", e))
}

/// A person's key; `None` if the person is not there (any more).
pub(super) async fn key_of(
    conn: &mut AnyConnection,
    master: &MasterKey,
    person: PersonId,
) -> Result<Option<PersonKey>, StoreError> {
    let wrapped: Option<Vec<u8>> = sqlx::query_scalar("SELECT wrapped FROM person_keys WHERE person = $1")
        .bind(person.as_bytes().as_slice())
        .fetch_optional(conn)
        .await?;
    wrapped.map(|wrapped| unwrap(master, person, &wrapped)).transpose()
}
