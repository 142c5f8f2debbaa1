//! Takes a store apart into pieces and puts pieces together to a store, in either database.

use sha2::{Digest, Sha256};
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, Connection};
use tokio::sync::mpsc;

use super::MoveError;
use super::mark::{self, Mark};
use super::rows::{self, Kind, Range, Row, Value};
use super::table::{self, Table};
use crate::ports::StoreError;
use crate::ports::backup::{DumpPiece, DumpStore, DumpValue, DumpedTable};
use crate::store::sql::engine::{self, Engine, Purpose};
use crate::store::sql::error::corrupt;
use crate::store::sql::url::StoreUrl;
use crate::store::sql::{SqlStore, migrations};

use async_trait::async_trait;
use serde_bytes::ByteBuf;

/// Rows of a piece.
const ROWS_AT_ONCE: i64 = 200;

/// Why pieces could not be put together. The database is as empty as before, or says that it is half there.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The target is not empty, or a database failed.
    #[error(transparent)]
    Target(#[from] MoveError),
    /// The backup is of a newer program.
    #[error("it was made by a newer program: schema {found}, this one knows {known}")]
    Newer {
        /// What it has.
        found: i64,
        /// The newest known here.
        known: i64,
    },
    /// The pieces do not make a store.
    #[error("it does not hold a store: {0}")]
    Pieces(String),
}

impl From<StoreError> for LoadError {
    fn from(error: StoreError) -> Self {
        Self::Target(error.into())
    }
}

impl From<sqlx::Error> for LoadError {
    fn from(error: sqlx::Error) -> Self {
        Self::Target(error.into())
    }
}

#[async_trait]
impl DumpStore for SqlStore {
    fn schema(&self) -> i64 {
        newest(migrations::of(self.engine))
    }

    async fn dump(&self, to: mpsc::Sender<DumpPiece>) -> Result<Vec<DumpedTable>, StoreError> {
        let tables = tables_of(self.schema()).await?;
        let mut tx = self.begin_reading().await?;
        let mut dumped = Vec::with_capacity(tables.len());
        for table in &tables {
            dumped.push(send(table, self.engine, &mut tx, &to).await?);
        }
        tx.rollback().await?;
        Ok(dumped)
    }
}

fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// The tables of a schema. Both databases have the same; SQLite tells them.
async fn tables_of(schema: i64) -> Result<Vec<Table>, StoreError> {
    let failed = |error: std::io::Error| StoreError::Database(Box::new(error));
    let dir = tempfile::tempdir().map_err(failed)?;
    let url = StoreUrl::sqlite(&dir.path().join("schema.sqlite"));
    let pool = engine::pool(&url, Purpose::Write, 1)?;
    let made = migrations::SQLITE.run_to(schema, &pool).await;
    made.map_err(|error| StoreError::Database(Box::new(error)))?;
    let tables = table::all(&mut *pool.acquire().await?).await?;
    pool.close().await;
    Ok(tables)
}

async fn send(
    table: &Table,
    engine: Engine,
    conn: &mut AnyConnection,
    to: &mpsc::Sender<DumpPiece>,
) -> Result<DumpedTable, StoreError> {
    let unheard = |_| StoreError::Elsewhere("the backup could not be written".to_owned());
    let columns = table.columns.iter().map(|column| column.name.clone()).collect();
    let last_number = table.last_number(engine, conn).await?;
    to.send(DumpPiece::Table { name: table.name.clone(), columns, last_number }).await.map_err(unheard)?;
    let (mut digest, mut count) = (Sha256::new(), 0);
    let mut after: Option<Vec<Value>> = None;
    loop {
        let range = Range { after: after.as_deref(), upto: None, most: Some(ROWS_AT_ONCE) };
        let read = rows::read(conn, table, range).await?;
        read.iter().for_each(|row| row.digest(&mut digest));
        count += read.len() as u64;
        after = read.last().map(|row| row.key(table));
        let is_last = read.len() < usize::try_from(ROWS_AT_ONCE).expect("a few rows");
        if !read.is_empty() {
            let rows = read.into_iter().map(|row| row.0.into_iter().map(DumpValue::from).collect()).collect();
            to.send(DumpPiece::Rows(rows)).await.map_err(unheard)?;
        }
        if is_last {
            break;
        }
    }
    let sha256: [u8; 32] = digest.finalize().into();
    to.send(DumpPiece::End { rows: count, sha256: ByteBuf::from(sha256) }).await.map_err(unheard)?;
    Ok(DumpedTable { name: table.name.clone(), rows: count, sha256 })
}

