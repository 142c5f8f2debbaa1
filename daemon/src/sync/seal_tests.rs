//! Chunks that are sealed as the server seals them, and those that are not.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use ostiary_common::identity::Secret;
use ostiary_common::ids::MsgId;
use ostiary_common::wire::{ChunkKind, Revision, SealedPersons};

use super::*;
use crate::domain::gallery_model::{pack, person, row};

fn key() -> ChunkKey {
    ChunkKey { id: GalleryKeyId::generate(), key: SealKey::generate() }
}

fn persons() -> Vec<PersonChange> {
    vec![PersonChange { person: person(1), rev: Revision(1), templates: vec![row(1, 1)] }]
}

fn chunk() -> GalleryChunk {
    GalleryChunk {
        request: MsgId::generate(),
        kind: ChunkKind::Changes,
        to_rev: Revision(1),
        index: 0,
        last: true,
        digest: Default::default(),
        pack: pack(),
        persons: Vec::new(),
        walk: None,
        sealed: None,
    }
}

fn sealed(key: &ChunkKey, plain: &[u8], deflated: bool) -> GalleryChunk {
    let chunk = chunk();
    let bytes = key.key.seal(chunk.request.as_bytes(), plain).into();
    GalleryChunk { sealed: Some(SealedPersons { key: key.id, deflated, bytes }), ..chunk }
}

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn list() -> Vec<u8> {
    codec::to_vec("persons", 10_000, &persons()).unwrap()
}

#[test]
fn what_the_server_sealed_is_opened_and_nothing_else() {
    let key = key();
    let opener = Opener::new(Some(key.clone()));
    let check = |mut chunk: GalleryChunk, expected: Result<Vec<PersonChange>, &str>| {
        let opened = opener.open(&mut chunk).map(|()| chunk.persons).map_err(|error| error.to_string());
        match (&opened, expected) {
            (Ok(found), Ok(persons)) => assert_eq!(*found, persons),
            (Err(found), Err(words)) => assert!(found.contains(words), "{found}"),
            (found, expected) => panic!("{found:?} is not {expected:?}"),
        }
    };
    check(sealed(&key, &list(), false), Ok(persons()));
    check(sealed(&key, &deflate(&list()), true), Ok(persons()));
    check(chunk(), Ok(vec![]));
    check(GalleryChunk { persons: persons(), ..chunk() }, Err("an open gallery chunk"));
    check(GalleryChunk { request: MsgId::generate(), ..sealed(&key, &list(), false) }, Err("cannot be opened"));
    check(sealed(&ChunkKey { id: key.id, key: SealKey::generate() }, &list(), false), Err("cannot be opened"));
    check(sealed(&super::tests::key(), &list(), false), Err("not known here"));
    check(sealed(&key, &list(), true), Err("does not hold what it should"));
    check(sealed(&key, b"", false), Err("does not hold what it should"));
    let bomb = deflate(&vec![0; 64 * MAX_OPEN_BYTES]);
    assert!(bomb.len() < 100_000);
    check(sealed(&key, &bomb, true), Err("once inflated"));
}

#[test]
fn without_a_key_chunks_come_open() {
    let mut open = GalleryChunk { persons: persons(), ..chunk() };
    assert_eq!(Opener::default().open(&mut open), Ok(()));
    assert_eq!(open.persons, persons());
    let key = key();
    assert_eq!(Opener::default().open(&mut sealed(&key, &list(), false)), Err(Closed::UnknownKey(key.id)));
}

#[test]
fn a_key_is_32_bytes_in_base64() {
    let id = GalleryKeyId::generate();
    let read = |text: &str| chunk_key(&GalleryKey { id, key: Secret(text.into()) }).map(|key| *key.key.expose());
    assert_eq!(read(&STANDARD.encode([7; 32])), Ok([7; 32]));
    assert!(read(&STANDARD.encode([7; 31])).is_err() && read("?").is_err());
}
