//! What is personal does not lie open on the disk: neither in the database nor in its log.

use std::path::Path;

use ostiary_common::ids::StreamId;
use ostiary_common::wire::OutcomeKind;
use ostiary_server::ports::{EventStore, PersonStore, StoreError};
use ostiary_server::sealing::MasterKey;
use ostiary_server::store::sqlite::SqliteStore;
use serde_bytes::ByteBuf;

use super::sample::{batch, device, master, person, sqlite, template, visit};

/// Every byte of the database, its log and its index of the log.
pub fn dump(dir: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    files.flat_map(|path| std::fs::read(path).unwrap()).collect()
}

pub fn lies_open(dir: &Path, what: &[u8]) -> bool {
    dump(dir).windows(what.len()).any(|window| window == what)
}

fn bytes(embedding: &[f32]) -> Vec<u8> {
    embedding.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[tokio::test]
async fn nothing_personal_lies_open() {
    let (dir, store) = sqlite().await;
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
        assert!(!lies_open(dir.path(), open), "{}", String::from_utf8_lossy(open));
    }
    assert!(lies_open(dir.path(), device.name.as_bytes()), "the search finds what does lie open");

    assert_eq!(store.person(someone.id).await.unwrap().unwrap().name, someone.name);
    assert_eq!(store.templates(someone.id).await.unwrap()[0].embedding, template.embedding);
    let crop = async |id| store.crop(id).await.unwrap().unwrap();
    assert!(crop(seen.id).await.ends_with(b"known one") && crop(stranger.id).await.ends_with(b"stranger"));
}

#[tokio::test]
async fn another_master_key_is_refused() {
    let (dir, store) = sqlite().await;
    store.close().await;
    let path = dir.path().join("test.sqlite");
    let other = SqliteStore::open(&path, &MasterKey::from_bytes([8; 32])).await;
    assert!(matches!(other, Err(StoreError::OtherMasterKey)));
    assert!(SqliteStore::is_sealed(&path).await.unwrap());
    assert!(!SqliteStore::is_sealed(&dir.path().join("none.sqlite")).await.unwrap());
    SqliteStore::open(&path, &master()).await.unwrap();
}
