//! Somebody else at the database: takes its one right to write, and does not let go.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

/// Holds the right to write for `lasts`.
///
/// # Errors
/// If the database cannot be opened, or the right is not to be had.
pub async fn hold(database: &Path, lasts: Duration) -> Result<()> {
    let options = SqliteConnectOptions::new().filename(database).busy_timeout(Duration::from_secs(30));
    let mut connection = options.connect().await.context("opening the database")?;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.context("taking the right to write")?;
    tokio::time::sleep(lasts).await;
    sqlx::query("ROLLBACK").execute(&mut connection).await.context("letting go")?;
    connection.close().await.context("closing the database")
}
