//! Visitors nobody knows: visits that were put together, and what may become of them.

use ostiary_common::ids::{DoorId, EventId, PackId, SiteId, UnknownId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use ostiary_models::face_crop::FaceCrop;

use super::audit::AuditNote;
use super::consent::Consent;
use super::person::{Person, Template};

/// Whether somebody still has to look at an unknown visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownState {
    /// Nobody has decided anything.
    Open,
    /// Known to be of no interest: further visits join quietly.
    Dismissed,
}

impl UnknownState {
    /// Every state.
    pub const ALL: [Self; 2] = [Self::Open, Self::Dismissed];

    /// The state's name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Dismissed => "dismissed",
        }
    }

    /// Reads a state's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Somebody nobody knows, as far as a reach sees them.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// Id. It stays while visits come and go, and leads on where the visitor turns out to be another.
    pub id: UnknownId,
    /// Whether somebody must look.
    pub state: UnknownState,
    /// Rises with every change.
    pub version: u64,
    /// Visits within the reach.
    pub visits: u64,
    /// Visits beyond it.
    pub elsewhere: u64,
    /// The first visit within the reach that is still kept.
    pub first_at: UnixMillis,
    /// The last visit within the reach.
    pub last_at: UnixMillis,
    /// The doors within the reach, with the number of visits, the most first.
    pub doors: Vec<(DoorId, u64)>,
    /// The visit within the reach with the best picture, if any has one.
    pub best_shot: Option<EventId>,
}

/// Which unknown visitors a list wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFilter {
    /// In this state.
    pub state: UnknownState,
    /// Seen at this door.
    pub door: Option<DoorId>,
    /// Seen at this site.
    pub site: Option<SiteId>,
    /// Seen at least so often.
    pub least_visits: u64,
}

/// A position in a list of unknown visitors: by the last visit, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownPosition {
    /// The last visit.
    pub last_at: UnixMillis,
    /// The visitor.
    pub id: UnknownId,
}

/// How far the grouping has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupingPlace {
    /// Events up to here were looked at.
    pub upto: i64,
    /// Rises with every change of who belongs to which group.
    pub edit: u64,
}

/// The face of a visit that is not grouped yet.
#[derive(Clone, Debug)]
pub struct NewFace {
    /// The event.
    pub cursor: i64,
    /// The pack it was made with and what it looks like, little-endian f32 as it came; `None` if it cannot be read any
    /// more.
    pub face: Option<(PackId, Vec<u8>)>,
}

/// The face of a visit that is grouped.
#[derive(Clone, Debug)]
pub struct HeldFace {
    /// The event.
    pub cursor: i64,
    /// Its id.
    pub event: EventId,
    /// Where it happened.
    pub site: SiteId,
    /// Where it happened.
    pub door: DoorId,
    /// When it happened.
    pub at: UnixMillis,
    /// What it looks like, little-endian f32 as it came.
    pub embedding: Vec<u8>,
}

/// To which group a visit belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The event.
    pub cursor: i64,
    /// The group.
    pub visitor: UnknownId,
    /// Put there by hand.
    pub pinned: bool,
}

/// Visits that join groups, made for a state of the grouping; a group that is not there is made.
#[derive(Clone, Debug)]
pub struct Joining {
    /// The state it was made for.
    pub made_for: GroupingPlace,
    /// Everything up to here was looked at.
    pub upto: i64,
    /// Who joins what.
    pub joins: Vec<(i64, UnknownId)>,
    /// The pack of them all.
    pub pack: PackId,
    /// Now.
    pub now: UnixMillis,
}

/// Visits that change groups, made for a state of the grouping. A group that nobody is left in is gone, and its id leads
/// to where most of its visits went.
#[derive(Clone, Debug)]
pub struct Regrouping {
    /// The state it was made for.
    pub made_for: GroupingPlace,
    /// Who moves where.
    pub moves: Vec<(i64, UnknownId)>,
    /// Groups nobody is left in, with what they became.
    pub became: Vec<(UnknownId, UnknownId)>,
    /// The pack of them all.
    pub pack: PackId,
    /// Now.
    pub now: UnixMillis,
}

/// What somebody does with unknown visitors by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownDeed {
    /// These are the same one.
    Merge {
        /// Who they all are from now on.
        into: UnknownId,
        /// Who goes into it.
        from: Vec<UnknownId>,
    },
    /// These visits are somebody else's.
    Split {
        /// Of whom they were taken to be.
        from: UnknownId,
        /// The visits.
        visits: Vec<EventId>,
        /// Who they are from now on.
        into: UnknownId,
    },
    /// Nobody needs to look any more, or somebody must again.
    Mark {
        /// Who.
        id: UnknownId,
        /// What now.
        state: UnknownState,
    },
}

/// An unknown visitor becomes a person.
#[derive(Clone, Debug)]
pub struct Promotion {
    /// Who.
    pub id: UnknownId,
    /// The person to be made.
    pub person: Person,
    /// That they have agreed.
    pub consent: Consent,
    /// Templates of the best visits, each with the visit's picture, if there is one and it is to be kept.
    pub templates: Vec<(Template, Option<FaceCrop>)>,
    /// Now.
    pub now: UnixMillis,
    /// The line in the audit log.
    pub note: AuditNote,
}

/// What became of a promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promoted {
    /// The gallery's new revision, if there are templates.
    pub revision: Option<Revision>,
    /// Past visits that are the person's now.
    pub visits: u64,
}
