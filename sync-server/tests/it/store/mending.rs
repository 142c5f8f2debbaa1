//! Persons merged and split, undone, and settled.

use std::time::Duration;

use ostiary_common::ids::{DeviceId, EventId, PersonChangeId, PersonId, StreamId, TemplateId};
use ostiary_common::wire::OutcomeKind;
use ostiary_server::domain::audit::AuditFilter;
use ostiary_server::domain::event::{EventFilter, Page};
use ostiary_server::domain::mending::{MergeOrder, SplitOrder, UNDO_FOR, Undone};
use ostiary_server::domain::person::Person;
use ostiary_server::ports::{
    ErasureStore, EventStore, GalleryStore, LedgerStore, MendingStore, PersonStore, ScopeStore,
};
use ostiary_server::store::sql::SqlStore;

use super::consent::{consent, note};
use super::place::{Place, on_both};
use super::sample::{NOW, batch, device, pack, person, template, visit};
use super::scopes::group;

on_both!(
    told:
    a_merge_is_followed_by_devices_and_events_and_can_be_undone,
    a_merge_that_is_settled_erases_who_was_merged,
    a_split_is_undone_unless_something_was_built_on_it
);

async fn enrolled(store: &SqlStore, name: &str, photo: u8) -> (Person, TemplateId) {
    let someone = person(name);
    store.add_person(&someone).await.unwrap();
    let template = template(someone.id, photo);
    store.add_template(&template).await.unwrap();
    (someone, template.id)
}

async fn seen(store: &SqlStore, at: DeviceId, who: PersonId) -> EventId {
    let seen = visit(1, OutcomeKind::Match, Some(who), Some(b"\xFF\xD8\xFF a known face"));
    let id = seen.id;
    store.ingest(&batch(at, StreamId::generate(), vec![seen])).await.unwrap();
    id
}

async fn merged(store: &SqlStore, source: PersonId, target: PersonId) -> PersonChangeId {
    let id = PersonChangeId::generate();
    let order = MergeOrder { id, source, target, now: NOW, note: note() };
    store.merge_persons(&order).await.unwrap().unwrap();
    id
}

async fn visits_of(store: &SqlStore, person: PersonId) -> Vec<EventId> {
    let filter = EventFilter { person: Some(person), ..EventFilter::default() };
    let events = store.events(&filter, Page::After(0), 9).await.unwrap();
    events.into_iter().map(|event| event.record.id).collect()
}

async fn faces(store: &SqlStore, person: PersonId) -> Vec<Vec<f32>> {
    let mut faces: Vec<_> = store.templates(person).await.unwrap().into_iter().map(|t| t.embedding).collect();
    faces.sort_by(|a, b| a.partial_cmp(b).unwrap());
    faces
}

async fn a_merge_is_followed_by_devices_and_events_and_can_be_undone(place: Place) {
    let store = place.open().await;
    let camera = device(&store, "cam").await;
    let ((ada, _), (again, second)) = (enrolled(&store, "Ada", 1).await, enrolled(&store, "Ada again", 2).await);
    let staff = group(&store, "staff", None).await;
    let members = ostiary_server::domain::gallery::MemberChange { add: vec![again.id], remove: Vec::new() };
    store.put_members(staff, &members).await.unwrap();
    let before = seen(&store, camera.id, again.id).await;
    let held = store.revision().await.unwrap();
    let own = (faces(&store, ada.id).await, faces(&store, again.id).await);

    let change = merged(&store, again.id, ada.id).await;
    let (_, told) = store.changes_since(&pack(), held).await.unwrap();
    let templates = |of: PersonId| told.iter().find(|told| told.person == of).map(|told| told.templates.len());
    assert_eq!((templates(ada.id), templates(again.id)), (Some(2), Some(0)), "devices are told of both");
    assert_eq!(faces(&store, ada.id).await.len(), 2);
    assert!(store.person(again.id).await.unwrap().is_none());
    assert_eq!(store.persons(None, 9).await.unwrap().len(), 1);
    assert_eq!(store.members(staff, None, 9).await.unwrap(), []);
    // A device that has not heard of it yet still names the other.
    let since = seen(&store, camera.id, again.id).await;
    assert_eq!(visits_of(&store, ada.id).await, [before, since]);
    for event in [before, since] {
        let event = store.event(event).await.unwrap().unwrap();
        assert_eq!((event.person, event.person_name.as_deref()), (Some(ada.id), Some("Ada")));
        assert!(store.crop(event.record.id).await.unwrap().unwrap().ends_with(b"a known face"));
    }
    let twice = MergeOrder { id: PersonChangeId::generate(), source: again.id, target: ada.id, now: NOW, note: note() };
    assert!(store.merge_persons(&twice).await.unwrap().is_none());

    assert!(matches!(store.undo_mending(change, NOW, &note()).await.unwrap(), Some(Undone::Done(_))));
    assert_eq!(store.undo_mending(change, NOW, &note()).await.unwrap(), Some(Undone::TooLate), "once");
    assert_eq!((faces(&store, ada.id).await, faces(&store, again.id).await), own);
    assert_eq!(store.templates(again.id).await.unwrap()[0].id, second);
    assert_eq!((visits_of(&store, ada.id).await, visits_of(&store, again.id).await), (vec![], vec![before, since]));
    assert_eq!(store.person(again.id).await.unwrap().unwrap().groups, [staff]);
    assert!(store.crop(since).await.unwrap().is_some());
    let history = AuditFilter { target: Some(format!("person:{}", again.id)), ..AuditFilter::default() };
    assert_eq!(store.audit_lines(&history, None, 9).await.unwrap().len(), 2, "either's history tells of it");
    assert_eq!(store.mendings_of(again.id, 9).await.unwrap()[0].undone_at, Some(NOW));
}

