//! What a reach shows is what it covers, and all of it: by random houses and grants, beside the rule itself.

use std::collections::BTreeSet;

use ostiary_common::ids::{DeviceId, DoorId, EventId, GroupId, PersonId, SiteId, StreamId};
use ostiary_common::wire::OutcomeKind;
use ostiary_server::domain::access::{Access, Circle, Grant, Permission, Reach, Role, Scope};
use ostiary_server::domain::device::{Device, Door, Site};
use ostiary_server::domain::event::{EventFilter, Page};
use ostiary_server::domain::gallery::{GalleryRule, Group};
use ostiary_server::domain::recognition::Change;
use ostiary_server::ports::Store;
use ostiary_server::ports::reach::ReachStore;
use ostiary_server::store::sql::SqlStore;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::place::{Place, on_both};
use super::sample::{NOW, batch, person, sqlite, visit};

/// A random house, as the test knows it.
#[derive(Default)]
struct House {
    sites: Vec<SiteId>,
    doors: Vec<(DoorId, SiteId, GalleryRule)>,
    devices: Vec<(DeviceId, DoorId)>,
    groups: Vec<(GroupId, Option<SiteId>)>,
    persons: Vec<(PersonId, Vec<GroupId>)>,
    events: Vec<(EventId, DoorId, Option<PersonId>)>,
}

fn some<T: Copy>(chance: &mut StdRng, of: &[T], share: f64) -> Vec<T> {
    of.iter().copied().filter(|_| chance.random_bool(share)).collect()
}

impl House {
    async fn build(store: &dyn Store, chance: &mut StdRng) -> Self {
        let mut house = Self::default();
        for number in 0..3 {
            let site = Site { id: SiteId::generate(), name: format!("site {number}"), created_at: NOW };
            store.add_site(&site).await.unwrap();
            house.sites.push(site.id);
        }
        for number in 0..5 {
            let site = chance.random_bool(0.7).then(|| *house.sites.choose(chance).unwrap());
            let (id, name) = (GroupId::generate(), format!("group {number}"));
            store.add_group(&Group { id, name, site, created_at: NOW, version: 1, members: 0 }).await.unwrap();
            house.groups.push((id, site));
        }
        for number in 0..5 {
            house.add_door(store, chance, number).await;
        }
        let groups: Vec<GroupId> = house.groups.iter().map(|(id, _)| *id).collect();
        for number in 0..8 {
            let mut someone = person(&format!("person {number}"));
            someone.groups = some(chance, &groups, 0.25);
            store.add_person(&someone).await.unwrap();
            house.persons.push((someone.id, someone.groups));
        }
        house.watch(store, chance).await;
        house
    }

    async fn add_door(&mut self, store: &dyn Store, chance: &mut StdRng, number: u32) {
        let site = *self.sites.choose(chance).unwrap();
        let door = Door { id: DoorId::generate(), site, name: format!("door {number}"), created_at: NOW };
        store.add_door(&door).await.unwrap();
        let groups: Vec<GroupId> = self.groups.iter().map(|(id, _)| *id).collect();
        let named = GalleryRule::Groups(some(chance, &groups, 0.3).into_iter().collect());
        let rule = if chance.random_bool(0.15) { GalleryRule::Everyone } else { named };
        store.put_door_gallery(door.id, &rule, Change { expected: None, now: NOW }).await.unwrap();
        let device = Device::pending(DeviceId::generate(), format!("camera {number}"), &door, NOW);
        store.add_device(&device).await.unwrap();
        self.devices.push((device.id, door.id));
        self.doors.push((door.id, site, rule));
    }

    /// Events at every door, then a device moves: they stay where they were seen.
    async fn watch(&mut self, store: &dyn Store, chance: &mut StdRng) {
        for (device, door) in self.devices.clone() {
            let mut events = Vec::new();
            for seq in 1..=chance.random_range(1..=4) {
                let who = chance.random_bool(0.5).then(|| self.persons.choose(chance).unwrap().0);
                let kind = if who.is_some() { OutcomeKind::Match } else { OutcomeKind::Unknown };
                let event = visit(seq, kind, who, Some(&[0xFF, 0xD8, 0xFF, 1]));
                self.events.push((event.id, door, who));
                events.push(event);
            }
            store.ingest(&batch(device, StreamId::generate(), events)).await.unwrap();
        }
        let mover = chance.random_range(0..self.devices.len());
        let to = self.doors.choose(chance).unwrap().0;
        assert!(store.move_device(self.devices[mover].0, to, NOW).await.unwrap());
        self.devices[mover].1 = to;
    }

