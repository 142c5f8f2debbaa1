//! Counters and settings: the session number, the settings the server wants, the time floor, commands done, the key
//! of sealed chunks, the result of an enrollment that waits to be handed over.

use ostiary_common::ids::GalleryKeyId;
use ostiary_common::seal::SealKey;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{ConfigDesired, EnrollResult};
use serde::{Deserialize, Serialize};

use super::CacheError;
use super::shelf::Shelf;
use crate::domain::commands::DoneCommand;
use crate::ports::ChunkKey;

const SESSION: &[u8] = b"session";
const DESIRED: &[u8] = b"desired";
const TIME_FLOOR: &[u8] = b"time-floor";
const COMMANDS: &[u8] = b"commands-done";
const ENROLLMENT: &[u8] = b"enrollment";
const CHUNK_KEY: &[u8] = b"chunk-key";

/// As it is kept, sealed like everything here.
#[derive(Serialize, Deserialize)]
struct StoredKey {
    id: GalleryKeyId,
    key: [u8; 32],
}

/// Small values.
#[derive(Clone, Debug)]
pub struct MetaShelf(Shelf);

impl MetaShelf {
    pub(super) const fn new(shelf: Shelf) -> Self {
        Self(shelf)
    }

    /// Reads every value once, so that damage shows at opening.
    pub(super) fn verify(&self) -> Result<(), CacheError> {
        self.session()?;
        self.desired()?;
        self.time_floor()?;
        self.chunk_key()?;
        self.enrollment()?;
        self.commands().map(drop)
    }

    /// The session number used last; 0 for none.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be read.
    pub fn session(&self) -> Result<u64, CacheError> {
        Ok(self.0.get::<u64>(SESSION)?.unwrap_or(0))
    }

    /// Keeps a session number.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be made durable.
    pub fn set_session(&self, session: u64) -> Result<(), CacheError> {
        self.0.put(SESSION, &session)?;
        self.0.flush()
    }

    /// The settings last taken from the server.
    ///
    /// # Errors
    /// [`CacheError`] if they cannot be read.
    pub fn desired(&self) -> Result<Option<ConfigDesired>, CacheError> {
        self.0.get(DESIRED)
    }

    /// Keeps settings taken from the server.
    ///
    /// # Errors
    /// [`CacheError`] if they cannot be made durable.
    pub fn set_desired(&self, desired: &ConfigDesired) -> Result<(), CacheError> {
        self.0.put(DESIRED, desired)?;
        self.0.flush()
    }

    /// No earlier than this can it be, whatever the clock says.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be read.
    pub fn time_floor(&self) -> Result<Option<UnixMillis>, CacheError> {
        self.0.get(TIME_FLOOR)
    }

    /// Raises the time floor; it never sinks. Meant to be called seldom: each time costs a flush.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be written.
    pub fn raise_time_floor(&self, at: UnixMillis) -> Result<(), CacheError> {
        match self.time_floor()? {
            Some(floor) if floor >= at => Ok(()),
            _ => {
                self.0.put(TIME_FLOOR, &at)?;
                self.0.flush()
            }
        }
    }

    /// Commands done, oldest first, with their results.
    ///
    /// # Errors
    /// [`CacheError`] if they cannot be read.
    pub fn commands(&self) -> Result<Vec<DoneCommand>, CacheError> {
        Ok(self.0.get(COMMANDS)?.unwrap_or_default())
    }

    /// Keeps the commands done.
    ///
    /// # Errors
    /// [`CacheError`] if they cannot be made durable.
    pub fn set_commands(&self, commands: &[DoneCommand]) -> Result<(), CacheError> {
        self.0.put(COMMANDS, &commands)?;
        self.0.flush()
    }

    /// The result of an enrollment that the server has not dealt with yet.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be read.
    pub fn enrollment(&self) -> Result<Option<EnrollResult>, CacheError> {
        Ok(self.0.get::<Option<EnrollResult>>(ENROLLMENT)?.flatten())
    }

    /// Keeps the result of an enrollment, or forgets it.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be made durable.
    pub fn set_enrollment(&self, result: Option<&EnrollResult>) -> Result<(), CacheError> {
        self.0.put(ENROLLMENT, &result)?;
        self.0.flush()
    }

    /// The key that opens sealed chunks of the gallery.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be read.
    pub fn chunk_key(&self) -> Result<Option<ChunkKey>, CacheError> {
        let stored = self.0.get::<Option<StoredKey>>(CHUNK_KEY)?.flatten();
        Ok(stored.map(|StoredKey { id, key }| ChunkKey { id, key: SealKey::from_bytes(key) }))
    }

    /// Keeps the key that opens sealed chunks, or forgets it.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be made durable.
    pub fn set_chunk_key(&self, key: Option<&ChunkKey>) -> Result<(), CacheError> {
        let stored = key.map(|ChunkKey { id, key }| StoredKey { id: *id, key: *key.expose() });
        self.0.put(CHUNK_KEY, &stored)?;
        self.0.flush()
    }
}
