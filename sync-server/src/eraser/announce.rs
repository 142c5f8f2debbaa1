//! Tells watchers of this server of completed erasures, whichever server completed them.

use std::collections::HashSet;
use std::sync::Arc;

use ostiary_common::ids::ErasureId;

use super::Completed;
use crate::ports::{Store, StoreError};

/// The newest erasures that are looked at. Who waits for an older one finds it in the list.
const NEWEST: u32 = 200;

/// Remembers which erasures were told of.
pub struct Announcer {
    store: Arc<dyn Store>,
    completed: Completed,
    told: HashSet<ErasureId>,
}

impl Announcer {
    /// Of erasures completed from now on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn new(store: Arc<dyn Store>, completed: Completed) -> Result<Self, StoreError> {
        let erasures = store.erasures(None, NEWEST).await?;
        let told = erasures.iter().filter(|one| one.completed_at.is_some()).map(|one| one.id).collect();
        Ok(Self { store, completed, told })
    }

    /// Tells of those that were completed since the last look.
    ///
    /// # Errors
    /// [`StoreError`]; what was not told is told at the next look.
    pub async fn look(&mut self) -> Result<(), StoreError> {
        let erasures = self.store.erasures(None, NEWEST).await?;
        for erasure in erasures.iter().rev().filter(|one| one.completed_at.is_some()) {
            if self.told.insert(erasure.id) {
                self.completed.tell(erasure.clone());
            }
        }
        self.told.retain(|id| erasures.iter().any(|one| one.id == *id));
        Ok(())
    }
}
