//! What the database's errors mean to those who ask the store.

use sqlx::error::ErrorKind;

use crate::ports::StoreError;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
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

/// Whether the database broke the work off for the sake of somebody else's, so that it may be done again: a
/// serialisation failure, a deadlock, a lock waited for in vain.
pub fn was_broken_off(error: &StoreError) -> bool {
    const BROKEN_OFF: [&str; 3] = ["40001", "40P01", "55P03"];
    let StoreError::Database(cause) = error else { return false };
    let code = cause.downcast_ref::<sqlx::Error>().and_then(|error| error.as_database_error()?.code());
    code.is_some_and(|code| BROKEN_OFF.contains(&&*code))
}

/// Something stored that this program cannot read.
pub fn corrupt(what: &'static str, reason: impl ToString) -> StoreError {
    StoreError::Corrupt { what, reason: reason.to_string() }
}
