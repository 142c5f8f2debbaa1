//! What people say of events, and what is learned of it.

use std::sync::Arc;

use ostiary_common::ids::{DeviceId, EventId, JudgementId, PersonId, StreamId};
use ostiary_common::wire::OutcomeKind;
use ostiary_server::domain::access::Reach;
use ostiary_server::domain::event::EventKind;
use ostiary_server::domain::judgement::{Judgement, Verdict};
use ostiary_server::faces::doubts::doubt_matches;
use ostiary_server::faces::held::HeldFaces;
use ostiary_server::ports::judgements::JudgementFilter;
use ostiary_server::ports::{EventStore, JudgementStore, PersonStore};
use ostiary_server::store::sql::SqlStore;

use super::consent::note;
use super::place::{Place, on_both};
use super::sample::{NOW, batch, device, face, pack, person, visit};

on_both!(told: judgements_stand_until_withdrawn, a_face_a_person_was_mistaken_for_is_doubted_again);

async fn matched(store: &SqlStore, at: DeviceId, who: PersonId, looks: [f32; 3]) -> EventId {
    let mut seen = visit(1, OutcomeKind::Match, Some(who), None);
    let report = seen.visit.as_mut().unwrap();
    report.embedding = Some(face(looks));
    report.matched.as_mut().unwrap().similarity = 0.97;
    let id = seen.id;
    store.ingest(&batch(at, StreamId::generate(), vec![seen])).await.unwrap();
    id
}

async fn judgement(store: &SqlStore, event: EventId, verdict: Verdict, person: Option<PersonId>) -> Judgement {
    let event = store.event(event).await.unwrap().unwrap();
    Judgement {
        id: JudgementId::generate(),
        event: event.record.id,
        site: event.site,
        door: event.door,
        pack: pack(),
        at: event.at,
        kind: EventKind::Match,
        score: Some(0.97),
        threshold: Some(0.93),
        named: event.person,
        nearest: None,
        verdict,
        person,
        judged_by: "user:1".into(),
        judged_at: NOW,
        withdrawn_by: None,
        withdrawn_at: None,
    }
}

async fn judgements_stand_until_withdrawn(place: Place) {
    let store = place.open().await;
    let camera = device(&store, "cam").await;
    let (ada, bob) = (person("Ada"), person("Bob"));
    store.add_person(&ada).await.unwrap();
    store.add_person(&bob).await.unwrap();
    let event = matched(&store, camera.id, ada.id, [1.0, 0.0, 0.0]).await;
    let all = JudgementFilter::default();
    assert_eq!(store.unjudged_within(&Reach::Everything, NOW, 9).await.unwrap(), [event]);
    let first = judgement(&store, event, Verdict::Right, None).await;
    store.judge(&first, &note()).await.unwrap();
    assert_eq!(store.judgements_within(&Reach::Everything, &all, 9).await.unwrap(), std::slice::from_ref(&first));
    assert!(store.judgements_within(&Reach::NOTHING, &all, 9).await.unwrap().is_empty());
    assert!(store.unjudged_within(&Reach::Everything, NOW, 9).await.unwrap().is_empty());
    assert_eq!(store.event(event).await.unwrap().unwrap().verdict, Some(Verdict::Right));
    let second = judgement(&store, event, Verdict::WrongPerson, Some(bob.id)).await;
    store.judge(&second, &note()).await.unwrap();
    let said = store.judgements_of(event).await.unwrap();
    assert_eq!((said.len(), said.iter().filter(|said| said.withdrawn_at.is_none()).count()), (2, 1));
    for who in [ada.id, bob.id] {
        let of = JudgementFilter { person: Some(who), ..JudgementFilter::default() };
        assert_eq!(store.judgements_within(&Reach::Everything, &of, 9).await.unwrap(), std::slice::from_ref(&second));
    }
    // The figures outlive the person, who is not told any more.
    store.remove_person(bob.id, NOW).await.unwrap();
    assert_eq!(store.judgements_within(&Reach::Everything, &all, 9).await.unwrap()[0].person, None);
    assert_eq!(store.withdraw_judgement(event, "user:2", NOW, &note()).await.unwrap(), Some(second.id));
    assert_eq!(store.withdraw_judgement(event, "user:2", NOW, &note()).await.unwrap(), None);
    assert_eq!(store.judgements_of(event).await.unwrap().len(), 2, "the history stays");
}

async fn a_face_a_person_was_mistaken_for_is_doubted_again(place: Place) {
    let store = Arc::new(place.open().await);
    let held = HeldFaces::new(store.clone(), pack(), 3);
    let camera = device(&*store, "cam").await;
    let ada = person("Ada");
    store.add_person(&ada).await.unwrap();
    let (hers, stranger) = ([0.5, 1.0, 0.0], [1.0, 0.0, 0.0]);
    let wrong = matched(&store, camera.id, ada.id, stranger).await;
    let judged = judgement(&store, wrong, Verdict::WrongPerson, None).await;
    store.judge(&judged, &note()).await.unwrap();
    assert!(!place.lies_open(&face(stranger)).await, "sealed with her key");
    let again = matched(&store, camera.id, ada.id, [1.0, 0.01, 0.0]).await;
    let herself = matched(&store, camera.id, ada.id, hers).await;
    doubt_matches(&*store, &held).await.unwrap();
    let doubt = async |event| store.event(event).await.unwrap().unwrap().doubt;
    assert!(doubt(again).await.is_some_and(|doubt| doubt > 0.99));
    assert_eq!(doubt(herself).await, None);
    store.withdraw_judgement(wrong, "user:1", NOW, &note()).await.unwrap();
    let later = matched(&store, camera.id, ada.id, stranger).await;
    doubt_matches(&*store, &held).await.unwrap();
    assert_eq!(doubt(later).await, None, "what was withdrawn is not held against her");
}
