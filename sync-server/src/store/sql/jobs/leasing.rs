//! Who may work on what, and for how long.

use std::collections::HashMap;

use ostiary_common::ids::{PersonId, UserId};
use ostiary_common::time::UnixMillis;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::rows;
use super::settling::{Ended, count_ends};
use crate::domain::job::retry::MOST_LEASES;
use crate::domain::job::{ClaimedItem, JobId, Lease};
use crate::ports::StoreError;
use crate::ports::jobs::Claim;
use crate::store::sql::again::again;
use crate::store::sql::error::corrupt;
use crate::store::sql::statement::Statement;
use crate::store::sql::{SqlStore, columns};

/// Jobs looked at for items; more wait for those before them.
const MOST_JOBS: i64 = 100;

/// Items of the next phase looked at for such as need not wait for it.
const LOOKED_AT: i64 = 256;

#[derive(sqlx::FromRow)]
struct OpenJob {
    id: Vec<u8>,
    kind: String,
    account: Option<Vec<u8>>,
    person: Option<Vec<u8>>,
    wrapped: Vec<u8>,
    plan: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct WaitingItem {
    n: i64,
    phase: i64,
    fence: i64,
    leases: i64,
    failures: i64,
    task: Option<Vec<u8>>,
    parent_state: Option<String>,
    parent_person: Option<Vec<u8>>,
}

#[derive(sqlx::FromRow)]
struct FenceRow {
    job: Vec<u8>,
    n: i64,
    fence: i64,
}

impl SqlStore {
    pub(super) async fn lease_items(&self, claim: &Claim<'_>) -> Result<Vec<ClaimedItem>, StoreError> {
        again(|| async {
            if claim.kinds.is_empty() || claim.at_most == 0 {
                return Ok(Vec::new());
            }
            let (open, silent) = self.open_and_silent(claim).await?;
            if open == 0 {
                return Ok(Vec::new());
            }
            let mut tx = self.begin().await?;
            if silent > 0 {
                free_silent(&mut tx, claim.now).await?;
            }
            let mut claimed = Vec::new();
            for job in open_jobs(&mut tx, claim).await? {
                let room = i64::from(claim.at_most) - i64::try_from(claimed.len()).unwrap_or(i64::MAX);
                if room <= 0 {
                    break;
                }
                self.lease_of_job(&mut tx, claim, &job, room, &mut claimed).await?;
            }
            tx.commit().await?;
            Ok(claimed)
        })
        .await
    }

    /// Whether there are jobs of these kinds, and how many leases ran out. Read only, so that neither an idle queue nor one
    /// of which others do the work costs a turn at writing.
    async fn open_and_silent(&self, claim: &Claim<'_>) -> Result<(i64, i64), StoreError> {
        let mut statement = Statement::new("SELECT (SELECT count(*) FROM (SELECT 1 AS one FROM jobs WHERE kind IN ");
        statement.bind_list(claim.kinds.iter().map(|kind| kind.as_str())).push(" AND node IN ");
        statement.bind_list(["", claim.node]).push(" AND state = 'ready' LIMIT 1) AS open),");
        statement.push(" (SELECT count(*) FROM job_items WHERE state = 'leased' AND lease_until < ");
        statement.bind(claim.now.0).push(")");
        Ok(statement.query_as().fetch_one(&self.read).await?)
    }

