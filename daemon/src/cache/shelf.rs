//! A tree of sealed values: one format byte, then nonce, ciphertext and tag, bound to tree and key.

use std::fs::File;
use std::sync::Arc;

use ostiary_common::codec;
use ostiary_common::seal::SealKey;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{CacheError, guarded};

/// The format of stored values; others are refused.
const FORMAT: u8 = 1;
/// The largest value stored, bytes.
const MAX_VALUE_BYTES: usize = 4 * 1024 * 1024;

/// A sealed tree.
#[derive(Clone)]
pub struct Shelf {
    name: &'static str,
    tree: sled::Tree,
    key: SealKey,
    /// The engine's own file, to be flushed by us; `None` for a database in memory.
    file: Option<Arc<File>>,
}

/// Changes that become visible together.
#[derive(Default)]
pub struct ShelfBatch(sled::Batch);

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shelf({})", self.name)
    }
}

impl Shelf {
    pub fn open(db: &sled::Db, name: &'static str, key: &SealKey, file: Option<Arc<File>>) -> Result<Self, CacheError> {
        let tree = guarded(|| Ok(db.open_tree(name)?))?;
        Ok(Self { name, tree, key: key.clone(), file })
    }

    fn place(&self, key: &[u8]) -> Vec<u8> {
        [self.name.as_bytes(), b"/", key].concat()
    }

    fn unreadable(&self, key: &[u8], reason: impl ToString) -> CacheError {
        CacheError::Unreadable { place: format!("{}/{}", self.name, hex::encode(key)), reason: reason.to_string() }
    }

    fn seal(&self, key: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut stored = vec![FORMAT];
        stored.extend(self.key.seal(&self.place(key), plain));
        stored
    }

    fn unseal(&self, key: &[u8], stored: &[u8]) -> Result<Vec<u8>, CacheError> {
        match stored.split_first() {
            Some((&FORMAT, sealed)) => {
                self.key.open(&self.place(key), sealed).map_err(|error| self.unreadable(key, error))
            }
            Some((format, _)) => Err(self.unreadable(key, format!("format {format} is not known here"))),
            None => Err(self.unreadable(key, "empty")),
        }
    }

    fn encode<T: Serialize>(&self, key: &[u8], value: &T) -> Result<Vec<u8>, CacheError> {
        codec::to_vec(self.name, MAX_VALUE_BYTES, value).map_err(|error| self.unreadable(key, error))
    }

    fn decode<T: DeserializeOwned>(&self, key: &[u8], stored: &[u8]) -> Result<T, CacheError> {
        let plain = self.unseal(key, stored)?;
        codec::from_slice(self.name, MAX_VALUE_BYTES, &plain).map_err(|error| self.unreadable(key, error))
    }

    /// Reads one value.
    pub fn get<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, CacheError> {
        let stored = guarded(|| Ok(self.tree.get(key)?))?;
        stored.map(|stored| self.decode(key, &stored)).transpose()
    }

    /// Writes one value. Durable only after [`Shelf::flush`].
    pub fn put<T: Serialize>(&self, key: &[u8], value: &T) -> Result<(), CacheError> {
        let mut batch = ShelfBatch::default();
        self.stage(&mut batch, key, value)?;
        self.apply(batch)
    }

    /// Adds a write to `batch`.
    pub fn stage<T: Serialize>(&self, batch: &mut ShelfBatch, key: &[u8], value: &T) -> Result<(), CacheError> {
        batch.0.insert(key, self.seal(key, &self.encode(key, value)?));
        Ok(())
    }

    /// Adds a removal to `batch`.
    pub fn stage_removal(batch: &mut ShelfBatch, key: &[u8]) {
        batch.0.remove(key);
    }

    /// Makes a batch visible, all of it or nothing.
    pub fn apply(&self, batch: ShelfBatch) -> Result<(), CacheError> {
        guarded(|| Ok(self.tree.apply_batch(batch.0)?))
    }

    /// Every key and its value, or why the value is not readable, in key order.
    pub fn rows<T: DeserializeOwned>(&self) -> impl Iterator<Item = Result<Row<T>, CacheError>> + '_ {
        let mut rows = self.tree.iter();
        std::iter::from_fn(move || {
            let row = guarded(|| Ok(rows.next().transpose()?)).transpose()?;
            Some(row.map(|(key, stored)| Row { value: self.decode(&key, &stored), key: key.to_vec() }))
        })
    }

    /// The keys alone, in order.
    pub fn keys(&self) -> Result<Vec<Vec<u8>>, CacheError> {
        guarded(|| Ok(self.tree.iter().keys().map(|key| key.map(|key| key.to_vec())).collect::<Result<_, _>>()?))
    }

    /// Waits until everything written is on disk. The engine's flush hands it to the disk's own cache
    /// (`sync_file_range`) and no further; a power cut takes it from there (ADR 0016).
    pub fn flush(&self) -> Result<(), CacheError> {
        guarded(|| Ok(self.tree.flush().map(|_| ())?))?;
        self.file.as_ref().map_or(Ok(()), |file| Ok(file.sync_all()?))
    }
}

/// One value of a shelf.
pub struct Row<T> {
    pub key: Vec<u8>,
    pub value: Result<T, CacheError>,
}
