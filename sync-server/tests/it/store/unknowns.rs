//! Visitors nobody knows, from the first visit to their end.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ostiary_common::ids::{DeviceId, EventId, PersonId, StreamId, UnknownId, UserId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::OutcomeKind;
use ostiary_models::decide::Rule;
use ostiary_models::face_crop::FaceCrop;
use ostiary_server::domain::access::{Circle, Reach, Scope};
use ostiary_server::domain::device::Device;
use ostiary_server::domain::event::{EventFilter, Page};
use ostiary_server::domain::notify::{MessageId, ThreadId};
use ostiary_server::domain::talk::{About, Thread, ThreadState};
use ostiary_server::domain::unknown::{Promotion, Unknown, UnknownDeed, UnknownFilter, UnknownState};
use ostiary_server::enroll::visits::templates_of_visits;
use ostiary_server::faces::grouper::Grouper;
use ostiary_server::faces::held::HeldFaces;
use ostiary_server::ports::face_crops::FaceCropStore;
use ostiary_server::ports::reach::ReachStore;
use ostiary_server::ports::talk::{NewMessage, TalkSight, TalkStore, ThreadFilter};
use ostiary_server::ports::{Clock, ErasureStore, EventStore, LedgerStore, PersonStore, UnknownStore};
use ostiary_server::recognition::Recognition;
use ostiary_server::recognition::forecast::Forecaster;
use ostiary_server::store::sql::SqlStore;

use super::consent::{consent, note};
use super::place::{Place, on_both};
use super::sample::{NOW, batch, device, face, pack, person, visit};

on_both!(
    told:
    unknown_visitors_come_together_and_become_somebody,
    unknown_visitors_are_forgotten,
    what_is_said_of_a_visitor_follows_what_becomes_of_them
);

const EAST: [f32; 3] = [1.0, 0.1, 0.0];
const NORTH: [f32; 3] = [0.1, 1.0, 0.0];

#[derive(Default)]
struct Now(AtomicI64);

impl Clock for Now {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::Relaxed))
    }
}

struct House {
    store: Arc<SqlStore>,
    clock: Arc<Now>,
    held: Arc<HeldFaces>,
    grouper: Grouper,
    front: Device,
    back: Device,
}

impl House {
    async fn new(place: &Place) -> Self {
        let store = Arc::new(place.open().await);
        let (front, back) = (device(&*store, "front").await, device(&*store, "back").await);
        let clock = Arc::new(Now(AtomicI64::new(NOW.0)));
        let held = Arc::new(HeldFaces::new(store.clone(), pack(), 3));
        let forecaster = Forecaster::new(pack(), Rule { threshold: 0.95, margin: 0.0 }, None);
        let recognition = Arc::new(Recognition::new(store.clone(), pack(), forecaster));
        let grouper = Grouper { store: store.clone(), clock: clock.clone(), held: held.clone(), recognition };
        Self { store, clock, held, grouper, front, back }
    }

    async fn seen(&self, at: DeviceId, looks: [f32; 3]) -> EventId {
        let mut seen = visit(1, OutcomeKind::Unknown, None, Some(b"\xFF\xD8\xFF a stranger"));
        seen.visit.as_mut().unwrap().embedding = Some(face(looks));
        let id = seen.id;
        self.store.ingest(&batch(at, StreamId::generate(), vec![seen])).await.unwrap();
        self.grouper.step().await.unwrap();
        id
    }

    async fn unknown_of(&self, event: EventId) -> UnknownId {
        self.store.event(event).await.unwrap().unwrap().unknown.unwrap()
    }

    async fn list(&self, reach: &Reach, state: UnknownState) -> Vec<Unknown> {
        let filter = UnknownFilter { state, door: None, site: None, least_visits: 1 };
        self.store.unknowns_within(reach, &filter, None, 9).await.unwrap()
    }

    async fn says(&self, of: UnknownId, text: &str) -> ThreadId {
        let thread = Thread {
            id: ThreadId::generate(),
            about: About::Unknown(of),
            person: None,
            place: None,
            state: ThreadState::Open,
            assignee: None,
            held: false,
            messages: 0,
            created_at: NOW,
            last_at: NOW,
            version: 1,
            unread: 0,
        };
        let thread = self.store.open_thread(&thread).await.unwrap().0.id;
        let (id, author, text) = (MessageId::generate(), UserId::generate(), text.to_owned());
        let message = NewMessage { id, thread, author, at: NOW, text, mentions: Vec::new(), events: Vec::new() };
        assert!(self.store.say(&message).await.unwrap());
        thread
    }

