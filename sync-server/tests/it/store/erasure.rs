//! A removed person is gone: from the disk, from what happened, and, once each has said so, from every device.

use std::time::Duration;

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{DeviceId, ErasureId, PersonId, StreamId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{Candidate, OutcomeKind, Revision};
use ostiary_server::domain::device::ClaimCode;
use ostiary_server::domain::erasure::{Confirmation, ConfirmationState, ErasureReason};
use ostiary_server::domain::event::EventKind;
use ostiary_server::ports::{DeviceStore, ErasureStore, EventStore, GalleryKeyStore, PersonStore};
use ostiary_server::store::sql::SqlStore;

use super::place::{Place, on_both};
use super::sample::{NOW, batch, device, person, template, visit};

on_both!(
    it_ends_when_every_device_has_confirmed,
    what_happened_stays_and_who_it_was_does_not,
    the_key_is_gone_from_database_and_log,
    a_gallery_key_is_given_once_and_replaced_when_the_device_moves
);

pub(super) async fn claimed(store: &SqlStore, name: &str) -> DeviceId {
    let id = device(store, name).await.id;
    claim(store, id, name).await;
    id
}

async fn claim(store: &SqlStore, device: DeviceId, key: &str) {
    let expires_at = NOW.plus(Duration::from_secs(60));
    store.put_claim_code(&ClaimCode { device, code_hash: key.into(), expires_at }).await.unwrap();
    store.claim(key, key, NOW).await.unwrap().unwrap();
}

fn said(rev: Revision, key: &str) -> Confirmation {
    Confirmation {
        rev,
        digest: GalleryDigest::default(),
        at: NOW,
        said_at: Some(NOW),
        signature: Some(vec![1; 64]),
        key_pem: Some(key.to_owned()),
    }
}

async fn enrolled(store: &SqlStore, name: &str) -> PersonId {
    let someone = person(name);
    store.add_person(&someone).await.unwrap();
    store.add_template(&template(someone.id, 3)).await.unwrap();
    someone.id
}

async fn it_ends_when_every_device_has_confirmed(place: Place) {
    let store = place.open().await;
    let (front, back) = (claimed(&store, "front").await, claimed(&store, "back").await);
    let (shut_out, _pending) = (claimed(&store, "shut out").await, device(&store, "pending").await);
    let (older, swapped) = (claimed(&store, "older").await, claimed(&store, "swapped").await);
    let ada = enrolled(&store, "Ada").await;
    let rev = store.remove_person(ada, NOW).await.unwrap().unwrap();
    let erasure = store.erasure_of(ada).await.unwrap().unwrap();
    assert_eq!((erasure.rev, erasure.reason, erasure.at), (rev, ErasureReason::Asked, NOW));
    assert_eq!((erasure.counts.devices, erasure.counts.waiting), (5, 5), "all that were ever claimed");
    assert!(!store.confirmation_awaited(front, Revision(rev.0 - 1)).await.unwrap(), "from before the removal");
    assert_eq!(store.confirm_erasures(front, &said(Revision(rev.0 - 1), "front")).await.unwrap(), 0);

    assert!(store.confirmation_awaited(front, rev).await.unwrap());
    assert_eq!(store.confirm_erasures(front, &said(rev, "front")).await.unwrap(), 1);
    assert!(!store.confirmation_awaited(front, rev).await.unwrap());
    assert_eq!(
        store
            .confirm_erasures(older, &Confirmation { said_at: None, signature: None, ..said(rev, "older") })
            .await
            .unwrap(),
        1
    );
    claim(&store, swapped, "a new unit's").await;
    assert_eq!(store.confirm_erasures(swapped, &said(rev, "a new unit's")).await.unwrap(), 1);
    assert_eq!(store.clear_erasures(NOW).await.unwrap(), 1);
    assert!(store.complete_erasures(NOW).await.unwrap().is_empty(), "one is away, one is shut out too late");

    store.revoke_device(shut_out, NOW).await.unwrap();
    assert_eq!(store.confirm_erasures(back, &said(Revision(rev.0 + 9), "back")).await.unwrap(), 1);
    let later = NOW.plus(Duration::from_secs(9));
    let completed = store.complete_erasures(later).await.unwrap();
    assert_eq!(completed.iter().map(|it| (it.id, it.completed_at)).collect::<Vec<_>>(), [(erasure.id, Some(later))]);
    assert!(store.complete_erasures(later).await.unwrap().is_empty(), "told once");
    let devices = store.erasure_devices(erasure.id).await.unwrap();
    let states: Vec<_> = devices.iter().map(|it| (it.name.as_str(), it.state)).collect();
    assert_eq!(
        states,
        [
            ("back", ConfirmationState::Confirmed),
            ("front", ConfirmationState::Confirmed),
            ("older", ConfirmationState::Unsigned),
            ("shut out", ConfirmationState::Revoked),
            ("swapped", ConfirmationState::Replaced),
        ]
    );
    assert_eq!(devices[1].confirmation.as_ref(), Some(&said(rev, "front")));
    let counts = store.erasure(erasure.id).await.unwrap().unwrap().counts;
    assert_eq!((counts.confirmed, counts.waiting, counts.revoked), (4, 0, 1));
    lists(&store, erasure.id).await;
}

async fn lists(store: &SqlStore, first: ErasureId) {
    let bob = enrolled(store, "Bob").await;
    store.remove_person(bob, NOW).await.unwrap();
    let second = store.erasure_of(bob).await.unwrap().unwrap().id;
    let ids = async |before, limit| -> Vec<ErasureId> {
        store.erasures(before, limit).await.unwrap().iter().map(|erasure| erasure.id).collect()
    };
    assert_eq!(ids(None, 9).await, [second, first]);
    assert_eq!(ids(Some(second), 9).await, [first]);
    assert_eq!(ids(None, 1).await, [second]);
    assert!(store.erasure(ErasureId::generate()).await.unwrap().is_none());
    assert!(store.erasure_of(PersonId::generate()).await.unwrap().is_none());
}

async fn what_happened_stays_and_who_it_was_does_not(place: Place) {
    let store = place.open().await;
    let device = claimed(&store, "cam").await;
    let (ada, bob) = (enrolled(&store, "Ada").await, enrolled(&store, "Bob").await);
    let stream = StreamId::generate();
    let seen = visit(1, OutcomeKind::Match, Some(ada), Some(b"\xFF\xD8\xFFada"));
    let mut resembling = visit(2, OutcomeKind::Match, Some(bob), Some(b"\xFF\xD8\xFFbob"));
    let template = ostiary_common::ids::TemplateId::generate();
    resembling.visit.as_mut().unwrap().nearest = Some(Candidate { person: ada, template, similarity: 0.4 });
    store.ingest(&batch(device, stream, vec![seen.clone(), resembling.clone()])).await.unwrap();

    store.remove_person(ada, NOW).await.unwrap().unwrap();
    assert_eq!(store.clear_erasures(NOW).await.unwrap(), 1);
    assert_eq!(store.clear_erasures(NOW).await.unwrap(), 0, "nothing left to do");
    let erasure = store.erasure_of(ada).await.unwrap().unwrap();
    assert_eq!((erasure.events, erasure.cleared_at), (2, Some(NOW)));
    let after = store.event(seen.id).await.unwrap().unwrap();
    assert_eq!((after.kind(), after.person_name.as_deref(), after.has_crop), (EventKind::Match, None, false));
    assert_eq!(after.record.visit.unwrap().matched, None);
    assert_eq!(store.crop(seen.id).await.unwrap(), None);
    let other = store.event(resembling.id).await.unwrap().unwrap();
    assert_eq!((other.person_name.as_deref(), other.has_crop), (Some("Bob"), true));
    assert_eq!(other.record.visit.unwrap().nearest, None);

    // A device that was away tells of her now.
    let late = visit(3, OutcomeKind::Match, Some(ada), Some(b"\xFF\xD8\xFFada"));
    store.ingest(&batch(device, stream, vec![late.clone()])).await.unwrap();
    let late = store.event(late.id).await.unwrap().unwrap();
    assert_eq!((late.kind(), late.record.visit.unwrap().matched, late.has_crop), (EventKind::Match, None, false));

    // Her id stands in the tombstone and the erasure alone, and nothing in the database tells her key or name.
    store.close().await;
    assert!(!place.lies_open(b"Ada").await);
}

async fn the_key_is_gone_from_database_and_log(place: Place) {
    let store = place.open().await;
    let ada = enrolled(&store, "Ada").await;
    let pool = place.pool().await;
    let wrapped: Vec<u8> = sqlx::query_scalar("SELECT wrapped FROM person_keys").fetch_one(&pool).await.unwrap();
    let embedding: Vec<u8> = sqlx::query_scalar("SELECT embedding FROM templates").fetch_one(&pool).await.unwrap();
    pool.close().await;
    assert!(place.lies_open(&wrapped).await && place.lies_open(&embedding).await);
    store.remove_person(ada, NOW).await.unwrap();
    store.clear_erasures(NOW).await.unwrap();
    assert!(!place.lies_open(&wrapped).await, "the wrapped key");
    assert!(!place.lies_open(&embedding).await, "what was sealed with it");
}

/// Only SQLite lets a reader keep the log from being emptied.
#[tokio::test]
async fn a_reader_in_the_way_only_delays_it() {
    let place = Place::sqlite();
    let store = place.open().await;
    let ada = enrolled(&store, "Ada").await;
    let pool = place.pool().await;
    let mut reading = pool.begin().await.unwrap();
    let _: i64 = sqlx::query_scalar("SELECT count(*) FROM persons").fetch_one(&mut *reading).await.unwrap();
    store.remove_person(ada, NOW).await.unwrap();
    assert_eq!(store.clear_erasures(NOW).await.unwrap(), 0, "the log cannot be emptied now");
    assert!(store.complete_erasures(NOW).await.unwrap().is_empty());
    drop(reading);
    pool.close().await;
    assert_eq!(store.clear_erasures(UnixMillis(NOW.0 + 1)).await.unwrap(), 1);
    assert_eq!(store.complete_erasures(NOW).await.unwrap().len(), 1, "there are no devices");
}

async fn a_gallery_key_is_given_once_and_replaced_when_the_device_moves(place: Place) {
    let store = place.open().await;
    let id = claimed(&store, "cam").await;
    assert!(store.gallery_key(id).await.unwrap().is_none(), "it never got one, so its chunks are open");
    let given = store.give_gallery_key(id).await.unwrap();
    assert_eq!(store.give_gallery_key(id).await.unwrap().key.expose(), given.key.expose());
    assert_eq!(store.gallery_key(id).await.unwrap().unwrap().id, given.id);
    let before = store.device(id).await.unwrap().unwrap();
    assert!(store.move_device(id, before.door, NOW).await.unwrap());
    let moved = store.gallery_key(id).await.unwrap().unwrap();
    assert_ne!((moved.id, moved.key.expose()), (given.id, given.key.expose()));
    store.revoke_device(id, NOW).await.unwrap();
    assert_ne!(store.gallery_key(id).await.unwrap().unwrap().id, moved.id);
    let other = claimed(&store, "other").await;
    let first = store.give_gallery_key(other).await.unwrap();
    claim(&store, other, "a new unit's").await;
    assert!(store.gallery_key(other).await.unwrap().is_none(), "the new unit was not given one yet");
    assert_ne!(store.give_gallery_key(other).await.unwrap().id, first.id);
    assert!(store.give_gallery_key(DeviceId::generate()).await.is_err());
}