    async fn lease_of_job(
        &self,
        tx: &mut AnyConnection,
        claim: &Claim<'_>,
        job: &OpenJob,
        room: i64,
        claimed: &mut Vec<ClaimedItem>,
    ) -> Result<(), StoreError> {
        let Some(phase) = lowest_phase(tx, &job.id).await? else { return Ok(()) };
        let id = columns::id(JobId, &job.id)?;
        let key = rows::unwrap(&self.master, id, &job.wrapped)?;
        let before = claimed.len();
        let person = |column: &Option<Vec<u8>>| column.as_deref().map(|id| columns::id(PersonId, id)).transpose();
        let kind = rows::kind(&job.kind)?;
        let items = if kind.is_small(columns::unsigned32("phase", phase)?) {
            let mut small = match claim.small_at_most {
                0 => Vec::new(),
                at_most => waiting(tx, &job.id, phase, claim.now, i64::from(at_most)).await?,
            };
            // Together they take one place; what they leave is for those whose parent is through, so that no model
            // stands still while the small ones are done.
            let left = room - i64::from(!small.is_empty());
            small.extend(free_of_parents(tx, &job.id, phase + 1, claim.now, left).await?);
            small
        } else {
            waiting(tx, &job.id, phase, claim.now, room).await?
        };
        for item in items {
            let n = columns::unsigned("number of an item", item.n)?;
            if columns::unsigned("leases", item.leases)? >= MOST_LEASES {
                give_up(tx, &job.id, item.n, claim.now).await?;
                continue;
            }
            let task = key.open("task", n, item.task.as_deref().unwrap_or_default());
            claimed.push(ClaimedItem {
                lease: Lease { job: id, n, fence: columns::unsigned("fence", item.fence)? + 1 },
                kind,
                phase: columns::unsigned32("phase", item.phase)?,
                account: job.account.as_deref().map(|id| columns::id(UserId, id)).transpose()?,
                person: person(&job.person)?.or(person(&item.parent_person)?),
                parent: item.parent_state.as_deref().map(rows::item_state).transpose()?,
                plan: key.open("plan", 0, &job.plan).map_err(|e| corrupt("plan of a job", e))?,
                task: task.map_err(|e| corrupt("task of an item", e))?,
                failures: columns::unsigned32("failures", item.failures)?,
            });
        }
        lease(tx, &job.id, claimed[before..].iter().map(|item| item.lease.n), claim).await
    }

    pub(super) async fn still_valid(&self, leases: &[Lease]) -> Result<Vec<Lease>, StoreError> {
        let mut by_job: HashMap<JobId, Vec<i64>> = HashMap::new();
        leases.iter().for_each(|lease| by_job.entry(lease.job).or_default().push(columns::to_column(lease.n)));
        let mut valid = Vec::with_capacity(leases.len());
        for (job, numbers) in by_job {
            let mut statement = Statement::new("SELECT job, n, fence FROM job_items WHERE state = 'leased' AND job = ");
            statement.bind(job.as_bytes().to_vec()).push(" AND n IN ").bind_list(numbers);
            let found: Vec<FenceRow> = statement.query_as().fetch_all(&self.read).await?;
            for row in found {
                valid.push(rows::lease(&row.job, row.n, row.fence)?);
            }
        }
        valid.retain(|lease| leases.contains(lease));
        Ok(valid)
    }

    pub(super) async fn prolong(&self, leases: &[Lease], until: UnixMillis) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            for lease in leases {
                sqlx::query(
                    "UPDATE job_items SET lease_until = $1 WHERE job = $2 AND n = $3 AND fence = $4 AND state = 'leased'",
                )
                .bind(until.0)
                .bind(lease.job.as_bytes().as_slice())
                .bind(columns::to_column(lease.n))
                .bind(columns::to_column(lease.fence))
                .execute(&mut *tx)
                .await?;
            }
            Ok(tx.commit().await?)
        })
        .await
    }

    pub(super) async fn put_back(&self, lease: &Lease) -> Result<(), StoreError> {
        again(|| async {
            // It did no wrong: the lease does not count.
            sqlx::query(
                "UPDATE job_items SET state = 'waiting', lease_node = NULL, lease_until = NULL, leases = leases - 1
                 WHERE job = $1 AND n = $2 AND fence = $3 AND state = 'leased'",
            )
            .bind(lease.job.as_bytes().as_slice())
            .bind(columns::to_column(lease.n))
            .bind(columns::to_column(lease.fence))
            .execute(&self.write)
            .await?;
            Ok(())
        })
        .await
    }

    pub(super) async fn begin_anew(&self, node: &str) -> Result<u64, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let freed = sqlx::query(
                "UPDATE job_items SET state = 'waiting', lease_node = NULL, lease_until = NULL
                 WHERE state = 'leased' AND lease_node = $1",
            )
            .bind(node)
            .execute(&mut *tx)
            .await?;
            // Nobody goes on filling what a server that ended had begun.
            sqlx::query("DELETE FROM jobs WHERE state = 'filling' AND node = $1").bind(node).execute(&mut *tx).await?;
            tx.commit().await?;
            Ok(freed.rows_affected())
        })
        .await
    }
}

/// Frees what was leased to servers that have been silent for too long.
async fn free_silent(tx: &mut AnyConnection, now: UnixMillis) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE job_items SET state = 'waiting', lease_node = NULL, lease_until = NULL
         WHERE state = 'leased' AND lease_until < $1",
    )
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(())
}

