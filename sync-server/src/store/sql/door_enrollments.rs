//! Enrollments at doors.

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, EnrollmentId, PersonId};
use ostiary_common::time::UnixMillis;
use uuid::Uuid;

use super::SqlStore;
use super::again::again;
use super::error::corrupt;
use crate::domain::enrollment::{DoorEnrollment, DoorState, KEPT};
use crate::ports::StoreError;
use crate::ports::door_enrollment::{EnrollmentStore, StateChange};

const COLUMNS: &str =
    "id, device, person, asked_by, asked_at, not_after, ends_by, state, detail, templates, changed_at";

#[derive(sqlx::FromRow)]
struct Row {
    id: Vec<u8>,
    device: Vec<u8>,
    person: Vec<u8>,
    asked_by: String,
    asked_at: i64,
    not_after: i64,
    ends_by: i64,
    state: String,
    detail: String,
    templates: i64,
    changed_at: i64,
}

impl TryFrom<Row> for DoorEnrollment {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = |bytes: &[u8]| Uuid::from_slice(bytes).map_err(|e| corrupt("id of an enrollment", e));
        Ok(Self {
            id: EnrollmentId(id(&row.id)?),
            device: DeviceId(id(&row.device)?),
            person: PersonId(id(&row.person)?),
            asked_by: row.asked_by,
            asked_at: UnixMillis(row.asked_at),
            not_after: UnixMillis(row.not_after),
            ends_by: UnixMillis(row.ends_by),
            state: DoorState::parse(&row.state).ok_or_else(|| corrupt("state of an enrollment", &row.state))?,
            detail: row.detail,
            templates: u32::try_from(row.templates).map_err(|e| corrupt("templates of an enrollment", e))?,
            changed_at: UnixMillis(row.changed_at),
        })
    }
}

#[async_trait]
impl EnrollmentStore for SqlStore {
    async fn add_enrollment(&self, one: &DoorEnrollment) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let before = one.asked_at.0.saturating_sub(i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX));
            sqlx::query("DELETE FROM door_enrollments WHERE asked_at < $1").bind(before).execute(&mut *tx).await?;
            sqlx::query(
                "INSERT INTO door_enrollments (id, device, person, asked_by, asked_at, not_after, ends_by, state, detail,
                    templates, changed_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            )
            .bind(one.id.0.as_bytes().to_vec())
            .bind(one.device.0.as_bytes().to_vec())
            .bind(one.person.0.as_bytes().to_vec())
            .bind(&one.asked_by)
            .bind(one.asked_at.0)
            .bind(one.not_after.0)
            .bind(one.ends_by.0)
            .bind(one.state.as_str())
            .bind(&one.detail)
            .bind(i64::from(one.templates))
            .bind(one.changed_at.0)
            .execute(&mut *tx)
            .await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn enrollment(&self, id: EnrollmentId) -> Result<Option<DoorEnrollment>, StoreError> {
        let row: Option<Row> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM door_enrollments WHERE id = $1")))
                .bind(id.0.as_bytes().to_vec())
                .fetch_optional(&self.read)
                .await?;
        row.map(DoorEnrollment::try_from).transpose()
    }

    async fn enrollments(&self, device: DeviceId, limit: u32) -> Result<Vec<DoorEnrollment>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM door_enrollments WHERE device = $1 ORDER BY asked_at DESC, id DESC LIMIT $2"
        )))
        .bind(device.0.as_bytes().to_vec())
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(DoorEnrollment::try_from).collect()
    }

    async fn put_enrollment_state(&self, change: &StateChange) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let present: Option<String> = sqlx::query_scalar("SELECT state FROM door_enrollments WHERE id = $1")
                .bind(change.id.0.as_bytes().to_vec())
                .fetch_optional(&mut *tx)
                .await?;
            let present = present.and_then(|state| DoorState::parse(&state));
            if !present.is_some_and(|state| change.from.contains(&state)) {
                return Ok(false);
            }
            sqlx::query(
                "UPDATE door_enrollments SET state = $2, detail = $3, templates = $4, changed_at = $5 WHERE id = $1",
            )
            .bind(change.id.0.as_bytes().to_vec())
            .bind(change.to.as_str())
            .bind(&change.detail)
            .bind(i64::from(change.templates))
            .bind(change.now.0)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    async fn expire_enrollments(&self, now: UnixMillis) -> Result<Vec<EnrollmentId>, StoreError> {
        again(|| async {
            // Asked every few seconds, and mostly there are none: writers need not wait for that.
            let late: Option<i64> = sqlx::query_scalar(
                "SELECT ends_by FROM door_enrollments WHERE state IN ('sent', 'running') AND ends_by < $1 LIMIT 1",
            )
            .bind(now.0)
            .fetch_optional(&self.read)
            .await?;
            if late.is_none() {
                return Ok(Vec::new());
            }
            let mut tx = self.begin().await?;
            let lost: Vec<Vec<u8>> = sqlx::query_scalar(
                "UPDATE door_enrollments SET state = 'expired', detail = 'no-answer', changed_at = $1
                 WHERE state IN ('sent', 'running') AND ends_by < $1 RETURNING id",
            )
            .bind(now.0)
            .fetch_all(&mut *tx)
            .await?;
            tx.commit().await?;
            let id = |bytes: Vec<u8>| Uuid::from_slice(&bytes).map_err(|e| corrupt("id of an enrollment", e));
            lost.into_iter().map(|bytes| id(bytes).map(EnrollmentId)).collect()
        })
        .await
    }
}
