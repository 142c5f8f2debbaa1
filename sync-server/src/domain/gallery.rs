//! The gallery as the server sees it: who may be known where, and what a device is told of it.
//!
//! [`may_hold`] is the rule. [`walk`] answers a device page by page; [`book`] knows what each scope adds up to.

pub mod book;
mod scope;
mod validity;
pub mod walk;

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{DeviceId, GroupId, PersonId, SiteId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::DeviceRoot;
use ostiary_common::wire::Revision;

pub use scope::{GalleryRule, Scope, may_hold};
pub use validity::{InvalidValidity, Validity};
pub use walk::{GalleryPage, WalkQuestion};

use super::device::HeldGallery;

/// How large a pack's gallery is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GallerySize {
    /// Persons with a template.
    pub persons: u64,
    /// Templates.
    pub templates: u64,
}

/// What somebody at the present revision must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GalleryTruth {
    /// The revision now.
    pub rev: Revision,
    /// The last revision that concerned this holder: who holds an older one may lack something.
    pub touched: Revision,
    /// The digest of it all.
    pub digest: GalleryDigest,
    /// How much that is.
    pub size: GallerySize,
}

/// How what a device holds stands to the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds exactly what it should, and knows of all that concerns it.
    InSync,
    /// It holds an older revision.
    Behind,
    /// It says it holds this revision, or a newer one than there is, and the contents differ.
    Differs,
}

impl GalleryTruth {
    /// Compares it with what a device holds. The digest decides: a revision alone can be right beside a damaged
    /// gallery, and one that is behind by changes for other doors only is right.
    pub fn judge(&self, held: (Revision, GalleryDigest)) -> Verdict {
        match held {
            (rev, digest) if digest == self.digest && (self.touched..=self.rev).contains(&rev) => Verdict::InSync,
            (rev, _) if rev < self.rev => Verdict::Behind,
            _ => Verdict::Differs,
        }
    }
}

/// A device, beside what it must hold.
#[derive(Clone, Copy, Debug)]
pub struct GalleryStanding {
    /// The device's place among the topics.
    pub root: DeviceRoot,
    /// Whether it is claimed and not revoked; the others hold nothing of ours, and are told nothing.
    pub is_active: bool,
    /// The last session heard of.
    pub session: u64,
    /// What it last said it holds.
    pub held: Option<HeldGallery>,
    /// What it must hold.
    pub truth: GalleryTruth,
}

impl GalleryStanding {
    /// How it stands; a device never heard of holds nothing.
    pub fn verdict(&self) -> Verdict {
        self.truth.judge(self.held.map_or_else(Default::default, |held| (held.rev, held.digest)))
    }
}

/// Persons who have something in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Id.
    pub id: GroupId,
    /// Name, unique.
    pub name: String,
    /// Where it counts; everywhere without one.
    pub site: Option<SiteId>,
    /// Made at.
    pub created_at: UnixMillis,
    /// Rises with every change of name or site, from 1.
    pub version: u64,
    /// How many persons are in it.
    pub members: u64,
}

/// Who comes into a group and who leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberChange {
    /// Who comes.
    pub add: Vec<PersonId>,
    /// Who leaves.
    pub remove: Vec<PersonId>,
}

/// When and by which groups a person may be known; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TermsChange {
    /// When.
    pub validity: Option<Validity>,
    /// All groups the person is in from now on.
    pub groups: Option<Vec<GroupId>>,
}

/// What a change of who may be known where led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rescoped {
    /// The version of what was changed.
    pub version: u64,
    /// The gallery's new revision, if any device is concerned.
    pub rev: Option<Revision>,
}

/// What the clock changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Persons who may be known from now on, or no longer.
    pub flipped: u64,
    /// The revision now.
    pub rev: Revision,
}

/// A device that watches a door, and how it stands to one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersonAtDevice {
    /// The device.
    pub device: DeviceId,
    /// Whether it may hold the person now.
    pub may_hold: bool,
}

#[cfg(test)]
mod tests {
    use ostiary_common::ids::TemplateId;

    use super::*;

    #[test]
    fn verdicts() {
        let (a, b) = (GalleryDigest::default(), GalleryDigest::of([(TemplateId::generate(), 1)]));
        let check = |held: u64, digest, (touched, rev): (u64, u64), expected| {
            let (touched, rev) = (Revision(touched), Revision(rev));
            let truth = GalleryTruth { rev, touched, digest: a, size: GallerySize::default() };
            assert_eq!(truth.judge((Revision(held), digest)), expected, "{held} of {touched:?}..={rev:?}");
        };
        check(4, a, (4, 4), Verdict::InSync);
        check(4, b, (4, 4), Verdict::Differs);
        check(3, b, (4, 4), Verdict::Behind);
        check(3, a, (4, 4), Verdict::Behind);
        check(5, a, (4, 4), Verdict::Differs);
        check(0, a, (0, 0), Verdict::InSync);
        check(3, a, (3, 9), Verdict::InSync);
        check(2, a, (3, 9), Verdict::Behind);
        check(3, b, (3, 9), Verdict::Behind);
        check(9, b, (3, 9), Verdict::Differs);
    }
}
