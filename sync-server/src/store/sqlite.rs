//! The store on one machine: SQLite in WAL mode.
//!
//! `synchronous = FULL` makes a commit durable before it returns, which is what an event ack promises. One
//! connection writes, so that writers queue in order and cursors rise in the order of commit; others read.
//!
//! Each trait of [`ports`](crate::ports) has its file; [`SqliteStore`] implements them all.

mod accounts;
mod codes;
mod columns;
mod device_rows;
mod devices;
mod door_gallery;
mod erasure_rows;
mod erasures;
mod error;
mod events;
mod gallery;
mod gallery_keys;
mod gallery_memory;
mod gallery_rows;
mod gone;
mod groups;
mod ingest;
mod known;
mod ledger;
mod lives;
mod many;
mod opener;
mod persons;
mod pictures;
mod presence;
mod reach;
mod recognition;
mod recognition_rows;
mod scope_store;
mod scopes;
mod scrub;
mod sealing;
mod sealing_once;
mod small;
mod statement;
mod streams;
mod templates;
mod terms;
mod upkeep;

#[cfg(test)]
mod gallery_cost;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, Transaction};

use self::gallery_memory::GalleryMemory;
use crate::ports::StoreError;
use crate::sealing::{MasterKey, MediaKey};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a statement waits for another process (a backup, a CLI command) to finish writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;
/// Memory of the connection that writes: 64 MiB. Each device has pages of its own in the indexes of events, and those of
/// a commit must fit, or they are written twice.
const WRITER_CACHE: &str = "-65536";
/// After so many pages, 64 MiB, the log is carried into the file: a page that many commits change goes there once, not
/// once for each of them.
const CHECKPOINT_PAGES: &str = "16384";

/// The SQLite store.
pub struct SqliteStore {
    write: SqlitePool,
    read: SqlitePool,
    /// Wraps the keys in it.
    master: MasterKey,
    /// Seals what came with events of nobody known.
    media: MediaKey,
    /// What is known of the gallery at its last revisions, because every device asks for the same.
    memory: GalleryMemory,
    /// Changes that wait to be committed together.
    small: small::SmallChanges,
}

impl SqliteStore {
    /// Opens the database file, making it if it is not there, and brings its tables up to date; what lies open in it
    /// from before there was a master key is sealed.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be opened, is no database, or is of a newer program;
    /// [`StoreError::OtherMasterKey`] if it was sealed with another key.
    pub async fn open(path: &Path, master: &MasterKey) -> Result<Self, StoreError> {
        let options = options(path);
        let writing = options.clone().pragma("cache_size", WRITER_CACHE).pragma("wal_autocheckpoint", CHECKPOINT_PAGES);
        let write = SqlitePoolOptions::new().max_connections(1).connect_with(writing).await?;
        MIGRATIONS.run(&write).await.map_err(|e| StoreError::Database(Box::new(e)))?;
        let media = sealing::media_key(&write, master).await?;
        // Lazily: a reader must not open the file before the migrations made it.
        let read = SqlitePoolOptions::new().max_connections(READERS).connect_lazy_with(options.read_only(true));
        let (memory, small) = (GalleryMemory::default(), small::SmallChanges::default());
        let store = Self { write, read, master: master.clone(), media, memory, small };
        store.seal_what_lies_open().await?;
        store.keep_up().await?;
        Ok(store)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Database`] if it does not.
    pub async fn check(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT rev FROM gallery").fetch_one(&self.read).await?;
        Ok(())
    }

    /// Closes every connection; what is not committed is rolled back.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    /// A transaction that holds the write lock from the start, so that it never fails half-way for want of it.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.write.begin_with("BEGIN IMMEDIATE").await?)
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .pragma("trusted_schema", "OFF")
        // A removed person's bytes are overwritten, not only unlinked.
        .pragma("secure_delete", "ON")
        .pragma("cache_size", "-16384")
        .optimize_on_close(true, None)
}
