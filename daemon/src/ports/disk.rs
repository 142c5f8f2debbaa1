//! What the conversation with the server needs of the disk. Everything a `Result` is returned for is durable when
//! it returns, unless its words say otherwise.

use ostiary_common::ids::{GalleryKeyId, PackId, StreamId};
use ostiary_common::seal::SealKey;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{ConfigDesired, EnrollResult, EventRecord};

use crate::domain::commands::DoneCommand;
use crate::domain::holdings::GalleryStep;

/// The disk does not do what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DiskError(pub String);

/// The key that opens sealed chunks.
#[derive(Clone, Debug)]
pub struct ChunkKey {
    /// Its name.
    pub id: GalleryKeyId,
    /// The key.
    pub key: SealKey,
}

/// The outbox, the gallery and small values, over power cuts.
///
/// The outbox is filled by somebody else (the recorder): each event gets the next number of the present stream and is
/// durable before anybody is told of it.
pub trait Disk {
    /// The life the outbox's numbers count in.
    fn stream(&self) -> StreamId;

    /// The first number still in the outbox; one past the last if there is none.
    fn first_seq(&self) -> u64;

    /// The last number given; 0 for none yet.
    fn last_seq(&self) -> u64;

    /// Events from the first at or after `from`, without gaps, at most `max_events` and about `max_bytes`, at least one
    /// if there is one.
    ///
    /// # Errors
    /// [`DiskError`] if one cannot be read.
    fn batch(&self, from: u64, max_events: usize, max_bytes: u64) -> Result<Vec<EventRecord>, DiskError>;

    /// Removes everything up to and including `upto`, which the server has stored. Need not be durable: what comes back
    /// after a power cut is sent again, and the server knows it.
    ///
    /// # Errors
    /// [`DiskError`] if it cannot be removed.
    fn delete_upto(&mut self, upto: u64) -> Result<(), DiskError>;

    /// Makes a step of the gallery of another pack durable, beside the one in use. A disk without room for two keeps none.
    ///
    /// # Errors
    /// [`DiskError`] if it cannot be written.
    fn apply_beside(&mut self, _step: &GalleryStep, _pack: &PackId) -> Result<(), DiskError> {
        Ok(())
    }

    /// Begins a new stream: events that wait keep their ids and order, and are numbered from 1.
    ///
    /// # Errors
    /// [`DiskError`] if it cannot be made durable; then the old stream goes on.
    fn begin_stream(&mut self, stream: StreamId) -> Result<(), DiskError>;

    /// Makes a step of the gallery durable, all of it or nothing.
    ///
    /// # Errors
    /// [`DiskError`] if it cannot be made durable; then what was held before is held.
    fn apply_gallery(&mut self, step: &GalleryStep) -> Result<(), DiskError>;

    /// The session number used last; 0 for none.
    ///
    /// # Errors
    /// [`DiskError`] if it cannot be read.
    fn session(&self) -> Result<u64, DiskError>;

    /// Keeps a session number.
    ///
    /// # Errors
    /// [`DiskError`] if it cannot be made durable.
    fn keep_session(&mut self, session: u64) -> Result<(), DiskError>;

    /// The settings last taken from the server.
    ///
    /// # Errors
    /// [`DiskError`] if they cannot be read.
    fn desired(&self) -> Result<Option<ConfigDesired>, DiskError>;

    /// Keeps settings taken from the server.
    ///
    /// # Errors
    /// [`DiskError`] if they cannot be made durable.
    fn keep_desired(&mut self, desired: &ConfigDesired) -> Result<(), DiskError>;

    /// Commands done, oldest first.
    ///
    /// # Errors
    /// [`DiskError`] if they cannot be read.
    fn commands(&self) -> Result<Vec<DoneCommand>, DiskError>;

    /// Keeps the commands done.
    ///
    /// # Errors
    /// [`DiskError`] if they cannot be made durable.
    fn keep_commands(&mut self, done: &[DoneCommand]) -> Result<(), DiskError>;

    /// The result of an enrollment at this door that the server has not dealt with yet.
    ///
    /// # Errors
    /// [`DiskError`] if it cannot be read.
    fn enrollment(&self) -> Result<Option<EnrollResult>, DiskError>;

    /// Keeps the result of an enrollment, or forgets it.
    ///
    /// # Errors
    /// [`DiskError`] if it cannot be made durable.
    fn keep_enrollment(&mut self, result: Option<&EnrollResult>) -> Result<(), DiskError>;

    /// The key that opens sealed chunks.
    ///
    /// # Errors
    /// [`DiskError`] if it cannot be read.
    fn chunk_key(&self) -> Result<Option<ChunkKey>, DiskError>;

    /// Keeps the key that opens sealed chunks, or forgets it.
    ///
    /// # Errors
    /// [`DiskError`] if it cannot be made durable.
    fn keep_chunk_key(&mut self, key: Option<&ChunkKey>) -> Result<(), DiskError>;

    /// Raises the time floor; it never sinks. Meant to be called seldom.
    ///
    /// # Errors
    /// [`DiskError`] if it cannot be written.
    fn raise_time_floor(&mut self, at: UnixMillis) -> Result<(), DiskError>;
}

/// Signs with the device's key, which nobody else has.
pub trait Signer: Send + Sync {
    /// Ed25519 over `statement`; `None` if there is no key to sign with.
    fn sign(&self, statement: &[u8]) -> Option<Vec<u8>>;
}
