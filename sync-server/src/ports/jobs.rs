//! The queue of jobs, as the store keeps it.

use std::time::Duration;

use async_trait::async_trait;
use ostiary_common::ids::{PersonId, UserId};
use ostiary_common::time::UnixMillis;

use super::StoreError;
use crate::domain::job::{
    ClaimedItem, Item, ItemState, Job, JobId, JobKind, JobState, Lease, NewItem, NewJob, Settled, Settlement,
};
use crate::sealing::JobKey;

/// What a server asks to work on.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The server.
    pub node: &'a str,
    /// Kinds of jobs.
    pub kinds: &'a [JobKind],
    /// Items at most, small ones apart.
    pub at_most: u32,
    /// Items at most of a phase of small ones ([`JobKind::is_small`]), which count as one of `at_most`; with none, only those
    /// of the next phase that need not wait for it.
    pub small_at_most: u32,
    /// How long it may be silent before others take them.
    pub lease: Duration,
    /// Now.
    pub now: UnixMillis,
}

/// Which jobs a list wants. Absent means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct JobFilter {
    /// Asked for by this account.
    pub account: Option<UserId>,
    /// Of this kind.
    pub kind: Option<JobKind>,
    /// In this state.
    pub state: Option<JobState>,
    /// Only those with items that were given up.
    pub with_dead: bool,
}

/// What came of ending an item: `None` if its lease is not valid any more.
pub type SettledOrNot = Result<Option<Settled>, StoreError>;

/// Jobs and their items.
#[async_trait]
pub trait JobStore: Send + Sync {
    /// Begins a job, to be filled with items; hands out the key that what is uploaded for it is sealed with.
    async fn begin_job(&self, job: &NewJob) -> Result<JobKey, StoreError>;
    /// Adds items to a job that is being filled, numbered from `from` on, in one transaction.
    async fn add_items(&self, job: JobId, from: u64, items: &[NewItem]) -> Result<(), StoreError>;
    /// Says that all items are there; from now on they are worked on. A job without any is done.
    async fn release_job(&self, job: JobId, keep: Duration, now: UnixMillis) -> Result<(), StoreError>;
    /// The same, unless the job of this round, of what is done once in each, was released already: `false`, and nothing is
    /// changed.
    async fn release_once(
        &self,
        job: JobId,
        round: (&str, i64),
        keep: Duration,
        now: UnixMillis,
    ) -> Result<bool, StoreError>;
    /// Takes back a job that is still being filled, as if it had never been begun. `false` if there is none.
    async fn take_back_job(&self, job: JobId) -> Result<bool, StoreError>;
    /// The key of what was uploaded for a job; `None` if there is no such job.
    async fn job_key(&self, job: JobId) -> Result<Option<JobKey>, StoreError>;

    /// Leases items to a server, of the most urgent jobs first. Leases that ran out are free again; an item that was
    /// leased too often is given up.
    async fn claim_items(&self, claim: &Claim<'_>) -> Result<Vec<ClaimedItem>, StoreError>;
    /// Which of these leases are still valid.
    async fn valid_leases(&self, leases: &[Lease]) -> Result<Vec<Lease>, StoreError>;
    /// Lets leases run on until then.
    async fn renew_leases(&self, leases: &[Lease], until: UnixMillis) -> Result<(), StoreError>;
    /// Frees everything a server had leased: it has begun anew and works on none of it.
    async fn free_leases(&self, node: &str) -> Result<u64, StoreError>;
    /// Gives one item back unchanged: the server that had it is stopping.
    async fn give_back(&self, lease: &Lease) -> Result<(), StoreError>;
    /// Ends items, each together with everything it changes, all in one commit if they bear that, and else each in its
    /// own. Answers in their order: `None`, and nothing is changed, if the lease is not valid any more.
    /// [`StoreError::Conflict`] if a template of the same photo came meanwhile, [`StoreError::NoSuch`] if the person is
    /// gone.
    async fn settle_items(&self, ends: &[(Lease, Settlement)], keep: Duration, now: UnixMillis) -> Vec<SettledOrNot>;

    /// One job.
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError>;
    /// The newest jobs first, those older than `before`.
    async fn jobs(&self, filter: &JobFilter, before: Option<JobId>, limit: u32) -> Result<Vec<Job>, StoreError>;
    /// A job's items in order, from behind `after` on, all or those in one of these states.
    async fn items(
        &self,
        job: JobId,
        states: &[ItemState],
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Item>, StoreError>;
    /// Ends a job at once; what is being worked on cannot commit any more. `false` if it is over already, or not there.
    async fn cancel_job(&self, id: JobId, keep: Duration, now: UnixMillis) -> Result<bool, StoreError>;
    /// Stops a job until it is resumed; what is being worked on is given back. `false` if it is not ready.
    async fn pause_job(&self, id: JobId) -> Result<bool, StoreError>;
    /// Lets a paused job go on. `false` if it is not paused.
    async fn resume_job(&self, id: JobId, now: UnixMillis) -> Result<bool, StoreError>;
    /// Puts items that were given up back into the queue, these or all of the job's; returns how many.
    async fn retry_items(&self, id: JobId, which: Option<&[u64]>, now: UnixMillis) -> Result<u64, StoreError>;
    /// Forgets jobs whose time is over, and those that were begun by a server and never filled; returns which.
    async fn forget_jobs(&self, now: UnixMillis) -> Result<Vec<JobId>, StoreError>;
    /// Which of these jobs still need what was uploaded for them.
    async fn jobs_in_need(&self, jobs: &[JobId]) -> Result<Vec<JobId>, StoreError>;
    /// The person that another system calls so.
    async fn person_by_external(&self, external: &str) -> Result<Option<PersonId>, StoreError>;
    /// What other systems call these persons.
    async fn externals(&self, persons: &[PersonId]) -> Result<Vec<(PersonId, String)>, StoreError>;
}
