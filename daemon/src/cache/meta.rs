//! Counters and settings: the session number, the settings the server wants, the time floor, commands done.

use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{CommandResult, ConfigDesired};

use super::CacheError;
use super::shelf::Shelf;

const SESSION: &[u8] = b"session";
const DESIRED: &[u8] = b"desired";
const TIME_FLOOR: &[u8] = b"time-floor";
const COMMANDS: &[u8] = b"commands";

/// Small values.
#[derive(Clone, Debug)]
pub struct MetaShelf(Shelf);

impl MetaShelf {
    pub(super) const fn new(shelf: Shelf) -> Self {
        Self(shelf)
    }

    /// Reads every value once, so that damage shows at opening.
    pub(super) fn verify(&self) -> Result<(), CacheError> {
        self.0.get::<u64>(SESSION)?;
        self.desired()?;
        self.time_floor()?;
        self.commands().map(drop)
    }

    /// The next session number: durable, higher than any given before and than `floor`.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be made durable.
    pub fn next_session(&self, floor: u64) -> Result<u64, CacheError> {
        let session = self.0.get::<u64>(SESSION)?.unwrap_or(0).max(floor) + 1;
        self.0.put(SESSION, &session)?;
        self.0.flush()?;
        Ok(session)
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

    /// Raises the time floor; it never sinks. Becomes durable with the next flush.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be written.
    pub fn raise_time_floor(&self, at: UnixMillis) -> Result<(), CacheError> {
        match self.time_floor()? {
            Some(floor) if floor >= at => Ok(()),
            _ => self.0.put(TIME_FLOOR, &at),
        }
    }

    /// Commands done, oldest first, with their results.
    ///
    /// # Errors
    /// [`CacheError`] if they cannot be read.
    pub fn commands(&self) -> Result<Vec<CommandResult>, CacheError> {
        Ok(self.0.get(COMMANDS)?.unwrap_or_default())
    }

    /// Keeps the commands done.
    ///
    /// # Errors
    /// [`CacheError`] if they cannot be made durable.
    pub fn set_commands(&self, commands: &[CommandResult]) -> Result<(), CacheError> {
        self.0.put(COMMANDS, &commands)?;
        self.0.flush()
    }
}
