//! Makes a table of the new store equal the one of the old, some rows at a time in the order of the key, which is the
//! same in both: numbers, and bytes compared as bytes.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use super::MoveError;
use super::rows::{self, Range, Row, Value};
use super::table::Table;
use crate::ports::StoreError;

/// Rows looked at together.
const ROWS_AT_ONCE: i64 = 500;

/// A table as it was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedTable {
    /// Its name.
    pub name: String,
    /// How many rows.
    pub rows: u64,
    /// Over every value of every row, in the order of the key.
    pub sha256: [u8; 32],
}

/// A piece of a table: the old store's rows, and the new one's of the same range.
struct Piece {
    source: Vec<Row>,
    target: Vec<Row>,
    /// The key to go on behind; none if this was the last piece.
    upto: Option<Vec<Value>>,
}

async fn piece(
    table: &Table,
    source: &mut AnyConnection,
    target: &mut AnyConnection,
    after: Option<&[Value]>,
) -> Result<Piece, StoreError> {
    let from = Range { after, upto: None, most: Some(ROWS_AT_ONCE) };
    let theirs = rows::read(source, table, from).await?;
    let is_last = theirs.len() < usize::try_from(ROWS_AT_ONCE).expect("a few rows");
    let upto = theirs.last().filter(|_| !is_last).map(|row| row.key(table));
    let ours = rows::read(target, table, Range { after, upto: upto.as_deref(), most: None }).await?;
    Ok(Piece { source: theirs, target: ours, upto })
}

/// Writes what is missing or different in the new store.
pub(super) async fn copy(
    table: &Table,
    source: &mut AnyConnection,
    target: &mut AnyConnection,
) -> Result<MovedTable, StoreError> {
    let mut sum = Sum::default();
    let mut after = None;
    loop {
        let piece = piece(table, source, target, after.as_deref()).await?;
        let mut there: VecDeque<&Row> = piece.target.iter().collect();
        let mut news = Vec::new();
        for row in &piece.source {
            sum.add(row);
            if there.front() == Some(&row) {
                there.pop_front();
            } else if !there.contains(&row) {
                news.push(row);
            }
        }
        rows::write(target, table, &news).await?;
        after = piece.upto;
        if after.is_none() {
            return Ok(sum.finish(table));
        }
    }
}

/// Removes rows from the new store that are no longer in the old.
pub(super) async fn remove_gone(
    table: &Table,
    source: &mut AnyConnection,
    target: &mut AnyConnection,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let piece = piece(table, source, target, after.as_deref()).await?;
        let mut kept = piece.source.iter().map(|row| row.key(table)).peekable();
        for row in &piece.target {
            let key = row.key(table);
            while kept.peek().is_some_and(|kept| *kept < key) {
                kept.next();
            }
            if kept.peek() != Some(&key) {
                rows::remove(target, table, &key).await?;
            }
        }
        after = piece.upto;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Reads both and compares count and digest.
pub(super) async fn compare(
    table: &Table,
    source: &mut AnyConnection,
    target: &mut AnyConnection,
) -> Result<MovedTable, MoveError> {
    let (mut theirs, mut ours) = (Sum::default(), Sum::default());
    let mut after = None;
    loop {
        let piece = piece(table, source, target, after.as_deref()).await?;
        piece.source.iter().for_each(|row| theirs.add(row));
        piece.target.iter().for_each(|row| ours.add(row));
        after = piece.upto;
        if after.is_none() {
            break;
        }
    }
    let (theirs, ours) = (theirs.finish(table), ours.finish(table));
    if theirs == ours {
        return Ok(ours);
    }
    Err(MoveError::Differs { table: table.name.clone(), source_rows: theirs.rows, target_rows: ours.rows })
}

/// A count and a digest under way.
#[derive(Default)]
struct Sum {
    rows: u64,
    digest: Sha256,
}

impl Sum {
    fn add(&mut self, row: &Row) {
        self.rows += 1;
        row.digest(&mut self.digest);
    }

    fn finish(self, table: &Table) -> MovedTable {
        MovedTable { name: table.name.clone(), rows: self.rows, sha256: self.digest.finalize().into() }
    }
}
