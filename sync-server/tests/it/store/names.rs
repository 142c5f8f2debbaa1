//! Names in memory follow the store, whoever changes it.

use std::sync::Arc;

use ostiary_common::ids::StreamId;
use ostiary_common::wire::OutcomeKind;
use ostiary_server::domain::audit::{AuditEntry, AuditNote, AuditResult, AuditTrace};
use ostiary_server::domain::event::{EventFilter, Page};
use ostiary_server::domain::profile::PersonPatch;
use ostiary_server::domain::recognition::Change;
use ostiary_server::names::NameIndex;
use ostiary_server::ports::{EventStore, PersonStore, ProfileStore};

use super::place::{Place, on_both};
use super::sample::{NOW, batch, device, person, visit};

fn note() -> AuditNote {
    let entry = AuditEntry {
        at: NOW,
        actor: "cli".into(),
        action: "person.update".into(),
        target: String::new(),
        source: String::new(),
        result: AuditResult::Ok,
        detail: String::new(),
    };
    AuditNote { entry, trace: AuditTrace::default() }
}

on_both!(
    told:
    one_server_finds_what_another_changed,
    events_show_the_name_that_another_server_gave,
    a_patch_made_against_an_older_state_is_refused,
);

async fn one_server_finds_what_another_changed(place: Place) {
    let (here, there) = (Arc::new(place.open().await), place.open().await);
    let names = NameIndex::new(here.clone());
    assert!(names.find("ada").await.unwrap().is_empty());
    let (ada, zoe) = (person("Ada Lovelace"), person("Zoë"));
    there.add_person(&ada).await.unwrap();
    there.add_person(&zoe).await.unwrap();
    assert_eq!(names.find("LOVE ada").await.unwrap(), [ada.id]);
    assert_eq!(names.find("zoe").await.unwrap(), [zoe.id]);
    let patch = PersonPatch { name: Some("Ada King".into()), ..PersonPatch::default() };
    let change = Change { expected: None, now: NOW };
    there.patch_person(ada.id, &patch, None, change, &note()).await.unwrap().unwrap();
    assert_eq!(names.find("king").await.unwrap(), [ada.id]);
    assert!(names.find("lovelace").await.unwrap().is_empty());
    there.remove_person(ada.id, NOW).await.unwrap();
    assert!(names.find("king").await.unwrap().is_empty(), "who is gone is not kept in memory");
    assert_eq!(names.find("").await.unwrap(), [zoe.id]);
}

async fn events_show_the_name_that_another_server_gave(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let device = device(&here, "cam").await;
    let (ada, zoe) = (person("Ada Lovelace"), person("Zoë"));
    let seen: Vec<_> = [&ada, &zoe, &ada]
        .into_iter()
        .zip(1..)
        .map(|(who, seq)| visit(seq, OutcomeKind::Match, Some(who.id), None))
        .collect();
    for who in [&ada, &zoe] {
        here.add_person(who).await.unwrap();
    }
    here.ingest(&batch(device.id, StreamId::generate(), seen.clone())).await.unwrap();
    let shown = async || {
        let events = there.events(&EventFilter::default(), Page::After(0), 9).await.unwrap();
        events.into_iter().map(|event| event.person_name.unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(shown().await, ["Ada Lovelace", "Zoë", "Ada Lovelace"]);
    let patch = PersonPatch { name: Some("Ada King".into()), ..PersonPatch::default() };
    let change = Change { expected: None, now: NOW };
    here.patch_person(ada.id, &patch, None, change, &note()).await.unwrap().unwrap();
    assert_eq!(shown().await, ["Ada King", "Zoë", "Ada King"], "whether or not it has heard of it");
    here.remove_person(ada.id, NOW).await.unwrap();
    assert_eq!(shown().await, ["", "Zoë", ""], "who is gone has no name");
    there.forget_names();
    assert_eq!(shown().await, ["", "Zoë", ""]);
    let one = there.event(seen[1].id).await.unwrap().unwrap();
    assert_eq!(one.person_name.as_deref(), Some("Zoë"));
}

async fn a_patch_made_against_an_older_state_is_refused(place: Place) {
    let store = place.open().await;
    let ada = person("Ada");
    store.add_person(&ada).await.unwrap();
    let (_, before) = store.profile(ada.id).await.unwrap().unwrap();
    let patch = |notes: &str| PersonPatch { notes: Some(notes.into()), ..PersonPatch::default() };
    let change = Change { expected: None, now: NOW };
    let done = store.patch_person(ada.id, &patch("first"), Some(before), change, &note()).await.unwrap().unwrap();
    assert_ne!(done.stamp, before);
    assert!(store.patch_person(ada.id, &patch("second"), Some(before), change, &note()).await.is_err());
    let (profile, now) = store.profile(ada.id).await.unwrap().unwrap();
    assert_eq!((profile.notes.as_str(), now), ("first", done.stamp));
    assert_eq!(done.rev, None, "no device is concerned");
}
