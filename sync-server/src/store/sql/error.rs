//! What the database's errors mean to those who ask the store.

use sqlx::error::ErrorKind;

use crate::ports::StoreError;

/// Of PostgreSQL, a serialisation failure, a deadlock, a lock waited for in vain; of SQLite, a file that somebody else
/// wrote all the while (`SQLITE_BUSY`, and the same while the log is recovered, of an old snapshot, at a time limit).
const BROKEN_OFF: [&str; 7] = ["40001", "40P01", "55P03", "5", "261", "517", "773"];

/// Of PostgreSQL: too many connections, it ends or was ended, it begins; and a connection that broke.
const AWAY: [&str; 8] = ["53300", "57P01", "57P02", "57P03", "08000", "08001", "08003", "08006"];

/// No connection to the database could be had, or the one there was broke.
const fn is_away(error: &sqlx::Error) -> bool {
    use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Tls, WorkerCrashed};
    matches!(error, Io(_) | Tls(_) | PoolTimedOut | PoolClosed | WorkerCrashed)
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        match code {
            Some(code) if BROKEN_OFF.contains(&&*code) => Self::BrokenOff(Box::new(error)),
            Some(code) if AWAY.contains(&&*code) => Self::Away(Box::new(error)),
            None if is_away(&error) => Self::Away(Box::new(error)),
            _ => Self::Database(Box::new(error)),
        }
    }
}

/// What a refused insert means: `taken` if a unique column holds the value already, `parent` if the row it
/// points to is missing.
pub fn on_insert(taken: &'static str, parent: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |error| match error.as_database_error().map(sqlx::error::DatabaseError::kind) {
        Some(ErrorKind::UniqueViolation) => StoreError::Conflict(taken),
        Some(ErrorKind::ForeignKeyViolation) => StoreError::NoSuch(parent),
        _ => error.into(),
    }
}

/// Something stored that this program cannot read.
pub fn corrupt(what: &'static str, reason: impl ToString) -> StoreError {
    StoreError::Corrupt { what, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_is_told_from_one_that_refuses() {
        for away in [sqlx::Error::PoolTimedOut, sqlx::Error::PoolClosed, sqlx::Error::Io(std::io::Error::other("gone"))]
        {
            assert!(matches!(StoreError::from(away), StoreError::Away(_)));
        }
        assert!(matches!(StoreError::from(sqlx::Error::RowNotFound), StoreError::Database(_)));
    }
}
