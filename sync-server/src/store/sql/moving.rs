//! Moves a store from a SQLite file to a PostgreSQL database while the server runs on the file.
//!
//! First everything is copied as it stands, which may take long and stops nobody. Then the file's write lock is taken:
//! what changed meanwhile is carried over, every row of both is compared, and the file is shut for good, before the
//! lock is let go. A server that still runs on it can then read and not write: it acknowledges no event, so devices
//! keep theirs until it is started on the new database. Cut off anywhere, the move can be begun again; the file goes
//! on being the store until it is shut, and what was copied is not copied again.
//!
//! Start with [`move_store`]; `table` knows the tables, `rows` reads and writes rows, `reconcile` makes one table equal
//! the other.

mod dump;
mod mark;
mod reconcile;
mod rows;
mod table;

use sqlx::{AnyConnection, Connection};

pub use self::dump::{LoadError, load_store};
use self::mark::Mark;
pub(super) use self::mark::allow_opening;
pub use self::reconcile::MovedTable;
use self::table::Table;
use super::engine::{Engine, Purpose};
use super::migrations;
use super::url::StoreUrl;
use crate::ports::StoreError;

/// Why a store could not be moved. Nothing is lost: the old one is in force until it was shut.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// Only from a SQLite file to a PostgreSQL database.
    #[error("a store can be moved from a SQLite file to a PostgreSQL database only")]
    Direction,
    /// There is no such file.
    #[error("there is no store to be moved")]
    Nothing,
    /// The target is a store already.
    #[error("the target is a store in use; give an empty database")]
    TargetInUse,
    /// What was copied is not what was there.
    #[error("after the copy, table {table} differs: {source_rows} rows became {target_rows}, or their values changed")]
    Differs {
        /// Which.
        table: String,
        /// Rows there.
        source_rows: u64,
        /// Rows here.
        target_rows: u64,
    },
    /// One of the stores failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for MoveError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// How far a move is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoveStep<'a> {
    /// A table was copied, while the server may be writing.
    Copied(&'a MovedTable),
    /// The old store is locked; the rest is carried over and compared.
    Locked,
    /// A table is the same in both.
    Verified(&'a MovedTable),
}

/// Moves the store at `from` to the empty database at `to`, and shuts the old one. Tells `heard` of each step.
///
/// # Errors
/// [`MoveError`]; the old store then stays in force, and the same move may be tried again.
pub async fn move_store(
    from: &StoreUrl,
    to: &StoreUrl,
    mut heard: impl FnMut(MoveStep<'_>),
) -> Result<Vec<MovedTable>, MoveError> {
    if (from.engine(), to.engine()) != (Engine::Sqlite, Engine::Postgres) {
        return Err(MoveError::Direction);
    }
    if !from.file().is_some_and(std::path::Path::exists) {
        return Err(MoveError::Nothing);
    }
    migrations::run(from).await?;
    migrations::run(to).await?;
    let mut target = migrations::connect(to, Purpose::Write).await?;
    mark::claim_target(&mut target).await?;

    let mut reader = migrations::connect(from, Purpose::Read).await?;
    let tables = table::all(&mut reader).await?;
    let mut snapshot = reader.begin().await?;
    for table in &tables {
        heard(MoveStep::Copied(&reconcile::copy(table, &mut snapshot, &mut target).await?));
    }
    snapshot.rollback().await?;
    reader.close().await?;

    let mut source = migrations::connect(from, Purpose::Write).await?;
    let moved = cut_over(&tables, &mut source, &mut target, to, &mut heard).await?;
    source.close().await?;
    target.close().await?;
    Ok(moved)
}

/// Carries over the rest under the old store's write lock, and shuts it.
async fn cut_over(
    tables: &[Table],
    source: &mut AnyConnection,
    target: &mut AnyConnection,
    to: &StoreUrl,
    heard: &mut impl FnMut(MoveStep<'_>),
) -> Result<Vec<MovedTable>, MoveError> {
    let mut locked = source.begin_with(Engine::Sqlite.begin_writing()).await?;
    let mut writing = target.begin_with(Engine::Postgres.begin_writing()).await?;
    heard(MoveStep::Locked);
    table::silence_triggers(tables, &mut writing).await?;
    for table in tables.iter().rev() {
        reconcile::remove_gone(table, &mut locked, &mut writing).await?;
    }
    for table in tables {
        reconcile::copy(table, &mut locked, &mut writing).await?;
    }
    let mut moved = Vec::with_capacity(tables.len());
    for table in tables {
        let same = reconcile::compare(table, &mut locked, &mut writing).await?;
        heard(MoveStep::Verified(&same));
        table.continue_numbers(&mut locked, &mut writing).await?;
        moved.push(same);
    }
    table::wake_triggers(tables, &mut writing).await?;
    mark::put(&mut writing, Mark::Complete, "").await?;
    mark::shut(tables, &mut locked, to).await?;
    // The new one first: cut off in between, the old one is still in force, and the move can be made again.
    writing.commit().await?;
    locked.commit().await?;
    Ok(moved)
}