/// Puts the pieces of a store of `schema` together in the empty database at `to`, compares each table with what was said
/// of it, and brings it up to date.
///
/// # Errors
/// [`LoadError`]; the database then says that it is only half there, and can be taken again.
pub async fn load_store(
    to: &StoreUrl,
    schema: i64,
    mut pieces: mpsc::Receiver<DumpPiece>,
) -> Result<Vec<DumpedTable>, LoadError> {
    let engine = to.engine();
    let known = newest(migrations::of(engine));
    if schema > known {
        return Err(LoadError::Newer { found: schema, known });
    }
    let pool = engine::pool(to, Purpose::Write, 1)?;
    let made = migrations::of(engine).run_to(schema, &pool).await;
    made.map_err(|error| StoreError::Database(Box::new(error)))?;
    pool.close().await;
    // Without the limits of those that serve: it takes as long as it takes.
    let mut conn = migrations::connect(to, Purpose::Write).await?;
    mark::claim_target(&mut conn).await?;
    let tables = tables_of(schema).await?;
    let mut tx = conn.begin_with(engine.begin_writing()).await?;
    if engine == Engine::Postgres {
        table::silence_triggers(&tables, &mut tx).await?;
    }
    let mut loaded = Vec::new();
    while let Some(piece) = pieces.recv().await {
        loaded.push(receive(piece, &tables, engine, &mut tx, &mut pieces).await?);
    }
    if let Some(missing) = tables.iter().find(|table| !loaded.iter().any(|there| there.name == table.name)) {
        return Err(LoadError::Pieces(format!("table {} is not in it", missing.name)));
    }
    for (table, said) in loaded.iter().filter_map(|said| Some((tables.iter().find(|t| t.name == said.name)?, said))) {
        compare(table, said, &mut tx).await?;
    }
    if engine == Engine::Postgres {
        table::wake_triggers(&tables, &mut tx).await?;
    }
    mark::put(&mut tx, Mark::Complete, "").await?;
    tx.commit().await?;
    conn.close().await?;
    migrations::run(to).await?;
    Ok(loaded)
}

async fn receive(
    first: DumpPiece,
    tables: &[Table],
    engine: Engine,
    conn: &mut AnyConnection,
    pieces: &mut mpsc::Receiver<DumpPiece>,
) -> Result<DumpedTable, LoadError> {
    let DumpPiece::Table { name, columns, last_number } = first else {
        return Err(LoadError::Pieces("rows without a table".to_owned()));
    };
    let table = tables.iter().find(|table| table.name == name);
    let table = table.ok_or_else(|| LoadError::Pieces(format!("there is no table {name} in schema")))?;
    let places = places(table, &columns)?;
    loop {
        match pieces.recv().await {
            Some(DumpPiece::Rows(rows)) => {
                let rows = rows.into_iter().map(|row| in_place(table, &places, row)).collect::<Result<Vec<_>, _>>()?;
                // PostgreSQL takes 65535 values a statement.
                for some in rows.chunks((30_000 / places.len().max(1)).max(1)) {
                    rows::write(conn, table, &some.iter().collect::<Vec<_>>()).await?;
                }
            }
            Some(DumpPiece::End { rows, sha256 }) => {
                let sha256 = sha256.as_slice().try_into();
                let sha256 = sha256.map_err(|_| LoadError::Pieces(format!("no digest of table {name}")))?;
                table.go_on_from(engine, last_number, conn).await?;
                return Ok(DumpedTable { name, rows, sha256 });
            }
            _ => return Err(LoadError::Pieces(format!("table {name} does not end"))),
        }
    }
}

/// For each of the table's columns, its place among those sent.
fn places(table: &Table, columns: &[String]) -> Result<Vec<usize>, LoadError> {
    let place = |name: &str| columns.iter().position(|column| column == name);
    let places: Option<Vec<usize>> = table.columns.iter().map(|column| place(&column.name)).collect();
    places
        .filter(|places| places.len() == columns.len())
        .ok_or_else(|| LoadError::Pieces(format!("table {} has other columns", table.name)))
}

