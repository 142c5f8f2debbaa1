//! The store in SQL, on one machine in a SQLite file or on a PostgreSQL server: the same statements on both.
//!
//! Writing transactions take turns on either (`SqlStore::begin`), so that what one has checked holds until its
//! commit, and revisions and cursors rise in the order of commit. Others read meanwhile.
//!
//! Where the databases differ is in `engine`. Each trait of [`ports`](crate::ports) has its file; [`SqlStore`]
//! implements them all.

mod accounts;
mod again;
mod codes;
mod columns;
mod commands;
mod consent_rows;
mod consent_texts;
mod consents;
mod device_rows;
mod devices;
mod door_enrollments;
mod door_gallery;
mod engine;
mod erasure_rows;
mod erasures;
mod error;
mod event_lists;
mod events;
mod face_crops;
mod faults;
mod figures;
mod gallery;
mod gallery_keys;
mod gallery_memory;
mod gallery_rows;
mod gone;
mod groups;
mod idempotency;
mod ingest;
mod jobs;
mod judgements;
mod known;
mod ledger;
mod lives;
mod many;
mod mending;
mod migrations;
mod model_packs;
mod moving;
mod notify;
mod opener;
mod person_lists;
mod persons;
mod pictures;
mod places;
mod presence;
mod profiles;
mod pruning;
mod reach;
mod readers;
mod recognition;
mod recognition_rows;
mod replicas;
mod retention;
mod rotation;
mod scope_store;
mod scopes;
mod scrub;
mod sealing;
mod sealing_once;
mod settings;
mod shown_names;
mod small;
mod statement;
mod streams;
mod talk;
mod templates;
mod terms;
mod unknowns;
mod upkeep;
mod url;
mod values;

#[cfg(test)]
mod gallery_cost;
#[cfg(test)]
mod tests;

use sqlx::{Any, AnyPool, Transaction};

use self::accounts::Directory;
pub use self::engine::Engine;
use self::engine::Purpose;
use self::gallery_memory::GalleryMemory;
pub use self::migrations::PendingMigration;
pub use self::moving::{LoadError, MoveError, MoveStep, MovedTable, load_store, move_store};
use self::readers::Readers;
use self::shown_names::ShownNames;
use self::small::SmallChanges;
pub use self::url::{NoStoreUrl, StoreUrl};
use crate::ports::StoreError;
use crate::sealing::{MasterKey, MediaKey, RootKey};

/// Connections to a PostgreSQL server, unless something else is set.
pub const DEFAULT_CONNECTIONS: u32 = 20;

/// The store.
pub struct SqlStore {
    engine: Engine,
    url: StoreUrl,
    write: AnyPool,
    read: Readers,
    /// Wraps the keys in it.
    master: MasterKey,
    /// Seals what came with events of nobody known.
    media: MediaKey,
    /// Makes the server's own keys.
    root: RootKey,
    /// The installation itself, and what accounts are found by.
    directory: Directory,
    /// What is known of the gallery at its last revisions, because every device asks for the same.
    memory: GalleryMemory,
    /// Changes that wait to be committed together.
    small: SmallChanges,
    /// Names of persons whom events show.
    names: ShownNames,
}

impl SqlStore {
    /// Opens the store, making a SQLite file if it is not there, and brings its tables up to date; what lies open in
    /// it from before there was a master key is sealed.
    ///
    /// # Errors
    /// [`StoreError::Database`] if it cannot be opened, is no database, or is of a newer program;
    /// [`StoreError::OtherMasterKey`] if it was sealed with another key; [`StoreError::Elsewhere`] if it was moved, or a
    /// move into it was not completed.
    pub async fn open(url: &StoreUrl, master: &MasterKey) -> Result<Self, StoreError> {
        Self::open_with(url, master, DEFAULT_CONNECTIONS).await
    }

    /// The same with at most so many connections, where that can be chosen: to a PostgreSQL server.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with(url: &StoreUrl, master: &MasterKey, most: u32) -> Result<Self, StoreError> {
        migrations::run(url).await?;
        let engine = url.engine();
        let write = engine::pool(url, Purpose::Write, most)?;
        let read = Readers::new(engine::pool(url, Purpose::Read, most)?);
        moving::allow_opening(&mut *write.acquire().await?).await?;
        let keys = sealing::store_keys(engine, &write, master).await?;
        let (media, root) = (keys.media, keys.root);
        let directory = Directory::open(&write, master).await?;
        let (memory, small, names) = (GalleryMemory::default(), SmallChanges::default(), ShownNames::default());
        let (url, master) = (url.clone(), master.clone());
        let store = Self { engine, url, write, read, master, media, root, directory, memory, small, names };
        store.seal_what_lies_open().await?;
        store.move_users().await?;
        store.keep_up().await?;
        Ok(store)
    }

    /// The migrations that [`Self::open`] would apply. Changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the store is there and cannot be read.
    pub async fn pending_migrations(url: &StoreUrl) -> Result<Vec<PendingMigration>, StoreError> {
        migrations::pending(url).await
    }

    /// Where it is.
    pub const fn url(&self) -> &StoreUrl {
        &self.url
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
        if let Some(tidy) = self.engine.tidy()
            && let Err(error) = sqlx::query(tidy).execute(&self.write).await
        {
            tracing::debug!(%error, "the database was not tidied up: {error}");
        }
        self.read.close().await;
        self.write.close().await;
    }

    /// A transaction that writes, in turn: no other writes until it ends. Called within [`again`](again::again), or what the
    /// database breaks off for the sake of others would fail before its caller.
    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        begin(self.engine, &self.write).await
    }

    /// A transaction whose reads all see the same moment.
    async fn begin_reading(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.read.begin(self.engine).await?)
    }
}

/// Who waited for a turn in vain, or was chosen to end a deadlock while waiting, has done nothing yet and waits again.
async fn begin(engine: Engine, pool: &AnyPool) -> Result<Transaction<'static, Any>, StoreError> {
    again::again(|| async {
        let mut tx = pool.begin_with(engine.begin_writing()).await?;
        engine.take_turn(&mut tx).await?;
        Ok(tx)
    })
    .await
}
