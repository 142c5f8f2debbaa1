//! Ending an item together with everything it changes.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::effects::Changed;
use super::{files, rows};
use crate::domain::audit::{AuditEntry, AuditResult, AuditTrace, JOB_DONE, JOB_FAILED};
use crate::domain::job::{ItemEnd, ItemState, JobId, Lease, Settled, Settlement};
use crate::ports::StoreError;
use crate::ports::jobs::SettledOrNot;
use crate::sealing::JobKey;
use crate::store::sql::again::again;
use crate::store::sql::statement::Statement;
use crate::store::sql::{SqlStore, columns, ledger};

/// How long a job is kept whose last item is given up while nobody says how long.
const KEEP: Duration = Duration::from_secs(30 * 24 * 3_600);

impl SqlStore {
    pub(super) async fn end_items(
        &self,
        ends: &[(Lease, Settlement)],
        keep: Duration,
        now: UnixMillis,
    ) -> Vec<SettledOrNot> {
        match self.end_together(ends, keep, now).await {
            Ok(settled) => settled.into_iter().map(Ok).collect(),
            Err(error) if ends.len() <= 1 => vec![Err(error)],
            // One of them cannot be, and took the others with it: now each has its own answer.
            Err(_) => {
                let mut settled = Vec::with_capacity(ends.len());
                for one in ends.chunks(1) {
                    let alone = self.end_together(one, keep, now).await;
                    settled.push(alone.map(|mut one| one.pop().flatten()));
                }
                settled
            }
        }
    }

    async fn end_together(
        &self,
        ends: &[(Lease, Settlement)],
        keep: Duration,
        now: UnixMillis,
    ) -> Result<Vec<Option<Settled>>, StoreError> {
        again(|| async {
            let (mut settled, mut flips) = (Vec::with_capacity(ends.len()), Vec::new());
            let (mut notes, mut counts) = (Vec::new(), BTreeMap::<JobId, Ended>::new());
            let mut tx = self.begin().await?;
            // Checked within the transaction, it holds until the commit: writers take turns.
            let mut held = held(&mut tx, ends.iter().map(|(lease, _)| lease)).await?;
            for (at, (lease, settlement)) in ends.iter().enumerate() {
                // Each ends once.
                let Some(job) = held.remove(lease) else {
                    settled.push(None);
                    continue;
                };
                let mut changed = Changed { person: settlement.person, ..Changed::default() };
                for effect in &settlement.effects {
                    self.apply(&mut tx, effect, &mut changed, now).await?;
                }
                notes.extend(settlement.notes());
                let key = rows::unwrap(&self.master, lease.job, &job.wrapped)?;
                write_end(&mut tx, (lease, &key), settlement, &changed, now).await?;
                if let Some(how) = ended(settlement.end) {
                    counts.entry(lease.job).or_default().add(how, at);
                }
                // Only of jobs that several servers share anything was put into the store.
                if job.node.is_empty() && matches!(settlement.end, ItemEnd::Done | ItemEnd::Refused) {
                    files::remove_of_item(&mut tx, lease.job.as_bytes(), lease.n).await?;
                }
                flips.extend(changed.flips_at);
                settled.push(Some(Settled { rev: changed.rev, is_last: false }));
            }
            ledger::append_all(&mut tx, &notes).await?;
            for (job, ended) in counts {
                let is_over = count_ends(&mut tx, job.as_bytes(), &ended, Some(keep), now).await?;
                if let Some(last) = settled.get_mut(ended.last).and_then(Option::as_mut) {
                    last.is_last = is_over;
                }
            }
            tx.commit().await?;
            for at in flips {
                self.memory.expect_flip(Some(at), now);
            }
            Ok(settled)
        })
        .await
    }
}

async fn write_end(
    tx: &mut AnyConnection,
    (lease, key): (&Lease, &JobKey),
    settlement: &Settlement,
    changed: &Changed,
    now: UnixMillis,
) -> Result<(), StoreError> {
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

/// How an item stands that has ended so; `None` if it goes on.
const fn ended(end: ItemEnd) -> Option<ItemState> {
    match end {
        ItemEnd::Again(_) => None,
        ItemEnd::Done => Some(ItemState::Done),
        ItemEnd::Refused => Some(ItemState::Refused),
        ItemEnd::Dead => Some(ItemState::Dead),
    }
}

/// The job of a lease that still is one.
struct Held {
    wrapped: Vec<u8>,
    node: String,
}

#[derive(sqlx::FromRow)]
struct HeldRow {
    job: Vec<u8>,
    n: i64,
    fence: i64,
    wrapped: Vec<u8>,
    node: String,
}

/// Those of some leases that still are, with their jobs.
async fn held(
    tx: &mut AnyConnection,
    leases: impl Iterator<Item = &Lease>,
) -> Result<HashMap<Lease, Held>, StoreError> {
    let mut by_job: BTreeMap<JobId, Vec<i64>> = BTreeMap::new();
    leases.for_each(|lease| by_job.entry(lease.job).or_default().push(columns::to_column(lease.n)));
    let mut held = HashMap::new();
    for (job, numbers) in by_job {
        let mut statement = Statement::new(
            "SELECT i.job, i.n, i.fence, j.wrapped, j.node FROM job_items i JOIN jobs j ON j.id = i.job
             WHERE i.state = 'leased' AND i.job = ",
        );
        statement.bind(job.as_bytes().to_vec()).push(" AND i.n IN ").bind_list(numbers);
        let rows: Vec<HeldRow> = statement.query_as().fetch_all(&mut *tx).await?;
        for HeldRow { job, n, fence, wrapped, node } in rows {
            held.insert(rows::lease(&job, n, fence)?, Held { wrapped, node });
        }
    }
    Ok(held)
}

/// Items of a job that have ended, by how they did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ended {
    done: i64,
    refused: i64,
    dead: i64,
    /// The last of them, by its place among those that end together.
    last: usize,
}

impl Ended {
    /// One that was given up.
    pub(super) const ONE_DEAD: Self = Self { done: 0, refused: 0, dead: 1, last: 0 };

    fn add(&mut self, how: ItemState, at: usize) {
        self.done += i64::from(how == ItemState::Done);
        self.refused += i64::from(how == ItemState::Refused);
        self.dead += i64::from(how == ItemState::Dead);
        self.last = at;
    }
}

/// Counts items that have ended, and ends their job if the last one is among them.
pub(super) async fn count_ends(
    tx: &mut AnyConnection,
    job: &[u8],
    by: &Ended,
    keep: Option<Duration>,
    now: UnixMillis,
) -> Result<bool, StoreError> {
    let (items, ended): (i64, i64) = sqlx::query_as(
        "UPDATE jobs SET done = done + $1, refused = refused + $2, dead = dead + $3 WHERE id = $4
         RETURNING items, done + refused + dead AS ended",
    )
    .bind(by.done)
    .bind(by.refused)
    .bind(by.dead)
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
    forget_files(tx, job).await?;
    Ok(true)
}

/// Removes what was uploaded for a job of which nothing can be tried again.
async fn forget_files(tx: &mut AnyConnection, job: &[u8]) -> Result<(), StoreError> {
    let dead: i64 = sqlx::query_scalar("SELECT dead FROM jobs WHERE id = $1").bind(job).fetch_one(&mut *tx).await?;
    if dead == 0 { files::remove_of_job(tx, job).await } else { Ok(()) }
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