    async fn deed(&self, deed: UnknownDeed) -> bool {
        self.store.do_by_hand(&deed, NOW, &note()).await.unwrap()
    }
}

async fn unknown_visitors_come_together_and_become_somebody(place: Place) {
    let house = House::new(&place).await;
    let store = &house.store;
    let first = house.seen(house.front.id, EAST).await;
    let second = house.seen(house.back.id, [1.0, 0.12, 0.0]).await;
    let other = house.seen(house.front.id, NORTH).await;
    let (ada, bob) = (house.unknown_of(first).await, house.unknown_of(other).await);
    assert_eq!((house.unknown_of(second).await, ada == bob), (ada, false));
    assert_eq!(house.list(&Reach::Everything, UnknownState::Open).await.len(), 2);
    assert!(
        !place.lies_open(b"a stranger").await && !place.lies_open(&face(EAST)).await,
        "sealed with a key of their own"
    );
    assert!(store.crop(first).await.unwrap().unwrap().ends_with(b"a stranger"));

    // A door sees its own visits only.
    let at_front = Reach::of([Scope::Door(house.front.door)]);
    let seen = store.unknown_within(&at_front, ada).await.unwrap().unwrap();
    assert_eq!((seen.visits, seen.elsewhere, seen.best_shot), (1, 1, Some(first)));
    let at_back = Reach::of([Scope::Door(house.back.door)]);
    assert_eq!(store.unknown_within(&at_back, bob).await.unwrap(), None);
    assert_eq!(house.list(&at_back, UnknownState::Open).await.len(), 1);
    assert!(store.event_face(&at_back, first).await.unwrap().is_none());
    assert_eq!(store.event_face(&at_back, second).await.unwrap().unwrap().1, *face([1.0, 0.12, 0.0]));

    // By hand: together, and apart again. Regrouping leaves that alone.
    assert!(house.deed(UnknownDeed::Merge { into: ada, from: vec![bob] }).await);
    assert_eq!(store.unknown_within(&Reach::Everything, bob).await.unwrap().unwrap().id, ada, "the old id leads on");
    assert_eq!(house.grouper.regroup().await.unwrap(), 0);
    let into = UnknownId::generate();
    assert!(!house.deed(UnknownDeed::Split { from: ada, visits: vec![EventId::generate()], into }).await);
    assert!(house.deed(UnknownDeed::Split { from: ada, visits: vec![first], into }).await);
    assert_eq!(house.grouper.regroup().await.unwrap(), 0);
    assert_eq!(house.unknown_of(first).await, into);
    assert!(store.crop(first).await.unwrap().is_some(), "sealed anew");
    assert!(house.deed(UnknownDeed::Mark { id: into, state: UnknownState::Dismissed }).await);
    let again = house.seen(house.front.id, EAST).await;
    assert_eq!(house.unknown_of(again).await, into, "further visits join quietly");
    assert_eq!(house.list(&Reach::Everything, UnknownState::Dismissed).await[0].visits, 2);

    // One becomes a person: past visits and faces come along.
    let someone = person("Ada");
    let faces = store.faces_of_unknown(into, 9).await.unwrap();
    let made = templates_of_visits(someone.id, &faces, &house.held, NOW);
    let picture = FaceCrop::kept(b"\xFF\xD8\xFF a visit".to_vec());
    let templates: Vec<_> = made.into_iter().map(|(template, _)| (template, picture.clone())).collect();
    assert_eq!(templates.len(), 1, "two looks that are the same make one template");
    let promotion = Promotion {
        id: into,
        person: someone.clone(),
        consent: consent(someone.id, NOW),
        templates,
        now: NOW,
        note: note(),
    };
    let promoted = store.promote_unknown(&promotion).await.unwrap().unwrap();
    assert_eq!((promoted.visits, promoted.revision.is_some()), (2, true));
    assert!(store.promote_unknown(&promotion).await.unwrap().is_none(), "once");
    assert_eq!(store.face_crops_of(someone.id).await.unwrap().len(), 1, "for model packs to come");
    let of_ada = EventFilter { person: Some(someone.id), ..EventFilter::default() };
    let events = store.events(&of_ada, Page::After(0), 9).await.unwrap();
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|event| event.is_attributed() && event.person_name.as_deref() == Some("Ada")));
    assert!(store.crop(first).await.unwrap().is_some());
    assert_eq!(store.audit_head().await.unwrap().seq, 4, "every deed stands in the log");

    // And is erased like anybody: past visits no longer tell.
    store.remove_person(someone.id, NOW).await.unwrap();
    store.clear_erasures(NOW).await.unwrap();
    let event = store.event(first).await.unwrap().unwrap();
    assert_eq!((event.person, event.has_crop, store.crop(first).await.unwrap()), (None::<PersonId>, false, None));
    assert!(store.event_within(&Reach::Everything, again).await.unwrap().is_some(), "what happened stays");
}

