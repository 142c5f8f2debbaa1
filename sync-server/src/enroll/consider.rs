//! What is to become of a face that was read, without changing anything yet: one path for photos sent at once and for
//! those of jobs, which commit in different ways.

use std::slice;

use ostiary_common::ids::{PersonId, TemplateId};
use ostiary_common::wire;
use ostiary_models::embed::Embedding;

use super::judge::{Candidate, Held, Judgement, Rules, judge};
use super::problem::PhotoProblem;
use super::reader::Reading;
use super::{Enrollment, Lookalike, embedding};
use crate::domain::access::Circle;
use crate::domain::person::Template;
use crate::ports::StoreError;

/// From this similarity on two photos show the same look: copies, other sizes, the next frame of a burst. Other photos
/// of the same person stay below (docs/enrollment.md).
const NEAR: f32 = 0.99;

/// What is to become of a face.
#[derive(Debug)]
pub enum Considered {
    /// A template tells it already.
    Known {
        /// Which.
        template: TemplateId,
        /// How alike, if it is of another photo.
        near: Option<f32>,
        /// Somebody else who looks alike.
        lookalike: Option<Lookalike>,
    },
    /// It is to become a template.
    Take {
        /// The template.
        template: Box<Template>,
        /// Templates it takes the place of.
        instead_of: Vec<TemplateId>,
        /// Whether only because an admin insists.
        insisted: bool,
        /// Somebody else who looks alike.
        lookalike: Option<Lookalike>,
    },
    /// It is not.
    Refused(PhotoProblem),
}

impl Enrollment {
    /// Judges a face of `person`. Whoever asks holds the person's [turn](super::turns) until what is said here is
    /// committed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn consider(
        &self,
        person: PersonId,
        reading: &Reading,
        source_sha256: [u8; 32],
        circle: &Circle,
        insist: bool,
    ) -> Result<Considered, StoreError> {
        self.consider_beside(&[], person, reading, source_sha256, circle, insist).await
    }

    /// The same, as if these templates were there already: several faces of one item, which commit together.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn consider_beside(
        &self,
        beside: &[Template],
        person: PersonId,
        reading: &Reading,
        source_sha256: [u8; 32],
        circle: &Circle,
        insist: bool,
    ) -> Result<Considered, StoreError> {
        let (limit, rule) = self.recognition.at_enrollment().await?;
        let mut held = self.held(person).await?;
        held.extend(beside.iter().cloned().map(Held::of).collect::<Result<Vec<_>, _>>()?);
        // Somebody who is new may be one whom we have, whatever it takes by the settings to be named as alike.
        let limits: &[f32] = if held.is_empty() { &[rule.threshold, limit] } else { &[limit] };
        let least = limits.iter().copied().fold(limit, f32::min);
        // Whoever it is counts, whether the caller may see them or not; only who may be seen is named.
        let faces = slice::from_ref(&reading.embedding);
        let nearest = self.lookalikes.nearest_others(&*self.store, person, faces, least, 1).await?.pop();
        let lookalike = self.alike(person, faces, nearest, (limits, rule.threshold), circle).await?;
        let other = nearest.filter(|nearest| nearest.similarity >= limit);
        let face = Candidate {
            angle: reading.quality.angle(),
            quality: reading.quality.overall,
            embedding: &reading.embedding,
            source_sha256,
            nearest_other: other.map(|other| other.similarity),
        };
        let rules =
            Rules { near: NEAR, same_person: self.recognition.same_person_limit(), per_angle: self.per_angle, insist };
        Ok(match judge(&face, &held, &rules) {
            Judgement::Known(template) => Considered::Known { template, near: None, lookalike },
            Judgement::Near { of, similarity } => Considered::Known { template: of, near: Some(similarity), lookalike },
            Judgement::AnotherFace { similarity, limit } => {
                Considered::Refused(PhotoProblem::AnotherFace { similarity, limit })
            }
            Judgement::Enough { angle, kept } => Considered::Refused(PhotoProblem::EnoughOfAngle { angle, kept }),
            Judgement::Keep { instead_of, insisted } => {
                let template = Box::new(self.template(person, reading, source_sha256));
                Considered::Take { template, instead_of, insisted, lookalike }
            }
        })
    }

    /// Who of a circle looks alike, by the first of these limits that anybody reaches; `nearest` is the most alike of all.
    async fn alike(
        &self,
        person: PersonId,
        faces: &[Embedding],
        nearest: Option<wire::Candidate>,
        (limits, same_from): (&[f32], f32),
        circle: &Circle,
    ) -> Result<Option<Lookalike>, StoreError> {
        let Some(nearest) = nearest else { return Ok(None) };
        for limit in limits.iter().copied().filter(|limit| nearest.similarity >= *limit) {
            let mut found = match circle {
                // It is the one who was found already.
                Circle::Everything => self.named(vec![nearest], (limit, same_from), circle, 1).await?,
                _ => self.others(person, faces, limit, circle, 1).await?,
            };
            if let Some(lookalike) = found.pop() {
                return Ok(Some(lookalike));
            }
        }
        Ok(None)
    }

    async fn held(&self, person: PersonId) -> Result<Vec<Held>, StoreError> {
        let templates = self.store.templates(person).await?;
        let of_pack = templates.into_iter().filter(|template| template.pack == self.pack);
        of_pack.map(Held::of).collect()
    }

    fn template(&self, person: PersonId, reading: &Reading, source_sha256: [u8; 32]) -> Template {
        Template {
            id: TemplateId::generate(),
            person,
            version: 1,
            pack: self.pack.clone(),
            angle: reading.quality.angle(),
            quality: reading.quality.overall,
            embedding: reading.embedding.as_slice().to_vec(),
            source_sha256,
            created_at: self.clock.now(),
        }
    }
}

impl Held {
    fn of(template: Template) -> Result<Self, StoreError> {
        Ok(Self {
            id: template.id,
            angle: template.angle,
            quality: template.quality,
            embedding: embedding(&template)?,
            source_sha256: template.source_sha256,
        })
    }
}
