//! The answer to "I have revision M": a walk over persons by `(revision of last change, id)`, page by page. Pure.
//!
//! Each page is read in a transaction of its own, whenever the device asks for it. Who changes meanwhile moves to the
//! end of the order and is told there, so that nobody is left out; only the page that reaches the end says which
//! revision and digest it leads to. [`begin`] is where a walk starts, [`PageBuilder`] what a page holds.

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{DeviceId, PackId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{ChunkKind, GalleryPlace, GalleryWalk, PersonChange, Revision};
use uuid::Uuid;

use super::GalleryTruth;

/// What a person and a template add to their contents in CBOR, at most.
const PERSON_OVERHEAD_BYTES: usize = 64;
const TEMPLATE_OVERHEAD_BYTES: usize = 96;

/// What a device asks.
#[derive(Clone, Debug)]
pub struct WalkQuestion {
    /// Who asks.
    pub device: DeviceId,
    /// Templates of which pack.
    pub pack: PackId,
    /// The revision held; 0 asks for everything.
    pub have: Revision,
    /// The digest of what is held.
    pub digest: GalleryDigest,
    /// How far the device has come already.
    pub resume: Option<GalleryWalk>,
    /// A page ends with the person that reaches so many bytes.
    pub most_bytes: usize,
    /// Server time: whose time has come or is over by now is told as such.
    pub now: UnixMillis,
}

/// A page of the answer, read in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct GalleryPage {
    /// What the walk is, and since when; `after` is the place before this page.
    pub walk: GalleryWalk,
    /// The revision the transaction saw: reached with this page, if it is the last.
    pub to_rev: Revision,
    /// The digest of all the device may hold, at that revision.
    pub digest: GalleryDigest,
    /// The pack.
    pub pack: PackId,
    /// Persons in the order of the walk, each whole; no templates means gone.
    pub persons: Vec<PersonChange>,
    /// Whether nobody comes behind this page.
    pub last: bool,
}

/// The place of everyone's last change up to `rev`.
pub const fn end_of(rev: Revision) -> GalleryPlace {
    GalleryPlace { rev, person: PersonId(Uuid::max()) }
}

/// Where a walk goes on, or starts. `scope_rev` is the last change of whom the device may know at all: what it holds
/// of before cannot be mended by changes, and a walk begun before begins anew.
///
/// `None` if the device holds the truth already.
pub fn begin(question: &WalkQuestion, truth: &GalleryTruth, scope_rev: Revision) -> Option<GalleryWalk> {
    let now = truth.rev;
    let mendable = question.have > Revision(0) && question.have >= scope_rev && question.have <= now;
    if let Some(walk) = question.resume {
        let good = walk.began >= scope_rev && walk.began <= now && walk.after.rev <= now;
        if good && (walk.kind == ChunkKind::Snapshot || mendable) {
            return Some(walk);
        }
    } else if question.have == now && question.digest == truth.digest {
        return None;
    } else if mendable && question.have < now {
        return Some(GalleryWalk { kind: ChunkKind::Changes, began: now, after: end_of(question.have) });
    }
    // From revision 1 on: before it, nobody ever had a template.
    Some(GalleryWalk { kind: ChunkKind::Snapshot, began: now, after: end_of(Revision(0)) })
}

/// The walk of a device that holds the truth: nothing to tell, at the end.
pub const fn nothing(truth: &GalleryTruth) -> GalleryWalk {
    GalleryWalk { kind: ChunkKind::Changes, began: truth.rev, after: end_of(truth.rev) }
}

/// Whether a walk tells of somebody with nothing to hold. A snapshot replaces all, so that who is not there need not
/// be told; but one who was told on an earlier page and is gone since must be.
pub fn tells_gone(walk: &GalleryWalk, rev: Revision) -> bool {
    walk.kind == ChunkKind::Changes || rev > walk.began
}

/// Takes persons in order until a page is full.
pub struct PageBuilder {
    persons: Vec<PersonChange>,
    bytes: usize,
    most_bytes: usize,
}

impl PageBuilder {
    /// An empty page of so many bytes; one person always fits.
    pub const fn new(most_bytes: usize) -> Self {
        Self { persons: Vec::new(), bytes: 0, most_bytes }
    }

    /// Takes a person in; `false` if the page is full without.
    pub fn take(&mut self, person: PersonChange) -> bool {
        if self.bytes >= self.most_bytes {
            return false;
        }
        self.bytes += size_bytes(&person);
        self.persons.push(person);
        true
    }

    /// The persons taken.
    pub fn finish(self) -> Vec<PersonChange> {
        self.persons
    }
}

/// A person's size in CBOR, never less than it is.
pub fn size_bytes(person: &PersonChange) -> usize {
    let templates = person.templates.iter().map(|template| template.embedding.len() + TEMPLATE_OVERHEAD_BYTES);
    PERSON_OVERHEAD_BYTES + templates.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::gallery::GallerySize;

    const SNAPSHOT: ChunkKind = ChunkKind::Snapshot;
    const CHANGES: ChunkKind = ChunkKind::Changes;

    #[test]
    fn where_a_walk_starts_and_goes_on() {
        let truth = GalleryTruth {
            rev: Revision(9),
            touched: Revision(9),
            digest: GalleryDigest::default(),
            size: GallerySize::default(),
        };
        let other = GalleryDigest::from_bytes([1; 32]);
        let resume =
            |kind, began, after| Some(GalleryWalk { kind, began: Revision(began), after: end_of(Revision(after)) });
        let check = |have, digest, resume: Option<GalleryWalk>, scope_rev, expected: Option<GalleryWalk>| {
            let pack = PackId::parse("test@1").unwrap();
            let (device, now) = (DeviceId::generate(), UnixMillis(0));
            let question = WalkQuestion { device, pack, have: Revision(have), digest, resume, most_bytes: 1, now };
            let found = begin(&question, &truth, Revision(scope_rev));
            assert_eq!(found, expected, "{have} {digest} {resume:?} {scope_rev}");
        };
        let (right, anew) = (truth.digest, resume(SNAPSHOT, 9, 0));
        check(9, right, None, 0, None);
        check(9, other, None, 0, anew);
        check(0, right, None, 0, anew);
        check(10, right, None, 0, anew);
        check(4, right, None, 0, resume(CHANGES, 9, 4));
        check(4, right, None, 4, resume(CHANGES, 9, 4));
        check(4, right, None, 5, anew);
        // Going on.
        check(4, right, resume(CHANGES, 8, 6), 0, resume(CHANGES, 8, 6));
        check(0, right, resume(SNAPSHOT, 8, 6), 8, resume(SNAPSHOT, 8, 6));
        check(0, right, resume(SNAPSHOT, 8, 6), 9, anew);
        check(4, right, resume(CHANGES, 8, 6), 5, anew);
        check(0, right, resume(CHANGES, 8, 6), 0, anew);
        check(9, right, resume(CHANGES, 9, 9), 0, resume(CHANGES, 9, 9));
        // Of a server that knew more than this one.
        check(4, right, resume(CHANGES, 12, 6), 0, anew);
        check(4, right, resume(SNAPSHOT, 8, 10), 0, anew);
    }
}
