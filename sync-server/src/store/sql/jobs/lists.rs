//! What is seen of jobs.

use super::rows::{self, ItemRow, JOB, JobRow};
use crate::domain::job::{Item, ItemState, Job, JobId};
use crate::ports::StoreError;
use crate::ports::jobs::JobFilter;
use crate::store::sql::statement::Statement;
use crate::store::sql::{SqlStore, columns};

impl SqlStore {
    pub(super) async fn one_job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        let mut statement = Statement::new(JOB);
        statement.push(" WHERE j.id = ").bind(id.as_bytes().to_vec());
        let row: Option<JobRow> = statement.query_as().fetch_optional(&self.read).await?;
        row.map(|row| row.open(&self.master)).transpose()
    }

    pub(super) async fn job_list(
        &self,
        filter: &JobFilter,
        before: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let before = before.map_or_else(|| columns::BEHIND_EVERY_ID.to_vec(), |id| id.as_bytes().to_vec());
        let mut statement = Statement::new(JOB);
        statement.push(" WHERE j.id < ").bind(before);
        if let Some(account) = filter.account {
            statement.push(" AND j.account = ").bind(account.as_bytes().to_vec());
        }
        if let Some(kind) = filter.kind {
            statement.push(" AND j.kind = ").word(kind.as_str());
        }
        if let Some(state) = filter.state {
            statement.push(" AND j.state = ").word(state.as_str());
        }
        if filter.with_dead {
            statement.push(" AND j.dead > 0");
        }
        statement.push(" ORDER BY j.id DESC").limit(limit);
        let rows: Vec<JobRow> = statement.query_as().fetch_all(&self.read).await?;
        rows.into_iter().map(|row| row.open(&self.master)).collect()
    }

    pub(super) async fn item_list(
        &self,
        job: JobId,
        states: &[ItemState],
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Item>, StoreError> {
        let mut conn = self.read.acquire().await?;
        let Some(key) = rows::key(&mut conn, &self.master, job).await? else { return Ok(Vec::new()) };
        let mut statement = Statement::new(
            "SELECT n, phase, state, person, failures, due_at, reason, outcome, ended_at FROM job_items WHERE job = ",
        );
        statement.bind(job.as_bytes().to_vec());
        statement.push(" AND n > ").bind(after.map_or(-1, columns::to_column));
        if !states.is_empty() {
            statement.push(" AND state IN ").words(states.iter().map(|state| state.as_str()));
        }
        statement.push(" ORDER BY n").limit(limit);
        let rows: Vec<ItemRow> = statement.query_as().fetch_all(&mut *conn).await?;
        rows.into_iter().map(|row| row.open(&key)).collect()
    }

    pub(super) async fn needing(&self, jobs: &[JobId]) -> Result<Vec<JobId>, StoreError> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = Statement::new(
            "SELECT id FROM jobs WHERE (state IN ('filling', 'ready', 'paused') OR
            (state = 'done' AND dead > 0)) AND id IN ",
        );
        statement.bind_list(jobs.iter().map(|job| job.as_bytes().to_vec()));
        let rows: Vec<(Vec<u8>,)> = statement.query_as().fetch_all(&self.read).await?;
        rows.iter().map(|(id,)| columns::id(JobId, id)).collect()
    }
}
