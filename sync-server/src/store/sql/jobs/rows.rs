//! Rows of jobs and items.

use ostiary_common::ids::{PersonId, UserId};
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use crate::domain::job::{Counts, Item, ItemState, Job, JobId, JobKind, JobState, Lease};
use crate::ports::StoreError;
use crate::sealing::{JobKey, MasterKey};
use crate::store::sql::columns;
use crate::store::sql::error::corrupt;

/// A job's columns, and the lowest phase that has items left.
pub(super) const JOB: &str = "SELECT j.id, j.kind, j.state, j.account, j.person, j.node, j.wrapped, j.plan, j.items,
    j.done, j.refused, j.dead, j.created_at, j.began_at, j.ended_at, j.keep_until, j.paced_at, j.paced_from,
    (SELECT min(i.phase) FROM job_items i WHERE i.job = j.id AND i.state = 'waiting') AS waiting_phase,
    (SELECT min(i.phase) FROM job_items i WHERE i.job = j.id AND i.state = 'leased') AS leased_phase
    FROM jobs j";

/// A lease by its columns.
pub(super) fn lease(job: &[u8], n: i64, fence: i64) -> Result<Lease, StoreError> {
    Ok(Lease {
        job: columns::id(JobId, job)?,
        n: columns::unsigned("number of an item", n)?,
        fence: columns::unsigned("fence", fence)?,
    })
}

#[derive(sqlx::FromRow)]
pub(super) struct JobRow {
    id: Vec<u8>,
    kind: String,
    state: String,
    account: Option<Vec<u8>>,
    person: Option<Vec<u8>>,
    node: String,
    wrapped: Vec<u8>,
    plan: Vec<u8>,
    items: i64,
    done: i64,
    refused: i64,
    dead: i64,
    created_at: i64,
    began_at: Option<i64>,
    ended_at: Option<i64>,
    keep_until: Option<i64>,
    paced_at: Option<i64>,
    paced_from: i64,
    waiting_phase: Option<i64>,
    leased_phase: Option<i64>,
}

impl JobRow {
    pub(super) fn open(self, master: &MasterKey) -> Result<Job, StoreError> {
        let id = columns::id(JobId, &self.id)?;
        let key = unwrap(master, id, &self.wrapped)?;
        let count = |column| columns::unsigned("count of items", column);
        let phase = self.waiting_phase.into_iter().chain(self.leased_phase).min();
        let paced = |at| Ok::<_, StoreError>((UnixMillis(at), count(self.paced_from)?));
        Ok(Job {
            id,
            kind: kind(&self.kind)?,
            state: JobState::parse(&self.state).ok_or_else(|| corrupt("state of a job", &self.state))?,
            account: self.account.as_deref().map(|id| columns::id(UserId, id)).transpose()?,
            person: self.person.as_deref().map(|id| columns::id(PersonId, id)).transpose()?,
            node: self.node,
            plan: key.open("plan", 0, &self.plan).map_err(|e| corrupt("plan of a job", e))?,
            counts: Counts {
                items: count(self.items)?,
                done: count(self.done)?,
                refused: count(self.refused)?,
                dead: count(self.dead)?,
            },
            phase: phase.map(|phase| columns::unsigned32("phase", phase)).transpose()?,
            created_at: UnixMillis(self.created_at),
            began_at: columns::time(self.began_at),
            ended_at: columns::time(self.ended_at),
            keep_until: columns::time(self.keep_until),
            paced: self.paced_at.map(paced).transpose()?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct ItemRow {
    n: i64,
    phase: i64,
    state: String,
    person: Option<Vec<u8>>,
    failures: i64,
    due_at: i64,
    reason: String,
    outcome: Option<Vec<u8>>,
    ended_at: Option<i64>,
}

impl ItemRow {
    pub(super) fn open(self, key: &JobKey) -> Result<Item, StoreError> {
        let n = columns::unsigned("number of an item", self.n)?;
        let outcome = self.outcome.map(|sealed| key.open("outcome", n, &sealed)).transpose();
        Ok(Item {
            n,
            phase: columns::unsigned32("phase", self.phase)?,
            state: item_state(&self.state)?,
            person: self.person.as_deref().map(|id| columns::id(PersonId, id)).transpose()?,
            failures: columns::unsigned32("failures", self.failures)?,
            due_at: UnixMillis(self.due_at),
            reason: self.reason,
            outcome: outcome.map_err(|e| corrupt("outcome of an item", e))?.unwrap_or_default(),
            ended_at: columns::time(self.ended_at),
        })
    }
}

pub(super) fn kind(text: &str) -> Result<JobKind, StoreError> {
    JobKind::parse(text).ok_or_else(|| corrupt("kind of a job", text))
}

pub(super) fn item_state(text: &str) -> Result<ItemState, StoreError> {
    ItemState::parse(text).ok_or_else(|| corrupt("state of an item", text))
}

/// A job's key, from the row it lies in.
pub(super) fn unwrap(master: &MasterKey, job: JobId, wrapped: &[u8]) -> Result<JobKey, StoreError> {
    master.job_key(job, wrapped).map_err(|e| corrupt("job key", e))
}

/// A job's key; `None` if there is no such job.
pub(super) async fn key(
    conn: &mut AnyConnection,
    master: &MasterKey,
    job: JobId,
) -> Result<Option<JobKey>, StoreError> {
    let wrapped: Option<Vec<u8>> = sqlx::query_scalar("SELECT wrapped FROM jobs WHERE id = $1")
        .bind(job.as_bytes().as_slice())
        .fetch_optional(conn)
        .await?;
    wrapped.map(|wrapped| unwrap(master, job, &wrapped)).transpose()
}
