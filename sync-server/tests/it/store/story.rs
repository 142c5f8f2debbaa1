//! One story that uses every method of the store. It knows no database: each one tells it.

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{DeviceId, DoorId, EventId, PersonId, SiteId, StreamId, TemplateId, TokenId};
use ostiary_common::wire::{
    ChunkKind, ConfigReported, DeviceSettings, GalleryAck, LivenessPolicy, OutcomeKind, Revision,
};
use ostiary_server::domain::audit::{AuditEntry, AuditFilter, AuditPosition, AuditResult};
use ostiary_server::domain::device::{ClaimCode, Device, DeviceState, Door, Site};
use ostiary_server::domain::event::{AcceptedGap, EventFilter, EventKind, Page};
use ostiary_server::domain::gallery::{GallerySize, GalleryTruth, WalkQuestion};
use ostiary_server::domain::recognition::{Change, InstallationRules, Layer, Share, Similarity, Versioned};
use ostiary_server::ports::{Store, StoreError};

use super::place::{Place, on_both};
use super::sample::{NOW, batch, device, pack, person, report, template, visit};
use super::scopes::scopes;

on_both!(the_story);

async fn the_story(place: Place) {
    story(Arc::new(place.open().await)).await;
}

/// What every store must do.
async fn story(store: Arc<dyn Store>) {
    let device = devices(&*store).await;
    claims(&*store, &device).await;
    presence(&*store, device.id).await;
    rules(&*store).await;
    let known = gallery(&*store, device.id).await;
    events(&*store, &device, known).await;
    audit(&*store).await;
    scopes(&*store).await;
}

async fn devices(store: &dyn Store) -> Device {
    let made = device(store, "cam-1").await;
    let again = Site { id: SiteId::generate(), name: "site of cam-1".into(), created_at: NOW };
    assert!(matches!(store.add_site(&again).await, Err(StoreError::Conflict("site name"))));
    let lost = Door { id: DoorId::generate(), site: SiteId::generate(), name: "x".into(), created_at: NOW };
    assert!(matches!(store.add_door(&lost).await, Err(StoreError::NoSuch("site"))));
    let twice = Device { id: DeviceId::generate(), ..made.clone() };
    assert!(matches!(store.add_device(&twice).await, Err(StoreError::Conflict("device name"))));
    assert_eq!((store.sites().await.unwrap().len(), store.doors().await.unwrap().len()), (1, 1));
    assert_eq!(store.site(made.site).await.unwrap().unwrap().name, "site of cam-1");
    assert_eq!(store.door(made.door).await.unwrap().unwrap().site, made.site);
    assert!(store.site(SiteId::generate()).await.unwrap().is_none());
    assert!(store.door(DoorId::generate()).await.unwrap().is_none());
    assert_eq!(store.devices().await.unwrap().len(), 1);
    assert_eq!(store.device(made.id).await.unwrap().unwrap().state, DeviceState::Pending);
    assert!(store.device(DeviceId::generate()).await.unwrap().is_none());
    made
}

async fn claims(store: &dyn Store, device: &Device) {
    let later = NOW.plus(Duration::from_secs(60));
    let code = |hash: &str| ClaimCode { device: device.id, code_hash: hash.into(), expires_at: later };
    let nowhere = ClaimCode { device: DeviceId::generate(), ..code("lost") };
    assert!(matches!(store.put_claim_code(&nowhere).await, Err(StoreError::NoSuch("device"))));
    store.put_claim_code(&code("first")).await.unwrap();
    store.put_claim_code(&code("second")).await.unwrap();
    assert!(store.claim("first", "key", NOW).await.unwrap().is_none(), "replaced");
    assert!(store.claim("second", "key", later).await.unwrap().is_none(), "over");
    let claimed = store.claim("second", "key", NOW).await.unwrap().unwrap();
    assert_eq!((claimed.state, claimed.public_key_pem.as_deref()), (DeviceState::Active, Some("key")));
    assert!(store.claim("second", "key", NOW).await.unwrap().is_none(), "used");
    let jti = TokenId::generate();
    assert!(store.use_assertion(jti, later).await.unwrap());
    assert!(!store.use_assertion(jti, later).await.unwrap());
    revocation(store).await;
}

