//! Where the two databases differ. Everything else in this room runs unchanged on both.

use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, Connection, Executor};

use super::url::StoreUrl;
use crate::ports::StoreError;

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file of this machine, in WAL mode.
    Sqlite,
    /// A server, shared by several servers of ours.
    Postgres,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Write,
    Read,
}

/// Connections that read a SQLite file. More would wait for the same disk.
const SQLITE_READERS: u32 = 6;
/// Of PostgreSQL's connections, one in so many writes. Writers take turns, so that more of them only wait.
const WRITERS_SHARE: u32 = 4;
/// How long a caller waits for a connection before it is told that the store is overloaded.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection that was used since so long ago is not asked whether it is there still.
pub(super) const IDLE_UNASKED: Duration = Duration::from_secs(1);

/// A writer waits this long for another process (a backup, a CLI command) to finish.
///
/// `synchronous = FULL` makes a commit durable before it returns, which is what an event ack promises. With
/// `secure_delete`, a removed person's bytes are overwritten, not only unlinked.
const SQLITE_EACH: &str = "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON";
/// 8 MiB of cache for each reader; what is asked for often lies in the kernel's cache of the file as well.
const SQLITE_READ: &str = "PRAGMA cache_size = -8192";
/// 32 MiB: each device has pages of its own in the indexes of events, and those of a commit must fit, or they are
/// written twice. The log is carried into the file after twice as much: a page that many commits change goes there once.
const SQLITE_WRITE: &str = "PRAGMA journal_mode = WAL; PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 16384";

/// A statement that takes longer is broken off, and so is a transaction whose server fell silent: it would hold up
/// all other writers. A commit is on the disk when it returns, whatever the database's own default says.
const POSTGRES_EACH: &str = "SET application_name = 'ostiary-server'; SET statement_timeout = '60s';
    SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '30s'; SET synchronous_commit = on";
/// As SQLite's readers, these cannot write by mistake. A statement is planned once, for any values: planned for each request
/// anew, a page of events took the database three times as long as reading it.
const POSTGRES_READ: &str = "SET default_transaction_read_only = on; SET plan_cache_mode = force_generic_plan";

/// The lock that writing transactions take in turn ("ostiary" in ASCII). It is what SQLite's single writer is: what
/// was checked holds until the commit, and numbers rise in the order of commit.
const POSTGRES_WRITERS: i64 = 0x6f_73_74_69_61_72_79;

impl Engine {
    /// Which one a connection leads to.
    pub(super) fn of(conn: &AnyConnection) -> Self {
        if conn.backend_name() == "SQLite" { Self::Sqlite } else { Self::Postgres }
    }

    /// The statement that begins a transaction that writes.
    pub(super) const fn begin_writing(self) -> &'static str {
        match self {
            // Holds the write lock from the start, so that it never fails half-way for want of it.
            Self::Sqlite => "BEGIN IMMEDIATE",
            // Each statement must see what was committed before the lock was had, which a snapshot would not.
            Self::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }

    /// The statement that begins a transaction whose reads all see the same moment.
    pub(super) const fn begin_reading(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Waits until no other transaction writes.
    pub(super) async fn take_turn(self, tx: &mut AnyConnection) -> Result<(), sqlx::Error> {
        if self == Self::Postgres {
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(POSTGRES_WRITERS).execute(tx).await?;
        }
        Ok(())
    }

    /// A condition: the bytes of `column` contain those of `value`.
    pub(super) fn contains(self, column: &str, value: &str) -> String {
        match self {
            Self::Sqlite => format!("instr({column}, {value}) > 0"),
            Self::Postgres => format!("position({value} IN {column}) > 0"),
        }
    }

    /// A query for the number of tables of the name `$1`.
    pub(super) const fn count_tables(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1",
            Self::Postgres => {
                "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = $1"
            }
        }
    }

    /// A query for the bytes of the database.
    pub(super) const fn size(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
            Self::Postgres => "SELECT pg_database_size(current_database())",
        }
    }

    /// What is done with unused pages, statistics and plans when the store is closed.
    pub(super) const fn tidy(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => Some("PRAGMA optimize"),
            // Its own autovacuum does.
            Self::Postgres => None,
        }
    }

    /// An expression: now, by the database's own clock, in milliseconds since 1970.
    pub(super) const fn now_ms(self) -> &'static str {
        match self {
            Self::Sqlite => "CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)",
            // Not the transaction's time: a lease that was waited for begins when it is had.
            Self::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }

    const fn settings(self, purpose: Purpose) -> [&'static str; 2] {
        match (self, purpose) {
            (Self::Sqlite, Purpose::Read) => [SQLITE_EACH, SQLITE_READ],
            (Self::Sqlite, Purpose::Write) => [SQLITE_EACH, SQLITE_WRITE],
            (Self::Postgres, Purpose::Read) => [POSTGRES_EACH, POSTGRES_READ],
            (Self::Postgres, Purpose::Write) => [POSTGRES_EACH, ""],
        }
    }

    /// How many connections there are for a purpose, of so many at most.
    fn connections(self, purpose: Purpose, most: u32) -> u32 {
        let writers = (most / WRITERS_SHARE).max(1);
        match (self, purpose) {
            // Writers queue in order, and cursors rise in the order of commit.
            (Self::Sqlite, Purpose::Write) => 1,
            (Self::Sqlite, Purpose::Read) => SQLITE_READERS,
            (Self::Postgres, Purpose::Write) => writers,
            (Self::Postgres, Purpose::Read) => most.saturating_sub(writers).max(1),
        }
    }
}

/// A pool of connections, none of which is opened yet.
pub(super) fn pool(url: &StoreUrl, purpose: Purpose, most: u32) -> Result<AnyPool, StoreError> {
    sqlx::any::install_default_drivers();
    let engine = url.engine();
    let options = AnyPoolOptions::new()
        .max_connections(engine.connections(purpose, most))
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|conn, meta| Box::pin(async move { is_alive(conn, meta.idle_for).await }))
        .after_connect(move |conn, _| Box::pin(async move { set_up(conn, engine, purpose).await }));
    Ok(options.connect_lazy_with(url.connect_options(purpose)?))
}

/// Whether a connection is still there. One that was in use a moment ago is: asking each time would be a second journey to
/// the database for every read.
async fn is_alive(conn: &mut AnyConnection, idle: Duration) -> Result<bool, sqlx::Error> {
    if idle < IDLE_UNASKED {
        return Ok(true);
    }
    conn.ping().await.map(|()| true)
}

async fn set_up(conn: &mut AnyConnection, engine: Engine, purpose: Purpose) -> Result<(), sqlx::Error> {
    for settings in engine.settings(purpose).into_iter().filter(|settings| !settings.is_empty()) {
        conn.execute(sqlx::raw_sql(settings)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_shared_out() {
        let check = |engine: Engine, most, expected| {
            let found = (engine.connections(Purpose::Write, most), engine.connections(Purpose::Read, most));
            assert_eq!(found, expected, "{engine:?} {most}");
        };
        check(Engine::Sqlite, 20, (1, 6));
        check(Engine::Postgres, 20, (5, 15));
        check(Engine::Postgres, 2, (1, 1));
    }
}
