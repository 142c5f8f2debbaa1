//! What does an item, kind by kind.

use std::any::Any;

use async_trait::async_trait;

use crate::domain::job::{ClaimedItem, Effect, ItemEnd, JobKind, Settlement};
use crate::ports::StoreError;

/// Does items of a kind of jobs. It changes nothing by itself: what is to change is in what it returns, and is committed
/// together with the item's end, or not at all.
#[async_trait]
pub trait Work: Send + Sync {
    /// Which kind.
    fn kind(&self) -> JobKind;

    /// Looks at an item and says what becomes of it. Dropped half-way if the lease is lost: the job was paused or
    /// cancelled, or the server stops.
    ///
    /// # Errors
    /// [`WorkError`]; the item is tried again later, and given up after some times.
    async fn work(&self, item: &ClaimedItem) -> Result<Finished, WorkError>;
}

/// What becomes of an item.
pub struct Finished {
    /// To be committed.
    pub settlement: Settlement,
    /// Held until that is done: what was looked at must not change meanwhile.
    pub hold: Option<Box<dyn Any + Send>>,
}

/// Why an item could not be done now.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else did; the words tell no name and no face.
    #[error("{0}")]
    Failed(String),
    /// Trying again would be of no use.
    #[error("{0}")]
    Hopeless(String),
    /// Nobody's fault: it is to be done later, which does not count as a failure.
    #[error("{0}")]
    NotNow(String),
}

impl Finished {
    /// It did what it was to do.
    pub fn done(reason: &str, outcome: Vec<u8>, effects: Vec<Effect>) -> Self {
        Self::ended(ItemEnd::Done, reason, outcome, effects)
    }

    /// It was turned down.
    pub fn refused(reason: &str, outcome: Vec<u8>) -> Self {
        Self::ended(ItemEnd::Refused, reason, outcome, Vec::new())
    }

    /// The same, with something held until it is committed.
    #[must_use]
    pub fn holding(self, hold: impl Any + Send) -> Self {
        Self { hold: Some(Box::new(hold)), ..self }
    }

    fn ended(end: ItemEnd, reason: &str, outcome: Vec<u8>, effects: Vec<Effect>) -> Self {
        let settlement = Settlement { end, reason: reason.to_owned(), outcome, person: None, effects };
        Self { settlement, hold: None }
    }
}