async fn revocation(store: &dyn Store) {
    let shut_out = device(store, "cam-2").await;
    let expires_at = NOW.plus(Duration::from_secs(60));
    store.put_claim_code(&ClaimCode { device: shut_out.id, code_hash: "third".into(), expires_at }).await.unwrap();
    assert!(store.revoke_device(shut_out.id, NOW).await.unwrap());
    assert!(!store.revoke_device(DeviceId::generate(), NOW).await.unwrap());
    assert!(store.claim("third", "key", NOW).await.unwrap().is_none(), "revoked");
    // Not even with a code made after, as a race could.
    store.put_claim_code(&ClaimCode { device: shut_out.id, code_hash: "fourth".into(), expires_at }).await.unwrap();
    assert!(store.claim("fourth", "key", NOW).await.unwrap().is_none(), "revoked for good");
    assert_eq!(store.device(shut_out.id).await.unwrap().unwrap().state, DeviceState::Revoked);
}

async fn presence(store: &dyn Store, id: DeviceId) {
    let later = NOW.plus(Duration::from_secs(9));
    assert!(store.put_presence(id, "online", 7, "1.0", NOW).await.unwrap());
    assert!(store.put_presence(id, "online", 7, "1.0", later).await.unwrap());
    assert!(!store.put_presence(id, "lost", 6, "1.0", later).await.unwrap(), "a late will");
    store.put_info(id, "{\"hardware\":\"pi\"}", later).await.unwrap();
    store.put_health(id, "{\"up\":1}", later).await.unwrap();
    let settings = DeviceSettings { min_face_px: Some(70), ..DeviceSettings::default() };
    assert_eq!(store.put_config(id, &settings).await.unwrap(), Some(1));
    assert_eq!(store.put_config(id, &settings).await.unwrap(), Some(2));
    assert_eq!(store.put_config(DeviceId::generate(), &settings).await.unwrap(), None);
    let reported = ConfigReported { version: 2, error: None, settings: settings.clone() };
    store.put_config_reported(id, &reported, later).await.unwrap();
    let found = store.device(id).await.unwrap().unwrap();
    let presence = &found.presence;
    assert_eq!((presence.state.as_str(), presence.session), ("online", 7));
    assert_eq!((presence.since, presence.last_seen_at), (Some(NOW), Some(later)), "the state did not change");
    assert_eq!(presence.info_json.as_deref(), Some("{\"hardware\":\"pi\"}"));
    assert_eq!(presence.health_json.as_deref(), Some("{\"up\":1}"));
    assert_eq!(presence.reported.as_ref(), Some(&reported));
    assert_eq!((found.config_version, found.config), (2, settings));
}

/// What an admin chooses reaches exactly the devices it concerns.
async fn rules(store: &dyn Store) {
    let (front, back) = (device(store, "front").await, device(store, "back").await);
    let version = async |id| store.device(id).await.unwrap().unwrap().config_version;
    let target = async |id| store.device(id).await.unwrap().unwrap().desired().target_fpir;
    assert_eq!((version(front.id).await, target(front.id).await), (0, None), "nothing was ever set");
    let change = |expected| Change { expected, now: NOW };
    let share = |share| Some(Share::parse(share).unwrap());
    let one_percent = InstallationRules { target_fpir: share(0.01), ..InstallationRules::default() };
    let set = store.put_recognition(&one_percent, change(Some(0))).await.unwrap();
    assert_eq!((set.version, set.devices.len()), (1, store.devices().await.unwrap().len()));
    let stored = store.recognition().await.unwrap();
    assert_eq!((stored.value, stored.version, stored.changed_at), (one_percent, 1, Some(NOW)));
    let late = store.put_recognition(&InstallationRules::default(), change(Some(0))).await;
    assert!(matches!(late, Err(StoreError::Outdated { expected: 0, present: 1 })), "{late:?}");
    assert_eq!((version(front.id).await, target(front.id).await), (1, Some(0.01)));
    let only_here = InstallationRules { lookalike: Some(Similarity::parse(0.8).unwrap()), ..one_percent };
    assert!(store.put_recognition(&only_here, change(None)).await.unwrap().devices.is_empty(), "no device's business");

    assert_eq!(store.door_recognition(DoorId::generate()).await.unwrap(), None);
    assert_eq!(store.put_door_recognition(DoorId::generate(), &Layer::default(), change(None)).await.unwrap(), None);
    assert_eq!(store.door_recognition(front.door).await.unwrap().unwrap(), Versioned::default());
    let strict = Layer { target_fpir: share(0.001), liveness: Some(LivenessPolicy::Block), ..Layer::default() };
    let set = store.put_door_recognition(front.door, &strict, change(Some(0))).await.unwrap().unwrap();
    assert_eq!((set.version, set.devices), (1, vec![front.id]));
    assert_eq!(store.door_recognition(front.door).await.unwrap().unwrap().value, strict);
    let again = store.put_door_recognition(front.door, &strict, change(Some(1))).await.unwrap().unwrap();
    assert_eq!((again.version, again.devices.len()), (2, 0), "the device is told nothing new");
    let late = store.put_door_recognition(front.door, &Layer::default(), change(Some(1))).await;
    assert!(matches!(late, Err(StoreError::Outdated { .. })));
    moves(store, &back).await;
    let own = DeviceSettings { target_fpir: Some(0.1), ..DeviceSettings::default() };
    store.put_config(front.id, &own).await.unwrap();
    assert_eq!(target(front.id).await, Some(0.1), "the device's own word is the nearest");
    let open = store.put_door_recognition(front.door, &Layer::default(), change(None)).await.unwrap().unwrap();
    assert!(!open.devices.is_empty(), "liveness is inherited still");
    assert_eq!(store.device(front.id).await.unwrap().unwrap().desired(), own);
}

