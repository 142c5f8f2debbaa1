//! The key a device's gallery chunks are sealed with: what passes the broker tells nobody who may pass a door.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use ostiary_common::codec;
use ostiary_common::ids::GalleryKeyId;
use ostiary_common::seal::SealKey;
use ostiary_common::wire::{GalleryChunk, SealedPersons};
use serde_bytes::ByteBuf;

/// What must be saved for a chunk to be compressed: one part of this many.
const SAVES_AT_LEAST: usize = 20;
/// Below this there is nothing to be gained, in bytes.
const SMALL: usize = 256;
/// The most a chunk's persons take in CBOR; the cap of the message is above it.
const MAX_BYTES: usize = 256 * 1024;

/// A device's key, as it was given to the device.
#[derive(Clone, Debug)]
pub struct GalleryKey {
    /// Named in each sealed chunk.
    pub id: GalleryKeyId,
    /// The key.
    pub key: SealKey,
}

impl GalleryKey {
    /// The chunk with its persons compressed, if that saves a twentieth, and sealed for the request it answers. A
    /// chunk without persons has nothing to hide, and stays as it is.
    pub fn seal(&self, mut chunk: GalleryChunk) -> GalleryChunk {
        if chunk.persons.is_empty() {
            return chunk;
        }
        let persons = std::mem::take(&mut chunk.persons);
        let plain = codec::to_vec("gallery persons", MAX_BYTES, &persons).expect("chunks are cut below the cap");
        let smaller = deflated(&plain);
        let bytes = self.key.seal(chunk.request.as_bytes(), smaller.as_deref().unwrap_or(&plain));
        chunk.sealed = Some(SealedPersons { key: self.id, deflated: smaller.is_some(), bytes: ByteBuf::from(bytes) });
        chunk
    }
}

/// The bytes compressed, if that is worth it. The fastest level: embeddings are noise but for their exponents, and
/// trying harder finds no more in them.
fn deflated(plain: &[u8]) -> Option<Vec<u8>> {
    if plain.len() < SMALL {
        return None;
    }
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(plain.len()), Compression::fast());
    let smaller = encoder.write_all(plain).and_then(|()| encoder.finish()).expect("memory takes every write");
    (smaller.len() + plain.len() / SAVES_AT_LEAST <= plain.len()).then_some(smaller)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::DeflateDecoder;
    use ostiary_common::digest::GalleryDigest;
    use ostiary_common::ids::{MsgId, PackId, PersonId, TemplateId};
    use ostiary_common::wire::{Angle, ChunkKind, PersonChange, Revision, TemplateRow};

    use super::*;

    fn chunk(persons: Vec<PersonChange>) -> GalleryChunk {
        GalleryChunk {
            request: MsgId::generate(),
            kind: ChunkKind::Changes,
            to_rev: Revision(7),
            index: 0,
            last: true,
            digest: GalleryDigest::default(),
            pack: PackId::parse("p@1").unwrap(),
            persons,
            walk: None,
            sealed: None,
        }
    }

    fn person(floats: usize) -> PersonChange {
        // Noise of the size an embedder gives, another for each template: the same one again would compress to nothing.
        let id = TemplateId::generate();
        let seed = f32::from(u16::from_le_bytes([id.as_bytes()[14], id.as_bytes()[15]]));
        let values = (0..floats).map(|n| (((n as f32 + seed) * 12.989_8).sin() * 43_758.547).fract() / 16.0);
        let embedding = ByteBuf::from(values.flat_map(f32::to_le_bytes).collect::<Vec<_>>());
        let template = TemplateRow { id, version: 1, angle: Angle::Frontal, embedding };
        PersonChange { person: PersonId::generate(), rev: Revision(7), templates: vec![template] }
    }

    fn key() -> GalleryKey {
        GalleryKey { id: GalleryKeyId::generate(), key: SealKey::generate() }
    }

    fn opened(key: &GalleryKey, chunk: &GalleryChunk) -> Vec<PersonChange> {
        let sealed = chunk.sealed.as_ref().unwrap();
        assert_eq!(sealed.key, key.id);
        let mut plain = key.key.open(chunk.request.as_bytes(), &sealed.bytes).unwrap();
        if sealed.deflated {
            let mut inflated = Vec::new();
            DeflateDecoder::new(plain.as_slice()).read_to_end(&mut inflated).unwrap();
            plain = inflated;
        }
        codec::from_slice("gallery persons", MAX_BYTES, &plain).unwrap()
    }

    #[test]
    fn persons_are_sealed_and_opened_whole() {
        let key = key();
        for (persons, floats) in [(1, 1), (3, 512), (80, 512)] {
            let persons: Vec<_> = (0..persons).map(|_| person(floats)).collect();
            let sealed = key.seal(chunk(persons.clone()));
            assert!(sealed.persons.is_empty(), "nothing lies open");
            assert_eq!(opened(&key, &sealed), persons);
        }
    }

    #[test]
    fn compresses_only_what_gets_smaller() {
        let key = key();
        let gone = |_| PersonChange { person: PersonId::generate(), rev: Revision(7), templates: Vec::new() };
        assert!(key.seal(chunk((0..50).map(gone).collect())).sealed.unwrap().deflated, "the same keys again and again");
        assert!(!key.seal(chunk((0..2).map(gone).collect())).sealed.unwrap().deflated, "too small to gain");
        let empty = key.seal(chunk(Vec::new()));
        assert!(empty.sealed.is_none() && empty.persons.is_empty());
    }

    /// What sealing costs per chunk: `cargo test -p ostiary-server --lib sealing::gallery -- --ignored --nocapture`.
    #[test]
    #[ignore = "a measurement"]
    fn cost_of_sealing() {
        let key = key();
        for (name, persons) in [("one person of 2 templates", 2), ("a full chunk of 85 templates", 85)] {
            let whole = chunk((0..persons).map(|_| person(512)).collect());
            let plain = codec::to_vec("gallery persons", MAX_BYTES, &whole.persons).unwrap().len();
            let times = 400;
            let began = std::time::Instant::now();
            let mut bytes = 0;
            for _ in 0..times {
                bytes = key.seal(whole.clone()).sealed.unwrap().bytes.len();
            }
            let each = began.elapsed() / times;
            println!("{name}: {plain} B open, {bytes} B sealed, {each:?} each");
        }
    }
}
