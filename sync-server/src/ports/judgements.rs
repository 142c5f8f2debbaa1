//! What people say of events.

use async_trait::async_trait;
use ostiary_common::ids::{DoorId, EventId, JudgementId, PackId, PersonId, SiteId};
use ostiary_common::time::UnixMillis;

use super::StoreError;
use crate::domain::access::Reach;
use crate::domain::audit::AuditNote;
use crate::domain::judgement::Judgement;

/// Which judgements are asked for. Absent means any.
#[derive(Clone, Debug, Default)]
pub struct JudgementFilter {
    /// Of events at this site.
    pub site: Option<SiteId>,
    /// Of events at this door.
    pub door: Option<DoorId>,
    /// Of events that name this person, or should have.
    pub person: Option<PersonId>,
    /// Of events from this time on.
    pub from: Option<UnixMillis>,
    /// Of events before this time.
    pub until: Option<UnixMillis>,
}

/// A match whose person was mistaken for others before.
#[derive(Clone, Debug)]
pub struct DoubtfulMatch {
    /// The event.
    pub cursor: i64,
    /// Similarity to the person.
    pub similarity: f32,
    /// The face, with its pack, little-endian f32 as it came.
    pub face: (PackId, Vec<u8>),
    /// Faces the person was mistaken for, the same way.
    pub not_them: Vec<(PackId, Vec<u8>)>,
}

/// Judgements, and what is learned from those of matches of the wrong person.
#[async_trait]
pub trait JudgementStore: Send + Sync {
    /// Writes a judgement down in place of the one that stood, with its line in the audit log. If the event named the wrong
    /// person, its face is kept as one that is not theirs.
    async fn judge(&self, judgement: &Judgement, note: &AuditNote) -> Result<(), StoreError>;
    /// Withdraws the judgement of an event that stands; `None` if none does.
    async fn withdraw_judgement(
        &self,
        event: EventId,
        by: &str,
        now: UnixMillis,
        note: &AuditNote,
    ) -> Result<Option<JudgementId>, StoreError>;
    /// Everything that was said of an event, the newest first.
    async fn judgements_of(&self, event: EventId) -> Result<Vec<Judgement>, StoreError>;
    /// Judgements that stand of events within a reach, at most so many.
    async fn judgements_within(
        &self,
        reach: &Reach,
        filter: &JudgementFilter,
        limit: u32,
    ) -> Result<Vec<Judgement>, StoreError>;
    /// What somebody (`user:<id>`, `service:<id>`) said of events within a reach, the newest first, before `before`; what was
    /// withdrawn since, too.
    async fn judgements_by(
        &self,
        actor: &str,
        reach: &Reach,
        before: Option<JudgementId>,
        limit: u32,
    ) -> Result<Vec<Judgement>, StoreError>;
    /// Visits within a reach since a moment that nobody has judged, the newest first, at most so many.
    async fn unjudged_within(&self, reach: &Reach, since: UnixMillis, limit: u32) -> Result<Vec<EventId>, StoreError>;
    /// Matches behind those looked at before whose persons were mistaken for others, and up to where was looked; `None` if
    /// nobody ever was.
    async fn doubtful_matches(&self, limit: u32) -> Result<Option<(i64, Vec<DoubtfulMatch>)>, StoreError>;
    /// Says which matches are doubtful, and how near they are to a face that is not the person's.
    async fn mark_doubts(&self, upto: i64, doubts: &[(i64, f32)]) -> Result<(), StoreError>;
}
