//! What is personal does not lie open on the disk: neither in the database nor in its log.

use ostiary_common::ids::StreamId;
use ostiary_common::wire::OutcomeKind;
use ostiary_server::ports::{EventStore, PersonStore, StoreError};
use ostiary_server::sealing::MasterKey;
use ostiary_server::store::sql::SqlStore;
use serde_bytes::ByteBuf;

use super::place::{Place, on_both};
use super::sample::{batch, device, person, template, visit};

on_both!(nothing_personal_lies_open, another_master_key_is_refused, what_was_never_opened_is_not_sealed);

fn bytes(embedding: &[f32]) -> Vec<u8> {
    embedding.iter().flat_map(|value| value.to_le_bytes()).collect()
}

async fn nothing_personal_lies_open(place: Place) {
    let store = place.open().await;
    let device = device(&store, "cam").await;
    let someone = person("Zacharias Quillfeather");
    store.add_person(&someone).await.unwrap();
    let template = template(someone.id, 3);
    store.add_template(&template).await.unwrap();
    let mut seen = visit(1, OutcomeKind::Match, Some(someone.id), Some(b"\xFF\xD8\xFF the picture of the known one"));
    seen.visit.as_mut().unwrap().embedding = Some(ByteBuf::from(b"what the known one looks like".to_vec()));
    let stranger = visit(2, OutcomeKind::Unknown, None, Some(b"\xFF\xD8\xFF the picture of a stranger"));
    store.ingest(&batch(device.id, StreamId::generate(), vec![seen.clone(), stranger.clone()])).await.unwrap();

    for open in [
        b"Quillfeather".as_slice(),
        &bytes(&template.embedding),
        b"picture of the known",
        b"picture of a stranger",
        b"what the known one looks like",
    ] {
        assert!(!place.lies_open(open).await, "{}", String::from_utf8_lossy(open));
    }
    assert!(place.lies_open(device.name.as_bytes()).await, "the search finds what does lie open");

    assert_eq!(store.person(someone.id).await.unwrap().unwrap().name, someone.name);
    assert_eq!(store.templates(someone.id).await.unwrap()[0].embedding, template.embedding);
    let crop = async |id| store.crop(id).await.unwrap().unwrap();
    assert!(crop(seen.id).await.ends_with(b"known one") && crop(stranger.id).await.ends_with(b"stranger"));
}

async fn another_master_key_is_refused(place: Place) {
    let store = place.open().await;
    store.close().await;
    let other = SqlStore::open(&place.url, &MasterKey::from_bytes([8; 32])).await;
    assert!(matches!(other, Err(StoreError::OtherMasterKey)));
    assert!(SqlStore::is_sealed(&place.url).await.unwrap());
    place.open().await;
}

async fn what_was_never_opened_is_not_sealed(place: Place) {
    assert!(!SqlStore::is_sealed(&place.url).await.unwrap());
}
