//! A store in memory that can be told to hold back or fail, for what a real database does not do on demand.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{
    DeviceId, DoorId, ErasureId, EventId, GroupId, PackId, PersonId, SiteId, StreamId, TemplateId, TokenId,
};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::DeviceRoot;
use ostiary_common::wire::{
    CommandResult, ConfigReported, DeviceSettings, GalleryAck, GalleryPlace, PersonChange, Revision,
};
use ostiary_server::domain::access::Reach;
use ostiary_server::domain::audit::chain::{ChainPoint, ChainedLine};
use ostiary_server::domain::audit::{AuditEntry, AuditFilter, AuditPosition, AuditTrace};
use ostiary_server::domain::device::{ClaimCode, Device, DeviceState, Door, HeldGallery, Presence, Site};
use ostiary_server::domain::erasure::{Confirmation, Erasure, ErasureDevice};
use ostiary_server::domain::event::{
    AcceptedGap, EventFilter, EventTally, Ingest, Ingested, Page, StoredEvent, TimePage,
};
use ostiary_server::domain::gallery::walk::{PageBuilder, begin, nothing};
use ostiary_server::domain::gallery::{
    GalleryPage, GalleryRule, GallerySize, GalleryStanding, GalleryTruth, Group, MemberChange, PersonAtDevice,
    Rescoped, Settled, TermsChange, WalkQuestion,
};
use ostiary_server::domain::person::{Person, Template};
use ostiary_server::domain::publishing::published;
use ostiary_server::domain::recognition::{Change, Changed, Inherited, InstallationRules, Layer, Versioned};
use ostiary_server::domain::sequence::Received;
use ostiary_server::ports::PruneStore;
use ostiary_server::ports::{
    AuditStore, DeviceStore, ErasureStore, EventStore, GalleryKeyStore, GalleryStore, LedgerStore, PersonStore,
    RecognitionStore, ScopeStore, StoreError,
};
use ostiary_server::sealing::GalleryKey;
use tokio::sync::watch;

/// What is in the store.
#[derive(Default)]
pub struct Contents {
    pub devices: HashMap<DeviceId, Device>,
    pub events: Vec<StoredEvent>,
    ids: HashSet<(DeviceId, EventId)>,
    streams: HashMap<(DeviceId, StreamId), Received>,
    pub audit: Vec<AuditEntry>,
    pub gallery: Vec<PersonChange>,
    pub revision: u64,
    pub reported: HashMap<DeviceId, ConfigReported>,
    /// What was answered to commands.
    pub answers: Vec<CommandResult>,
    /// How many commits of events there were.
    pub commits: usize,
    /// How many of the next commits fail.
    pub failing: usize,
}

/// The store.
pub struct FakeStore {
    contents: Mutex<Contents>,
    open: watch::Sender<bool>,
}

impl Default for FakeStore {
    fn default() -> Self {
        Self { contents: Mutex::default(), open: watch::Sender::new(true) }
    }
}

pub const NOT_USED: &str = "the link does not use this part of the store";

impl FakeStore {
    /// What is in it now.
    pub fn look(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap()
    }

    /// Lets commits through, or holds them.
    pub fn open(&self, open: bool) {
        self.open.send_replace(open);
    }

    /// A new active device.
    pub fn add_active(&self) -> DeviceRoot {
        let door =
            Door { id: DoorId::generate(), site: SiteId::generate(), name: "Front".into(), created_at: UnixMillis(0) };
        let device = Device {
            id: DeviceId::generate(),
            site: door.site,
            door: door.id,
            name: "Camera".into(),
            state: DeviceState::Active,
            public_key_pem: None,
            created_at: UnixMillis(0),
            claimed_at: None,
            config_version: 0,
            config: DeviceSettings::default(),
            inherited: Inherited::default(),
            presence: Presence::default(),
            held: None,
            pack: None,
        };
        let root = device.root();
        self.look().devices.insert(device.id, device);
        root
    }

    /// Changes a device.
    pub fn change(&self, id: DeviceId, change: impl FnOnce(&mut Device)) {
        change(self.look().devices.get_mut(&id).unwrap());
    }

    /// Whether a device may connect.
    pub fn is_active(&self, id: DeviceId) -> bool {
        self.look().devices.get(&id).is_some_and(|device| device.state == DeviceState::Active)
    }

    /// The actions in the audit log, with who and on what.
    pub fn audited(&self, action: &str) -> Vec<AuditEntry> {
        self.look().audit.iter().filter(|entry| entry.action == action).cloned().collect()
    }

