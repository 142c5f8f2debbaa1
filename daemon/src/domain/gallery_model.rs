//! A model of the server's side of gallery synchronisation, for tests: small, in memory, obviously right.

use std::collections::BTreeMap;

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{PackId, PersonId, TemplateId};
use ostiary_common::wire::{
    Angle, ChunkKind, GalleryChunk, GalleryPlace, GalleryRequest, GalleryWalk, PersonChange, Revision, TemplateRow,
};

pub fn pack() -> PackId {
    PackId::parse("test@1").unwrap()
}

pub fn person(n: u128) -> PersonId {
    PersonId(uuid::Uuid::from_u128(n))
}

pub fn row(id: u128, version: u32) -> TemplateRow {
    let id = TemplateId(uuid::Uuid::from_u128(id));
    TemplateRow { id, version, angle: Angle::Frontal, embedding: vec![1; 16].into() }
}

/// What the server holds for one door.
#[derive(Default)]
pub struct ModelServer {
    pub rev: u64,
    /// The revision of the last change of what the door may hold at all.
    pub scope_rev: u64,
    pub persons: BTreeMap<PersonId, (u64, Vec<TemplateRow>)>,
}

impl ModelServer {
    /// The person has these templates from now on, at one revision more.
    pub fn set(&mut self, n: u128, templates: &[(u128, u32)]) {
        self.rev += 1;
        let rows = templates.iter().map(|&(id, version)| row(id, version)).collect();
        self.persons.insert(person(n), (self.rev, rows));
    }

    /// The door may not know these any more, nor be told of them one by one.
    pub fn narrow(&mut self, gone: &[u128]) {
        self.rev += 1;
        self.scope_rev = self.rev;
        gone.iter().for_each(|&n| drop(self.persons.remove(&person(n))));
    }

    pub fn digest(&self) -> GalleryDigest {
        GalleryDigest::of(self.persons.values().flat_map(|(_, rows)| rows).map(|row| (row.id, row.version)))
    }

    /// The chunks of one page, of so many persons each.
    pub fn answer(&self, request: &GalleryRequest, per_chunk: usize) -> Vec<GalleryChunk> {
        let walk = request.resume.filter(|walk| self.scope_rev <= walk.began.0).unwrap_or_else(|| {
            let is_whole = request.rev.0 == 0 || request.rev.0 < self.scope_rev || request.rev.0 > self.rev;
            let (kind, from) =
                if is_whole { (ChunkKind::Snapshot, 0) } else { (ChunkKind::Changes, request.rev.0 + 1) };
            let after = GalleryPlace { rev: Revision(from), person: PersonId(uuid::Uuid::nil()) };
            GalleryWalk { kind, began: Revision(self.rev), after }
        });
        let to_come = self.behind(&walk);
        let most = usize::try_from(request.most_chunks.unwrap_or(u32::MAX)).unwrap();
        let mut parts: Vec<&[PersonChange]> = to_come.chunks(per_chunk.max(1)).collect();
        if parts.is_empty() {
            parts.push(&[]);
        }
        let (all, shown) = (parts.len(), parts.len().min(most));
        parts.truncate(shown);
        let chunk = |(index, persons): (usize, &[PersonChange])| GalleryChunk {
            request: request.request,
            kind: walk.kind,
            to_rev: Revision(self.rev),
            index: u32::try_from(index).unwrap(),
            last: index + 1 == all,
            digest: self.digest(),
            pack: pack(),
            persons: persons.to_vec(),
            walk: persons.last().map(|last| GalleryWalk { after: place(last), ..walk }),
            sealed: None,
        };
        parts.into_iter().enumerate().map(chunk).collect()
    }

    fn behind(&self, walk: &GalleryWalk) -> Vec<PersonChange> {
        let change = |(id, (rev, rows)): (&PersonId, &(u64, Vec<TemplateRow>))| PersonChange {
            person: *id,
            rev: Revision(*rev),
            templates: rows.clone(),
        };
        let mut all: Vec<PersonChange> = self.persons.iter().map(change).collect();
        // Of those gone before a snapshot began it need not speak: whom it does not name is gone.
        let is_told =
            |c: &PersonChange| walk.kind == ChunkKind::Changes || !c.templates.is_empty() || c.rev > walk.began;
        all.retain(|change| place(change) > walk.after && is_told(change));
        all.sort_by_key(place);
        all
    }
}

fn place(change: &PersonChange) -> GalleryPlace {
    GalleryPlace { rev: change.rev, person: change.person }
}
