//! What the server's parts ask of the outside, one trait per subject. Adapters implement them and never
//! import each other; `app` wires them.

pub mod accounts;
pub mod backup;
pub mod commands;
pub mod consents;
pub mod door_enrollment;
pub mod face_crops;
pub mod figures;
pub mod health;
pub mod hub;
pub mod idempotency;
pub mod job_files;
pub mod jobs;
pub mod judgements;
pub mod ledger;
pub mod mailer;
pub mod mending;
pub mod model_packs;
pub mod notify;
pub mod places;
pub mod poster;
pub mod profiles;
pub mod pruning;
pub mod push;
pub mod reach;
pub mod replicas;
pub mod retention;
pub mod rotation;
pub mod searches;
pub mod settings;
pub mod talk;
pub mod templates;
pub mod throttle;
pub mod unknowns;

pub use commands::CommandStore;
pub use consents::ConsentStore;
pub use idempotency::IdempotencyStore;
pub use judgements::JudgementStore;
pub use ledger::LedgerStore;
pub use mending::MendingStore;
pub use places::PlaceStore;
pub use profiles::ProfileStore;
pub use pruning::PruneStore;
pub use settings::SettingsStore;
pub use unknowns::UnknownStore;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use ostiary_common::claims::DeviceClaims;
use ostiary_common::ids::{
    DeviceId, DoorId, ErasureId, EventId, GroupId, PackId, PersonId, SiteId, StreamId, TemplateId, TokenId,
};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::{CommandKind, DeviceRoot};
use ostiary_common::wire::{Command, ConfigReported, DeviceSettings, GalleryAck, PersonChange, Revision};

use crate::domain::access::Reach;
use crate::domain::audit::AuditEntry;
use crate::domain::device::{ClaimCode, Device, DeviceStanding, Door, Site};
use crate::domain::device_life::{DeviceCertificate, DeviceLife, FormerPosting, RevokedCertificate};
use crate::domain::erasure::{Confirmation, Erasure, ErasureDevice};
use crate::domain::event::{AcceptedGap, EventFilter, EventTally, Ingest, Ingested, Page, StoredEvent, TimePage};
use crate::domain::gallery::{
    GalleryPage, GalleryRule, GallerySize, GalleryStanding, GalleryTruth, Group, MemberChange, PersonAtDevice,
    Rescoped, Settled, TermsChange, WalkQuestion,
};
use crate::domain::person::{Person, Template};
use crate::domain::recognition::{Change, Changed, InstallationRules, Layer, Versioned};
use crate::sealing::GalleryKey;