/// A device takes what its new door says, and a new device starts with it.
async fn moves(store: &dyn Store, back: &Device) {
    let gate = Door { id: DoorId::generate(), site: back.site, name: "gate".into(), created_at: NOW };
    store.add_door(&gate).await.unwrap();
    let layer = Layer { match_threshold: Some(Similarity::parse(0.75).unwrap()), ..Layer::default() };
    store.put_door_recognition(gate.id, &layer, Change { expected: None, now: NOW }).await.unwrap();
    assert!(!store.move_device(back.id, DoorId::generate(), NOW).await.unwrap());
    assert!(!store.move_device(DeviceId::generate(), gate.id, NOW).await.unwrap());
    let before = store.device(back.id).await.unwrap().unwrap().config_version;
    assert!(store.move_device(back.id, gate.id, NOW).await.unwrap());
    let moved = store.device(back.id).await.unwrap().unwrap();
    assert_eq!((moved.door, moved.config_version), (gate.id, before + 1));
    assert_eq!((moved.desired().match_threshold, moved.desired().target_fpir), (Some(0.75), Some(0.01)));
    let added = Device::pending(DeviceId::generate(), "at the gate".into(), &gate, NOW);
    store.add_device(&added).await.unwrap();
    let added = store.device(added.id).await.unwrap().unwrap();
    assert_eq!((added.config_version, added.desired().match_threshold), (1, Some(0.75)));
}

async fn gallery(store: &dyn Store, device: DeviceId) -> PersonId {
    let empty = GalleryDigest::default();
    let nothing = store.walk(&question(device, 0, empty)).await.unwrap();
    assert_eq!((nothing.walk.kind, nothing.persons.len(), nothing.to_rev), (ChunkKind::Changes, 0, Revision(0)));
    assert!(nothing.last);
    let (ada, bob) = (person("Ada"), person("Bob"));
    store.add_person(&ada).await.unwrap();
    store.add_person(&bob).await.unwrap();
    assert_eq!(store.revision().await.unwrap(), Revision(0), "a person without templates changes no gallery");
    let lost = template(PersonId::generate(), 9);
    assert!(matches!(store.add_template(&lost).await, Err(StoreError::NoSuch("person"))));
    let first = template(ada.id, 1);
    assert_eq!(store.add_template(&first).await.unwrap(), (first.id, Some(Revision(1))));
    let again = template(ada.id, 1);
    assert_eq!(store.add_template(&again).await.unwrap(), (first.id, None), "the same photo");
    let (second, of_bob) = (template(ada.id, 2), template(bob.id, 3));
    store.add_template(&second).await.unwrap();
    assert_eq!(store.add_template(&of_bob).await.unwrap().1, Some(Revision(3)));
    persons(store, ada.id, bob.id).await;
    sync(store, device, (ada.id, [first.id, second.id]), bob.id).await;
    let size = store.gallery_size(&pack()).await.unwrap();
    assert_eq!((size.persons, size.templates), (1, 1));
    ada.id
}

