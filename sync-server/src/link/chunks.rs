//! Cuts a gallery answer into messages. Pure.

use std::iter::Peekable;
use std::vec;

use ostiary_common::ids::MsgId;
use ostiary_common::wire::{GalleryChunk, PersonChange};

use crate::domain::gallery::GalleryDelta;

/// What one chunk carries, in bytes, unless a single person is larger. Below the cap of the message type by
/// enough for the keys that CBOR repeats.
pub(super) const CHUNK_BYTES: usize = 192 * 1024;
/// What a person and a template add to their contents in CBOR, at most.
const PERSON_OVERHEAD_BYTES: usize = 64;
const TEMPLATE_OVERHEAD_BYTES: usize = 96;

/// The answer as chunks, in order; at least one, also if there is nothing to tell.
pub(super) struct Chunks {
    persons: Peekable<vec::IntoIter<PersonChange>>,
    next: Option<GalleryChunk>,
    max_bytes: usize,
}

/// Cuts `delta` into the answer to `request`.
pub(super) fn chunks(request: MsgId, delta: GalleryDelta, max_bytes: usize) -> Chunks {
    let first = GalleryChunk {
        request,
        kind: delta.kind,
        to_rev: delta.to_rev,
        index: 0,
        last: false,
        digest: delta.digest,
        pack: delta.pack,
        persons: Vec::new(),
        walk: None,
        sealed: None,
    };
    Chunks { persons: delta.persons.into_iter().peekable(), next: Some(first), max_bytes }
}

impl Iterator for Chunks {
    type Item = GalleryChunk;

    fn next(&mut self) -> Option<GalleryChunk> {
        let mut chunk = self.next.take()?;
        let mut bytes = 0;
        while let Some(person) = self.persons.next_if(|person| bytes == 0 || bytes + size(person) <= self.max_bytes) {
            bytes += size(&person);
            chunk.persons.push(person);
        }
        chunk.last = self.persons.peek().is_none();
        if !chunk.last {
            let GalleryChunk { request, kind, to_rev, index, digest, ref pack, .. } = chunk;
            let (index, pack, persons) = (index + 1, pack.clone(), Vec::new());
            self.next = Some(GalleryChunk {
                request,
                kind,
                to_rev,
                index,
                last: false,
                digest,
                pack,
                persons,
                walk: None,
                sealed: None,
            });
        }
        Some(chunk)
    }
}

/// A person's size in CBOR, never less than it is.
fn size(person: &PersonChange) -> usize {
    let templates = person.templates.iter().map(|template| template.embedding.len() + TEMPLATE_OVERHEAD_BYTES);
    PERSON_OVERHEAD_BYTES + templates.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use ostiary_common::digest::GalleryDigest;
    use ostiary_common::envelope::{Body, Envelope, WIRE_VERSION};
    use ostiary_common::ids::{DeviceId, PackId, PersonId, TemplateId};
    use ostiary_common::time::UnixMillis;
    use ostiary_common::wire::{Angle, ChunkKind, Revision, TemplateRow};
    use proptest::prelude::*;

    use super::*;

    fn person(templates: usize) -> PersonChange {
        let template = || TemplateRow {
            id: TemplateId::generate(),
            version: u32::MAX,
            angle: Angle::Frontal,
            embedding: vec![0xff; 2048].into(),
        };
        let templates = (0..templates).map(|_| template()).collect();
        PersonChange { person: PersonId::generate(), rev: Revision(u64::MAX), templates }
    }

    fn delta(persons: Vec<PersonChange>) -> GalleryDelta {
        GalleryDelta {
            kind: ChunkKind::Snapshot,
            to_rev: Revision(9),
            digest: GalleryDigest::default(),
            pack: PackId::parse("test@1").unwrap(),
            persons,
        }
    }

    fn cut(sizes: &[usize], max_bytes: usize) -> Vec<GalleryChunk> {
        chunks(MsgId::generate(), delta(sizes.iter().map(|n| person(*n)).collect()), max_bytes).collect()
    }

    #[test]
    fn nothing_to_tell_is_one_empty_chunk() {
        let chunks = cut(&[], CHUNK_BYTES);
        assert_eq!(chunks.len(), 1);
        assert!(chunks[0].last && chunks[0].persons.is_empty() && chunks[0].index == 0);
    }

    #[test]
    fn a_full_chunk_stays_below_the_cap_of_its_type() {
        for chunk in cut(&[1; 300], CHUNK_BYTES).into_iter().chain(cut(&[0; 9_000], CHUNK_BYTES)) {
            let device = DeviceId::generate();
            let envelope = Envelope {
                v: WIRE_VERSION,
                msg_id: MsgId::generate(),
                device,
                session: u64::MAX,
                seq: u64::MAX,
                sent_at: UnixMillis(i64::MAX),
                body: chunk,
            };
            let bytes = envelope.encode().unwrap();
            assert!(bytes.len() <= CHUNK_BYTES + 2_048, "{} of {}", bytes.len(), GalleryChunk::MAX_BYTES);
        }
    }

    proptest! {
        #[test]
        fn every_person_comes_once_in_order(sizes in prop::collection::vec(0usize..5, 0..40), max_bytes in 1usize..20_000) {
            let persons: Vec<_> = sizes.iter().map(|n| person(*n)).collect();
            let request = MsgId::generate();
            let cut: Vec<_> = chunks(request, delta(persons.clone()), max_bytes).collect();
            let indices: Vec<u32> = cut.iter().map(|chunk| chunk.index).collect();
            prop_assert_eq!(indices, (0..u32::try_from(cut.len()).unwrap()).collect::<Vec<_>>());
            prop_assert!(cut.iter().rev().skip(1).all(|chunk| !chunk.last) && cut.last().unwrap().last);
            prop_assert!(cut.iter().all(|chunk| chunk.request == request));
            for chunk in &cut {
                let bytes: usize = chunk.persons.iter().map(size).sum();
                prop_assert!(bytes <= max_bytes || chunk.persons.len() == 1);
            }
            let all: Vec<_> = cut.into_iter().flat_map(|chunk| chunk.persons).collect();
            prop_assert_eq!(all, persons);
        }
    }
}
