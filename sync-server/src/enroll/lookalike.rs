//! Whether a new face could be mistaken for somebody else who is enrolled.

use std::collections::HashMap;
use std::sync::Arc;

use ostiary_common::ids::{PackId, PersonId};
use ostiary_common::wire::{Candidate, PersonChange, Revision};
use ostiary_models::embed::Embedding;
use ostiary_models::search::GalleryIndex;
use tokio::sync::Mutex;

use crate::ports::{Store, StoreError};

/// Looks for persons who look alike. The index follows the gallery's revisions, and shares what did not change.
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
        let mut kept = self.index.lock().await;
        // It stays while the next is made: what fails, or is given up, does not cost the whole.
        let newer = match kept.clone() {
            Some((since, index)) => {
                let (rev, changes) = store.changes_since(&self.pack, since).await?;
                (rev, if changes.is_empty() { index } else { Arc::new(changed(&index, &changes)?) })
            }
            // What is read after the revision may be newer than it; then it is only read once more with the next.
            None => (store.revision().await?, Arc::new(self.whole(store).await?)),
        };
        Ok(Arc::clone(&kept.insert(newer).1))
    }

    async fn whole(&self, store: &dyn Store) -> Result<GalleryIndex, StoreError> {
        let templates = store.all_templates(&self.pack).await?;
        let rows = templates.iter().map(|t| (t.person, t.id, t.embedding.as_slice()));
        GalleryIndex::build(self.dimension, rows).map_err(corrupt)
    }
}

/// The index with these persons' templates as they are now; shares memory with the one before.
fn changed(index: &GalleryIndex, changes: &[PersonChange]) -> Result<GalleryIndex, StoreError> {
    let mut rows = Vec::new();
    for change in changes {
        for row in &change.templates {
            let face = Embedding::from_le_bytes(&row.embedding, index.dimension()).map_err(corrupt)?;
            rows.push((change.person, row.id, face));
        }
    }
    let rows = rows.iter().map(|(person, template, face)| (*person, *template, face.as_slice()));
    index.with_changes(rows, changes.iter().map(|change| change.person)).map_err(corrupt)
}

fn corrupt(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt { what: "template", reason: error.to_string() }
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