async fn persons(store: &dyn Store, ada: PersonId, bob: PersonId) {
    let found = store.person(ada).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.templates, found.rev), ("Ada", 2, Revision(2)));
    assert!(store.person(PersonId::generate()).await.unwrap().is_none());
    let ids = async |after, limit| -> Vec<PersonId> {
        store.persons(after, limit).await.unwrap().iter().map(|person| person.id).collect()
    };
    assert_eq!(ids(None, 1).await, [ada]);
    assert_eq!(ids(Some(ada), 5).await, [bob]);
    let templates = store.templates(ada).await.unwrap();
    assert_eq!(templates[0].embedding, [0.6, 0.8, 1.0]);
    assert_eq!(store.all_templates(&pack()).await.unwrap().len(), 3);
}

fn question(device: DeviceId, have: u64, digest: GalleryDigest) -> WalkQuestion {
    let (have, most_bytes) = (Revision(have), usize::MAX);
    WalkQuestion { device, pack: pack(), have, digest, resume: None, most_bytes, now: NOW }
}

async fn sync(store: &dyn Store, device: DeviceId, (ada, [first, second]): (PersonId, [TemplateId; 2]), bob: PersonId) {
    let delta = async |have, digest: &GalleryDigest| store.walk(&question(device, have, *digest)).await.unwrap();
    let at = |templates: &[TemplateId]| GalleryDigest::of(templates.iter().map(|id| (*id, 1)));
    let changes = delta(2, &at(&[first, second])).await;
    assert_eq!((changes.walk.kind, changes.persons.len()), (ChunkKind::Changes, 1));
    assert_eq!((changes.persons[0].person, changes.to_rev), (bob, Revision(3)));
    let wrong = delta(3, &at(&[first])).await;
    assert_eq!((wrong.walk.kind, wrong.persons.len()), (ChunkKind::Snapshot, 2), "same revision, other content");
    assert_eq!(delta(99, &at(&[first])).await.walk.kind, ChunkKind::Snapshot, "a revision we never had");
    assert_eq!(delta(0, &GalleryDigest::default()).await.walk.kind, ChunkKind::Snapshot);

    assert_eq!(store.remove_template(second).await.unwrap(), Some(Revision(4)));
    assert_eq!(store.remove_template(second).await.unwrap(), None);
    assert_eq!(store.remove_person(bob, NOW).await.unwrap(), Some(Revision(5)));
    assert_eq!(store.remove_person(bob, NOW).await.unwrap(), None);
    let changes = delta(3, &at(&[])).await;
    let told: Vec<_> = changes.persons.iter().map(|p| (p.person, p.rev, p.templates.len())).collect();
    assert_eq!(told, [(ada, Revision(4), 1), (bob, Revision(5), 0)]);
    let GalleryTruth { rev, digest, touched, size } = store.truth(device, &pack()).await.unwrap();
    assert_eq!((touched, size), (Revision(5), GallerySize { persons: 1, templates: 1 }));
    assert!(matches!(store.truth(DeviceId::generate(), &pack()).await, Err(StoreError::NoSuch("device"))));
    assert_eq!((rev, digest), (Revision(5), at(&[first])));
    assert_eq!(changes.digest, digest);
    assert!(delta(5, &digest).await.persons.is_empty());
    let ack = GalleryAck { rev, digest, persons: 1, templates: 1, proof: None };
    store.put_held(device, &ack, NOW).await.unwrap();
    let held = store.device(device).await.unwrap().unwrap().held.unwrap();
    assert_eq!((held.rev, held.digest, held.persons), (rev, digest, 1));
}