/// Why the store could not do what was asked. "Not found" is `Ok(None)`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A name or code is taken.
    #[error("{0} is taken already")]
    Conflict(&'static str),
    /// The row this one points to is not there.
    #[error("there is no such {0}")]
    NoSuch(&'static str),
    /// Somebody else changed it meanwhile.
    #[error("version {present} is in force, the change was made against version {expected}")]
    Outdated {
        /// The version the change was made against.
        expected: u64,
        /// The version now.
        present: u64,
    },
    /// Somebody must own everything, or nobody could make owners any more.
    #[error("this account is the last owner; make another one first")]
    LastOwner,
    /// The master key is not the one the store was sealed with.
    #[error("the master key is not the one this store was sealed with; put back the one that belongs to it")]
    OtherMasterKey,
    /// This is not the store to work on.
    #[error("this is not the store to work on: {0}")]
    Elsewhere(String),
    /// What is stored cannot be read.
    #[error("stored {what} cannot be read: {reason}")]
    Corrupt {
        /// What.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// The database broke the work off for the sake of somebody else's; nothing of it was done, and it may be tried again.
    #[error("the database broke the work off for the sake of other work: {0}")]
    BrokenOff(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database did not answer or refused.
    #[error("the database failed: {0}")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Wall time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> UnixMillis;

    /// Time since a fixed moment of this process: for pauses and limits, which a corrected wall clock must not move.
    fn elapsed(&self) -> Duration {
        STARTED.elapsed()
    }
}

/// What [`Clock::elapsed`] counts from unless a clock says otherwise.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Sites, doors, devices.
#[async_trait]
pub trait DeviceStore: Send + Sync {
    /// Adds a site.
    async fn add_site(&self, site: &Site) -> Result<(), StoreError>;
    /// All sites, by name.
    async fn sites(&self) -> Result<Vec<Site>, StoreError>;
    /// Adds a door.
    async fn add_door(&self, door: &Door) -> Result<(), StoreError>;
    /// All doors, by name.
    async fn doors(&self) -> Result<Vec<Door>, StoreError>;
    /// One door.
    async fn door(&self, id: DoorId) -> Result<Option<Door>, StoreError>;
    /// One site.
    async fn site(&self, id: SiteId) -> Result<Option<Site>, StoreError>;
    /// Adds a device.
    async fn add_device(&self, device: &Device) -> Result<(), StoreError>;
    /// One device.
    async fn device(&self, id: DeviceId) -> Result<Option<Device>, StoreError>;
    /// How these devices stand; those there are not are left out.
    async fn device_standings(&self, ids: &[DeviceId]) -> Result<HashMap<DeviceId, DeviceStanding>, StoreError> {
        let mut standings = HashMap::with_capacity(ids.len());
        for id in ids {
            if let Some(device) = self.device(*id).await? {
                standings.insert(
                    *id,
                    DeviceStanding { site: device.site, state: device.state, session: device.presence.session },
                );
            }
        }
        Ok(standings)
    }
    /// All devices, by name.
    async fn devices(&self) -> Result<Vec<Device>, StoreError>;
    /// Puts a claim code in place of any the device had.
    async fn put_claim_code(&self, code: &ClaimCode) -> Result<(), StoreError>;
    /// In one transaction: uses up the code (once, not expired at `now`) and makes the device active with this
    /// key. `None` if there is no such code, or it is used or expired, or the device is revoked.
    async fn claim(&self, code_hash: &str, public_key_pem: &str, now: UnixMillis)
    -> Result<Option<Device>, StoreError>;
    /// Shuts a device out. `false` if there is no such device.
    async fn revoke_device(&self, id: DeviceId, now: UnixMillis) -> Result<bool, StoreError>;
    /// Remembers an assertion's id until `expires_at`; `false` if it was there already.
    async fn use_assertion(&self, jti: TokenId, expires_at: UnixMillis) -> Result<bool, StoreError>;
    /// Takes a state if its session is not older than the one known; `false` if it was stale.
    async fn put_presence(
        &self,
        id: DeviceId,
        state: &str,
        session: u64,
        version: &str,
        now: UnixMillis,
    ) -> Result<bool, StoreError>;
    /// Keeps `info` as last sent.
    async fn put_info(&self, id: DeviceId, json: &str, now: UnixMillis) -> Result<(), StoreError>;
    /// Keeps `health` as last sent.
    async fn put_health(&self, id: DeviceId, json: &str, now: UnixMillis) -> Result<(), StoreError>;
    /// Keeps what a device says it holds.
    async fn put_held(&self, id: DeviceId, ack: &GalleryAck, now: UnixMillis) -> Result<(), StoreError>;
    /// Keeps what a device says of its configuration: the version it looked at last, what is in force, and why
    /// a version was not taken.
    async fn put_config_reported(
        &self,
        id: DeviceId,
        reported: &ConfigReported,
        now: UnixMillis,
    ) -> Result<(), StoreError>;
    /// Sets the desired configuration and returns its new version; `None` if there is no such device.
    async fn put_config(&self, id: DeviceId, settings: &DeviceSettings) -> Result<Option<u64>, StoreError>;
    /// Lets a device watch another door, of its site or another; what it is to be told and whom it may know follow
    /// from the new door, with a new version and a new revision where that differs. Where it was is remembered. `false` if there is no such device or door, or the
    /// device is revoked.
    async fn move_device(&self, id: DeviceId, door: DoorId, now: UnixMillis) -> Result<bool, StoreError>;
}

/// Devices' lives beyond the claim.
#[async_trait]
pub trait LifeStore: Send + Sync {
    /// What is known of a device's life; nothing for a device that is not there.
    async fn life(&self, id: DeviceId) -> Result<DeviceLife, StoreError>;
    /// The same of every device.
    async fn lives(&self) -> Result<HashMap<DeviceId, DeviceLife>, StoreError>;
    /// Where a device was before, the latest first.
    async fn former_postings(&self, id: DeviceId) -> Result<Vec<FormerPosting>, StoreError>;
    /// In one transaction: revokes `old`, gives it another name, and adds `successor` at its door, with its name and
    /// settings. `None` if there is no such device; [`StoreError::Conflict`] if it was replaced already.
    async fn replace_device(
        &self,
        old: DeviceId,
        successor: DeviceId,
        now: UnixMillis,
    ) -> Result<Option<Device>, StoreError>;
    /// The highest number stored of a stream, 0 if it was never seen.
    async fn highest_seq(&self, device: DeviceId, stream: StreamId) -> Result<u64, StoreError>;
    /// Remembers a certificate given. Of those the device had before, `keep` stay good, the latest.
    async fn add_certificate(&self, certificate: &DeviceCertificate, keep: u32) -> Result<(), StoreError>;
    /// Certificates that are no longer good and have not ended at `now`: superseded ones, and those of revoked devices.
    async fn revoked_certificates(&self, now: UnixMillis) -> Result<Vec<RevokedCertificate>, StoreError>;
    /// Places among the topics where nobody is any more: of revoked devices, and where devices were before they moved.
    async fn departed(&self) -> Result<Vec<DeviceRoot>, StoreError>;
}

/// How strict recognition is. A change takes the next version, and so does, in the same transaction, the desired
/// configuration of every device that is to be told something else by it.
#[async_trait]
pub trait RecognitionStore: Send + Sync {
    /// The installation's.
    async fn recognition(&self) -> Result<Versioned<InstallationRules>, StoreError>;
    /// What a door says beyond it; `None` if there is no such door.
    async fn door_recognition(&self, door: DoorId) -> Result<Option<Versioned<Layer>>, StoreError>;
    /// Sets the installation's; [`StoreError::Outdated`] if it was changed meanwhile.
    async fn put_recognition(&self, rules: &InstallationRules, change: Change) -> Result<Changed, StoreError>;
    /// Sets what a door says; `None` if there is no such door, [`StoreError::Outdated`] if it was changed
    /// meanwhile.
    async fn put_door_recognition(
        &self,
        door: DoorId,
        layer: &Layer,
        change: Change,
    ) -> Result<Option<Changed>, StoreError>;
}

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

/// The gallery as devices are to hold it.
#[async_trait]
pub trait GalleryStore: Send + Sync {
    /// The revision now.
    async fn revision(&self) -> Result<Revision, StoreError>;
    /// A page of what a device must be told, read in one transaction; see [`walk`](crate::domain::gallery::walk).
    /// Whose time has come or is over by the question's `now` is settled before.
    /// [`StoreError::NoSuch`] if there is no such device.
    async fn walk(&self, question: &WalkQuestion) -> Result<Arc<GalleryPage>, StoreError>;
    /// Persons who changed after `since`, each with all templates of the pack there are now, whoever may know them,
    /// and the revision this leads to; read in one transaction.
    async fn changes_since(&self, pack: &PackId, since: Revision) -> Result<(Revision, Vec<PersonChange>), StoreError>;
    /// What a device must hold at the present revision. [`StoreError::NoSuch`] if there is no such device.
    async fn truth(&self, device: DeviceId, pack: &PackId) -> Result<GalleryTruth, StoreError>;
    /// What a device that may know everyone must hold.
    async fn truth_of_all(&self, pack: &PackId) -> Result<GalleryTruth, StoreError>;
    /// Every active device beside what it must hold, all at one revision.
    async fn standings(&self, pack: &PackId) -> Result<Vec<GalleryStanding>, StoreError>;
    /// How many persons and templates a pack has, whoever may know them.
    async fn gallery_size(&self, pack: &PackId) -> Result<GallerySize, StoreError>;
}

/// Persons removed for good, and who has confirmed it. [`PersonStore::remove_person`] begins an erasure.
#[async_trait]
pub trait ErasureStore: Send + Sync {
    /// Says whether the end of a person's validity erases the person. `false` if there is no such person.
    async fn put_erase_on_expiry(&self, person: PersonId, erase: bool) -> Result<bool, StoreError>;
    /// Whether the end of a person's validity erases the person; `None` if there is no such person.
    async fn erase_on_expiry(&self, person: PersonId) -> Result<Option<bool>, StoreError>;
    /// Removes everybody whose validity has ended and for whom that erases, like [`PersonStore::remove_person`].
    async fn erase_expired(&self, now: UnixMillis) -> Result<Vec<(PersonId, Revision)>, StoreError>;
    /// Takes removed persons out of stored events, and empties the database's log of what was deleted. Returns how
    /// many erasures that finished; one that cannot be finished now is taken up at the next call.
    async fn clear_erasures(&self, now: UnixMillis) -> Result<u64, StoreError>;
    /// Completes erasures nobody is outstanding for any more, and returns them.
    async fn complete_erasures(&self, now: UnixMillis) -> Result<Vec<Erasure>, StoreError>;
    /// Whether a device that holds `rev` can confirm something it has not confirmed yet.
    async fn confirmation_awaited(&self, device: DeviceId, rev: Revision) -> Result<bool, StoreError>;
    /// Takes a device's word for all erasures it is awaited for; returns how many those are.
    async fn confirm_erasures(&self, device: DeviceId, said: &Confirmation) -> Result<u64, StoreError>;
    /// The newest erasures first, those older than `before`.
    async fn erasures(&self, before: Option<ErasureId>, limit: u32) -> Result<Vec<Erasure>, StoreError>;
    /// One erasure.
    async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>, StoreError>;
    /// The erasure of a person.
    async fn erasure_of(&self, person: PersonId) -> Result<Option<Erasure>, StoreError>;
    /// Device by device, by name.
    async fn erasure_devices(&self, id: ErasureId) -> Result<Vec<ErasureDevice>, StoreError>;
}

/// The keys devices' galleries are sealed with on the way. Claims, moves and revocations replace them.
#[async_trait]
pub trait GalleryKeyStore: Send + Sync {
    /// The key to hand to a device over HTTPS, made if there is none; from then on its chunks are sealed.
    async fn give_gallery_key(&self, device: DeviceId) -> Result<GalleryKey, StoreError>;
    /// The key to seal a device's chunks with; `None` if the device was never given one.
    async fn gallery_key(&self, device: DeviceId) -> Result<Option<GalleryKey>, StoreError>;
}

/// Who may be known where. A change takes the next revision in the same transaction: a person's for whom it concerns,
/// or a device's, if it changes whom the device may know at all.
#[async_trait]
pub trait ScopeStore: Send + Sync {
    /// Adds a group; [`StoreError::Conflict`] if the name is taken.
    async fn add_group(&self, group: &Group) -> Result<(), StoreError>;
    /// All groups, by name.
    async fn groups(&self) -> Result<Vec<Group>, StoreError>;
    /// One group.
    async fn group(&self, id: GroupId) -> Result<Option<Group>, StoreError>;
    /// Sets a group's name and site; `None` if there is no such group, [`StoreError::Outdated`] if it was changed
    /// meanwhile, [`StoreError::Conflict`] if the name is taken, [`StoreError::NoSuch`] if there is no such site.
    async fn put_group(
        &self,
        id: GroupId,
        name: &str,
        site: Option<SiteId>,
        change: Change,
    ) -> Result<Option<Rescoped>, StoreError>;
    /// Removes a group. Its members stay enrolled; doors that named it no longer do. `None` if there is no such group.
    async fn remove_group(&self, id: GroupId) -> Result<Option<Rescoped>, StoreError>;
    /// A page of a group's members by id, after `after`.
    async fn members(&self, group: GroupId, after: Option<PersonId>, limit: u32) -> Result<Vec<PersonId>, StoreError>;
    /// Has persons come into a group and leave it; who is there or away already stays so. `None` if there is no such
    /// group, [`StoreError::NoSuch`] if there is no such person.
    async fn put_members(&self, group: GroupId, change: &MemberChange) -> Result<Option<Rescoped>, StoreError>;
    /// Sets when and by which groups a person may be known. The version is the revision of the person's last change.
    /// `None` if there is no such person, [`StoreError::NoSuch`] if there is no such group,
    /// [`StoreError::Outdated`] if the person was changed meanwhile.
    async fn put_terms(
        &self,
        person: PersonId,
        terms: &TermsChange,
        change: Change,
    ) -> Result<Option<Rescoped>, StoreError>;
    /// What a door says; `None` if there is no such door.
    async fn door_gallery(&self, door: DoorId) -> Result<Option<Versioned<GalleryRule>>, StoreError>;
    /// Sets what a door says; `None` if there is no such door, [`StoreError::NoSuch`] if there is no such group,
    /// [`StoreError::Outdated`] if it was changed meanwhile.
    async fn put_door_gallery(
        &self,
        door: DoorId,
        rule: &GalleryRule,
        change: Change,
    ) -> Result<Option<Rescoped>, StoreError>;
    /// Makes the changes that the clock brings: whose time has come may be known from now on, whose time is over no
    /// longer. Cheap if there are none.
    async fn settle_validity(&self, now: UnixMillis) -> Result<Settled, StoreError>;
    /// Every active device, and whether it may hold this person at the present revision.
    async fn devices_of_person(&self, person: PersonId) -> Result<Vec<PersonAtDevice>, StoreError>;
}

/// Events.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Stores what is new of a batch in one transaction; deduplicates by `(device, event id)`; keeps track of
    /// holes per stream.
    async fn ingest(&self, ingest: &Ingest) -> Result<Ingested, StoreError>;
    /// The same for several batches in one transaction, so that many devices share one flush of the disk. One
    /// result per batch, in order: a batch of an unknown device fails alone. An error of the whole means that
    /// nothing was stored.
    async fn ingest_many(&self, batches: &[Ingest]) -> Result<Vec<Result<Ingested, StoreError>>, StoreError>;
    /// Gives up on the first hole of a stream, after the device was asked for it often enough. `None` if
    /// there is no hole.
    async fn accept_gap(&self, device: DeviceId, stream: StreamId) -> Result<Option<AcceptedGap>, StoreError>;
    /// A page of events.
    async fn events(&self, filter: &EventFilter, page: Page, limit: u32) -> Result<Vec<StoredEvent>, StoreError>;
    /// A page of events within a reach by the time they happened.
    async fn events_by_time(
        &self,
        reach: &Reach,
        filter: &EventFilter,
        page: TimePage,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError>;
    /// How many events there were within a reach, by quarters of an hour and kinds, in order of time; the filter must have
    /// both ends.
    async fn event_tally(&self, reach: &Reach, filter: &EventFilter) -> Result<Vec<EventTally>, StoreError>;
    /// One event.
    async fn event(&self, id: EventId) -> Result<Option<StoredEvent>, StoreError>;
    /// The JPEG sent with an event.
    async fn crop(&self, id: EventId) -> Result<Option<Vec<u8>>, StoreError>;
    /// The newest committed cursor, 0 if there is none.
    async fn newest_cursor(&self) -> Result<i64, StoreError>;
}

/// The audit log.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Appends a line; reading them is in [`ledger`].
    async fn audit(&self, entry: &AuditEntry) -> Result<(), StoreError>;
}

/// Everything the store does, as one object to hand around.
pub trait Store:
    DeviceStore
    + RecognitionStore
    + PersonStore
    + ConsentStore
    + GalleryStore
    + ScopeStore
    + GalleryKeyStore
    + ErasureStore
    + EventStore
    + AuditStore
    + LedgerStore
    + PruneStore
    + IdempotencyStore
    + PlaceStore
    + ProfileStore
    + SettingsStore
    + UnknownStore
    + MendingStore
    + JudgementStore
    + CommandStore
{
}

impl<T> Store for T where
    T: DeviceStore
        + RecognitionStore
        + PersonStore
        + ConsentStore
        + GalleryStore
        + ScopeStore
        + GalleryKeyStore
        + ErasureStore
        + EventStore
        + AuditStore
        + LedgerStore
        + PruneStore
        + IdempotencyStore
        + PlaceStore
        + ProfileStore
        + SettingsStore
        + UnknownStore
        + MendingStore
        + JudgementStore
        + CommandStore
{
}

/// A command on its way to a device.
#[derive(Clone, Debug)]
pub struct CommandOrder {
    /// To whom.
    pub root: DeviceRoot,
    /// The last session heard of it.
    pub session: u64,
    /// What to do.
    pub kind: CommandKind,
    /// Its id, and until when.
    pub command: Command,
}

/// What the HTTP side asks of the side that talks to devices. None of it blocks.
pub trait DeviceLink: Send + Sync {
    /// The gallery has a new revision: tell devices to come and get it.
    fn gallery_changed(&self, rev: Revision);
    /// A device's desired configuration has a new version.
    fn config_changed(&self, device: DeviceId);
    /// End a device's session: it is revoked, has moved, or another board has taken its place.
    fn kick(&self, device: DeviceId);
    /// Nobody is at this place among the topics any more: what brokers keep there is cleared.
    fn departed(&self, root: DeviceRoot);
    /// Sends a command; `false` if too many wait already.
    fn command(&self, order: CommandOrder) -> bool;
    /// Tells a device of an enrollment; `false` if too much waits already.
    fn enroll(&self, order: door_enrollment::EnrollOrder) -> bool;
}

/// Where the embedded broker hands over what devices say.
#[async_trait]
pub trait DeviceEar: Send + Sync {
    /// Takes a message; returns when there was room for it. Until then the device's connection waits.
    async fn hear(&self, topic: &str, payload: Bytes);
}

/// Says things to devices and monitors through the embedded broker.
#[async_trait]
pub trait DeviceVoice: Send + Sync {
    /// Says something on a topic; the broker keeps it for those who come later if `keep`. `false` if the broker does
    /// not pass anything on any more.
    async fn say(&self, topic: String, keep: bool, payload: Bytes) -> bool;
    /// Whether a monitor is connected, who may read what is told to people.
    fn is_watched(&self) -> bool;
}

/// Where committed events are told to those who watch. Losing one here loses nothing: watchers read the
/// store by cursor and take this only as "there is more".
pub trait LiveFeed: Send + Sync {
    /// Events up to this cursor are committed.
    fn committed(&self, cursor: i64);
}

/// Why a client may not connect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthRefused {
    /// The token is not one of ours, was altered, has ended, or is for something else.
    #[error("token refused: {0}")]
    Token(String),
    /// The token is good but its device is not active.
    #[error("device is {0}")]
    Device(&'static str),
    /// The client id is not the token's subject.
    #[error("client id does not belong to the token")]
    ClientId,
    /// The store could not be asked; nobody is let in on doubt.
    #[error("cannot check now: {0}")]
    Unavailable(String),
}

/// Who may connect to the broker.
#[async_trait]
pub trait DeviceAuth: Send + Sync {
    /// Checks a device token presented as the MQTT password by client `client_id`: signature, audience, times,
    /// that `sub` is the client id, and that the device is active in the store.
    async fn authenticate(&self, client_id: &str, token: &str) -> Result<DeviceClaims, AuthRefused>;
}
