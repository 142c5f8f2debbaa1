//! The peer of the fleet's events per second: the same rows put into the same table of the same database file by
//! nothing but a batch insert, flushed to disk at each commit just as the server does.
//!
//! It inserts in two ways, a row per statement and many rows per statement, and the faster one counts.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ostiary_common::ids::{EventId, StreamId};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous,
};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection, Row, SqlSafeStr, TypeInfo, ValueRef};

/// Rows committed together.
const ROWS_PER_COMMIT: usize = 1_000;
/// Rows of one statement in the second way.
const ROWS_PER_STATEMENT: usize = 50;

/// One value of a row.
#[derive(Clone, Debug)]
enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// Rows per second of the faster way, over `rows` copies of the newest rows of the event table. They get ids and a
/// stream of their own.
///
/// # Errors
/// If the database cannot be used, or holds no events.
pub async fn rows_per_s(database: &Path, rows: usize) -> Result<f64> {
    let mut connection = options(database).connect().await.context("opening the server's database")?;
    let (columns, pattern) = pattern(&mut connection, rows).await?;
    ensure!(!pattern.is_empty(), "the raw insert needs stored events to copy");
    let half = (rows / 2).next_multiple_of(ROWS_PER_COMMIT);
    let single = insert(&mut connection, &columns, &pattern, half, 1).await?;
    let many = insert(&mut connection, &columns, &pattern, half, ROWS_PER_STATEMENT).await?;
    connection.close().await?;
    Ok(half as f64 / single.min(many).as_secs_f64())
}

fn options(database: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(database)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
        .foreign_keys(true)
        .pragma("secure_delete", "ON")
        .pragma("cache_size", "-65536")
        .pragma("wal_autocheckpoint", "16384")
}

/// The columns of the event table but its own number, and its newest rows.
async fn pattern(connection: &mut SqliteConnection, most: usize) -> Result<(Vec<String>, Vec<Vec<Cell>>)> {
    let names: Vec<(String,)> = sqlx::query_as("SELECT name FROM pragma_table_info('events') WHERE name <> 'cursor'")
        .fetch_all(&mut *connection)
        .await?;
    let columns: Vec<String> = names.into_iter().map(|(name,)| name).collect();
    let select = format!("SELECT {} FROM events ORDER BY cursor DESC LIMIT {most}", columns.join(", "));
    let rows = sqlx::query(AssertSqlSafe(select).into_sql_str()).fetch_all(connection).await?;
    let cells = |row: &SqliteRow| (0..columns.len()).map(|at| cell(row, at)).collect::<Result<Vec<_>>>();
    let pattern = rows.iter().map(cells).collect::<Result<_>>()?;
    Ok((columns, pattern))
}

fn cell(row: &SqliteRow, at: usize) -> Result<Cell> {
    let value = row.try_get_raw(at)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let kind = value.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INTEGER" => Cell::Integer(row.try_get_unchecked(at)?),
        "REAL" => Cell::Real(row.try_get_unchecked(at)?),
        "TEXT" => Cell::Text(row.try_get_unchecked(at)?),
        _ => Cell::Blob(row.try_get_unchecked(at)?),
    })
}

/// Inserts `count` rows, `per_statement` at a time, and says how long it took.
async fn insert(
    connection: &mut SqliteConnection,
    columns: &[String],
    pattern: &[Vec<Cell>],
    count: usize,
    per_statement: usize,
) -> Result<Duration> {
    let row = format!("({})", vec!["?"; columns.len()].join(", "));
    let values = vec![row; per_statement].join(", ");
    let sql = AssertSqlSafe(format!("INSERT INTO events ({}) VALUES {values}", columns.join(", "))).into_sql_str();
    let stream = Cell::Blob(StreamId::generate().as_bytes().to_vec());
    let place =
        |name: &str| columns.iter().position(|column| column == name).with_context(|| format!("no column {name}"));
    let (id_at, stream_at) = (place("event_id")?, place("stream")?);
    let mut fresh = pattern.iter().cycle().map(|cells| {
        let mut cells = cells.clone();
        cells[id_at] = Cell::Blob(EventId::generate().as_bytes().to_vec());
        cells[stream_at] = stream.clone();
        cells
    });
    // Making the rows is not what is measured.
    let statements: Vec<Vec<Vec<Cell>>> =
        (0..count / per_statement).map(|_| fresh.by_ref().take(per_statement).collect()).collect();
    let began = Instant::now();
    for commit in statements.chunks((ROWS_PER_COMMIT / per_statement).max(1)) {
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
        for rows in commit {
            sqlx::query_with(sql.clone(), arguments(rows)?).execute(&mut *tx).await?;
        }
        tx.commit().await?;
    }
    Ok(began.elapsed())
}

fn arguments(rows: &[Vec<Cell>]) -> Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    for cell in rows.iter().flatten() {
        let added = match cell {
            Cell::Null => arguments.add(None::<i64>),
            Cell::Integer(value) => arguments.add(*value),
            Cell::Real(value) => arguments.add(*value),
            Cell::Text(value) => arguments.add(value.clone()),
            Cell::Blob(value) => arguments.add(value.clone()),
        };
        added.map_err(|error| anyhow::anyhow!(error))?;
    }
    Ok(arguments)
}
