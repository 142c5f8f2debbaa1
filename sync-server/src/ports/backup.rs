//! The store as pieces, to be kept elsewhere and put together again, in whichever database.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use tokio::sync::mpsc;

use super::StoreError;

/// A piece of a store, in order: a table's beginning, its rows, its end.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum DumpPiece {
    /// A table begins.
    Table {
        /// Its name.
        name: String,
        /// Its columns.
        columns: Vec<String>,
        /// The last number the database gave to a row, if it numbers them.
        last_number: Option<i64>,
    },
    /// Some of its rows, in the order of the key: values in the order of the columns.
    Rows(Vec<Vec<DumpValue>>),
    /// It ends.
    End {
        /// How many rows there were.
        rows: u64,
        /// Over every value of every row.
        sha256: ByteBuf,
    },
}

/// A value.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum DumpValue {
    /// A whole number.
    I(Option<i64>),
    /// Another number.
    R(Option<f64>),
    /// A text.
    T(Option<String>),
    /// Bytes.
    B(Option<ByteBuf>),
}

/// A table as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpedTable {
    /// Its name.
    pub name: String,
    /// How many rows.
    pub rows: u64,
    /// Over every value of every row, in the order of the key: the same in either database.
    pub sha256: [u8; 32],
}

/// Takes the store apart.
#[async_trait]
pub trait DumpStore: Send + Sync {
    /// The last migration.
    fn schema(&self) -> i64;
    /// Sends every table, all as of one moment. Ends early, with an error, if nobody listens any more.
    async fn dump(&self, to: mpsc::Sender<DumpPiece>) -> Result<Vec<DumpedTable>, StoreError>;
}