    fn commit(&self, ingest: &Ingest) -> Result<Ingested, StoreError> {
        let mut contents = self.look();
        let Some(device) = contents.devices.get(&ingest.device).cloned() else {
            return Err(StoreError::NoSuch("device"));
        };
        let stream = ingest.batch.stream;
        let (mut stored, mut duplicates) = (Vec::new(), 0);
        for record in &ingest.batch.events {
            contents.streams.entry((device.id, stream)).or_default().take(record.seq, record.seq);
            if !contents.ids.insert((device.id, record.id)) {
                duplicates += 1;
                continue;
            }
            stored.push(record.id);
            let event = StoredEvent {
                cursor: i64::try_from(contents.events.len()).unwrap() + 1,
                device: device.id,
                site: device.site,
                door: device.door,
                stream,
                at: record.time.wall,
                published_at: published(&record.time, ingest.sent_at, ingest.received_at),
                stored_at: ingest.received_at,
                person: record.visit.as_ref().and_then(|v| v.matched).map(|matched| matched.person),
                unknown: None,
                doubt: None,
                verdict: None,
                person_name: record.visit.as_ref().and_then(|v| v.matched).map(|_| "Ada".to_owned()),
                record: record.clone(),
                has_crop: false,
            };
            contents.events.push(event);
        }
        for seq in &ingest.rejected {
            contents.streams.entry((device.id, stream)).or_default().take(*seq, *seq);
        }
        let received = &contents.streams[&(device.id, stream)];
        Ok(Ingested { upto_seq: received.upto(), missing_from: received.missing_from(), stored, duplicates })
    }

    fn truth_of(contents: &Contents) -> GalleryTruth {
        let templates = contents.gallery.iter().flat_map(|person| &person.templates);
        let digest = GalleryDigest::of(templates.map(|template| (template.id, template.version)));
        let rev = Revision(contents.revision);
        GalleryTruth { rev, touched: rev, digest, size: GallerySize::default() }
    }
}

fn broken() -> StoreError {
    StoreError::Database("the disk is away".into())
}

#[async_trait]
impl EventStore for FakeStore {
    async fn ingest(&self, ingest: &Ingest) -> Result<Ingested, StoreError> {
        self.ingest_many(std::slice::from_ref(ingest)).await?.remove(0)
    }
    async fn ingest_many(&self, batches: &[Ingest]) -> Result<Vec<Result<Ingested, StoreError>>, StoreError> {
        let _ = self.open.subscribe().wait_for(|open| *open).await;
        {
            let mut contents = self.look();
            contents.commits += 1;
            if contents.failing > 0 {
                contents.failing -= 1;
                return Err(broken());
            }
        }
        Ok(batches.iter().map(|ingest| self.commit(ingest)).collect())
    }
    async fn accept_gap(&self, device: DeviceId, stream: StreamId) -> Result<Option<AcceptedGap>, StoreError> {
        let mut contents = self.look();
        let Some(received) = contents.streams.get_mut(&(device, stream)) else { return Ok(None) };
        let hole = received.give_up_first_hole();
        let upto_seq = received.upto();
        Ok(hole.map(|(first, last)| AcceptedGap { first, last, upto_seq }))
    }
    async fn events(&self, _: &EventFilter, _: Page, _: u32) -> Result<Vec<StoredEvent>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn events_by_time(
        &self,
        _: &Reach,
        _: &EventFilter,
        _: TimePage,
        _: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn event_tally(&self, _: &Reach, _: &EventFilter) -> Result<Vec<EventTally>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn event(&self, id: EventId) -> Result<Option<StoredEvent>, StoreError> {
        Ok(self.look().events.iter().find(|event| event.record.id == id).cloned())
    }
    async fn crop(&self, _: EventId) -> Result<Option<Vec<u8>>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn newest_cursor(&self) -> Result<i64, StoreError> {
        Ok(i64::try_from(self.look().events.len()).unwrap())
    }
}

#[async_trait]
impl GalleryStore for FakeStore {
    async fn revision(&self) -> Result<Revision, StoreError> {
        Ok(Revision(self.look().revision))
    }
    async fn walk(&self, question: &WalkQuestion) -> Result<Arc<GalleryPage>, StoreError> {
        let contents = self.look();
        let truth = Self::truth_of(&contents);
        let walk = begin(question, &truth, Revision(0)).unwrap_or(nothing(&truth));
        let behind = |person: &&PersonChange| GalleryPlace { rev: person.rev, person: person.person } > walk.after;
        let mut persons: Vec<_> = contents.gallery.iter().filter(behind).cloned().collect();
        persons.sort_by_key(|person| (person.rev, person.person));
        let mut page = PageBuilder::new(question.most_bytes);
        let last = persons.into_iter().all(|person| page.take(person));
        let (to_rev, digest, pack) = (truth.rev, truth.digest, question.pack.clone());
        Ok(Arc::new(GalleryPage { walk, to_rev, digest, pack, persons: page.finish(), last }))
    }
    async fn truth(&self, _: DeviceId, _: &PackId) -> Result<GalleryTruth, StoreError> {
        Ok(Self::truth_of(&self.look()))
    }
    async fn truth_of_all(&self, _: &PackId) -> Result<GalleryTruth, StoreError> {
        Ok(Self::truth_of(&self.look()))
    }
    async fn standings(&self, _: &PackId) -> Result<Vec<GalleryStanding>, StoreError> {
        let contents = self.look();
        let truth = Self::truth_of(&contents);
        let standing = |device: &Device| GalleryStanding {
            root: device.root(),
            is_active: device.state == DeviceState::Active,
            session: device.presence.session,
            held: device.held,
            truth,
        };
        Ok(contents.devices.values().map(standing).collect())
    }
    async fn changes_since(&self, _: &PackId, _: Revision) -> Result<(Revision, Vec<PersonChange>), StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn gallery_size(&self, _: &PackId) -> Result<GallerySize, StoreError> {
        unreachable!("{NOT_USED}")
    }
}

#[async_trait]
impl AuditStore for FakeStore {
    async fn audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.look().audit.push(entry.clone());
        Ok(())
    }
}

