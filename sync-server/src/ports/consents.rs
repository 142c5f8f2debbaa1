//! What persons consented to.

use async_trait::async_trait;
use ostiary_common::ids::PersonId;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;

use super::StoreError;
use crate::domain::audit::AuditNote;
use crate::domain::consent::{Consent, ConsentId, ConsentText, InForceText, NewConsentText, Withdrawal, Withdrawn};
use crate::domain::person::Person;
use crate::domain::recognition::Change;

/// Consents, and the text they are to. What changes something is written together with its line in the audit log.
#[async_trait]
pub trait ConsentStore: Send + Sync {
    /// The newest version of the text, and from which one on consent suffices for new photos.
    async fn consent_text(&self) -> Result<InForceText, StoreError>;
    /// A version of the text.
    async fn consent_text_of(&self, version: u64) -> Result<Option<ConsentText>, StoreError>;
    /// Sets the next version of the text, and returns its number; [`StoreError::Outdated`] if it was changed meanwhile.
    async fn put_consent_text(
        &self,
        text: &NewConsentText,
        change: Change,
        note: &AuditNote,
    ) -> Result<u64, StoreError>;
    /// Adds a person together with the consent; as [`PersonStore::add_person`](super::PersonStore::add_person)
    /// otherwise.
    async fn add_consenting(&self, person: &Person, consent: &Consent, note: &AuditNote) -> Result<(), StoreError>;
    /// Records a consent in place of the one in force. Who had withdrawn may be known again, at the revision returned
    /// with it. `None` if there is no such person; [`StoreError::NoSuch`] if there is no such version of the text.
    async fn add_consent(&self, consent: &Consent, note: &AuditNote) -> Result<Option<Option<Revision>>, StoreError>;
    /// Ends a consent: from the revision on nobody may know the person, who is erased after the time that the text
    /// in force says. `None` if the person has no such consent.
    async fn withdraw_consent(
        &self,
        person: PersonId,
        id: ConsentId,
        withdrawal: &Withdrawal,
        note: &AuditNote,
    ) -> Result<Option<Withdrawn>, StoreError>;
    /// All consents of a person, the newest first; also of one who was erased, then without words.
    async fn consents(&self, person: PersonId) -> Result<Vec<Consent>, StoreError>;
    /// When the person is erased for a withdrawal; `None` if there was none, or the person is not there.
    async fn erased_at(&self, person: PersonId) -> Result<Option<UnixMillis>, StoreError>;
    /// Removes everybody who withdrew and whose time is over, like
    /// [`PersonStore::remove_person`](super::PersonStore::remove_person).
    async fn erase_withdrawn(&self, now: UnixMillis) -> Result<Vec<(PersonId, Revision)>, StoreError>;
}