async fn a_merge_that_is_settled_erases_who_was_merged(place: Place) {
    let store = place.open().await;
    let camera = device(&store, "cam").await;
    let ((ada, _), (again, _)) = (enrolled(&store, "Ada", 1).await, enrolled(&store, "Ada again", 2).await);
    let event = seen(&store, camera.id, again.id).await;
    let change = merged(&store, again.id, ada.id).await;
    assert!(store.settle_mendings(NOW).await.unwrap().is_empty(), "not yet");
    let later = NOW.plus(UNDO_FOR + Duration::from_secs(1));
    assert_eq!(store.undo_mending(change, later, &note()).await.unwrap(), Some(Undone::TooLate));
    let settled = store.settle_mendings(later).await.unwrap();
    assert_eq!((settled.len(), settled[0].1.is_some()), (1, true));
    assert!(store.settle_mendings(later).await.unwrap().is_empty());
    store.clear_erasures(later).await.unwrap();
    assert!(store.erasure_of(again.id).await.unwrap().is_some(), "devices confirm it as ever");
    let event = store.event(event).await.unwrap().unwrap();
    assert_eq!((event.person, event.is_attributed()), (Some(ada.id), false), "wholly hers");
    assert!(store.crop(event.record.id).await.unwrap().is_some(), "sealed with her key");
    assert_eq!(faces(&store, ada.id).await.len(), 2);
    assert!(!place.lies_open(b"Ada again").await);
}

async fn a_split_is_undone_unless_something_was_built_on_it(place: Place) {
    let store = place.open().await;
    let (ada, first) = enrolled(&store, "Ada", 1).await;
    let other = template(ada.id, 2);
    store.add_template(&other).await.unwrap();
    let split = async |templates: Vec<TemplateId>| {
        let bob = person("Bob");
        let (id, consent) = (PersonChangeId::generate(), consent(bob.id, NOW));
        let order = SplitOrder { id, source: ada.id, person: bob.clone(), consent, templates, now: NOW, note: note() };
        store.split_person(&order).await.unwrap().map(|_| (id, bob.id))
    };
    assert!(split(vec![TemplateId::generate()]).await.is_none(), "not hers");
    let (change, bob) = split(vec![other.id]).await.unwrap();
    assert_eq!((faces(&store, ada.id).await.len(), faces(&store, bob).await), (1, vec![other.embedding.clone()]));
    assert!(matches!(store.undo_mending(change, NOW, &note()).await.unwrap(), Some(Undone::Done(_))));
    assert!(store.person(bob).await.unwrap().is_none());
    let ids: Vec<TemplateId> = store.templates(ada.id).await.unwrap().into_iter().map(|template| template.id).collect();
    assert_eq!(ids, {
        let mut ids = vec![first, other.id];
        ids.sort();
        ids
    });

    let (change, bob) = split(vec![other.id]).await.unwrap();
    store.add_template(&template(bob, 9)).await.unwrap();
    assert_eq!(store.undo_mending(change, NOW, &note()).await.unwrap(), Some(Undone::BuiltUpon));
    assert_eq!(store.undo_mending(PersonChangeId::generate(), NOW, &note()).await.unwrap(), None);
}
