//! A second way into the database, past the server: to make its transactions fail.

use std::path::Path;

use anyhow::{Context, Result};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::runtime::Runtime;

/// Tables in which a write can be made to fail. Some are the first a transaction writes, some the last: what it wrote
/// before must not stay.
pub const BREAKABLE: [&str; 4] = ["events", "streams", "boots", "devices"];

/// A connection of its own.
pub struct BackDoor {
    connection: SqliteConnection,
    broken: Option<&'static str>,
}

impl BackDoor {
    /// Opens the database at `path`.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(runtime: &Runtime, path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new().filename(path);
        let connection = runtime.block_on(options.connect()).context("opening the database a second time")?;
        Ok(Self { connection, broken: None })
    }

    /// Makes writes to `table` fail, and no others.
    pub fn break_table(&mut self, runtime: &Runtime, table: Option<&'static str>) -> Result<()> {
        if table == self.broken {
            return Ok(());
        }
        if self.broken.take().is_some() {
            for moment in ["insert", "update"] {
                self.run(runtime, format!("DROP TRIGGER broken_{moment}"))?;
            }
        }
        if let Some(table) = table {
            for moment in ["insert", "update"] {
                let breaks = format!("BEFORE {moment} ON {table} BEGIN SELECT RAISE(ABORT, 'broken'); END");
                self.run(runtime, format!("CREATE TRIGGER broken_{moment} {breaks}"))?;
            }
        }
        self.broken = table;
        Ok(())
    }

    fn run(&mut self, runtime: &Runtime, statement: String) -> Result<()> {
        runtime.block_on(sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut self.connection))?;
        Ok(())
    }
}