async fn unknown_visitors_are_forgotten(place: Place) {
    let house = House::new(&place).await;
    let event = house.seen(house.front.id, EAST).await;
    let visitor = house.unknown_of(event).await;
    let later = NOW.plus(Duration::from_secs(7 * 24 * 60 * 60 + 60));
    house.clock.0.store(later.0, Ordering::Relaxed);
    house.grouper.step().await.unwrap();
    let left = house.store.event(event).await.unwrap().unwrap();
    assert_eq!((left.unknown, left.has_crop), (None, false));
    assert!(house.store.event_face(&Reach::Everything, event).await.unwrap().is_none());
    assert_eq!(house.store.unknown_within(&Reach::Everything, visitor).await.unwrap(), None);
    assert!(house.held.snapshot().await.unwrap().visits.is_empty(), "nor in memory");
}

async fn what_is_said_of_a_visitor_follows_what_becomes_of_them(place: Place) {
    let house = House::new(&place).await;
    let store = &house.store;
    let (first, other) = (house.seen(house.front.id, EAST).await, house.seen(house.back.id, NORTH).await);
    let (ada, bob) = (house.unknown_of(first).await, house.unknown_of(other).await);
    let (of_ada, of_bob) = (house.says(ada, "at the front").await, house.says(bob, "at the back").await);
    let front = Reach::of([Scope::Door(house.front.door)]);
    let seen = async |reach: &Reach| {
        let sight = TalkSight { account: UserId::generate(), reach: reach.clone(), circle: nobody() };
        store.threads(&sight, ThreadFilter::default(), None, 9).await.unwrap()
    };
    assert_eq!(seen(&front).await.iter().map(|thread| thread.id).collect::<Vec<_>>(), [of_ada]);

    // Two who are one talk on as one, and who sees one of the doors only hears nothing any more.
    assert!(house.deed(UnknownDeed::Merge { into: ada, from: vec![bob] }).await);
    assert_eq!(texts(store, of_ada).await, ["at the back", "at the front"]);
    assert!(store.thread(of_bob, UserId::generate()).await.unwrap().is_none());
    assert_eq!(seen(&Reach::Everything).await[0].messages, 2);
    assert!(seen(&front).await.is_empty());

    // Who turns out to be somebody takes it along, and it ends with them.
    let someone = person("Ada");
    let (consent, templates) = (consent(someone.id, NOW), Vec::new());
    let promotion = Promotion { id: ada, person: someone.clone(), consent, templates, now: NOW, note: note() };
    store.promote_unknown(&promotion).await.unwrap().unwrap();
    let thread = store.thread(of_ada, UserId::generate()).await.unwrap().unwrap();
    assert_eq!((thread.about, thread.person), (About::Person(someone.id), Some(someone.id)));
    assert_eq!(texts(store, of_ada).await, ["at the back", "at the front"]);
    store.remove_person(someone.id, NOW).await.unwrap();
    assert!(store.thread(of_ada, UserId::generate()).await.unwrap().is_none());

    // With the last visit it ends.
    let last = house.seen(house.front.id, [0.0, 0.1, 1.0]).await;
    let lost = house.says(house.unknown_of(last).await, "gone soon").await;
    house.clock.0.store(NOW.plus(Duration::from_secs(8 * 24 * 60 * 60)).0, Ordering::Relaxed);
    house.grouper.step().await.unwrap();
    assert!(store.thread(lost, UserId::generate()).await.unwrap().is_none());
}

async fn texts(store: &SqlStore, thread: ThreadId) -> Vec<String> {
    let messages = store.messages(thread, None, 9).await.unwrap();
    messages.into_iter().filter_map(|message| message.text).collect()
}

fn nobody() -> Circle {
    Circle::Within { everyone: false, groups: Default::default(), own: Default::default() }
}