async fn events(store: &dyn Store, device: &Device, known: PersonId) {
    assert_eq!(store.newest_cursor().await.unwrap(), 0);
    let stream = StreamId::generate();
    let seen = visit(1, OutcomeKind::Match, Some(known), Some(b"jpeg"));
    let stranger = visit(2, OutcomeKind::Unknown, None, None);
    let (seen_id, stranger_id) = (seen.id, stranger.id);
    let first = batch(device.id, stream, vec![seen, stranger]);
    let done = store.ingest(&first).await.unwrap();
    assert_eq!((done.upto_seq, done.stored.len(), done.duplicates), (2, 2, 0));
    let again = store.ingest(&first).await.unwrap();
    assert_eq!((again.upto_seq, again.stored.len(), again.duplicates), (2, 0, 2));
    let foreign = batch(DeviceId::generate(), stream, vec![report(1)]);
    let late = batch(device.id, stream, vec![report(5)]);
    let both = store.ingest_many(&[foreign, late]).await.unwrap();
    assert!(matches!(both[0], Err(StoreError::NoSuch("device"))));
    let hole = both[1].as_ref().unwrap();
    assert_eq!((hole.upto_seq, hole.missing_from), (2, Some(3)));
    let gap = store.accept_gap(device.id, stream).await.unwrap();
    assert_eq!(gap, Some(AcceptedGap { first: 3, last: 4, upto_seq: 5 }));
    assert_eq!(store.accept_gap(device.id, stream).await.unwrap(), None);
    lists(store, device, known, [seen_id, stranger_id]).await;
}

async fn lists(store: &dyn Store, device: &Device, known: PersonId, [seen, stranger]: [EventId; 2]) {
    let cursors = async |filter: EventFilter, page, limit| -> Vec<i64> {
        store.events(&filter, page, limit).await.unwrap().iter().map(|event| event.cursor).collect()
    };
    let any = EventFilter::default;
    // Cursors rise; that they have no gaps is not promised.
    let Ok([first, second, third]) = <[i64; 3]>::try_from(cursors(any(), Page::After(0), 9).await) else {
        panic!("three events")
    };
    assert!(first < second && second < third);
    assert_eq!(cursors(any(), Page::Before(None), 2).await, [third, second]);
    assert_eq!(cursors(any(), Page::Before(Some(second)), 2).await, [first]);
    assert_eq!(cursors(any(), Page::After(first), 9).await, [second, third]);
    let kind = |kind| EventFilter { kinds: vec![kind], ..any() };
    assert_eq!(cursors(kind(EventKind::Match), Page::After(0), 9).await, [first]);
    assert_eq!(cursors(kind(EventKind::Report), Page::After(0), 9).await, [third]);
    let of = EventFilter { person: Some(known), device: Some(device.id), door: Some(device.door), ..any() };
    assert_eq!(cursors(of, Page::After(0), 9).await, [first]);
    let elsewhere = EventFilter { door: Some(DoorId::generate()), ..any() };
    assert!(cursors(elsewhere, Page::After(0), 9).await.is_empty());
    assert_eq!(store.newest_cursor().await.unwrap(), third);
    let event = store.event(seen).await.unwrap().unwrap();
    assert_eq!((event.person_name.as_deref(), event.has_crop), (Some("Ada"), true));
    assert_eq!(event.published_at, Some(NOW.plus(Duration::from_millis(250))), "when its batch was sent");
    assert!(event.record.visit.unwrap().crop_jpeg.is_none(), "lists do not carry pictures");
    assert_eq!(store.crop(seen).await.unwrap().as_deref(), Some(b"jpeg".as_slice()));
    assert_eq!(store.crop(stranger).await.unwrap(), None);
    assert!(store.event(EventId::generate()).await.unwrap().is_none());
    store.remove_person(known, NOW).await.unwrap();
    let event = store.event(seen).await.unwrap().unwrap();
    assert_eq!(event.person_name, None, "an event outlives the person, the name does not");
}

async fn audit(store: &dyn Store) {
    for n in 0..3 {
        let entry = AuditEntry {
            at: NOW,
            actor: "cli".into(),
            action: format!("test.{n}"),
            target: String::new(),
            source: String::new(),
            result: AuditResult::Refused,
            detail: String::new(),
        };
        store.audit(&entry).await.unwrap();
    }
    let any = AuditFilter::default();
    let newest = store.audit_lines(&any, None, 2).await.unwrap();
    assert_eq!(newest.iter().map(|line| line.entry.action.as_str()).collect::<Vec<_>>(), ["test.2", "test.1"]);
    let below = AuditPosition { at: NOW, seq: newest[1].point.seq };
    let rest = store.audit_lines(&any, Some(below), 9).await.unwrap();
    assert_eq!((rest.len(), rest[0].entry.result), (1, AuditResult::Refused));
}
