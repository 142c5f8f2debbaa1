//! Documents that admins set.

use async_trait::async_trait;
use ostiary_common::time::UnixMillis;

use super::again::again;
use super::recognition::next_version;
use super::{SqlStore, columns, ledger};
use crate::domain::audit::AuditNote;
use crate::domain::recognition::{Change, Versioned};
use crate::ports::StoreError;
use crate::ports::settings::SettingsStore;

#[derive(sqlx::FromRow)]
struct SettingRow {
    json: String,
    version: i64,
    changed_at: i64,
}

#[async_trait]
impl SettingsStore for SqlStore {
    async fn setting(&self, name: &str) -> Result<Option<Versioned<String>>, StoreError> {
        let row: Option<SettingRow> = sqlx::query_as("SELECT json, version, changed_at FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.read)
            .await?;
        let open = |row: SettingRow| {
            let version = columns::unsigned("setting version", row.version)?;
            Ok(Versioned { value: row.json, version, changed_at: Some(UnixMillis(row.changed_at)) })
        };
        row.map(open).transpose()
    }

    async fn put_setting(&self, name: &str, json: &str, change: Change, note: &AuditNote) -> Result<u64, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            // Made if it is not there, so that there is a row to lock.
            sqlx::query(
                "INSERT INTO settings (name, json, version, changed_at) VALUES ($1, $2, 0, $3)
                         ON CONFLICT (name) DO NOTHING",
            )
            .bind(name)
            .bind(json)
            .bind(change.now.0)
            .execute(&mut *tx)
            .await?;
            let present: i64 = sqlx::query_scalar("SELECT version FROM settings WHERE name = $1")
                .bind(name)
                .fetch_one(&mut *tx)
                .await?;
            let version = next_version(columns::unsigned("setting version", present)?, &change)?;
            sqlx::query("UPDATE settings SET json = $1, version = $2, changed_at = $3 WHERE name = $4")
                .bind(json)
                .bind(columns::to_column(version))
                .bind(change.now.0)
                .bind(name)
                .execute(&mut *tx)
                .await?;
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            Ok(version)
        })
        .await
    }
}
