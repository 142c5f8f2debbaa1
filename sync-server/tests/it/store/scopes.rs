//! Who may be known where: a part of the story, and what must never be sent.

use std::collections::BTreeSet;
use std::time::Duration;

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{DeviceId, DoorId, GroupId, PersonId, SiteId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{ChunkKind, Revision};
use ostiary_server::domain::device::{Device, Door, Site};
use ostiary_server::domain::gallery::{
    GalleryPage, GalleryRule, Group, MemberChange, Rescoped, TermsChange, Validity, WalkQuestion,
};
use ostiary_server::domain::person::Person;
use ostiary_server::domain::recognition::Change;
use ostiary_server::ports::{Store, StoreError};

use super::sample::{NOW, pack, person, template};

const ALL: usize = usize::MAX;

/// Devices at two doors of one site, claimed.
pub struct Doors {
    pub site: SiteId,
    pub doors: Vec<DoorId>,
    pub devices: Vec<DeviceId>,
}

pub async fn doors(store: &dyn Store, names: &[&str]) -> Doors {
    let site = Site { id: SiteId::generate(), name: format!("site of {names:?}"), created_at: NOW };
    store.add_site(&site).await.unwrap();
    let mut made = Doors { site: site.id, doors: Vec::new(), devices: Vec::new() };
    for name in names {
        let door = Door { id: DoorId::generate(), site: site.id, name: (*name).to_owned(), created_at: NOW };
        store.add_door(&door).await.unwrap();
        let device = Device::pending(DeviceId::generate(), format!("cam {name}"), &door, NOW);
        store.add_device(&device).await.unwrap();
        let code_hash = format!("code of {}", device.id);
        let expires_at = NOW.plus(Duration::from_secs(9));
        let code = ostiary_server::domain::device::ClaimCode { device: device.id, code_hash, expires_at };
        store.put_claim_code(&code).await.unwrap();
        store.claim(&code.code_hash, "key", NOW).await.unwrap().unwrap();
        made.doors.push(door.id);
        made.devices.push(device.id);
    }
    made
}

pub async fn group(store: &dyn Store, name: &str, site: Option<SiteId>) -> GroupId {
    let group = Group { id: GroupId::generate(), name: name.to_owned(), site, created_at: NOW, version: 1, members: 0 };
    store.add_group(&group).await.unwrap();
    group.id
}

pub fn rule(groups: &[GroupId]) -> GalleryRule {
    GalleryRule::Groups(groups.iter().copied().collect())
}

pub const fn at(now: UnixMillis) -> Change {
    Change { expected: None, now }
}

fn question(device: DeviceId, have: Revision, digest: GalleryDigest) -> WalkQuestion {
    WalkQuestion { device, pack: pack(), have, digest, resume: None, most_bytes: ALL, now: NOW }
}

/// Who is told, with how many templates.
fn told(page: &GalleryPage) -> BTreeSet<(PersonId, usize)> {
    page.persons.iter().map(|change| (change.person, change.templates.len())).collect()
}

async fn everything(store: &dyn Store, device: DeviceId) -> BTreeSet<(PersonId, usize)> {
    told(&store.walk(&question(device, Revision(0), GalleryDigest::default())).await.unwrap())
}

/// Who may be known where, beside whatever else is in the store.
pub async fn scopes(store: &dyn Store) {
    let [ada, bob] = [person("Ada of the scopes"), person("Bob of the scopes")];
    let here = doors(store, &["lab", "hall"]).await;
    let [lab, hall] = [here.devices[0], here.devices[1]];
    for (n, someone) in [(80, &ada), (81, &bob)] {
        store.add_person(someone).await.unwrap();
        store.add_template(&template(someone.id, n)).await.unwrap();
    }
    let staff = groups(store, &here, &ada).await;
    let truth = store.truth(hall, &pack()).await.unwrap();
    let set = store.put_door_gallery(here.doors[0], &rule(&[staff]), at(NOW)).await.unwrap().unwrap();
    assert!(set.version == 1 && set.rev > Some(truth.rev), "{set:?}");
    assert_eq!(everything(store, lab).await, [(ada.id, 1)].into());
    assert_eq!(store.truth(hall, &pack()).await.unwrap().touched, truth.touched, "nothing of it concerns the hall");
    knowing(store, &here, &ada, &bob).await;
    comes_and_goes(store, &here, staff, (&ada, &bob)).await;
    its_time(store, lab, staff, &bob).await;
    ends_of_groups(store, &here, staff).await;
    for someone in [ada, bob] {
        store.remove_person(someone.id, NOW).await.unwrap();
    }
}

/// Groups are made, named and bound to sites.
async fn groups(store: &dyn Store, here: &Doors, ada: &Person) -> GroupId {
    let staff = group(store, "Staff", None).await;
    let twice = Group { id: GroupId::generate(), ..store.group(staff).await.unwrap().unwrap() };
    assert!(matches!(store.add_group(&twice).await, Err(StoreError::Conflict("group name"))));
    let nowhere = Group { id: GroupId::generate(), name: "x".into(), site: Some(SiteId::generate()), ..twice };
    assert!(matches!(store.add_group(&nowhere).await, Err(StoreError::NoSuch("site"))));
    assert_eq!(store.group(GroupId::generate()).await.unwrap(), None);
    let add = MemberChange { add: vec![ada.id], ..MemberChange::default() };
    assert_eq!(store.put_members(GroupId::generate(), &add).await.unwrap(), None);
    let nobody = MemberChange { add: vec![PersonId::generate()], ..MemberChange::default() };
    assert!(matches!(store.put_members(staff, &nobody).await, Err(StoreError::NoSuch("person"))));
    let before = store.revision().await.unwrap();
    let added = store.put_members(staff, &add).await.unwrap().unwrap();
    assert_eq!(added, Rescoped { version: 1, rev: Some(Revision(before.0 + 1)) });
    assert_eq!(store.put_members(staff, &add).await.unwrap().unwrap().rev, None, "in it already");
    assert_eq!(store.members(staff, None, 9).await.unwrap(), [ada.id]);
    assert_eq!(store.person(ada.id).await.unwrap().unwrap().groups, [staff]);
    let renamed = store.put_group(staff, "Staff and guests", None, at(NOW)).await.unwrap().unwrap();
    assert_eq!(renamed, Rescoped { version: 2, rev: None }, "a name is no door's business");
    let late = Change { expected: Some(1), now: NOW };
    assert!(matches!(store.put_group(staff, "x", None, late).await, Err(StoreError::Outdated { present: 2, .. })));
    assert_eq!(store.put_group(GroupId::generate(), "x", None, at(NOW)).await.unwrap(), None);
    let other = group(store, "Another", Some(here.site)).await;
    let taken = store.put_group(other, "Staff and guests", None, at(NOW)).await;
    assert!(matches!(taken, Err(StoreError::Conflict("group name"))));
    let names: Vec<_> = store.groups().await.unwrap().into_iter().map(|g| (g.name, g.members)).collect();
    assert_eq!(names, [("Another".to_owned(), 0), ("Staff and guests".to_owned(), 1)]);
    staff
}

/// What each device is to know is told beside what it said it holds.
async fn knowing(store: &dyn Store, here: &Doors, ada: &Person, bob: &Person) {
    for (someone, expected) in [(ada, [true, true]), (bob, [false, true])] {
        let found = store.devices_of_person(someone.id).await.unwrap();
        let of = |device| found.iter().find(|of| of.device == device).unwrap().may_hold;
        assert_eq!([of(here.devices[0]), of(here.devices[1])], expected);
    }
    let standings = store.standings(&pack()).await.unwrap();
    let lab = standings.iter().find(|standing| standing.root.device == here.devices[0]).unwrap();
    assert_eq!((lab.truth.size.persons, lab.held.map(|held| held.rev)), (1, None));
    assert_eq!(lab.truth, store.truth(here.devices[0], &pack()).await.unwrap());
    assert_eq!(store.door_gallery(DoorId::generate()).await.unwrap(), None);
    assert_eq!(store.put_door_gallery(DoorId::generate(), &rule(&[]), at(NOW)).await.unwrap(), None);
    let unknown = store.put_door_gallery(here.doors[1], &rule(&[GroupId::generate()]), at(NOW)).await;
    assert!(matches!(unknown, Err(StoreError::NoSuch("group"))));
    assert_eq!(store.door_gallery(here.doors[1]).await.unwrap().unwrap().value, GalleryRule::Everyone);
}

/// Who comes into a group is told to its doors, who leaves is gone there; a device that moves begins anew.
async fn comes_and_goes(store: &dyn Store, here: &Doors, staff: GroupId, (ada, bob): (&Person, &Person)) {
    let (lab, hall) = (here.devices[0], here.devices[1]);
    let held = store.truth(lab, &pack()).await.unwrap();
    let swap = MemberChange { add: vec![bob.id], remove: vec![ada.id] };
    store.put_members(staff, &swap).await.unwrap().unwrap();
    let changes = store.walk(&question(lab, held.rev, held.digest)).await.unwrap();
    assert_eq!((changes.walk.kind, told(&changes)), (ChunkKind::Changes, [(ada.id, 0), (bob.id, 1)].into()));
    let held = store.truth(hall, &pack()).await.unwrap();
    assert!(store.move_device(hall, here.doors[0], NOW).await.unwrap());
    let moved = store.walk(&question(hall, held.rev, held.digest)).await.unwrap();
    assert_eq!((moved.walk.kind, told(&moved)), (ChunkKind::Snapshot, [(bob.id, 1)].into()));
    assert!(store.move_device(hall, here.doors[1], NOW).await.unwrap());
    assert!(everything(store, hall).await.contains(&(ada.id, 1)));
}

/// The clock has persons come and go, to the moment, and back if it was wrong.
async fn its_time(store: &dyn Store, lab: DeviceId, staff: GroupId, bob: &Person) {
    let hour = Duration::from_secs(3600);
    let (begins, ends) = (NOW.plus(hour), NOW.plus(2 * hour));
    let validity = Some(Validity::parse(Some(begins), Some(ends)).unwrap());
    let terms = TermsChange { validity, groups: None };
    let present = store.person(bob.id).await.unwrap().unwrap();
    let set = store.put_terms(bob.id, &terms, Change { expected: Some(present.rev.0), now: NOW }).await.unwrap();
    let set = set.unwrap();
    assert_eq!(set.rev, Some(Revision(set.version)));
    assert_eq!(store.put_terms(bob.id, &terms, at(NOW)).await.unwrap().unwrap().rev, None, "so already");
    assert!(matches!(
        store.put_terms(bob.id, &TermsChange::default(), Change { expected: Some(present.rev.0), now: NOW }).await,
        Err(StoreError::Outdated { .. })
    ));
    let nowhere = TermsChange { groups: Some(vec![GroupId::generate()]), validity: None };
    assert!(matches!(store.put_terms(bob.id, &nowhere, at(NOW)).await, Err(StoreError::NoSuch("group"))));
    assert_eq!(store.put_terms(PersonId::generate(), &terms, at(NOW)).await.unwrap(), None);
    let kept = store.person(bob.id).await.unwrap().unwrap();
    assert_eq!((Some(kept.validity), kept.groups), (validity, vec![staff]));

    let known_at = async |now| {
        let page = store.walk(&WalkQuestion { now, ..question(lab, Revision(0), GalleryDigest::default()) }).await;
        told(&page.unwrap()).contains(&(bob.id, 1))
    };
    let before = |at: UnixMillis| UnixMillis(at.0 - 1);
    assert!(!known_at(before(begins)).await && known_at(begins).await);
    assert!(!known_at(before(begins)).await && known_at(begins).await, "the clock was a moment ahead");
    assert!(known_at(before(ends)).await && !known_at(ends).await, "from then on not");
    assert!(known_at(before(ends)).await && !known_at(ends).await, "the clock was a moment ahead");
    assert_eq!(store.settle_validity(ends).await.unwrap().flipped, 0, "the answers settled it");
    let back = store.settle_validity(begins).await.unwrap();
    assert_eq!((back.flipped, back.rev), (1, store.revision().await.unwrap()), "the clock was wrong");
    assert!(known_at(begins).await);
    let always = TermsChange { validity: Some(Validity::ALWAYS), groups: None };
    store.put_terms(bob.id, &always, at(begins)).await.unwrap().unwrap();
    assert_eq!(store.settle_validity(NOW).await.unwrap().flipped, 0);
}

/// A group bound to another site, and one that is removed, count no longer.
async fn ends_of_groups(store: &dyn Store, here: &Doors, staff: GroupId) {
    let lab = here.devices[0];
    let elsewhere = Site { id: SiteId::generate(), name: "elsewhere".into(), created_at: NOW };
    store.add_site(&elsewhere).await.unwrap();
    assert_eq!(everything(store, lab).await.len(), 1);
    for (site, known) in [(Some(elsewhere.id), 0), (Some(here.site), 1), (None, 1)] {
        store.put_group(staff, "Staff", site, at(NOW)).await.unwrap().unwrap();
        assert_eq!(everything(store, lab).await.len(), known, "{site:?}");
    }
    assert!(store.remove_group(staff).await.unwrap().unwrap().rev.is_some());
    assert_eq!(store.remove_group(staff).await.unwrap(), None);
    assert_eq!(store.door_gallery(here.doors[0]).await.unwrap().unwrap().value, rule(&[]));
    assert!(everything(store, lab).await.is_empty(), "a door without groups knows nobody");
    store.put_door_gallery(here.doors[0], &GalleryRule::Everyone, at(NOW)).await.unwrap().unwrap();
    assert_eq!(everything(store, lab).await, everything(store, here.devices[1]).await);
}
