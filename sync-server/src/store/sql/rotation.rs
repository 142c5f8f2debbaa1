//! Wraps every key in the store with another master key, some rows at a time, while others work on it.

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, GalleryKeyId, PersonId, UnknownId, UserId};
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;
use uuid::Uuid;

use super::again::again;
use super::error::corrupt;
use super::sealing::prefer_in_force;
use super::{SqlStore, columns};
use crate::domain::job::JobId;
use crate::ports::StoreError;
use crate::ports::rotation::{KeyHolder, KeyRotationStore, RewrapPlace, Rewrapped, Rotation};
use crate::sealing::{Fingerprint, MasterKey, Wrapped};

/// A column of wrapped keys. Every one there is stands in [`COLUMNS`]; `tests/it/store/rotation.rs` looks for others.
struct Column {
    table: &'static str,
    /// Rows after `$1` in order: `at` and `also` tell the row, `wrapped` is the key.
    select: &'static str,
    /// Sets the key to `$1` where `at` is `$2`.
    update: &'static str,
    /// Of which row.
    of: fn(&Row) -> Result<Wrapped, StoreError>,
}

#[derive(sqlx::FromRow)]
struct Row {
    at: Vec<u8>,
    also: Vec<u8>,
    wrapped: Vec<u8>,
}

const COLUMNS: [Column; 8] = [
    Column {
        table: "persons",
        select: "SELECT person AS at, person AS also, wrapped FROM person_keys WHERE person > $1 ORDER BY person LIMIT $2",
        update: "UPDATE person_keys SET wrapped = $1 WHERE person = $2",
        of: |row| Ok(Wrapped::Person(columns::id(PersonId, &row.at)?)),
    },
    Column {
        table: "unknowns",
        select: "SELECT id AS at, id AS also, wrapped FROM unknowns WHERE id > $1 ORDER BY id LIMIT $2",
        update: "UPDATE unknowns SET wrapped = $1 WHERE id = $2",
        of: |row| Ok(Wrapped::Unknown(columns::id(UnknownId, &row.at)?)),
    },
    Column {
        table: "accounts",
        select: "SELECT id AS at, id AS also, wrapped FROM accounts WHERE id > $1 ORDER BY id LIMIT $2",
        update: "UPDATE accounts SET wrapped = $1 WHERE id = $2",
        of: |row| Ok(Wrapped::Account(columns::id(UserId, &row.at)?)),
    },
    Column {
        table: "galleries",
        select: "SELECT device AS at, id AS also, wrapped FROM gallery_keys WHERE device > $1 ORDER BY device LIMIT $2",
        update: "UPDATE gallery_keys SET wrapped = $1 WHERE device = $2",
        of: |row| Ok(Wrapped::Gallery(columns::id(DeviceId, &row.at)?, columns::id(GalleryKeyId, &row.also)?)),
    },
    Column {
        table: "jobs",
        select: "SELECT id AS at, id AS also, wrapped FROM jobs WHERE id > $1 ORDER BY id LIMIT $2",
        update: "UPDATE jobs SET wrapped = $1 WHERE id = $2",
        of: |row| Ok(Wrapped::Job(columns::id(JobId, &row.at)?)),
    },
    Column {
        table: "directory",
        select: "SELECT id AS at, id AS also, wrapped FROM installation WHERE id > $1 LIMIT $2",
        update: "UPDATE installation SET wrapped = $1 WHERE id = $2",
        of: |_| Ok(Wrapped::Directory),
    },
    Column {
        table: "media",
        select: "SELECT i.id AS at, i.id AS also, s.media_key AS wrapped FROM sealing s CROSS JOIN installation i
                 WHERE i.id > $1 LIMIT $2",
        update: "UPDATE sealing SET media_key = $1 WHERE EXISTS (SELECT 1 FROM installation WHERE id = $2)",
        of: |_| Ok(Wrapped::Media),
    },
    Column {
        table: "root",
        select: "SELECT i.id AS at, i.id AS also, s.root AS wrapped FROM sealing s CROSS JOIN installation i
                 WHERE i.id > $1 AND s.root IS NOT NULL LIMIT $2",
        update: "UPDATE sealing SET root = $1 WHERE EXISTS (SELECT 1 FROM installation WHERE id = $2)",
        of: |_| Ok(Wrapped::Root),
    },
];