    fn site_of(&self, door: DoorId) -> SiteId {
        self.doors.iter().find(|(id, ..)| *id == door).unwrap().1
    }

    fn covers(&self, reach: &Reach, door: DoorId) -> bool {
        reach.covers(self.site_of(door), door)
    }

    fn group_site(&self, group: GroupId) -> Option<Option<SiteId>> {
        self.groups.iter().find(|(id, _)| *id == group).map(|(_, site)| *site)
    }

    /// Somebody is seen if a door within may know them, or one of their groups belongs to a site within.
    fn sees(&self, reach: &Reach, groups: &[GroupId]) -> bool {
        let within = |(door, site, rule): &(DoorId, SiteId, GalleryRule)| {
            reach.covers(*site, *door) && rule.at(*site, |group| self.group_site(group)).admits(groups)
        };
        let of_site = |group: &GroupId| self.group_site(*group).flatten().is_some_and(|site| reach.covers_site(site));
        reach.is_everything() || self.doors.iter().any(within) || groups.iter().any(of_site)
    }

    /// Whether a group shows by itself, whoever is in it: as one alone, at doors that name groups.
    fn shows(&self, reach: &Reach, group: GroupId) -> bool {
        let names = |(door, site, rule): &(DoorId, SiteId, GalleryRule)| {
            let counts = rule.at(*site, |group| self.group_site(group)).admits(&[group]);
            reach.covers(*site, *door) && *rule != GalleryRule::Everyone && counts
        };
        let own = self.group_site(group).flatten().is_some_and(|site| reach.covers_site(site));
        reach.is_everything() || own || self.doors.iter().any(names)
    }

    fn random_access(&self, chance: &mut StdRng) -> Access {
        let mut grants = Vec::new();
        for _ in 0..chance.random_range(0..4) {
            let scope = match chance.random_range(0..10) {
                0 => Scope::Everything,
                1..4 => Scope::Site(*self.sites.choose(chance).unwrap()),
                _ => Scope::Door(self.doors.choose(chance).unwrap().0),
            };
            grants.push(Grant { role: *Role::ALL.choose(chance).unwrap(), scope });
        }
        Access::new(grants)
    }
}

/// Ids in order, for a comparison that says what differs.
fn set<T: Ord>(ids: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    ids.into_iter().collect()
}

async fn all_persons(store: &dyn ReachStore, circle: &Circle) -> Vec<PersonId> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.persons_within(circle, after, 2).await.unwrap();
        let Some(last) = page.last() else { return found };
        after = Some(last.id);
        found.extend(page.iter().map(|person| person.id));
    }
}

async fn all_events(store: &dyn ReachStore, reach: &Reach, filter: &EventFilter, newest_first: bool) -> Vec<EventId> {
    let (mut found, mut page) = (Vec::new(), if newest_first { Page::Before(None) } else { Page::After(0) });
    loop {
        let events = store.events_within(reach, filter, page, 3).await.unwrap();
        let Some(last) = events.last() else { return found };
        page = if newest_first { Page::Before(Some(last.cursor)) } else { Page::After(last.cursor) };
        found.extend(events.iter().map(|event| event.record.id));
    }
}

async fn check_places(store: &dyn ReachStore, house: &House, reach: &Reach) {
    let doors = store.doors_within(reach).await.unwrap();
    let expected = house.doors.iter().map(|(door, ..)| *door).filter(|door| house.covers(reach, *door));
    assert_eq!(set(doors.iter().map(|door| door.id)), set(expected), "doors of {reach:?}");
    for (door, ..) in &house.doors {
        let found = store.door_within(reach, *door).await.unwrap().is_some();
        assert_eq!(found, house.covers(reach, *door), "door {door} of {reach:?}");
    }
    let sites = store.sites_within(reach).await.unwrap().into_iter().map(|site| site.id);
    let seen = |site: &SiteId| reach.covers_site(*site) || doors.iter().any(|door| door.site == *site);
    assert_eq!(set(sites), set(house.sites.iter().copied().filter(seen)), "sites of {reach:?}");
    let devices = store.devices_within(reach).await.unwrap().into_iter().map(|device| device.id);
    let expected = house.devices.iter().filter(|(_, door)| house.covers(reach, *door)).map(|(device, _)| *device);
    assert_eq!(set(devices), set(expected), "devices of {reach:?}");
    for (device, door) in &house.devices {
        let found = store.device_within(reach, *device).await.unwrap().is_some();
        assert_eq!(found, house.covers(reach, *door), "device {device} of {reach:?}");
    }
}

