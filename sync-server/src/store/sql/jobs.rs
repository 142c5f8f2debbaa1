//! The queue of jobs. Start at `leasing`: who may work on what; `settling` ends an item together with what it changes
//! (`effects`); `files` is what was uploaded, for every server; `control` is what people do with jobs, `lists` what they see.

mod control;
mod effects;
mod files;
mod filling;
mod leasing;
mod lists;
mod rows;
mod settling;

use async_trait::async_trait;
use ostiary_common::ids::PersonId;
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;
use std::time::Duration;

use super::SqlStore;
use crate::domain::job::{ClaimedItem, Item, ItemState, Job, JobId, Lease, NewItem, NewJob, Settlement};
use crate::ports::StoreError;
use crate::ports::jobs::{Claim, JobFilter, JobStore, SettledOrNot};
use crate::sealing::JobKey;

/// Takes a person who is removed out of what jobs keep: jobs about the person go, and what became of items about them.
pub(super) async fn forget_person(tx: &mut AnyConnection, person: PersonId) -> Result<(), StoreError> {
    let id = person.as_bytes().as_slice();
    sqlx::query("DELETE FROM jobs WHERE person = $1").bind(id).execute(&mut *tx).await?;
    sqlx::query("UPDATE job_items SET outcome = NULL, task = NULL, person = NULL WHERE person = $1")
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

#[async_trait]
impl JobStore for SqlStore {
    async fn begin_job(&self, job: &NewJob) -> Result<JobKey, StoreError> {
        self.insert_job(job).await
    }

    async fn add_items(&self, job: JobId, from: u64, items: &[NewItem]) -> Result<(), StoreError> {
        self.insert_items(job, from, items).await
    }

    async fn release_once(
        &self,
        job: JobId,
        round: (&str, i64),
        keep: Duration,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        self.make_ready_once(job, round, keep, now).await
    }

    async fn release_job(&self, job: JobId, keep: Duration, now: UnixMillis) -> Result<(), StoreError> {
        self.make_ready(job, keep, now).await
    }

    async fn take_back_job(&self, job: JobId) -> Result<bool, StoreError> {
        self.take_back(job).await
    }

    async fn job_key(&self, job: JobId) -> Result<Option<JobKey>, StoreError> {
        rows::key(&mut *self.read.acquire().await?, &self.master, job).await
    }

    async fn claim_items(&self, claim: &Claim<'_>) -> Result<Vec<ClaimedItem>, StoreError> {
        self.lease_items(claim).await
    }

    async fn valid_leases(&self, leases: &[Lease]) -> Result<Vec<Lease>, StoreError> {
        self.still_valid(leases).await
    }

    async fn renew_leases(&self, leases: &[Lease], until: UnixMillis) -> Result<(), StoreError> {
        self.prolong(leases, until).await
    }

    async fn free_leases(&self, node: &str) -> Result<u64, StoreError> {
        self.begin_anew(node).await
    }

    async fn give_back(&self, lease: &Lease) -> Result<(), StoreError> {
        self.put_back(lease).await
    }

    async fn settle_items(&self, ends: &[(Lease, Settlement)], keep: Duration, now: UnixMillis) -> Vec<SettledOrNot> {
        self.end_items(ends, keep, now).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.one_job(id).await
    }

    async fn jobs(&self, filter: &JobFilter, before: Option<JobId>, limit: u32) -> Result<Vec<Job>, StoreError> {
        self.job_list(filter, before, limit).await
    }

    async fn items(
        &self,
        job: JobId,
        states: &[ItemState],
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Item>, StoreError> {
        self.item_list(job, states, after, limit).await
    }

    async fn cancel_job(&self, id: JobId, keep: Duration, now: UnixMillis) -> Result<bool, StoreError> {
        self.cancel(id, keep, now).await
    }

    async fn pause_job(&self, id: JobId) -> Result<bool, StoreError> {
        self.pause(id).await
    }

    async fn resume_job(&self, id: JobId, now: UnixMillis) -> Result<bool, StoreError> {
        self.resume(id, now).await
    }

    async fn retry_items(&self, id: JobId, which: Option<&[u64]>, now: UnixMillis) -> Result<u64, StoreError> {
        self.put_dead_back(id, which, now).await
    }

    async fn forget_jobs(&self, now: UnixMillis) -> Result<Vec<JobId>, StoreError> {
        self.remove_old_jobs(now).await
    }

    async fn jobs_in_need(&self, jobs: &[JobId]) -> Result<Vec<JobId>, StoreError> {
        self.needing(jobs).await
    }

    async fn person_by_external(&self, external: &str) -> Result<Option<PersonId>, StoreError> {
        effects::find_external(&self.read, &self.directory.key, external).await
    }

    async fn externals(&self, persons: &[PersonId]) -> Result<Vec<(PersonId, String)>, StoreError> {
        self.externals_of(persons).await
    }
}
