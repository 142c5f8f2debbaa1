//! Ending an item together with everything it changes.

use std::time::Duration;

use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::effects::Changed;
use super::rows;
use crate::domain::audit::{AuditEntry, AuditResult, AuditTrace, JOB_DONE, JOB_FAILED};
use crate::domain::job::{ItemEnd, ItemState, JobId, Lease, Settled, Settlement};
use crate::ports::StoreError;
use crate::store::sql::{SqlStore, columns, ledger};

/// How long a job is kept whose last item is given up while nobody says how long.
const KEEP: Duration = Duration::from_secs(30 * 24 * 3_600);

impl SqlStore {
    pub(super) async fn commit_item(
        &self,
        lease: &Lease,
        settlement: &Settlement,
        keep: Duration,
        now: UnixMillis,
    ) -> Result<Option<Settled>, StoreError> {
        let mut tx = self.begin().await?;
        // First of all, and for good until the commit: writers take turns.
        if !holds(&mut tx, lease).await? {
            return Ok(None);
        }
        let mut changed = Changed { person: settlement.person, ..Changed::default() };
        for effect in &settlement.effects {
            self.apply(&mut tx, effect, &mut changed, now).await?;
        }
        self.write_end(&mut tx, lease, settlement, &changed, now).await?;
        let is_last = match settlement.end {
            ItemEnd::Again(_) => false,
            ItemEnd::Done => count_end(&mut tx, lease.job.as_bytes(), ItemState::Done, Some(keep), now).await?,
            ItemEnd::Refused => count_end(&mut tx, lease.job.as_bytes(), ItemState::Refused, Some(keep), now).await?,
            ItemEnd::Dead => count_end(&mut tx, lease.job.as_bytes(), ItemState::Dead, Some(keep), now).await?,
        };
        tx.commit().await?;
        if changed.flips_at.is_some() {
            self.memory.expect_flip(changed.flips_at, now);
        }
        Ok(Some(Settled { rev: changed.rev, is_last }))
    }

    async fn write_end(
        &self,
        tx: &mut AnyConnection,
        lease: &Lease,
        settlement: &Settlement,
        changed: &Changed,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let key = rows::key(tx, &self.master, lease.job).await?.ok_or(StoreError::NoSuch("job"))?;
        let (state, failed, due_at, keeps_task) = match settlement.end {
            ItemEnd::Done => (ItemState::Done, 0, now, 0_i64),
            ItemEnd::Refused => (ItemState::Refused, 0, now, 0),
            ItemEnd::Again(at) => (ItemState::Waiting, 1, at, 1),
            ItemEnd::Dead => (ItemState::Dead, 1, now, 1),
        };
        let is_over = !matches!(settlement.end, ItemEnd::Again(_));
        sqlx::query(
            "UPDATE job_items SET state = $1, failures = failures + $2, due_at = $3,
             task = CASE WHEN $4 = 1 THEN task END, reason = $5, outcome = $6, person = $7, ended_at = $8,
             lease_node = NULL, lease_until = NULL WHERE job = $9 AND n = $10",
        )
        .bind(state.as_str())
        .bind(failed)
        .bind(due_at.0)
        .bind(keeps_task)
        .bind(settlement.reason.as_str())
        .bind(key.seal("outcome", lease.n, &settlement.outcome))
        .bind(changed.person.map(|person| person.as_bytes().to_vec()))
        .bind(is_over.then_some(now.0))
        .bind(lease.job.as_bytes().as_slice())
        .bind(columns::to_column(lease.n))
        .execute(tx)
        .await?;
        Ok(())
    }
}

async fn holds(tx: &mut AnyConnection, lease: &Lease) -> Result<bool, StoreError> {
    let held: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM job_items WHERE job = $1 AND n = $2 AND fence = $3 AND state = 'leased'",
    )
    .bind(lease.job.as_bytes().as_slice())
    .bind(columns::to_column(lease.n))
    .bind(columns::to_column(lease.fence))
    .fetch_one(tx)
    .await?;
    Ok(held == 1)
}

/// Counts an item that has ended, and ends its job if it was the last one.
pub(super) async fn count_end(
    tx: &mut AnyConnection,
    job: &[u8],
    how: ItemState,
    keep: Option<Duration>,
    now: UnixMillis,
) -> Result<bool, StoreError> {
    let one = |state| i64::from(how == state);
    let (items, ended): (i64, i64) = sqlx::query_as(
        "UPDATE jobs SET done = done + $1, refused = refused + $2, dead = dead + $3 WHERE id = $4
         RETURNING items, done + refused + dead AS ended",
    )
    .bind(one(ItemState::Done))
    .bind(one(ItemState::Refused))
    .bind(one(ItemState::Dead))
    .bind(job)
    .fetch_one(&mut *tx)
    .await?;
    if ended < items {
        return Ok(false);
    }
    sqlx::query("UPDATE jobs SET state = 'done', ended_at = $1, keep_until = $2, paced_at = NULL WHERE id = $3")
        .bind(now.0)
        .bind(now.plus(keep.unwrap_or(KEEP)).0)
        .bind(job)
        .execute(&mut *tx)
        .await?;
    note_end(tx, job, now).await?;
    Ok(true)
}

/// The line of the audit log that tells of a job's end, in the transaction of that end: who follows the log misses none.
async fn note_end(tx: &mut AnyConnection, job: &[u8], now: UnixMillis) -> Result<(), StoreError> {
    let (kind, done, refused, dead): (String, i64, i64, i64) =
        sqlx::query_as("SELECT kind, done, refused, dead FROM jobs WHERE id = $1")
            .bind(job)
            .fetch_one(&mut *tx)
            .await?;
    let (action, result) = if dead == 0 { (JOB_DONE, AuditResult::Ok) } else { (JOB_FAILED, AuditResult::Refused) };
    let entry = AuditEntry {
        at: now,
        actor: "server".to_owned(),
        action: action.to_owned(),
        target: format!("job:{}", columns::id(JobId, job)?),
        source: String::new(),
        result,
        detail: format!("{kind}: {done} done, {refused} refused, {dead} given up"),
    };
    ledger::append(tx, &entry, &AuditTrace::default()).await
}