#[async_trait]
impl PruneStore for FakeStore {
    async fn prune_events(&self, _before: UnixMillis, _at_most: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}

#[async_trait]
impl LedgerStore for FakeStore {
    async fn audit_traced(&self, entry: &AuditEntry, _: &AuditTrace) -> Result<(), StoreError> {
        self.audit(entry).await
    }
    async fn audit_lines(
        &self,
        _: &AuditFilter,
        _: Option<AuditPosition>,
        _: u32,
    ) -> Result<Vec<ChainedLine>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn audit_walk(&self, _: u64, _: u32) -> Result<Vec<ChainedLine>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn audit_head(&self) -> Result<ChainPoint, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn audit_last_before(&self, _: UnixMillis) -> Result<Option<ChainPoint>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn add_audit_checkpoint(&self, _: u64, _: &str) -> Result<bool, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn audit_checkpoints(&self) -> Result<Vec<String>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn cut_audit(&self, _: u64, _: &str) -> Result<u64, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn audit_cut(&self) -> Result<Option<String>, StoreError> {
        unreachable!("{NOT_USED}")
    }
}

#[async_trait]
impl DeviceStore for FakeStore {
    async fn device(&self, id: DeviceId) -> Result<Option<Device>, StoreError> {
        Ok(self.look().devices.get(&id).cloned())
    }
    async fn devices(&self) -> Result<Vec<Device>, StoreError> {
        Ok(self.look().devices.values().cloned().collect())
    }
    async fn door(&self, id: DoorId) -> Result<Option<Door>, StoreError> {
        Ok(Some(Door { id, site: SiteId::generate(), name: "Front".into(), created_at: UnixMillis(0) }))
    }
    async fn put_presence(
        &self,
        id: DeviceId,
        state: &str,
        session: u64,
        version: &str,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let mut contents = self.look();
        let presence = &mut contents.devices.get_mut(&id).ok_or(StoreError::NoSuch("device"))?.presence;
        if session < presence.session {
            return Ok(false);
        }
        presence.state = state.to_owned();
        presence.session = session;
        presence.version = version.to_owned();
        presence.since = Some(now);
        Ok(true)
    }
    async fn put_info(&self, id: DeviceId, json: &str, _: UnixMillis) -> Result<(), StoreError> {
        self.change(id, |device| device.presence.info_json = Some(json.to_owned()));
        Ok(())
    }
    async fn put_health(&self, id: DeviceId, json: &str, _: UnixMillis) -> Result<(), StoreError> {
        self.change(id, |device| device.presence.health_json = Some(json.to_owned()));
        Ok(())
    }
    async fn put_held(&self, id: DeviceId, ack: &GalleryAck, now: UnixMillis) -> Result<(), StoreError> {
        let GalleryAck { rev, digest, persons, templates, .. } = *ack;
        self.change(id, |device| device.held = Some(HeldGallery { rev, digest, persons, templates, at: now }));
        Ok(())
    }
    async fn put_config_reported(
        &self,
        id: DeviceId,
        reported: &ConfigReported,
        _: UnixMillis,
    ) -> Result<(), StoreError> {
        self.look().reported.insert(id, reported.clone());
        Ok(())
    }
    async fn put_config(&self, _: DeviceId, _: &DeviceSettings) -> Result<Option<u64>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn move_device(&self, _: DeviceId, _: DoorId, _: UnixMillis) -> Result<bool, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn add_site(&self, _: &Site) -> Result<(), StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn sites(&self) -> Result<Vec<Site>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn add_door(&self, _: &Door) -> Result<(), StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn doors(&self) -> Result<Vec<Door>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn site(&self, _: SiteId) -> Result<Option<Site>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn add_device(&self, _: &Device) -> Result<(), StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn put_claim_code(&self, _: &ClaimCode) -> Result<(), StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn claim(&self, _: &str, _: &str, _: UnixMillis) -> Result<Option<Device>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn revoke_device(&self, _: DeviceId, _: UnixMillis) -> Result<bool, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn use_assertion(&self, _: TokenId, _: UnixMillis) -> Result<bool, StoreError> {
        unreachable!("{NOT_USED}")
    }
}

#[async_trait]
impl RecognitionStore for FakeStore {
    async fn recognition(&self) -> Result<Versioned<InstallationRules>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn door_recognition(&self, _: DoorId) -> Result<Option<Versioned<Layer>>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn put_recognition(&self, _: &InstallationRules, _: Change) -> Result<Changed, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn put_door_recognition(&self, _: DoorId, _: &Layer, _: Change) -> Result<Option<Changed>, StoreError> {
        unreachable!("{NOT_USED}")
    }
}

#[async_trait]
impl PersonStore for FakeStore {
    async fn add_person(&self, _: &Person) -> Result<(), StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn person(&self, _: PersonId) -> Result<Option<Person>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn persons(&self, _: Option<PersonId>, _: u32) -> Result<Vec<Person>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn remove_person(&self, _: PersonId, _: UnixMillis) -> Result<Option<Revision>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn add_template(&self, _: &Template) -> Result<(TemplateId, Option<Revision>), StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn templates(&self, _: PersonId) -> Result<Vec<Template>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn remove_template(&self, _: TemplateId) -> Result<Option<Revision>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn all_templates(&self, _: &PackId) -> Result<Vec<Template>, StoreError> {
        unreachable!("{NOT_USED}")
    }
}

#[async_trait]
impl GalleryKeyStore for FakeStore {
    async fn give_gallery_key(&self, _: DeviceId) -> Result<GalleryKey, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn gallery_key(&self, _: DeviceId) -> Result<Option<GalleryKey>, StoreError> {
        Ok(None)
    }
}

#[async_trait]
impl ErasureStore for FakeStore {
    async fn put_erase_on_expiry(&self, _: PersonId, _: bool) -> Result<bool, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn erase_on_expiry(&self, _: PersonId) -> Result<Option<bool>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn erase_expired(&self, _: UnixMillis) -> Result<Vec<(PersonId, Revision)>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn clear_erasures(&self, _: UnixMillis) -> Result<u64, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn complete_erasures(&self, _: UnixMillis) -> Result<Vec<Erasure>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn confirmation_awaited(&self, _: DeviceId, _: Revision) -> Result<bool, StoreError> {
        Ok(false)
    }
    async fn confirm_erasures(&self, _: DeviceId, _: &Confirmation) -> Result<u64, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn erasures(&self, _: Option<ErasureId>, _: u32) -> Result<Vec<Erasure>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn erasure(&self, _: ErasureId) -> Result<Option<Erasure>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn erasure_of(&self, _: PersonId) -> Result<Option<Erasure>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn erasure_devices(&self, _: ErasureId) -> Result<Vec<ErasureDevice>, StoreError> {
        unreachable!("{NOT_USED}")
    }
}

#[async_trait]
impl ScopeStore for FakeStore {
    async fn add_group(&self, _: &Group) -> Result<(), StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn groups(&self) -> Result<Vec<Group>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn group(&self, _: GroupId) -> Result<Option<Group>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn put_group(
        &self,
        _: GroupId,
        _: &str,
        _: Option<SiteId>,
        _: Change,
    ) -> Result<Option<Rescoped>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn remove_group(&self, _: GroupId) -> Result<Option<Rescoped>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn members(&self, _: GroupId, _: Option<PersonId>, _: u32) -> Result<Vec<PersonId>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn put_members(&self, _: GroupId, _: &MemberChange) -> Result<Option<Rescoped>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn put_terms(&self, _: PersonId, _: &TermsChange, _: Change) -> Result<Option<Rescoped>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn door_gallery(&self, _: DoorId) -> Result<Option<Versioned<GalleryRule>>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn put_door_gallery(&self, _: DoorId, _: &GalleryRule, _: Change) -> Result<Option<Rescoped>, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn settle_validity(&self, _: UnixMillis) -> Result<Settled, StoreError> {
        unreachable!("{NOT_USED}")
    }
    async fn devices_of_person(&self, _: PersonId) -> Result<Vec<PersonAtDevice>, StoreError> {
        unreachable!("{NOT_USED}")
    }
}
