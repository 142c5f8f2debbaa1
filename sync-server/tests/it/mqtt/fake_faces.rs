//! What the link never asks of a store: faces beyond what comes with events.

use async_trait::async_trait;
use ostiary_common::ids::{EventId, JudgementId, PackId, PersonChangeId, PersonId, UnknownId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use ostiary_server::domain::access::Reach;
use ostiary_server::domain::audit::AuditNote;
use ostiary_server::domain::judgement::Judgement;
use ostiary_server::domain::mending::{Mending, MergeOrder, SplitOrder, Undone};
use ostiary_server::domain::unknown::{
    GroupingPlace, HeldFace, Joining, Membership, NewFace, Promoted, Promotion, Regrouping, Unknown, UnknownDeed,
    UnknownFilter, UnknownPosition,
};
use ostiary_server::ports::judgements::{DoubtfulMatch, JudgementFilter};
use ostiary_server::ports::{JudgementStore, MendingStore, StoreError, UnknownStore};

use super::fake_store::{FakeStore, NOT_USED};

#[async_trait]
impl UnknownStore for FakeStore {
    async fn grouping_place(&self) -> Result<GroupingPlace, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn new_faces(&self, _: i64, _: u32) -> Result<Vec<NewFace>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn memberships(&self, _: &PackId) -> Result<Vec<Membership>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn held_faces(&self, _: &[i64]) -> Result<Vec<HeldFace>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn join_unknowns(&self, _: &Joining) -> Result<bool, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn regroup(&self, _: &Regrouping) -> Result<bool, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn unknowns_within(
        &self,
        _: &Reach,
        _: &UnknownFilter,
        _: Option<UnknownPosition>,
        _: u32,
    ) -> Result<Vec<Unknown>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn unknown_within(&self, _: &Reach, _: UnknownId) -> Result<Option<Unknown>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn do_by_hand(&self, _: &UnknownDeed, _: UnixMillis, _: &AuditNote) -> Result<bool, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn faces_of_unknown(&self, _: UnknownId, _: u32) -> Result<Vec<(HeldFace, f32)>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn promote_unknown(&self, _: &Promotion) -> Result<Option<Promoted>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn forget_unknowns(&self, _: UnixMillis, _: u32) -> Result<u64, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn event_face(&self, _: &Reach, _: EventId) -> Result<Option<(PackId, Vec<u8>)>, StoreError> {
        unreachable!("{NOT_USED}")
    }
}

#[async_trait]
impl MendingStore for FakeStore {
    async fn merge_persons(&self, _: &MergeOrder) -> Result<Option<Revision>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn split_person(&self, _: &SplitOrder) -> Result<Option<Revision>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn undo_mending(
        &self,
        _: PersonChangeId,
        _: UnixMillis,
        _: &AuditNote,
    ) -> Result<Option<Undone>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn mending(&self, _: PersonChangeId) -> Result<Option<Mending>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn mendings_of(&self, _: PersonId, _: u32) -> Result<Vec<Mending>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn settle_mendings(&self, _: UnixMillis) -> Result<Vec<(Mending, Option<Revision>)>, StoreError> {
        unreachable!("{NOT_USED}")
    }
}

#[async_trait]
impl JudgementStore for FakeStore {
    async fn judge(&self, _: &Judgement, _: &AuditNote) -> Result<(), StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn withdraw_judgement(
        &self,
        _: EventId,
        _: &str,
        _: UnixMillis,
        _: &AuditNote,
    ) -> Result<Option<JudgementId>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn judgements_of(&self, _: EventId) -> Result<Vec<Judgement>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn judgements_within(&self, _: &Reach, _: &JudgementFilter, _: u32) -> Result<Vec<Judgement>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn judgements_by(
        &self,
        _: &str,
        _: &Reach,
        _: Option<JudgementId>,
        _: u32,
    ) -> Result<Vec<Judgement>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn unjudged_within(&self, _: &Reach, _: UnixMillis, _: u32) -> Result<Vec<EventId>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn doubtful_matches(&self, _: u32) -> Result<Option<(i64, Vec<DoubtfulMatch>)>, StoreError> {
        unreachable!("{NOT_USED}")
    }

    async fn mark_doubts(&self, _: i64, _: &[(i64, f32)]) -> Result<(), StoreError> {
        unreachable!("{NOT_USED}")
    }
}
