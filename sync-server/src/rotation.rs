//! Changes the master key step by step while servers run; whoever is cut off anywhere goes on by starting again.
//!
//! 1. The key that is to follow is made, or found where people put it.
//! 2. The change is noted in the store; from then on every server takes the new key up within seconds.
//! 3. When all running servers hold both, new keys are wrapped with the new one.
//! 4. Every key in the store is wrapped anew, some rows at a time.
//! 5. All are gone through once more: nothing may be wrapped with the former key.
//! 6. The end is noted, and the new key takes the former one's place.
//!
//! Where to begin again is read from the store and the source each time, and every step can be taken twice.

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::time::UnixMillis;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::ports::rotation::{HeldKeys, KeyRotationStore, MasterKeySource, RewrapPlace};
use crate::ports::{Clock, StoreError};
use crate::sealing::{Fingerprint, MasterKeyError};

/// How often a server looks for a change of the key. One read of a row if there is none.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often a server says which keys it holds while nothing changes.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// A server that said nothing for so long has ended without a word.
const SILENT_AFTER: Duration = Duration::from_secs(150);
/// Keys wrapped anew in one transaction: a few milliseconds that others wait.
const AT_ONCE: u32 = 200;

/// Why the key was not changed. Whatever was done stays done and is usable: the change goes on where it was.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key's place failed.
    #[error(transparent)]
    Source(#[from] MasterKeyError),
    /// There is no key to be changed.
    #[error("there is no master key at {0}")]
    NoKey(String),
    /// The next key was in force before.
    #[error("the key that is to follow ({0}) was in force before; a key is not to be used twice")]
    UsedBefore(Fingerprint),
}

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The key that is to follow is there.
    Prepared(Fingerprint),
    /// The change is noted.
    Announced,
    /// So many servers do not hold the new key yet.
    Waiting(usize),
    /// New keys are wrapped with the new one.
    Switched,
    /// Keys of a table were wrapped anew.
    Rewrapped {
        /// Whose.
        table: &'static str,
        /// How many.
        keys: u64,
    },
    /// The end is noted; in all so many keys were wrapped anew.
    Finished(u64),
    /// The new key has taken the former one's place; says where that is.
    Settled {
        /// The former key.
        former: Fingerprint,
        /// Where it is, or what people are to do.
        place: String,
    },
}

enum Stage {
    Prepare,
    Announce,
    Wait,
    Rewrap(RewrapPlace),
    /// The second way through: anything found takes a third.
    Check(RewrapPlace, u64),
    Finish,
    Settle,
}

/// A change of the master key.
pub struct KeyChange {
    store: Arc<dyn KeyRotationStore>,
    source: Arc<dyn MasterKeySource>,
    clock: Arc<dyn Clock>,
    stage: Stage,
    next: Option<Fingerprint>,
    at_once: u32,
}

impl KeyChange {
    /// Begins, or goes on.
    pub fn new(store: Arc<dyn KeyRotationStore>, source: Arc<dyn MasterKeySource>, clock: Arc<dyn Clock>) -> Self {
        Self { store, source, clock, stage: Stage::Prepare, next: None, at_once: AT_ONCE }
    }

    /// Wraps so many keys anew in one transaction.
    #[must_use]
    pub fn at_once(self, keys: u32) -> Self {
        Self { at_once: keys, ..self }
    }

