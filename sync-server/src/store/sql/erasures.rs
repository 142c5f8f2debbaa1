//! Erasures: begun with a person's removal, confirmed device by device, completed.

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, ErasureId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use sqlx::AnyConnection;

use super::again::again;
use super::erasure_rows::{DEVICES, ERASURES, ErasureDeviceRow, ErasureRow};
use super::values::Flag;
use super::{SqlStore, columns};
use crate::domain::erasure::{Confirmation, Erasure, ErasureDevice, ErasureReason};
use crate::ports::{ErasureStore, StoreError};

/// Begins an erasure, in the transaction that removes the person. Every device with a key is awaited, in service or
/// not: whom it held at some time is not known, and each one's word about all it holds settles it.
pub(super) async fn begin(
    tx: &mut AnyConnection,
    person: PersonId,
    rev: Revision,
    reason: ErasureReason,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let id = ErasureId::generate();
    sqlx::query("INSERT INTO erasures (id, person, rev, reason, at) VALUES ($1, $2, $3, $4, $5)")
        .bind(id.as_bytes().as_slice())
        .bind(person.as_bytes().as_slice())
        .bind(columns::to_column(rev.0))
        .bind(reason.as_str())
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO erasure_devices (erasure, device, key_then)
         SELECT $1, id, public_key_pem FROM devices WHERE public_key_pem IS NOT NULL",
    )
    .bind(id.as_bytes().as_slice())
    .execute(tx)
    .await?;
    Ok(())
}

#[async_trait]
impl ErasureStore for SqlStore {
    async fn put_erase_on_expiry(&self, person: PersonId, erase: bool) -> Result<bool, StoreError> {
        again(|| async {
            let changed = sqlx::query("UPDATE persons SET erase_on_expiry = $1 WHERE id = $2")
                .bind(Flag(erase))
                .bind(person.as_bytes().as_slice())
                .execute(&self.write)
                .await?;
            Ok(changed.rows_affected() == 1)
        })
        .await
    }

    async fn erase_on_expiry(&self, person: PersonId) -> Result<Option<bool>, StoreError> {
        let set: Option<Flag> = sqlx::query_scalar("SELECT erase_on_expiry FROM persons WHERE id = $1")
            .bind(person.as_bytes().as_slice())
            .fetch_optional(&self.read)
            .await?;
        Ok(set.map(|set| set.0))
    }

    async fn erase_expired(&self, now: UnixMillis) -> Result<Vec<(PersonId, Revision)>, StoreError> {
        const DUE: &str = "erase_on_expiry = 1 AND valid_until <= $1";
        self.erase_due(DUE, ErasureReason::Expired, now).await
    }

    async fn clear_erasures(&self, now: UnixMillis) -> Result<u64, StoreError> {
        self.clear_all(now).await
    }

    async fn complete_erasures(&self, now: UnixMillis) -> Result<Vec<Erasure>, StoreError> {
        again(|| async {
            let query = format!("{ERASURES} WHERE e.completed_at IS NULL AND e.cleared_at IS NOT NULL");
            let open: Vec<ErasureRow> = sqlx::query_as(sqlx::AssertSqlSafe(query)).fetch_all(&self.read).await?;
            let mut completed = Vec::new();
            for row in open {
                let mut erasure = Erasure::try_from(row)?;
                if erasure.counts.waiting > 0 {
                    continue;
                }
                let changed =
                    sqlx::query("UPDATE erasures SET completed_at = $1 WHERE id = $2 AND completed_at IS NULL")
                        .bind(now.0)
                        .bind(erasure.id.as_bytes().as_slice())
                        .execute(&self.write)
                        .await?;
                if changed.rows_affected() == 1 {
                    erasure.completed_at = Some(now);
                    completed.push(erasure);
                }
            }
            Ok(completed)
        })
        .await
    }

    async fn confirmation_awaited(&self, device: DeviceId, rev: Revision) -> Result<bool, StoreError> {
        let awaited: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM erasure_devices d JOIN erasures e ON e.id = d.erasure
             WHERE d.device = $1 AND d.confirmed_at IS NULL AND e.rev <= $2",
        )
        .bind(device.as_bytes().as_slice())
        .bind(columns::to_column(rev.0))
        .fetch_one(&self.read)
        .await?;
        Ok(awaited > 0)
    }

    async fn confirm_erasures(&self, device: DeviceId, said: &Confirmation) -> Result<u64, StoreError> {
        again(|| async {
            let confirmed = sqlx::query(
                "UPDATE erasure_devices
                 SET confirmed_at = $1, rev = $2, digest = $3, said_at = $4, signature = $5, key_pem = $6
                 WHERE device = $7 AND confirmed_at IS NULL AND erasure IN (SELECT id FROM erasures WHERE erasures.rev <= $2)",
            )
            .bind(said.at.0)
            .bind(columns::to_column(said.rev.0))
            .bind(said.digest.to_bytes().as_slice())
            .bind(said.said_at.map(|at| at.0))
            .bind(said.signature.as_deref())
            .bind(said.key_pem.as_deref())
            .bind(device.as_bytes().as_slice())
            .execute(&self.write)
            .await?;
            Ok(confirmed.rows_affected())
        })
        .await
    }

    async fn erasures(&self, before: Option<ErasureId>, limit: u32) -> Result<Vec<Erasure>, StoreError> {
        let query = format!("{ERASURES} WHERE e.id < $1 ORDER BY e.id DESC LIMIT $2");
        let rows: Vec<ErasureRow> = sqlx::query_as(sqlx::AssertSqlSafe(query))
            .bind(before.map_or_else(|| columns::BEHIND_EVERY_ID.to_vec(), |id| id.as_bytes().to_vec()))
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.into_iter().map(Erasure::try_from).collect()
    }

    async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>, StoreError> {
        self.one_erasure("e.id", id.as_bytes()).await
    }

    async fn erasure_of(&self, person: PersonId) -> Result<Option<Erasure>, StoreError> {
        self.one_erasure("e.person", person.as_bytes()).await
    }

    async fn erasure_devices(&self, id: ErasureId) -> Result<Vec<ErasureDevice>, StoreError> {
        let rows: Vec<ErasureDeviceRow> =
            sqlx::query_as(DEVICES).bind(id.as_bytes().as_slice()).fetch_all(&self.read).await?;
        rows.into_iter().map(ErasureDevice::try_from).collect()
    }
}

impl SqlStore {
    async fn one_erasure(&self, column: &'static str, id: &[u8; 16]) -> Result<Option<Erasure>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!("{ERASURES} WHERE {column} = $1"));
        let row: Option<ErasureRow> = sqlx::query_as(query).bind(id.as_slice()).fetch_optional(&self.read).await?;
        row.map(Erasure::try_from).transpose()
    }
}
