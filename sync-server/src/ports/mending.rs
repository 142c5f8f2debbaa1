//! Mending who is who.

use async_trait::async_trait;
use ostiary_common::ids::{PersonChangeId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;

use super::StoreError;
use crate::domain::audit::AuditNote;
use crate::domain::mending::{Mending, MergeOrder, SplitOrder, Undone};

/// Merges and splits of persons. Each is one transaction with its revision, so that devices follow.
#[async_trait]
pub trait MendingStore: Send + Sync {
    /// Makes two persons one: templates and past visits go to `target`, whose name, groups and validity hold; `source` is
    /// nobody any more. `None` if either is not there, or both are the same.
    async fn merge_persons(&self, order: &MergeOrder) -> Result<Option<Revision>, StoreError>;
    /// Makes one person two: a new person has some of the templates from now on. `None` if the person is not there, or a
    /// template is not theirs.
    async fn split_person(&self, order: &SplitOrder) -> Result<Option<Revision>, StoreError>;
    /// Undoes a change; `None` if there is no such.
    async fn undo_mending(
        &self,
        id: PersonChangeId,
        now: UnixMillis,
        note: &AuditNote,
    ) -> Result<Option<Undone>, StoreError>;
    /// One change.
    async fn mending(&self, id: PersonChangeId) -> Result<Option<Mending>, StoreError>;
    /// The changes of a person, the newest first, at most so many.
    async fn mendings_of(&self, person: PersonId, limit: u32) -> Result<Vec<Mending>, StoreError>;
    /// Settles changes that can be undone no more, so that what was kept for that is gone: whoever was merged is removed
    /// for good, and past visits are wholly the other's. Returns what was settled, with the revision if it took one.
    async fn settle_mendings(&self, now: UnixMillis) -> Result<Vec<(Mending, Option<Revision>)>, StoreError>;
}
