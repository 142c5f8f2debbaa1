//! What a store says of a move: that one into it is under way or complete, or that it was left for another.

use sqlx::{AnyConnection, AssertSqlSafe};

use super::MoveError;
use super::table::Table;
use crate::ports::StoreError;
use crate::store::sql::url::StoreUrl;

/// What stands in `store_move`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A copy into it has begun.
    Copying,
    /// It is the store, and was not opened since.
    Complete,
    /// Another is the store now.
    Moved,
}

impl Mark {
    const ALL: [Self; 3] = [Self::Copying, Self::Complete, Self::Moved];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Copying => "copying",
            Self::Complete => "complete",
            Self::Moved => "moved",
        }
    }
}

async fn get(conn: &mut AnyConnection) -> Result<Option<(Mark, String)>, StoreError> {
    let row: Option<(String, String)> =
        sqlx::query_as("SELECT state, place FROM store_move").fetch_optional(conn).await?;
    let read = |(state, place): (String, String)| {
        let mark = Mark::ALL.into_iter().find(|mark| mark.as_str() == state);
        let unknown = || StoreError::Corrupt { what: "state of a move", reason: state };
        Ok((mark.ok_or_else(unknown)?, place))
    };
    row.map(read).transpose()
}

/// Says how a move stands.
pub(super) async fn put(conn: &mut AnyConnection, mark: Mark, place: &str) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO store_move (\"only\", state, place) VALUES (1, $1, $2)
         ON CONFLICT (\"only\") DO UPDATE SET state = excluded.state, place = excluded.place",
    )
    .bind(mark.as_str())
    .bind(place)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes an empty database as the target, or one that a move into was broken off.
pub(super) async fn claim_target(conn: &mut AnyConnection) -> Result<(), MoveError> {
    match get(conn).await? {
        Some((Mark::Copying | Mark::Complete, _)) => {}
        Some((Mark::Moved, _)) => return Err(MoveError::TargetInUse),
        None => {
            // A store that was ever opened has a key in it.
            let keys: i64 = sqlx::query_scalar("SELECT count(*) FROM sealing").fetch_one(&mut *conn).await?;
            if keys > 0 {
                return Err(MoveError::TargetInUse);
            }
        }
    }
    Ok(put(conn, Mark::Copying, "").await?)
}

/// Shuts the old store: whoever still has it open can write to none of its tables.
pub(super) async fn shut(tables: &[Table], tx: &mut AnyConnection, to: &StoreUrl) -> Result<(), StoreError> {
    put(tx, Mark::Moved, &to.to_string()).await?;
    for table in tables {
        for change in ["INSERT", "UPDATE", "DELETE"] {
            let name = &table.name;
            let sql = format!(
                "CREATE TRIGGER moved_{name}_{change} BEFORE {change} ON {name}
                 BEGIN SELECT RAISE(ABORT, 'this store was moved to another database'); END"
            );
            sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await?;
        }
    }
    Ok(())
}

/// Refuses to open a store that was left for another, or that is only half there.
///
/// # Errors
/// [`StoreError::Elsewhere`].
pub(in crate::store::sql) async fn allow_opening(conn: &mut AnyConnection) -> Result<(), StoreError> {
    match get(conn).await? {
        None => Ok(()),
        Some((Mark::Complete, _)) => {
            sqlx::query("DELETE FROM store_move").execute(conn).await?;
            Ok(())
        }
        Some((Mark::Moved, place)) => Err(StoreError::Elsewhere(format!("it was moved to {place}: set store.url"))),
        Some((Mark::Copying, _)) => {
            Err(StoreError::Elsewhere("a move into it is not complete: run migrate-store again".to_owned()))
        }
    }
}