async fn check_persons(store: &dyn ReachStore, house: &House, reach: &Reach) {
    let circle = store.circle(reach).await.unwrap();
    let seen = house.persons.iter().filter(|(_, groups)| house.sees(reach, groups)).map(|(id, _)| *id);
    let seen: Vec<PersonId> = set(seen).into_iter().collect();
    assert_eq!(all_persons(store, &circle).await, seen, "persons of {reach:?}, each once and in order");
    for (id, groups) in &house.persons {
        assert_eq!(circle.admits(groups), seen.contains(id), "person {id} of {reach:?}");
        assert_eq!(store.all_within(&circle, &[*id]).await.unwrap(), seen.contains(id));
    }
    assert!(store.all_within(&circle, &seen).await.unwrap());
    assert!(!store.all_within(&circle, &[PersonId::generate()]).await.unwrap());
    let groups = store.groups_within(reach).await.unwrap().into_iter().map(|group| group.id);
    let expected = house.groups.iter().map(|(group, _)| *group).filter(|group| house.shows(reach, *group));
    assert_eq!(set(groups), set(expected), "groups of {reach:?}");
    for (group, site) in &house.groups {
        assert_eq!(circle.shows(*group), house.shows(reach, *group), "group {group} of {reach:?}");
        let owned = reach.is_everything() || site.is_some_and(|site| reach.covers_site(site));
        assert_eq!(circle.owns_group(*group), owned, "group {group} of {reach:?}");
    }
}

async fn check_events(store: &dyn ReachStore, house: &House, reach: &Reach, chance: &mut StdRng) {
    let (who, (door, ..)) = (house.persons.choose(chance).unwrap().0, house.doors.choose(chance).unwrap());
    let (device, _) = house.devices.choose(chance).unwrap();
    let of_device = |device| EventFilter { device: Some(device), ..EventFilter::default() };
    let at = |wanted: DoorId| EventFilter { door: Some(wanted), ..EventFilter::default() };
    let of = |wanted: PersonId| EventFilter { person: Some(wanted), ..EventFilter::default() };
    let check = async |filter: EventFilter, wanted: &dyn Fn(DoorId, Option<PersonId>) -> bool| {
        let within = house.events.iter().filter(|(_, at, seen)| house.covers(reach, *at) && wanted(*at, *seen));
        let expected: Vec<EventId> = within.map(|(id, ..)| *id).collect();
        assert_eq!(all_events(store, reach, &filter, false).await, expected, "{filter:?} of {reach:?}");
        let reversed: Vec<EventId> = expected.into_iter().rev().collect();
        assert_eq!(all_events(store, reach, &filter, true).await, reversed, "{filter:?} of {reach:?}");
    };
    check(EventFilter::default(), &|_, _| true).await;
    check(at(*door), &|at, _| at == *door).await;
    check(of(who), &|_, seen| seen == Some(who)).await;
    for event in store.events_within(reach, &of_device(*device), Page::Before(None), 50).await.unwrap() {
        assert!(event.device == *device && reach.covers(event.site, event.door));
    }
    for (id, door, _) in &house.events {
        let seen = store.event_within(reach, *id).await.unwrap().is_some();
        assert_eq!(seen, house.covers(reach, *door), "event {id} of {reach:?}");
        assert_eq!(store.crop_within(reach, *id).await.unwrap().is_some(), seen, "its picture");
    }
}

async fn shows_what_it_covers(store: &SqlStore, seed: u64) {
    let mut chance = StdRng::seed_from_u64(seed);
    let house = House::build(store, &mut chance).await;
    for _ in 0..12 {
        let access = house.random_access(&mut chance);
        let reach = access.reach(*Permission::ALL.choose(&mut chance).unwrap());
        check_places(store, &house, &reach).await;
        check_persons(store, &house, &reach).await;
        check_events(store, &house, &reach, &mut chance).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_reach_shows_what_it_covers_and_all_of_it(seed: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_place, store) = sqlite().await;
            shows_what_it_covers(&store, seed).await;
        });
    }
}

on_both!(a_random_house);

async fn a_random_house(place: Place) {
    let seed = rand::random();
    println!("seed {seed}");
    shows_what_it_covers(&place.open().await, seed).await;
}
