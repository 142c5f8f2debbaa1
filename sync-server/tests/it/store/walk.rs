//! Devices walk over the gallery page by page while everything changes: nobody is left out, nobody is sent whom the
//! device may not know, and it ends with exactly what may be held.

use std::collections::BTreeMap;
use std::time::Duration;

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{DeviceId, GroupId, PersonId, SiteId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{ChunkKind, GalleryPlace, GalleryWalk, Revision};
use ostiary_server::domain::gallery::{GalleryRule, MemberChange, TermsChange, Validity, WalkQuestion, may_hold};
use ostiary_server::ports::{DeviceStore, GalleryStore, PersonStore, ScopeStore};
use ostiary_server::store::sql::SqlStore;
use proptest::prelude::*;

use super::place::Place;
use super::sample::{NOW, pack, person, template};
use super::scopes::{Doors, at, doors, group, rule};

const PERSONS: usize = 5;
const GROUPS: usize = 3;
const DOORS: usize = 3;

/// What may happen between two pages.
#[derive(Clone, Debug)]
enum Step {
    Enroll(usize),
    Forget(usize),
    Remove(usize),
    Members { group: usize, add: Vec<usize>, remove: Vec<usize> },
    Valid { person: usize, from_s: Option<u64>, until_s: Option<u64> },
    Rule { door: usize, groups: Option<Vec<usize>> },
    Bind { group: usize, here: bool },
    Move { device: usize, door: usize },
    Pass(u64),
    Page { device: usize, most_bytes: usize },
    Lose(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let persons = || prop::collection::vec(0..PERSONS, 0..3);
    let groups = prop::option::weighted(0.8, prop::collection::vec(0..GROUPS, 0..3));
    prop_oneof![
        3 => (0..PERSONS).prop_map(Step::Enroll),
        1 => (0..PERSONS).prop_map(Step::Forget),
        1 => (0..PERSONS).prop_map(Step::Remove),
        3 => (0..GROUPS, persons(), persons()).prop_map(|(group, add, remove)| Step::Members { group, add, remove }),
        2 => (0..PERSONS, prop::option::of(0..30u64), prop::option::of(30..60u64))
            .prop_map(|(person, from_s, until_s)| Step::Valid { person, from_s, until_s }),
        2 => (0..DOORS, groups).prop_map(|(door, groups)| Step::Rule { door, groups }),
        1 => (0..GROUPS, any::<bool>()).prop_map(|(group, here)| Step::Bind { group, here }),
        1 => (0..DOORS, 0..DOORS).prop_map(|(device, door)| Step::Move { device, door }),
        2 => (1..20u64).prop_map(Step::Pass),
        12 => (0..DOORS, prop_oneof![Just(1), Just(250), Just(usize::MAX)])
            .prop_map(|(device, most_bytes)| Step::Page { device, most_bytes }),
        1 => (0..DOORS).prop_map(Step::Lose),
    ]
}

type Holdings = BTreeMap<PersonId, Vec<TemplateId>>;

/// A device as it walks.
#[derive(Default)]
struct Walker {
    rev: Revision,
    held: Holdings,
    /// The walk under way, and what it has come to.
    under_way: Option<(GalleryWalk, Holdings)>,
}

/// A person as the test knows one.
#[derive(Clone)]
struct Someone {
    id: PersonId,
    templates: Vec<TemplateId>,
    validity: Validity,
}

/// The truth, kept beside the store in the plainest way.
struct Model {
    store: SqlStore,
    places: Doors,
    other_site: SiteId,
    now: UnixMillis,
    persons: Vec<Someone>,
    groups: Vec<GroupId>,
    members: BTreeMap<GroupId, Vec<PersonId>>,
    bound: BTreeMap<GroupId, Option<SiteId>>,
    rules: Vec<GalleryRule>,
    at_door: Vec<usize>,
    walkers: Vec<Walker>,
    photos: u8,
}

fn digest(held: &Holdings) -> GalleryDigest {
    GalleryDigest::of(held.values().flatten().map(|template| (*template, 1)))
}

impl Model {
    async fn new(store: SqlStore) -> Self {
        let places = doors(&store, &["a", "b", "c"]).await;
        let other_site = doors(&store, &[]).await.site;
        let mut groups = Vec::new();
        for name in ["red", "green", "blue"] {
            groups.push(group(&store, name, None).await);
        }
        let mut persons = Vec::new();
        for _ in 0..PERSONS {
            persons.push(newcomer(&store).await);
        }
        Self {
            places,
            other_site,
            now: NOW,
            persons,
            members: groups.iter().map(|group| (*group, Vec::new())).collect(),
            bound: groups.iter().map(|group| (*group, None)).collect(),
            groups,
            rules: vec![GalleryRule::Everyone; DOORS],
            at_door: (0..DOORS).collect(),
            walkers: (0..DOORS).map(|_| Walker::default()).collect(),
            photos: 0,
            store,
        }
    }

    /// Whom a device may hold now, by the rule itself.
    fn entitled(&self, device: usize) -> Holdings {
        let rule = &self.rules[self.at_door[device]];
        let scope = rule.at(self.places.site, |group| self.bound.get(&group).copied());
        let groups = |person: &Someone| -> Vec<GroupId> {
            let is_in = |group: &&GroupId| self.members[*group].contains(&person.id);
            self.groups.iter().filter(is_in).copied().collect()
        };
        let held = self.persons.iter().filter(|person| {
            !person.templates.is_empty() && may_hold(person.validity, &groups(person), &scope, self.now)
        });
        held.map(|person| (person.id, person.templates.clone())).collect()
    }

    async fn play(&mut self, step: Step) {
        match step {
            Step::Enroll(who) => self.enroll(who).await,
            Step::Forget(who) => {
                if let Some(template) = self.persons[who].templates.pop() {
                    self.store.remove_template(template).await.unwrap().unwrap();
                }
            }
            Step::Remove(who) => {
                let gone = std::mem::replace(&mut self.persons[who], newcomer(&self.store).await).id;
                self.store.remove_person(gone, self.now).await.unwrap().unwrap();
                self.members.values_mut().for_each(|members| members.retain(|member| *member != gone));
            }
            Step::Members { group, add, remove } => self.change_members(group, &add, &remove).await,
            Step::Valid { person, from_s, until_s } => self.set_validity(person, from_s, until_s).await,
            Step::Rule { door, groups } => {
                let groups = groups.map(|groups| groups.into_iter().map(|n| self.groups[n]).collect::<Vec<_>>());
                self.rules[door] = groups.map_or(GalleryRule::Everyone, |groups| rule(&groups));
                let (id, now) = (self.places.doors[door], self.now);
                self.store.put_door_gallery(id, &self.rules[door], at(now)).await.unwrap().unwrap();
            }
            Step::Bind { group, here } => {
                let (id, site) = (self.groups[group], if here { None } else { Some(self.other_site) });
                self.bound.insert(id, site);
                self.store.put_group(id, &format!("group {group}"), site, at(self.now)).await.unwrap().unwrap();
            }
            Step::Move { device, door } => {
                self.at_door[device] = door;
                let (id, door) = (self.places.devices[device], self.places.doors[door]);
                assert!(self.store.move_device(id, door, self.now).await.unwrap());
            }
            Step::Pass(seconds) => self.now = self.now.plus(Duration::from_secs(seconds)),
            Step::Page { device, most_bytes } => self.page(device, most_bytes).await,
            Step::Lose(device) => self.walkers[device] = Walker::default(),
        }
    }

    async fn enroll(&mut self, who: usize) {
        self.photos += 1;
        let template = template(self.persons[who].id, self.photos);
        self.persons[who].templates.push(template.id);
        self.store.add_template(&template).await.unwrap();
    }

    async fn change_members(&mut self, group: usize, add: &[usize], remove: &[usize]) {
        let ids = |which: &[usize]| which.iter().map(|n| self.persons[*n].id).collect::<Vec<_>>();
        let change = MemberChange { add: ids(add), remove: ids(remove) };
        let members = self.members.get_mut(&self.groups[group]).unwrap();
        members.extend(&change.add);
        members.retain(|member| !change.remove.contains(member));
        self.store.put_members(self.groups[group], &change).await.unwrap().unwrap();
    }

    async fn set_validity(&mut self, who: usize, from_s: Option<u64>, until_s: Option<u64>) {
        let moment = |seconds: Option<u64>| seconds.map(|s| NOW.plus(Duration::from_secs(s)));
        let validity = Validity::parse(moment(from_s), moment(until_s)).unwrap();
        self.persons[who].validity = validity;
        let terms = TermsChange { validity: Some(validity), groups: None };
        self.store.put_terms(self.persons[who].id, &terms, at(self.now)).await.unwrap().unwrap();
    }

    /// A device asks for its next page and takes it in; returns whether the walk has ended.
    async fn page(&mut self, device: usize, most_bytes: usize) {
        let entitled = self.entitled(device);
        let walker = &mut self.walkers[device];
        let resume = walker.under_way.as_ref().map(|(walk, _)| *walk);
        let page = self
            .store
            .walk(&WalkQuestion {
                device: self.places.devices[device],
                pack: pack(),
                have: walker.rev,
                digest: digest(&walker.held),
                resume,
                most_bytes,
                now: self.now,
            })
            .await
            .unwrap();
        for told in page.persons.iter().filter(|told| !told.templates.is_empty()) {
            assert!(entitled.contains_key(&told.person), "somebody was sent whom the device may not know");
        }
        let goes_on = resume.is_some_and(|walk| (walk.kind, walk.began) == (page.walk.kind, page.walk.began));
        let mut so_far = match walker.under_way.take() {
            Some((_, so_far)) if goes_on => so_far,
            _ if page.walk.kind == ChunkKind::Changes => walker.held.clone(),
            _ => Holdings::new(),
        };
        let mut walk = page.walk;
        for told in &page.persons {
            so_far.remove(&told.person);
            if !told.templates.is_empty() {
                so_far.insert(told.person, told.templates.iter().map(|template| template.id).collect());
            }
            walk.after = GalleryPlace { rev: told.rev, person: told.person };
        }
        if page.last {
            assert_eq!((page.digest, sorted(&so_far)), (digest(&entitled), sorted(&entitled)), "not what may be held");
            (walker.rev, walker.held) = (page.to_rev, so_far);
        } else {
            walker.under_way = Some((walk, so_far));
        }
    }

    /// Everything stands still: so many pages bring a device to the truth.
    async fn settle(&mut self, device: DeviceId, n: usize) {
        for _ in 0..3 * PERSONS + 40 {
            self.page(n, 250).await;
            if self.walkers[n].under_way.is_none() {
                break;
            }
        }
        let truth = self.store.truth(device, &pack()).await.unwrap();
        let walker = &self.walkers[n];
        assert_eq!((walker.rev, digest(&walker.held)), (truth.rev, truth.digest));
        assert_eq!(sorted(&walker.held), sorted(&self.entitled(n)));
    }
}

fn sorted(held: &Holdings) -> Holdings {
    let mut held = held.clone();
    held.values_mut().for_each(|templates| templates.sort_unstable());
    held
}

async fn newcomer(store: &SqlStore) -> Someone {
    let person = person("Someone");
    store.add_person(&person).await.unwrap();
    Someone { id: person.id, templates: Vec::new(), validity: Validity::ALWAYS }
}

async fn storm(place: Place, steps: Vec<Step>) {
    let store = place.open().await;
    let mut model = Model::new(store).await;
    for step in steps {
        model.play(step).await;
    }
    for (n, device) in model.places.devices.clone().into_iter().enumerate() {
        model.settle(device, n).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn walks_end_with_the_truth_whatever_changes_in_sqlite(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(storm(Place::sqlite(), steps));
    }

    #[test]
    fn walks_end_with_the_truth_whatever_changes_in_postgres(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { storm(Place::postgres().await, steps).await });
    }
}