    /// Takes the next step; the last is [`Step::Settled`].
    ///
    /// # Errors
    /// [`RotationError`]; the same step can be taken again.
    pub async fn step(&mut self) -> Result<Step, RotationError> {
        let now = self.clock.now();
        match &self.stage {
            Stage::Prepare => self.prepare().await,
            Stage::Announce => {
                self.store.begin_rotation(&self.following(), now).await?;
                self.stage = Stage::Wait;
                Ok(Step::Announced)
            }
            Stage::Wait => self.switch(now).await,
            Stage::Rewrap(from) => {
                let done = self.store.rewrap_some(from, self.at_once).await?;
                self.stage = done.next.map_or_else(|| Stage::Check(RewrapPlace::default(), 0), Stage::Rewrap);
                Ok(Step::Rewrapped { table: done.table, keys: done.keys })
            }
            Stage::Check(from, found) => {
                let done = self.store.rewrap_some(from, self.at_once).await?;
                let found = found + done.keys;
                self.stage = match done.next {
                    Some(next) => Stage::Check(next, found),
                    None if found > 0 => Stage::Check(RewrapPlace::default(), 0),
                    None => Stage::Finish,
                };
                Ok(Step::Rewrapped { table: done.table, keys: done.keys })
            }
            Stage::Finish => {
                let keys = self.store.finish_rotation(&self.following(), now).await?;
                self.stage = Stage::Settle;
                Ok(Step::Finished(keys))
            }
            Stage::Settle => {
                let next = self.following();
                let rotation = self.store.rotation_to(&next).await?;
                let former = rotation.map_or_else(|| next.clone(), |rotation| rotation.former);
                let place = self.source.settle().await?;
                self.store.forget_former(&next);
                Ok(Step::Settled { former, place })
            }
        }
    }

    fn following(&self) -> Fingerprint {
        self.next.clone().expect("the first step has set it")
    }

    async fn prepare(&mut self) -> Result<Step, RotationError> {
        let held = self.source.read().await?.ok_or_else(|| RotationError::NoKey(self.source.place()))?;
        let next = match held.next {
            Some(next) => next,
            None => self.source.prepare().await?,
        };
        self.store.learn(&next);
        let print = next.fingerprint();
        self.stage = match self.store.rotation_to(&print).await? {
            // Cut off before the keys changed places.
            Some(rotation) if rotation.finished_at.is_some() => {
                if self.store.wraps_with().await? != print {
                    return Err(RotationError::UsedBefore(print));
                }
                Stage::Settle
            }
            _ => Stage::Announce,
        };
        self.next = Some(print.clone());
        Ok(Step::Prepared(print))
    }

    /// Waits for every running server to hold the new key, and has it wrap then.
    async fn switch(&mut self, now: UnixMillis) -> Result<Step, RotationError> {
        let next = self.following();
        let silent = i64::try_from(SILENT_AFTER.as_millis()).unwrap_or(i64::MAX);
        let holders = self.store.key_holders(UnixMillis(now.0.saturating_sub(silent))).await?;
        let lacking = holders.iter().filter(|holder| !holder.holds.contains(&next)).count();
        if lacking > 0 {
            return Ok(Step::Waiting(lacking));
        }
        self.store.wrap_with(&next).await?;
        self.stage = Stage::Rewrap(RewrapPlace::default());
        Ok(Step::Switched)
    }
}

/// What a running server does for changes of the key: takes up the next one, says which it holds, lets go of the former.
pub struct KeyKeeper {
    /// The store that holds the keys.
    pub store: Arc<dyn KeyRotationStore>,
    /// Where they come from.
    pub source: Arc<dyn MasterKeySource>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// This server.
    pub holder: Uuid,
}

impl KeyKeeper {
    /// Works until the end.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        let mut told: Option<Duration> = None;
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            let due = told.is_none_or(|at| self.clock.elapsed().saturating_sub(at) >= TELL_EVERY);
            match self.look(due).await {
                Ok(true) => told = Some(self.clock.elapsed()),
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "the master key could not be looked after: {error}"),
            }
        }
        if let Err(error) = self.store.leave_keys(self.holder).await {
            tracing::warn!(%error, "that this server ended could not be noted: {error}");
        }
    }

    /// Looks once; tells if it must or if a change is under way. Whether it told.
    ///
    /// # Errors
    /// [`RotationError`].
    pub async fn look(&self, must_tell: bool) -> Result<bool, RotationError> {
        let under_way = self.store.rotation().await?.is_some();
        if !under_way && !must_tell {
            return Ok(false);
        }
        if let Some(held) = self.source.read().await? {
            self.store.learn(&held.all());
            if !under_way && is_settled(&held) && self.store.wraps_with().await? == held.present.fingerprint() {
                self.store.forget_former(&held.present.fingerprint());
            }
        }
        self.store.hold_keys(self.holder, self.clock.now()).await?;
        Ok(true)
    }
}

/// Whether no other key is to follow.
const fn is_settled(held: &HeldKeys) -> bool {
    held.next.is_none()
}