#[derive(sqlx::FromRow)]
struct RotationRow {
    former: String,
    present: String,
    began_at: i64,
    finished_at: Option<i64>,
    rewrapped: i64,
}

impl TryFrom<RotationRow> for Rotation {
    type Error = StoreError;
    fn try_from(row: RotationRow) -> Result<Self, StoreError> {
        Ok(Self {
            former: Fingerprint::stored(row.former),
            present: Fingerprint::stored(row.present),
            began_at: UnixMillis(row.began_at),
            finished_at: columns::time(row.finished_at),
            rewrapped: columns::unsigned("rewrapped keys", row.rewrapped)?,
        })
    }
}

const ROTATIONS: &str = "SELECT former, present, began_at, finished_at, rewrapped FROM key_rotations";

async fn wraps_with(conn: &mut AnyConnection) -> Result<Fingerprint, StoreError> {
    let print: Option<String> = sqlx::query_scalar("SELECT wraps_with FROM sealing").fetch_one(conn).await?;
    print.map(Fingerprint::stored).ok_or_else(|| corrupt("sealing", "no master key is in force"))
}

/// Wraps some keys of one column anew. Returns how many were, and the last row if there may be more.
async fn rewrap(
    tx: &mut AnyConnection,
    master: &MasterKey,
    column: &Column,
    after: &[u8],
    at_most: u32,
) -> Result<(u64, Option<Vec<u8>>), StoreError> {
    let rows: Vec<Row> =
        sqlx::query_as(column.select).bind(after.to_vec()).bind(i64::from(at_most)).fetch_all(&mut *tx).await?;
    let mut anew = 0;
    for row in &rows {
        let wrapped = master.rewrap((column.of)(row)?, &row.wrapped).map_err(|e| corrupt("wrapped key", e))?;
        let Some(wrapped) = wrapped else { continue };
        sqlx::query(column.update).bind(wrapped).bind(&row.at).execute(&mut *tx).await?;
        anew += 1;
    }
    let is_full = rows.len() >= at_most as usize;
    Ok((anew, rows.into_iter().next_back().filter(|_| is_full).map(|row| row.at)))
}

#[async_trait]
impl KeyRotationStore for SqlStore {
    fn learn(&self, keys: &MasterKey) {
        self.master.learn(keys);
    }

    fn forget_former(&self, present: &Fingerprint) {
        self.master.forget_others(present);
    }

    async fn wraps_with(&self) -> Result<Fingerprint, StoreError> {
        wraps_with(&mut *self.read.acquire().await?).await
    }

    async fn rotation_to(&self, present: &Fingerprint) -> Result<Option<Rotation>, StoreError> {
        let row: Option<RotationRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{ROTATIONS} WHERE present = $1")))
            .bind(present.as_str())
            .fetch_optional(&self.read)
            .await?;
        row.map(Rotation::try_from).transpose()
    }

