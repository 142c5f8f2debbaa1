//! What the database's errors mean to those who ask the store.

use sqlx::error::ErrorKind;

use crate::ports::StoreError;

/// Of PostgreSQL, a serialisation failure, a deadlock, a lock waited for in vain; of SQLite, a file that somebody else
/// wrote all the while (`SQLITE_BUSY`, and the same while the log is recovered, of an old snapshot, at a time limit).
const BROKEN_OFF: [&str; 7] = ["40001", "40P01", "55P03", "5", "261", "517", "773"];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        if code.is_some_and(|code| BROKEN_OFF.contains(&&*code)) {
            return Self::BrokenOff(Box::new(error));
        }
        Self::Database(Box::new(error))
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
