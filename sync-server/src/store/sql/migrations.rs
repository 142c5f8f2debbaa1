//! Brings the tables up to date: two folders of migrations, one for each database, with the same numbers and names.
//! They only go forward, and one that was applied is never edited.

use std::fs::File;
use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, Connection, Executor};

use super::engine::{Engine, Purpose};
use super::url::StoreUrl;
use crate::ports::StoreError;

pub(super) static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
pub(super) static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// A migration that was not applied yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingMigration {
    /// Its number; they are applied in this order.
    pub version: i64,
    /// What it is for.
    pub description: String,
}

pub(super) fn of(engine: Engine) -> &'static Migrator {
    match engine {
        Engine::Sqlite => &SQLITE,
        Engine::Postgres => &POSTGRES,
    }
}

/// Applies what is pending. Only one process does at a time; others wait and then find nothing to do.
pub(super) async fn run(url: &StoreUrl) -> Result<(), StoreError> {
    let _turn = match url.file() {
        Some(path) => Some(lock_beside(path).await?),
        // The migrator takes a lock of the database itself.
        None => None,
    };
    let mut conn = connect(url, Purpose::Write).await?;
    let done = of(url.engine()).run(&mut conn).await.map_err(|e| StoreError::Database(Box::new(e)));
    conn.close().await?;
    done
}

/// What [`run`] would apply. Changes nothing.
pub(super) async fn pending(url: &StoreUrl) -> Result<Vec<PendingMigration>, StoreError> {
    let applied = match url.file() {
        Some(path) if !path.exists() => Vec::new(),
        _ => applied(url).await?,
    };
    let missing = of(url.engine()).iter().filter(|migration| !applied.contains(&migration.version));
    let named = |version, description: &str| PendingMigration { version, description: description.to_owned() };
    Ok(missing.map(|migration| named(migration.version, &migration.description)).collect())
}

async fn applied(url: &StoreUrl) -> Result<Vec<i64>, StoreError> {
    const KEPT_IN: &str = "_sqlx_migrations";
    let mut conn = connect(url, Purpose::Read).await?;
    let tables: i64 = sqlx::query_scalar(url.engine().count_tables()).bind(KEPT_IN).fetch_one(&mut conn).await?;
    let applied = match tables {
        0 => Vec::new(),
        _ => sqlx::query_scalar("SELECT version FROM _sqlx_migrations ORDER BY version").fetch_all(&mut conn).await?,
    };
    conn.close().await?;
    Ok(applied)
}

/// A connection without the limits of those that serve: a migration takes as long as it takes.
pub(super) async fn connect(url: &StoreUrl, purpose: Purpose) -> Result<AnyConnection, StoreError> {
    sqlx::any::install_default_drivers();
    let options = url.connect_options(purpose)?;
    let mut conn = sqlx::ConnectOptions::connect(&options).await?;
    if url.engine() == Engine::Sqlite {
        // Whoever writes now is let finish.
        conn.execute("PRAGMA busy_timeout = 60000").await?;
    }
    Ok(conn)
}

/// Locks the folder of a SQLite file, which has no lock of its own that would cover several transactions.
async fn lock_beside(path: &Path) -> Result<File, StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let locked = tokio::task::spawn_blocking(move || {
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok::<_, std::io::Error>(folder)
    });
    match locked.await {
        Ok(locked) => locked.map_err(|e| StoreError::Database(Box::new(e))),
        Err(error) => Err(StoreError::Database(Box::new(error))),
    }
}
