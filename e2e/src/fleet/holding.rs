//! The gallery a device of the fleet holds: which templates of whom, and their digest. Pure; the embeddings themselves
//! are read and let go, nobody here is recognised by them.

use std::collections::HashMap;

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{PersonId, TemplateId};
use ostiary_common::wire::{ChunkKind, GalleryChunk, PersonChange, Revision};

/// What is held.
#[derive(Debug, Default)]
pub struct Holding {
    /// At which revision; 0 for nothing.
    pub rev: Revision,
    persons: HashMap<PersonId, Vec<(TemplateId, u32)>>,
}

impl Holding {
    /// Takes a chunk in, its persons opened. Gives whether the gallery then has the digest it should have, once the
    /// last chunk is there.
    pub fn take(&mut self, chunk: &GalleryChunk, persons: &[PersonChange]) -> Option<bool> {
        if chunk.index == 0 && chunk.kind == ChunkKind::Snapshot {
            self.persons.clear();
        }
        for change in persons {
            let templates: Vec<_> = change.templates.iter().map(|row| (row.id, row.version)).collect();
            match templates.is_empty() {
                true => self.persons.remove(&change.person),
                false => self.persons.insert(change.person, templates),
            };
        }
        if !chunk.last {
            return None;
        }
        let right = self.digest() == chunk.digest;
        self.rev = if right { chunk.to_rev } else { Revision(0) };
        Some(right)
    }

    /// The digest of all that is held.
    #[must_use]
    pub fn digest(&self) -> GalleryDigest {
        GalleryDigest::of(self.persons.values().flatten().copied())
    }

    /// Persons and templates held.
    #[must_use]
    pub fn counts(&self) -> (u32, u32) {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (count(self.persons.len()), count(self.persons.values().map(Vec::len).sum()))
    }
}

#[cfg(test)]
mod tests {
    use ostiary_common::ids::{MsgId, PackId};
    use ostiary_common::wire::{Angle, TemplateRow};

    use super::*;

    fn person(templates: &[TemplateId]) -> PersonChange {
        let row =
            |id: &TemplateId| TemplateRow { id: *id, version: 1, angle: Angle::Frontal, embedding: vec![].into() };
        let templates = templates.iter().map(row).collect();
        PersonChange { person: PersonId::generate(), rev: Revision(1), templates }
    }

    fn chunk(kind: ChunkKind, to_rev: u64, digest: GalleryDigest) -> GalleryChunk {
        GalleryChunk {
            request: MsgId::generate(),
            kind,
            to_rev: Revision(to_rev),
            index: 0,
            last: true,
            digest,
            pack: PackId::parse("a@1").unwrap(),
            persons: Vec::new(),
            walk: None,
            sealed: None,
        }
    }

    #[test]
    fn changes_add_and_snapshots_replace() {
        let (a, b) = (TemplateId::generate(), TemplateId::generate());
        let digest = |ids: &[TemplateId]| GalleryDigest::of(ids.iter().map(|id| (*id, 1)));
        let mut held = Holding::default();
        let first = person(&[a]);
        assert_eq!(held.take(&chunk(ChunkKind::Changes, 1, digest(&[a])), std::slice::from_ref(&first)), Some(true));
        assert_eq!(held.take(&chunk(ChunkKind::Changes, 2, digest(&[a, b])), &[person(&[b])]), Some(true));
        assert_eq!((held.rev, held.counts()), (Revision(2), (2, 2)));
        let gone = PersonChange { templates: Vec::new(), ..first };
        assert_eq!(held.take(&chunk(ChunkKind::Changes, 3, digest(&[b])), &[gone]), Some(true));
        assert_eq!(held.take(&chunk(ChunkKind::Snapshot, 4, digest(&[a])), &[person(&[a])]), Some(true));
        assert_eq!(held.take(&chunk(ChunkKind::Changes, 5, digest(&[b])), &[]), Some(false));
        assert_eq!(held.rev, Revision(0), "what is wrong is asked for anew");
    }
}
