//! Rows of any table, read from one database and written to another.

use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::table::Table;
use crate::ports::StoreError;
use crate::store::sql::statement::Statement;
use crate::store::sql::values::Real;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Real,
    Text,
    Bytes,
}

impl Kind {
    /// From a type as SQLite's strict tables declare it.
    pub(super) fn declared(name: &str) -> Option<Self> {
        match name {
            "INTEGER" | "INT" => Some(Self::Int),
            "REAL" => Some(Self::Real),
            "TEXT" => Some(Self::Text),
            "BLOB" => Some(Self::Bytes),
            _ => None,
        }
    }
}

/// A value, which may be missing.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) enum Value {
    Int(Option<i64>),
    Real(Option<f64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// A row: its values in the order of the table's columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row(pub(super) Vec<Value>);

impl Value {
    fn read(row: &AnyRow, place: usize, kind: Kind) -> Result<Self, sqlx::Error> {
        Ok(match kind {
            Kind::Int => Self::Int(row.try_get(place)?),
            Kind::Real => Self::Real(row.try_get(place)?),
            Kind::Text => Self::Text(row.try_get(place)?),
            Kind::Bytes => Self::Bytes(row.try_get(place)?),
        })
    }

    pub(super) fn bind(&self, to: &mut Statement) {
        match self {
            Self::Int(value) => to.bind(*value),
            Self::Real(value) => to.bind(value.map(Real)),
            Self::Text(value) => to.bind(value.clone()),
            Self::Bytes(value) => to.bind(value.clone()),
        };
    }

    /// Adds the value to a digest, with its kind and length, so that no two rows are told alike.
    fn digest(&self, into: &mut Sha256) {
        let mut add = |kind: u8, bytes: Option<&[u8]>| match bytes {
            None => into.update([kind, 0]),
            Some(bytes) => {
                into.update([kind, 1]);
                into.update((bytes.len() as u64).to_le_bytes());
                into.update(bytes);
            }
        };
        match self {
            Self::Int(value) => add(1, value.map(i64::to_le_bytes).as_ref().map(<[u8; 8]>::as_slice)),
            Self::Real(value) => add(2, value.map(f64::to_le_bytes).as_ref().map(<[u8; 8]>::as_slice)),
            Self::Text(value) => add(3, value.as_deref().map(str::as_bytes)),
            Self::Bytes(value) => add(4, value.as_deref()),
        }
    }
}

impl Row {
    /// The values of the table's key.
    pub(super) fn key(&self, table: &Table) -> Vec<Value> {
        table.key.iter().map(|place| self.0[*place].clone()).collect()
    }

    pub(super) fn digest(&self, into: &mut Sha256) {
        self.0.iter().for_each(|value| value.digest(into));
    }
}

/// Which rows of a table, in the order of its key.
#[derive(Clone, Copy)]
pub(super) struct Range<'a> {
    /// From behind this one on; from the first if there is none.
    pub(super) after: Option<&'a [Value]>,
    /// Up to this one; up to the last if there is none.
    pub(super) upto: Option<&'a [Value]>,
    /// At most so many.
    pub(super) most: Option<i64>,
}

/// Reads rows in the order of the key.
pub(super) async fn read(conn: &mut AnyConnection, table: &Table, range: Range<'_>) -> Result<Vec<Row>, StoreError> {
    let mut statement = Statement::new(&format!("SELECT {} FROM {}", table.column_list(), table.name));
    let mut before = " WHERE ";
    for (compare, place) in [(">", range.after), ("<=", range.upto)] {
        let Some(place) = place else { continue };
        statement.push(&format!("{before}({}) {compare} ", table.key_list()));
        bind_all(&mut statement, place);
        before = " AND ";
    }
    statement.push(&format!(" ORDER BY {}", table.key_list()));
    if let Some(most) = range.most {
        statement.push(" LIMIT ").bind(most);
    }
    let rows = statement.query().fetch_all(conn).await?;
    let read = |row: &AnyRow| {
        let kinds = table.columns.iter().map(|column| column.kind).enumerate();
        kinds.map(|(place, kind)| Value::read(row, place, kind)).collect::<Result<_, _>>().map(Row)
    };
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// Writes rows, over those of the same key.
pub(super) async fn write(conn: &mut AnyConnection, table: &Table, rows: &[&Row]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut statement = Statement::new(&format!("INSERT INTO {} ({}) VALUES ", table.name, table.column_list()));
    for (place, row) in rows.iter().enumerate() {
        statement.push(if place == 0 { "" } else { ", " });
        bind_all(&mut statement, &row.0);
    }
    let others = table.columns.iter().enumerate().filter(|(place, _)| !table.key.contains(place));
    let others: Vec<String> = others.map(|(_, column)| format!("\"{0}\" = excluded.\"{0}\"", column.name)).collect();
    statement.push(&format!(" ON CONFLICT ({}) DO ", table.key_list()));
    let instead = if others.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", others.join(", ")) };
    statement.push(&instead);
    statement.query().execute(conn).await?;
    Ok(())
}

/// Removes the row of a key.
pub(super) async fn remove(conn: &mut AnyConnection, table: &Table, key: &[Value]) -> Result<(), StoreError> {
    let mut statement = Statement::new(&format!("DELETE FROM {} WHERE ({}) = ", table.name, table.key_list()));
    bind_all(&mut statement, key);
    statement.query().execute(conn).await?;
    Ok(())
}

/// Adds values in parentheses.
fn bind_all(statement: &mut Statement, values: &[Value]) {
    for (place, value) in values.iter().enumerate() {
        statement.push(if place == 0 { "(" } else { ", " });
        value.bind(statement);
    }
    statement.push(")");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(values: &[Value]) -> Vec<u8> {
        let mut digest = Sha256::new();
        Row(values.to_vec()).digest(&mut digest);
        digest.finalize().to_vec()
    }

    #[test]
    fn rows_that_differ_have_other_digests() {
        let text = |text: &str| Value::Text(Some(text.to_owned()));
        let rows = [
            vec![text("ab"), text("c")],
            vec![text("a"), text("bc")],
            vec![Value::Text(None), text("abc")],
            vec![text(""), text("abc")],
            vec![Value::Bytes(Some(b"ab".to_vec())), text("c")],
            vec![Value::Int(Some(1)), Value::Int(None)],
            vec![Value::Int(None), Value::Int(Some(1))],
            vec![Value::Real(Some(1.0)), Value::Int(None)],
        ];
        for (n, one) in rows.iter().enumerate() {
            for (m, other) in rows.iter().enumerate() {
                assert_eq!(n == m, digest(one) == digest(other), "{one:?} {other:?}");
            }
        }
    }
}
