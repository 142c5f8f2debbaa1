//! Rows of packs.

use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::domain::job::JobId;
use crate::domain::model_pack::{ModelPack, PackFile, PackState};
use crate::ports::StoreError;
use crate::store::sql::columns;
use crate::store::sql::error::corrupt;

const SELECT: &str = "SELECT id, state, manifest, sha256, size_bytes, key_pem, job, report, installed_at, changed_at
    FROM model_packs";

#[derive(sqlx::FromRow)]
struct PackRow {
    id: String,
    state: String,
    manifest: String,
    sha256: Option<Vec<u8>>,
    size_bytes: Option<i64>,
    key_pem: Option<String>,
    job: Option<Vec<u8>>,
    report: Option<String>,
    installed_at: i64,
    changed_at: i64,
}

impl TryFrom<PackRow> for ModelPack {
    type Error = StoreError;

    fn try_from(row: PackRow) -> Result<Self, StoreError> {
        let archive = match (row.sha256, row.size_bytes, row.key_pem) {
            (Some(sha256), Some(size), Some(key_pem)) => Some(PackFile {
                sha256: columns::bytes32("archive hash", &sha256)?,
                size_bytes: columns::unsigned("archive size", size)?,
                key_pem,
            }),
            _ => None,
        };
        let job = |id: Vec<u8>| Uuid::from_slice(&id).map(JobId).map_err(|e| corrupt("job", e));
        Ok(Self {
            id: columns::pack(&row.id)?,
            state: PackState::parse(&row.state).ok_or_else(|| corrupt("pack state", &row.state))?,
            manifest: row.manifest,
            archive,
            job: row.job.map(job).transpose()?,
            report: row.report,
            installed_at: UnixMillis(row.installed_at),
            changed_at: UnixMillis(row.changed_at),
        })
    }
}

/// Every pack, by id.
pub(super) async fn all(conn: &mut AnyConnection) -> Result<Vec<ModelPack>, StoreError> {
    let rows: Vec<PackRow> =
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} ORDER BY id"))).fetch_all(conn).await?;
    rows.into_iter().map(ModelPack::try_from).collect()
}

/// One pack.
pub(super) async fn one(conn: &mut AnyConnection, id: &str) -> Result<Option<ModelPack>, StoreError> {
    let row: Option<PackRow> =
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} WHERE id = $1"))).bind(id).fetch_optional(conn).await?;
    row.map(ModelPack::try_from).transpose()
}

/// Puts a pack into a state.
pub(super) async fn put_state(
    conn: &mut AnyConnection,
    id: &str,
    to: PackState,
    now: UnixMillis,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE model_packs SET state = $1, served = CASE WHEN $2 = 1 THEN 1 ELSE served END, changed_at = $3 WHERE id = $4")
        .bind(to.as_str())
        .bind(i64::from(to.is_served()))
        .bind(now.0)
        .bind(id)
        .execute(conn)
        .await?;
    Ok(())
}
