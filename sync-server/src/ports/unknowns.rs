//! Visitors nobody knows: faces to be put together, groups to be looked at, and what is done with them by hand.

use async_trait::async_trait;
use ostiary_common::ids::{EventId, PackId, UnknownId};
use ostiary_common::time::UnixMillis;

use super::StoreError;
use crate::domain::access::Reach;
use crate::domain::audit::AuditNote;
use crate::domain::unknown::{
    GroupingPlace, HeldFace, Joining, Membership, NewFace, Promoted, Promotion, Regrouping, Unknown, UnknownDeed,
    UnknownFilter, UnknownPosition,
};

/// Unknown visitors. Changes made for a state of the grouping that is not the present one any more change nothing.
#[async_trait]
pub trait UnknownStore: Send + Sync {
    /// How far the grouping has come.
    async fn grouping_place(&self) -> Result<GroupingPlace, StoreError>;
    /// Faces of unknown visits behind a cursor, in order, at most `limit`.
    async fn new_faces(&self, after: i64, limit: u32) -> Result<Vec<NewFace>, StoreError>;
    /// Which visits are of which group, in order of cursors.
    async fn memberships(&self, pack: &PackId) -> Result<Vec<Membership>, StoreError>;
    /// The faces of these grouped visits; those that are gone are left out.
    async fn held_faces(&self, cursors: &[i64]) -> Result<Vec<HeldFace>, StoreError>;
    /// Has visits join groups; `false` if the grouping has changed since.
    async fn join_unknowns(&self, joining: &Joining) -> Result<bool, StoreError>;
    /// Has visits change groups; `false` if the grouping has changed since.
    async fn regroup(&self, plan: &Regrouping) -> Result<bool, StoreError>;
    /// A page of groups within a reach, the last seen first.
    async fn unknowns_within(
        &self,
        reach: &Reach,
        filter: &UnknownFilter,
        before: Option<UnknownPosition>,
        limit: u32,
    ) -> Result<Vec<Unknown>, StoreError>;
    /// One group, or what it became, as far as a reach sees it; `None` if nothing of it is within.
    async fn unknown_within(&self, reach: &Reach, id: UnknownId) -> Result<Option<Unknown>, StoreError>;
    /// Does something by hand, with its line in the audit log. `false` if a group or a visit of it is not there.
    async fn do_by_hand(&self, deed: &UnknownDeed, now: UnixMillis, note: &AuditNote) -> Result<bool, StoreError>;
    /// Faces of a group, each with its quality (0 to 1), the best first.
    async fn faces_of_unknown(&self, id: UnknownId, limit: u32) -> Result<Vec<(HeldFace, f32)>, StoreError>;
    /// Makes a person of a group, in one transaction with templates, past visits and the line in the audit log; `None`
    /// if there is no such group. [`StoreError::NoSuch`] if there is no such group of persons.
    async fn promote_unknown(&self, promotion: &Promotion) -> Result<Option<Promoted>, StoreError>;
    /// Forgets visits of before a moment, at most so many at once: their faces and pictures, and groups without visits
    /// with their keys. The events stay. Returns how many; fewer than `at_most` means that no more are that old.
    async fn forget_unknowns(&self, before: UnixMillis, at_most: u32) -> Result<u64, StoreError>;
    /// What the face of an event within a reach looks like, little-endian f32 as it came, and by which pack; `None` if
    /// there is no such event, or none came with it.
    async fn event_face(&self, reach: &Reach, id: EventId) -> Result<Option<(PackId, Vec<u8>)>, StoreError>;
}