    async fn rotation(&self) -> Result<Option<Rotation>, StoreError> {
        let row: Option<RotationRow> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("{ROTATIONS} WHERE finished_at IS NULL")))
                .fetch_optional(&self.read)
                .await?;
        row.map(Rotation::try_from).transpose()
    }

    async fn begin_rotation(&self, present: &Fingerprint, now: UnixMillis) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let others: i64 =
                sqlx::query_scalar("SELECT count(*) FROM key_rotations WHERE finished_at IS NULL AND present <> $1")
                    .bind(present.as_str())
                    .fetch_one(&mut *tx)
                    .await?;
            if others > 0 {
                return Err(StoreError::Conflict("the change of the master key (one to another key is under way)"));
            }
            let former = wraps_with(&mut tx).await?;
            sqlx::query(
                "INSERT INTO key_rotations (present, former, began_at, rewrapped) VALUES ($1, $2, $3, 0)
                 ON CONFLICT (present) DO NOTHING",
            )
            .bind(present.as_str())
            .bind(former.as_str())
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    async fn hold_keys(&self, holder: Uuid, now: UnixMillis) -> Result<(), StoreError> {
        again(|| async {
            let held = self.master.fingerprints();
            let held: Vec<&str> = held.iter().map(Fingerprint::as_str).collect();
            sqlx::query(
                "INSERT INTO key_holders (holder, holds, seen_at) VALUES ($1, $2, $3)
                 ON CONFLICT (holder) DO UPDATE SET holds = excluded.holds, seen_at = excluded.seen_at",
            )
            .bind(holder.as_bytes().as_slice())
            .bind(held.join(" "))
            .bind(now.0)
            .execute(&self.write)
            .await?;
            Ok(())
        })
        .await
    }

    async fn leave_keys(&self, holder: Uuid) -> Result<(), StoreError> {
        again(|| async {
            sqlx::query("DELETE FROM key_holders WHERE holder = $1")
                .bind(holder.as_bytes().as_slice())
                .execute(&self.write)
                .await?;
            Ok(())
        })
        .await
    }

    async fn key_holders(&self, since: UnixMillis) -> Result<Vec<KeyHolder>, StoreError> {
        let rows: Vec<(Vec<u8>, String, i64)> =
            sqlx::query_as("SELECT holder, holds, seen_at FROM key_holders WHERE seen_at >= $1 ORDER BY holder")
                .bind(since.0)
                .fetch_all(&self.read)
                .await?;
        let read = |(holder, holds, seen_at): (Vec<u8>, String, i64)| {
            let holds = holds.split(' ').map(|print| Fingerprint::stored(print.to_owned())).collect();
            Ok(KeyHolder { id: columns::id(|id| id, &holder)?, holds, seen_at: UnixMillis(seen_at) })
        };
        rows.into_iter().map(read).collect()
    }

    async fn wrap_with(&self, present: &Fingerprint) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            sqlx::query("UPDATE sealing SET wraps_with = $1").bind(present.as_str()).execute(&mut *tx).await?;
            prefer_in_force(&mut tx, &self.master).await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    async fn rewrap_some(&self, from: &RewrapPlace, at_most: u32) -> Result<Rewrapped, StoreError> {
        again(|| async {
            let Some(column) = COLUMNS.get(from.table) else {
                return Ok(Rewrapped { table: "", keys: 0, next: None });
            };
            let mut tx = self.begin().await?;
            prefer_in_force(&mut tx, &self.master).await?;
            let (keys, last) = rewrap(&mut tx, &self.master, column, &from.after, at_most).await?;
            sqlx::query("UPDATE key_rotations SET rewrapped = rewrapped + $1 WHERE finished_at IS NULL")
                .bind(columns::to_column(keys))
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            let next = match last {
                Some(after) => Some(RewrapPlace { table: from.table, after }),
                None => {
                    (from.table + 1 < COLUMNS.len()).then(|| RewrapPlace { table: from.table + 1, after: Vec::new() })
                }
            };
            Ok(Rewrapped { table: column.table, keys, next })
        })
        .await
    }

    async fn finish_rotation(&self, present: &Fingerprint, now: UnixMillis) -> Result<u64, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            sqlx::query("UPDATE key_rotations SET finished_at = coalesce(finished_at, $1) WHERE present = $2")
                .bind(now.0)
                .bind(present.as_str())
                .execute(&mut *tx)
                .await?;
            let keys: i64 = sqlx::query_scalar("SELECT rewrapped FROM key_rotations WHERE present = $1")
                .bind(present.as_str())
                .fetch_one(&mut *tx)
                .await?;
            tx.commit().await?;
            self.empty_log().await?;
            columns::unsigned("rewrapped keys", keys)
        })
        .await
    }
}
