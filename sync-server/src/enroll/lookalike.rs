//! Whether a new face could be mistaken for somebody else who is enrolled.

use std::collections::HashMap;
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
    index: Mutex<Option<(Revision, Arc<GalleryIndex>)>>,
}

impl Lookalikes {
    /// Of a pack with embeddings of `dimension` values.
    pub fn new(pack: PackId, dimension: usize) -> Self {
        Self { pack, dimension, index: Mutex::default() }
    }

    /// Other persons than `person` who come within `limit` (cosine) of any of these faces, the most alike first,
    /// at most `count`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn nearest_others(
        &self,
        store: &dyn Store,
        person: PersonId,
        faces: &[Embedding],
        limit: f32,
        count: usize,
    ) -> Result<Vec<Candidate>, StoreError> {
        let (index, faces) = (self.index(store).await?, faces.to_vec());
        let search = move || {
            // The person's own templates may be among the nearest: one more is asked for.
            let near = faces.iter().flat_map(|face| index.best_persons(face, count.saturating_add(1)));
            let others = near.filter(|found| found.person != person && found.similarity >= limit);
            most_alike(others.map(Candidate::from), count)
        };
        // A large gallery takes milliseconds a face, for which other requests shall not wait.
        Ok(tokio::task::spawn_blocking(search).await.expect("a search is arithmetic and does not panic"))
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

/// Each person once, by the greatest similarity, the most alike first.
fn most_alike(found: impl Iterator<Item = Candidate>, count: usize) -> Vec<Candidate> {
    let mut best: HashMap<PersonId, Candidate> = HashMap::new();
    for candidate in found {
        let kept = best.entry(candidate.person).or_insert(candidate);
        if candidate.similarity > kept.similarity {
            *kept = candidate;
        }
    }
    let mut others: Vec<Candidate> = best.into_values().collect();
    others.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.person.cmp(&b.person)));
    others.truncate(count);
    others
}

#[cfg(test)]
mod tests {
    use ostiary_common::ids::TemplateId;

    use super::*;

    #[test]
    fn each_person_comes_once() {
        let persons = [PersonId::generate(), PersonId::generate(), PersonId::generate()];
        let found = |similarities: &[(usize, f32)]| {
            let candidate = |(who, similarity): &(usize, f32)| Candidate {
                person: persons[*who],
                template: TemplateId::generate(),
                similarity: *similarity,
            };
            most_alike(similarities.iter().map(candidate), 2)
                .iter()
                .map(|c| (c.person, c.similarity))
                .collect::<Vec<_>>()
        };
        assert_eq!(found(&[]), []);
        assert_eq!(found(&[(0, 0.8), (1, 0.9), (0, 0.85)]), [(persons[1], 0.9), (persons[0], 0.85)]);
        assert_eq!(found(&[(0, 0.8), (1, 0.8), (2, 0.7)]), [(persons[0], 0.8), (persons[1], 0.8)]);
    }
}
