//! What the link never asks of a store: settings, names, sites, keys of requests.

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, DoorId, MsgId, PersonId, SiteId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{CommandResult, Revision};
use ostiary_server::domain::audit::AuditNote;
use ostiary_server::domain::command::{DeviceCommand, MediaType};
use ostiary_server::domain::consent::{
    Consent, ConsentId, ConsentText, InForceText, NewConsentText, Withdrawal, Withdrawn,
};
use ostiary_server::domain::person::Person;
use ostiary_server::domain::place::Removal;
use ostiary_server::domain::profile::{
    NameChanges, NameStamp, Patched, PersonFilter, PersonPatch, PersonStamp, Profile, Profiled,
};
use ostiary_server::domain::recognition::{Change, Versioned};
use ostiary_server::ports::idempotency::{KeyClaim, KeyOutcome, KeyStanding};
use ostiary_server::ports::{
    CommandStore, ConsentStore, IdempotencyStore, PlaceStore, ProfileStore, SettingsStore, StoreError,
};

use super::fake_store::{FakeStore, NOT_USED};

#[async_trait]
impl IdempotencyStore for FakeStore {
    async fn claim_key(&self, _: &KeyClaim) -> Result<KeyStanding, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn settle_key(&self, _: &str, _: &str, _: &KeyOutcome) -> Result<(), StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn forget_keys(&self, _: UnixMillis) -> Result<u64, StoreError> {
        unreachable!("{NOT_USED}")
    }
}

#[async_trait]
impl PlaceStore for FakeStore {
    async fn site_version(&self, _: SiteId) -> Result<Option<u64>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn door_version(&self, _: DoorId) -> Result<Option<u64>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn rename_site(&self, _: SiteId, _: &str, _: Change, _: &AuditNote) -> Result<Option<u64>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn rename_door(&self, _: DoorId, _: &str, _: Change, _: &AuditNote) -> Result<Option<u64>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn rename_device(&self, _: DeviceId, _: &str, _: &AuditNote) -> Result<bool, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn remove_site(&self, _: SiteId, _: &AuditNote) -> Result<Option<Removal>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn remove_door(&self, _: DoorId, _: &AuditNote) -> Result<Option<Removal>, StoreError> {
        unreachable!("{NOT_USED}")
    }
}

#[async_trait]
impl SettingsStore for FakeStore {
    async fn setting(&self, _: &str) -> Result<Option<Versioned<String>>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn put_setting(&self, _: &str, _: &str, _: Change, _: &AuditNote) -> Result<u64, StoreError> {
        unreachable!("{NOT_USED}")
    }
}

#[async_trait]
impl ProfileStore for FakeStore {
    async fn profile(&self, _: PersonId) -> Result<Option<(Profile, PersonStamp)>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn profiled(&self, _: PersonId) -> Result<Option<Profiled>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn patch_person(
        &self,
        _: PersonId,
        _: &PersonPatch,
        _: Option<PersonStamp>,
        _: Change,
        _: &AuditNote,
    ) -> Result<Option<Patched>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn persons_where(&self, _: &PersonFilter, _: Option<PersonId>, _: u32) -> Result<Vec<Person>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn name_stamp(&self) -> Result<NameStamp, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn name_changes(&self, _: NameStamp) -> Result<NameChanges, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn names(&self, _: Option<PersonId>, _: u32) -> Result<Vec<(PersonId, String)>, StoreError> {
        unreachable!("{NOT_USED}")
    }
}

#[async_trait]
impl ConsentStore for FakeStore {
    async fn consent_text(&self) -> Result<InForceText, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn consent_text_of(&self, _: u64) -> Result<Option<ConsentText>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn put_consent_text(&self, _: &NewConsentText, _: Change, _: &AuditNote) -> Result<u64, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn add_consenting(&self, _: &Person, _: &Consent, _: &AuditNote) -> Result<(), StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn add_consent(&self, _: &Consent, _: &AuditNote) -> Result<Option<Option<Revision>>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn withdraw_consent(
        &self,
        _: PersonId,
        _: ConsentId,
        _: &Withdrawal,
        _: &AuditNote,
    ) -> Result<Option<Withdrawn>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn consents(&self, _: PersonId) -> Result<Vec<Consent>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn erased_at(&self, _: PersonId) -> Result<Option<UnixMillis>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn erase_withdrawn(&self, _: UnixMillis) -> Result<Vec<(PersonId, Revision)>, StoreError> {
        unreachable!("{NOT_USED}")
    }
}

#[async_trait]
impl CommandStore for FakeStore {
    async fn add_command(&self, _: &DeviceCommand, _: &AuditNote) -> Result<(), StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn answer_command(&self, _: DeviceId, result: &CommandResult, _: UnixMillis) -> Result<bool, StoreError> {
        self.look().answers.push(result.clone());
        Ok(true)
    }
    async fn commands(&self, _: DeviceId, _: Option<MsgId>, _: u32) -> Result<Vec<DeviceCommand>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn command(&self, _: DeviceId, _: MsgId) -> Result<Option<DeviceCommand>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn command_attachment(&self, _: DeviceId, _: MsgId) -> Result<Option<(MediaType, Vec<u8>)>, StoreError> {
        unreachable!("{NOT_USED}")
    }
}
