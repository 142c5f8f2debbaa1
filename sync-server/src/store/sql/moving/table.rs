//! The tables of a store, as the SQLite file describes them; those of PostgreSQL have the same names and columns.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AnyConnection, AssertSqlSafe, Executor};

use super::rows::Kind;
use crate::ports::StoreError;

/// Tables that are not part of what is stored: of the move itself, and of servers that run.
const OWN: [&str; 5] = ["_sqlx_migrations", "changes", "leases", "replicas", "store_move"];

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// Places of the primary key's columns, in the key's order.
    pub(super) key: Vec<usize>,
    /// Whether the database numbers its rows.
    pub(super) numbers: bool,
}

/// A column.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

#[derive(sqlx::FromRow)]
struct ColumnRow {
    name: String,
    declared: String,
    key: i64,
}

/// Every table, those others refer to first.
pub(super) async fn all(conn: &mut AnyConnection) -> Result<Vec<Table>, StoreError> {
    let names: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut tables = BTreeMap::new();
    let mut parents = BTreeMap::new();
    for (name, sql) in names.into_iter().filter(|(name, _)| !OWN.contains(&name.as_str())) {
        let table = read(conn, &name, sql.contains("AUTOINCREMENT")).await?;
        let of: Vec<String> = sqlx::query_scalar("SELECT \"table\" FROM pragma_foreign_key_list($1)")
            .bind(&name)
            .fetch_all(&mut *conn)
            .await?;
        parents.insert(name.clone(), of.into_iter().filter(|parent| *parent != name).collect::<BTreeSet<_>>());
        tables.insert(name, table);
    }
    let order = in_order(parents);
    Ok(order.into_iter().filter_map(|name| tables.remove(&name)).collect())
}

async fn read(conn: &mut AnyConnection, name: &str, numbers: bool) -> Result<Table, StoreError> {
    let rows: Vec<ColumnRow> =
        sqlx::query_as("SELECT name, type AS declared, pk AS key FROM pragma_table_info($1) ORDER BY cid")
            .bind(name)
            .fetch_all(conn)
            .await?;
    let mut key: Vec<(i64, usize)> = rows.iter().zip(0..).map(|(row, place)| (row.key, place)).collect();
    key.retain(|(order, _)| *order > 0);
    key.sort_unstable();
    let column = |row: ColumnRow| {
        let kind = Kind::declared(&row.declared)
            .ok_or_else(|| StoreError::Corrupt { what: "column type", reason: format!("{name}: {}", row.declared) })?;
        Ok(Column { name: row.name, kind })
    };
    let columns = rows.into_iter().map(column).collect::<Result<_, StoreError>>()?;
    Ok(Table { name: name.to_owned(), columns, key: key.into_iter().map(|(_, place)| place).collect(), numbers })
}

/// Names so that each comes behind its parents.
fn in_order(mut parents: BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut order: Vec<String> = Vec::with_capacity(parents.len());
    while !parents.is_empty() {
        let free =
            |(name, of): (&String, &BTreeSet<String>)| of.iter().all(|of| order.contains(of)).then(|| name.clone());
        // No two tables refer to each other; if some did, an order by name would be as good as any.
        let next = parents.iter().find_map(free).or_else(|| parents.keys().next().cloned());
        let next = next.expect("there is one left");
        parents.remove(&next);
        order.push(next);
    }
    order
}

impl Table {
    /// The columns in quotation marks, with commas between.
    pub(super) fn column_list(&self) -> String {
        list(self.columns.iter())
    }

    /// The same of the key alone.
    pub(super) fn key_list(&self) -> String {
        list(self.key.iter().map(|place| &self.columns[*place]))
    }

    /// Has PostgreSQL number further rows from where SQLite stopped, so that no number is given twice.
    pub(super) async fn continue_numbers(
        &self,
        source: &mut AnyConnection,
        target: &mut AnyConnection,
    ) -> Result<(), StoreError> {
        if !self.numbers {
            return Ok(());
        }
        let last: Option<i64> = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = $1")
            .bind(&self.name)
            .fetch_optional(source)
            .await?;
        let Some(last) = last.filter(|last| *last > 0) else { return Ok(()) };
        let column = &self.columns[self.key[0]].name;
        sqlx::query("SELECT setval(pg_get_serial_sequence($1, $2), $3)")
            .bind(&self.name)
            .bind(column)
            .bind(last)
            .execute(target)
            .await?;
        Ok(())
    }
}

fn list<'a>(columns: impl Iterator<Item = &'a Column>) -> String {
    columns.map(|column| format!("\"{}\"", column.name)).collect::<Vec<_>>().join(", ")
}

/// Has the target take rows as they are: what its triggers guard was guarded when the rows came into being.
pub(super) async fn silence_triggers(tables: &[Table], target: &mut AnyConnection) -> Result<(), StoreError> {
    for table in tables {
        target.execute(AssertSqlSafe(format!("ALTER TABLE {} DISABLE TRIGGER USER", table.name))).await?;
    }
    Ok(())
}

/// The other way round.
pub(super) async fn wake_triggers(tables: &[Table], target: &mut AnyConnection) -> Result<(), StoreError> {
    for table in tables {
        target.execute(AssertSqlSafe(format!("ALTER TABLE {} ENABLE TRIGGER USER", table.name))).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_first() {
        let check = |tables: &[(&str, &[&str])], expected: &[&str]| {
            let parents = tables.iter().map(|(name, of)| {
                (String::from(*name), of.iter().map(|of| String::from(*of)).collect::<BTreeSet<_>>())
            });
            assert_eq!(in_order(parents.collect()), expected);
        };
        check(&[], &[]);
        check(&[("a", &["c"]), ("b", &[]), ("c", &["b"])], &["b", "c", "a"]);
        check(&[("a", &["b"]), ("b", &["a"])], &["a", "b"]);
    }
}