fn in_place(table: &Table, places: &[usize], row: Vec<DumpValue>) -> Result<Row, LoadError> {
    let misfit = || LoadError::Pieces(format!("a row of table {} does not fit", table.name));
    if row.len() != places.len() {
        return Err(misfit());
    }
    let values = places.iter().zip(&table.columns).map(|(place, column)| {
        let value = Value::from(row[*place].clone());
        let fits = matches!(
            (column.kind, &value),
            (Kind::Int, Value::Int(_))
                | (Kind::Real, Value::Real(_))
                | (Kind::Text, Value::Text(_))
                | (Kind::Bytes, Value::Bytes(_))
        );
        if fits { Ok(value) } else { Err(misfit()) }
    });
    Ok(Row(values.collect::<Result<_, _>>()?))
}

async fn compare(table: &Table, said: &DumpedTable, conn: &mut AnyConnection) -> Result<(), LoadError> {
    let (mut digest, mut count) = (Sha256::new(), 0);
    let mut after: Option<Vec<Value>> = None;
    loop {
        let range = Range { after: after.as_deref(), upto: None, most: Some(ROWS_AT_ONCE) };
        let read = rows::read(conn, table, range).await?;
        read.iter().for_each(|row| row.digest(&mut digest));
        count += read.len() as u64;
        let Some(last) = read.last() else { break };
        after = Some(last.key(table));
    }
    let sha256: [u8; 32] = digest.finalize().into();
    if (count, sha256) == (said.rows, said.sha256) {
        return Ok(());
    }
    Err(MoveError::Differs { table: table.name.clone(), source_rows: said.rows, target_rows: count }.into())
}

impl From<Value> for DumpValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Int(value) => Self::I(value),
            Value::Real(value) => Self::R(value),
            Value::Text(value) => Self::T(value),
            Value::Bytes(value) => Self::B(value.map(ByteBuf::from)),
        }
    }
}

impl From<DumpValue> for Value {
    fn from(value: DumpValue) -> Self {
        match value {
            DumpValue::I(value) => Self::Int(value),
            DumpValue::R(value) => Self::Real(value),
            DumpValue::T(value) => Self::Text(value),
            DumpValue::B(value) => Self::Bytes(value.map(ByteBuf::into_vec)),
        }
    }
}

impl Table {
    /// The last number the database gave to a row of this table, if it numbers them.
    async fn last_number(&self, engine: Engine, conn: &mut AnyConnection) -> Result<Option<i64>, StoreError> {
        if !self.numbers {
            return Ok(None);
        }
        let last: Option<i64> = match engine {
            Engine::Sqlite => {
                sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = $1")
                    .bind(&self.name)
                    .fetch_optional(conn)
                    .await?
            }
            Engine::Postgres => {
                let column = &self.columns[self.key[0]].name;
                sqlx::query_scalar("SELECT pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass)")
                    .bind(&self.name)
                    .bind(column)
                    .fetch_one(conn)
                    .await?
            }
        };
        Ok(last)
    }

    /// Has the database number further rows from there.
    async fn go_on_from(&self, engine: Engine, last: Option<i64>, conn: &mut AnyConnection) -> Result<(), StoreError> {
        let Some(last) = last.filter(|last| self.numbers && *last > 0) else { return Ok(()) };
        if last == i64::MAX {
            return Err(corrupt("last number", &self.name));
        }
        match engine {
            Engine::Sqlite => {
                sqlx::query("DELETE FROM sqlite_sequence WHERE name = $1").bind(&self.name).execute(&mut *conn).await?;
                sqlx::query("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)")
                    .bind(&self.name)
                    .bind(last)
                    .execute(conn)
                    .await?;
            }
            Engine::Postgres => {
                sqlx::query("SELECT setval(pg_get_serial_sequence($1, $2), $3)")
                    .bind(&self.name)
                    .bind(&self.columns[self.key[0]].name)
                    .bind(last)
                    .execute(conn)
                    .await?;
            }
        }
        Ok(())
    }
}
