//! Cuts a page of a gallery answer into messages. Pure.

use ostiary_common::ids::MsgId;
use ostiary_common::wire::{GalleryChunk, GalleryPlace, GalleryWalk, PersonChange};

use crate::domain::gallery::GalleryPage;
use crate::domain::gallery::walk::size_bytes;

/// What one chunk carries, in bytes, unless a single person is larger. Below the cap of the message type by
/// enough for the keys that CBOR repeats.
pub(super) const CHUNK_BYTES: usize = 192 * 1024;

/// A page as chunks, in order; at least one, also if there is nothing to tell.
pub(super) struct Chunks<'a> {
    page: &'a GalleryPage,
    request: MsgId,
    next: Option<(u32, &'a [PersonChange], GalleryWalk)>,
    most: u32,
    max_bytes: usize,
}

/// Cuts `page` into the answer to `request`, of at most so many chunks. What does not fit is not told now: the last
/// chunk says from where to go on.
pub(super) fn chunks(request: MsgId, page: &GalleryPage, most: Option<u32>, max_bytes: usize) -> Chunks<'_> {
    let next = Some((0, page.persons.as_slice(), page.walk));
    Chunks { page, request, next, most: most.unwrap_or(u32::MAX).max(1), max_bytes }
}

impl Iterator for Chunks<'_> {
    type Item = GalleryChunk;

    fn next(&mut self) -> Option<GalleryChunk> {
        let (index, persons, mut walk) = self.next.take()?;
        let (now, later) = persons.split_at(fitting(persons, self.max_bytes));
        if let Some(PersonChange { person, rev, .. }) = now.last() {
            walk.after = GalleryPlace { rev: *rev, person: *person };
        }
        if !later.is_empty() && index + 1 < self.most {
            self.next = Some((index + 1, later, walk));
        }
        Some(GalleryChunk {
            request: self.request,
            kind: walk.kind,
            to_rev: self.page.to_rev,
            index,
            last: self.page.last && later.is_empty(),
            digest: self.page.digest,
            pack: self.page.pack.clone(),
            persons: now.to_vec(),
            walk: Some(walk),
            sealed: None,
        })
    }
}

/// How many of these persons fit into one chunk: at least one.
fn fitting(persons: &[PersonChange], max_bytes: usize) -> usize {
    let mut bytes = 0;
    let fits = |person: &&PersonChange| {
        let first = bytes == 0;
        bytes += size_bytes(person);
        first || bytes <= max_bytes
    };
    persons.iter().take_while(fits).count()
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
    use crate::domain::gallery::walk::end_of;

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

    fn page(persons: Vec<PersonChange>) -> GalleryPage {
        GalleryPage {
            walk: GalleryWalk { kind: ChunkKind::Snapshot, began: Revision(8), after: end_of(Revision(0)) },
            last: true,
            to_rev: Revision(9),
            digest: GalleryDigest::default(),
            pack: PackId::parse("test@1").unwrap(),
            persons,
        }
    }

    fn cut(sizes: &[usize], max_bytes: usize) -> Vec<GalleryChunk> {
        let page = page(sizes.iter().map(|n| person(*n)).collect());
        chunks(MsgId::generate(), &page, None, max_bytes).collect()
    }

    #[test]
    fn nothing_to_tell_is_one_empty_chunk() {
        let chunks = cut(&[], CHUNK_BYTES);
        assert_eq!(chunks.len(), 1);
        assert!(chunks[0].last && chunks[0].persons.is_empty() && chunks[0].index == 0);
        assert_eq!(chunks[0].walk.unwrap().after, end_of(Revision(0)), "the device sees which walk it is");
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
            let page = page(persons.clone());
            let cut: Vec<_> = chunks(request, &page, None, max_bytes).collect();
            let indices: Vec<u32> = cut.iter().map(|chunk| chunk.index).collect();
            prop_assert_eq!(indices, (0..u32::try_from(cut.len()).unwrap()).collect::<Vec<_>>());
            prop_assert!(cut.iter().rev().skip(1).all(|chunk| !chunk.last) && cut.last().unwrap().last);
            prop_assert!(cut.iter().all(|chunk| chunk.request == request));
            for chunk in &cut {
                let bytes: usize = chunk.persons.iter().map(size_bytes).sum();
                prop_assert!(bytes <= max_bytes || chunk.persons.len() == 1);
            }
            // With credit, the same chunks come, only fewer; each says where it ends.
            let credit = u32::try_from(cut.len()).unwrap().div_ceil(2);
            let some: Vec<_> = chunks(request, &page, Some(credit), max_bytes).collect();
            prop_assert_eq!(&some[..], &cut[..credit as usize]);
            for chunk in cut.iter().filter(|chunk| !chunk.persons.is_empty()) {
                let place = chunk.persons.last().map(|last| GalleryPlace { rev: last.rev, person: last.person });
                prop_assert_eq!(chunk.walk.map(|walk| walk.after), place);
            }
            let all: Vec<_> = cut.into_iter().flat_map(|chunk| chunk.persons).collect();
            prop_assert_eq!(all, persons);
        }
    }
}
