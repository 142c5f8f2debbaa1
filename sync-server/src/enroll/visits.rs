//! Templates of visits: somebody nobody knew becomes a person without a photo of their own.

use ostiary_common::ids::{EventId, PersonId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Angle;
use ostiary_models::embed::Embedding;
use sha2::{Digest, Sha256};

use crate::domain::person::Template;
use crate::domain::unknown::HeldFace;
use crate::faces::held::HeldFaces;

/// Templates made of one visitor's visits. More help little and cost every search.
const MOST: usize = 5;
/// A face nearer (cosine) to one taken already tells nothing new.
const SAME: f32 = 0.985;

/// Templates of the best faces, each with its quality; the best come first in `faces`. Each comes with the event of the
/// visit it was made of.
pub fn templates_of_visits(
    person: PersonId,
    faces: &[(HeldFace, f32)],
    held: &HeldFaces,
    now: UnixMillis,
) -> Vec<(Template, EventId)> {
    let mut taken: Vec<(Embedding, &HeldFace, f32)> = Vec::new();
    for (face, quality) in faces {
        let Some(embedding) = held.read(held.pack(), &face.embedding) else { continue };
        let is_new = taken.iter().all(|(other, ..)| other.similarity(&embedding) < SAME);
        if is_new && taken.len() < MOST {
            taken.push((embedding, face, *quality));
        }
    }
    let template = |embedding: &Embedding, face: &HeldFace, quality| Template {
        id: TemplateId::generate(),
        person,
        version: 1,
        pack: held.pack().clone(),
        // A visit is fused of looks from several sides.
        angle: Angle::Unknown,
        quality,
        embedding: embedding.as_slice().to_vec(),
        // In place of a photo's: the visit makes one template, however often it is asked for.
        source_sha256: Sha256::digest(face.event.as_bytes()).into(),
        created_at: now,
    };
    taken.into_iter().map(|(embedding, face, quality)| (template(&embedding, face, quality), face.event)).collect()
}
