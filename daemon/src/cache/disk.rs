//! The cache as the disk of the conversation with the server.

use ostiary_common::ids::{PackId, StreamId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{ConfigDesired, EnrollResult, EventRecord};

use super::{Cache, CacheError};
use crate::domain::commands::DoneCommand;
use crate::domain::holdings::GalleryStep;
use crate::ports::{ChunkKey, Disk, DiskError};

/// The cache, for templates of one model pack.
#[derive(Clone, Debug)]
pub struct CacheDisk {
    cache: Cache,
    pack: PackId,
}

impl CacheDisk {
    /// Over an opened cache.
    pub const fn new(cache: Cache, pack: PackId) -> Self {
        Self { cache, pack }
    }
}

impl From<CacheError> for DiskError {
    fn from(error: CacheError) -> Self {
        Self(error.to_string())
    }
}

impl Disk for CacheDisk {
    fn stream(&self) -> StreamId {
        self.cache.outbox.stream()
    }

    fn first_seq(&self) -> u64 {
        self.cache.outbox.first_seq()
    }

    fn last_seq(&self) -> u64 {
        self.cache.outbox.last_seq()
    }

    fn batch(&self, from: u64, max_events: usize, max_bytes: u64) -> Result<Vec<EventRecord>, DiskError> {
        Ok(self.cache.outbox.batch(from, max_events, max_bytes)?)
    }

    fn delete_upto(&mut self, upto: u64) -> Result<(), DiskError> {
        Ok(self.cache.outbox.delete_upto(upto)?)
    }

    fn begin_stream(&mut self, stream: StreamId) -> Result<(), DiskError> {
        Ok(self.cache.outbox.begin_stream(stream)?)
    }

    fn apply_gallery(&mut self, step: &GalleryStep) -> Result<(), DiskError> {
        Ok(self.cache.gallery.apply(step, &self.pack)?)
    }

    fn apply_beside(&mut self, step: &GalleryStep, pack: &PackId) -> Result<(), DiskError> {
        Ok(self.cache.beside.apply(step, pack)?)
    }

    fn session(&self) -> Result<u64, DiskError> {
        Ok(self.cache.meta.session()?)
    }

    fn keep_session(&mut self, session: u64) -> Result<(), DiskError> {
        Ok(self.cache.meta.set_session(session)?)
    }

    fn desired(&self) -> Result<Option<ConfigDesired>, DiskError> {
        Ok(self.cache.meta.desired()?)
    }

    fn keep_desired(&mut self, desired: &ConfigDesired) -> Result<(), DiskError> {
        Ok(self.cache.meta.set_desired(desired)?)
    }

    fn commands(&self) -> Result<Vec<DoneCommand>, DiskError> {
        Ok(self.cache.meta.commands()?)
    }

    fn keep_commands(&mut self, done: &[DoneCommand]) -> Result<(), DiskError> {
        Ok(self.cache.meta.set_commands(done)?)
    }

    fn enrollment(&self) -> Result<Option<EnrollResult>, DiskError> {
        Ok(self.cache.meta.enrollment()?)
    }

    fn keep_enrollment(&mut self, result: Option<&EnrollResult>) -> Result<(), DiskError> {
        self.cache.meta.set_enrollment(result)?;
        if let Some(result) = result {
            tracing::info!(enrollment.id = %result.id, "enrollment {} is kept for the server", result.id);
        }
        Ok(())
    }

    fn chunk_key(&self) -> Result<Option<ChunkKey>, DiskError> {
        Ok(self.cache.meta.chunk_key()?)
    }

    fn keep_chunk_key(&mut self, key: Option<&ChunkKey>) -> Result<(), DiskError> {
        Ok(self.cache.meta.set_chunk_key(key)?)
    }

    fn raise_time_floor(&mut self, at: UnixMillis) -> Result<(), DiskError> {
        Ok(self.cache.meta.raise_time_floor(at)?)
    }
}