async fn open_jobs(tx: &mut AnyConnection, claim: &Claim<'_>) -> Result<Vec<OpenJob>, StoreError> {
    let mut statement =
        Statement::new("SELECT id, kind, account, person, wrapped, plan FROM jobs WHERE state = 'ready' AND kind IN ");
    statement.bind_list(claim.kinds.iter().map(|kind| kind.as_str()));
    statement.push(" AND node IN ").bind_list(["", claim.node]);
    statement.push(" ORDER BY priority, id LIMIT ").bind(MOST_JOBS);
    Ok(statement.query_as().fetch_all(tx).await?)
}

/// The lowest phase that has items left. Each state is looked for alone, so that the index answers.
async fn lowest_phase(tx: &mut AnyConnection, job: &[u8]) -> Result<Option<i64>, StoreError> {
    let (waiting, leased): (Option<i64>, Option<i64>) = sqlx::query_as(
        "SELECT (SELECT min(phase) FROM job_items WHERE job = $1 AND state = 'waiting'),
         (SELECT min(phase) FROM job_items WHERE job = $1 AND state = 'leased')",
    )
    .bind(job)
    .fetch_one(tx)
    .await?;
    Ok(waiting.into_iter().chain(leased).min())
}

/// What is needed of an item, and of the one it belongs to.
const WAITING: &str = "SELECT i.n, i.phase, i.fence, i.leases, i.failures, i.task, p.state AS parent_state,
    p.person AS parent_person";

async fn waiting(
    tx: &mut AnyConnection,
    job: &[u8],
    phase: i64,
    now: UnixMillis,
    room: i64,
) -> Result<Vec<WaitingItem>, StoreError> {
    let query = AssertSqlSafe(format!(
        "{WAITING} FROM job_items i LEFT JOIN job_items p ON p.job = i.job AND p.n = i.parent
         WHERE i.job = $1 AND i.state = 'waiting' AND i.phase = $2 AND i.due_at <= $3 ORDER BY i.n LIMIT $4"
    ));
    Ok(sqlx::query_as(query).bind(job).bind(phase).bind(now.0).bind(room).fetch_all(tx).await?)
}

/// Items of a phase that need not wait for the one before: what they belong to has ended. Looked for among the first few.
async fn free_of_parents(
    tx: &mut AnyConnection,
    job: &[u8],
    phase: i64,
    now: UnixMillis,
    room: i64,
) -> Result<Vec<WaitingItem>, StoreError> {
    let query = AssertSqlSafe(format!(
        "{WAITING} FROM (SELECT * FROM job_items WHERE job = $1 AND state = 'waiting' AND phase = $2
             ORDER BY n LIMIT $3) i
         JOIN job_items p ON p.job = i.job AND p.n = i.parent
         WHERE p.ended_at IS NOT NULL AND i.due_at <= $4 ORDER BY i.n LIMIT $5"
    ));
    Ok(sqlx::query_as(query).bind(job).bind(phase).bind(LOOKED_AT).bind(now.0).bind(room).fetch_all(tx).await?)
}

async fn lease(
    tx: &mut AnyConnection,
    job: &[u8],
    numbers: impl ExactSizeIterator<Item = u64>,
    claim: &Claim<'_>,
) -> Result<(), StoreError> {
    if numbers.len() == 0 {
        return Ok(());
    }
    let mut items = Statement::new("UPDATE job_items SET state = 'leased', fence = fence + 1, leases = leases + 1, ");
    items.push("lease_node = ").bind(claim.node).push(", lease_until = ").bind(claim.now.plus(claim.lease).0);
    items.push(" WHERE job = ").bind(job.to_vec()).push(" AND n IN ").bind_list(numbers.map(columns::to_column));
    items.query().execute(&mut *tx).await?;
    sqlx::query(
        "UPDATE jobs SET began_at = coalesce(began_at, $1), paced_at = $1, paced_from = done + refused + dead
         WHERE id = $2 AND paced_at IS NULL",
    )
    .bind(claim.now.0)
    .bind(job)
    .execute(tx)
    .await?;
    Ok(())
}

async fn give_up(tx: &mut AnyConnection, job: &[u8], n: i64, now: UnixMillis) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE job_items SET state = 'dead', reason = 'never-came-back', ended_at = $1 WHERE job = $2 AND n = $3",
    )
    .bind(now.0)
    .bind(job)
    .bind(n)
    .execute(&mut *tx)
    .await?;
    count_ends(tx, job, &Ended::ONE_DEAD, None, now).await?;
    Ok(())
}
