//! Faces of unknown visits in memory, as the store has them now. They follow the store by its count of edits: what is
//! forgotten there is forgotten here when next looked at, and at the latest by the next round of the grouper.

use std::collections::HashMap;
use std::sync::Arc;

use ostiary_common::ids::{DoorId, EventId, PackId, SiteId, UnknownId};
use ostiary_common::time::UnixMillis;
use ostiary_models::embed::Embedding;
use tokio::sync::Mutex;

use crate::domain::unknown::{GroupingPlace, HeldFace, Membership};
use crate::ports::{StoreError, UnknownStore};

/// A visit of somebody nobody knows.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The event.
    pub cursor: i64,
    /// Its id.
    pub event: EventId,
    /// Where.
    pub site: SiteId,
    /// Where.
    pub door: DoorId,
    /// When.
    pub at: UnixMillis,
    /// As whom it was put together.
    pub visitor: UnknownId,
    /// Put there by hand.
    pub pinned: bool,
    /// The face.
    pub embedding: Arc<Embedding>,
}

/// The visits at a state of the grouping.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The state.
    pub place: GroupingPlace,
    /// In order of cursors.
    pub visits: Arc<Vec<Visit>>,
}

/// Holds the faces of one pack.
pub struct HeldFaces {
    store: Arc<dyn UnknownStore>,
    pack: PackId,
    dimension: usize,
    last: Mutex<Option<Snapshot>>,
}

impl HeldFaces {
    /// Of a pack with embeddings of `dimension` values.
    pub fn new(store: Arc<dyn UnknownStore>, pack: PackId, dimension: usize) -> Self {
        Self { store, pack, dimension, last: Mutex::default() }
    }

    /// The pack.
    pub const fn pack(&self) -> &PackId {
        &self.pack
    }

    /// Reads a face as it came; `None` if it is none of this pack.
    pub fn read(&self, pack: &PackId, bytes: &[u8]) -> Option<Embedding> {
        (*pack == self.pack).then(|| Embedding::from_le_bytes(bytes, self.dimension).ok()).flatten()
    }

    /// The visits as they are now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        // Read before the rest: what changes in between is read once more the next time.
        let place = self.store.grouping_place().await?;
        let mut last = self.last.lock().await;
        let current = last.as_ref().filter(|last| last.place.edit == place.edit);
        let visits = match current {
            Some(current) => Arc::clone(&current.visits),
            None => {
                let known = last.take().map(|last| last.visits).unwrap_or_default();
                Arc::new(self.follow(&known).await?)
            }
        };
        Ok(last.insert(Snapshot { place, visits }).clone())
    }

    async fn follow(&self, known: &[Visit]) -> Result<Vec<Visit>, StoreError> {
        let members = self.store.memberships(&self.pack).await?;
        let known: HashMap<i64, &Visit> = known.iter().map(|visit| (visit.cursor, visit)).collect();
        let new: Vec<i64> =
            members.iter().map(|member| member.cursor).filter(|cursor| !known.contains_key(cursor)).collect();
        let fresh = self.store.held_faces(&new).await?;
        let fresh: HashMap<i64, HeldFace> = fresh.into_iter().map(|face| (face.cursor, face)).collect();
        let visit = |member: &Membership| {
            let Membership { cursor, visitor, pinned } = *member;
            match known.get(&cursor) {
                Some(visit) => Some(Visit { visitor, pinned, ..Visit::clone(visit) }),
                None => {
                    let HeldFace { event, site, door, at, embedding, .. } = fresh.get(&cursor)?;
                    let embedding = Arc::new(Embedding::from_le_bytes(embedding, self.dimension).ok()?);
                    let (event, site, door, at) = (*event, *site, *door, *at);
                    Some(Visit { cursor, event, site, door, at, visitor, pinned, embedding })
                }
            }
        };
        Ok(members.iter().filter_map(visit).collect())
    }
}
