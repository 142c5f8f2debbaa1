//! Whether a new face could be mistaken for somebody else who is enrolled.

use std::sync::Arc;

use ostiary_common::ids::{PackId, PersonId};
use ostiary_common::wire::{Candidate, Revision};
use ostiary_models::embed::Embedding;
use ostiary_models::search::GalleryIndex;
use tokio::sync::Mutex;

use crate::ports::{Store, StoreError};

/// Looks for persons who look alike. The index is made once per revision of the gallery.
pub struct Lookalikes {
    pack: PackId,
    dimension: usize,
    threshold: f32,
    index: Mutex<Option<(Revision, Arc<GalleryIndex>)>>,
}

impl Lookalikes {
    /// Persons at least as similar as `threshold` (cosine) are named.
    pub fn new(pack: PackId, dimension: usize, threshold: f32) -> Self {
        Self { pack, dimension, threshold, index: Mutex::default() }
    }

    /// The nearest other person, if near enough to be mistaken.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn nearest_other(
        &self,
        store: &dyn Store,
        person: PersonId,
        face: &Embedding,
    ) -> Result<Option<Candidate>, StoreError> {
        let index = self.index(store).await?;
        // The person's own templates may be the nearest; the next is then somebody else.
        let nearest = index.best_persons(face, 2).into_iter().find(|candidate| candidate.person != person);
        Ok(nearest.filter(|candidate| candidate.similarity >= self.threshold).map(|candidate| Candidate {
            person: candidate.person,
            template: candidate.template,
            similarity: candidate.similarity,
        }))
    }

    async fn index(&self, store: &dyn Store) -> Result<Arc<GalleryIndex>, StoreError> {
        let rev = store.revision().await?;
        let mut kept = self.index.lock().await;
        if let Some((_, index)) = kept.as_ref().filter(|(at, _)| *at == rev) {
            return Ok(Arc::clone(index));
        }
        let templates = store.all_templates(&self.pack).await?;
        let rows = templates.iter().map(|t| (t.person, t.id, t.embedding.as_slice()));
        let index = GalleryIndex::build(self.dimension, rows)
            .map_err(|e| StoreError::Corrupt { what: "template", reason: e.to_string() })?;
        let index = Arc::new(index);
        *kept = Some((rev, Arc::clone(&index)));
        Ok(index)
    }
}
