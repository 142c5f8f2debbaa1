//! Enrollment: from a photo to a template, or to a clear reason why not.
//!
//! Bytes -> [`ostiary_models::photo`] (decoded within limits) -> [`choose`](ostiary_models::choose) (one face) -> quality
//! gate -> embedding -> [`judge`] (is it the person's face, and does it tell anything new?) -> store -> devices are told.
//! Reading photos runs on threads of its own, see [`desk`]. Many photos at once are a job: [`batch`].

pub mod asked;
pub mod batch;
pub mod consider;
pub mod crop_policy;
pub mod desk;
pub mod door;
pub mod judge;
pub mod lookalike;
pub mod problem;
pub mod reader;
pub mod turns;
pub mod visits;

use std::slice;
use std::sync::Arc;

use bytes::Bytes;
use ostiary_common::ids::{PackId, PersonId, TemplateId};
use ostiary_common::wire::{Candidate, Revision};
use ostiary_models::embed::Embedding;
use ostiary_models::face_crop::FaceCrop;
use ostiary_models::geometry::Rect;
use ostiary_models::quality::{FaceQuality, QualityGate};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use self::consider::Considered;
use self::crop_policy::CropPolicy;
use self::desk::{Desk, DeskError};
use self::lookalike::Lookalikes;
use self::problem::PhotoProblem;
use self::reader::Reading;
use self::turns::Turns;
use crate::domain::access::Circle;
use crate::domain::consent::{ConsentMissing, may_enroll};
use crate::domain::coverage::Coverage;
use crate::domain::person::Template;
use crate::ports::templates::TemplateStore;
use crate::ports::{Clock, DeviceLink, Store, StoreError};
use crate::recognition::Recognition;

/// So many of the most alike are looked through for those who may be named.
const MOST_PASSED_OVER: usize = 1000;

/// Makes templates of photos.
pub struct Enrollment {
    /// What is known.
    pub store: Arc<dyn Store>,
    /// Where templates go.
    pub templates: Arc<dyn TemplateStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Tells devices.
    pub link: Arc<dyn DeviceLink>,
    /// Reads photos.
    pub desk: Arc<Desk>,
    /// Finds persons who look alike.
    pub lookalikes: Lookalikes,
    /// Knows from which similarity on they matter.
    pub recognition: Arc<Recognition>,
    /// One photo of a person after the other.
    pub turns: Turns,
    /// The pack templates are made with.
    pub pack: PackId,
    /// What a face must reach to be enrolled.
    pub gate: QualityGate,
    /// Templates kept of each side of a person's face.
    pub per_angle: usize,
}

/// A photo that became a template, or shows what one tells already.
#[derive(Debug)]
pub struct Accepted {
    /// The template; one that was there already if the photo tells nothing new.
    pub template: TemplateId,
    /// The gallery's new revision; `None` if the photo tells nothing new.
    pub revision: Option<Revision>,
    /// How alike the photo is to the template that was there, if it is another photo of the same look.
    pub near: Option<f32>,
    /// Templates it took the place of.
    pub instead_of: Vec<TemplateId>,
    /// Whether it was taken only because an admin insists.
    pub insisted: bool,
    /// How good the face is.
    pub quality: FaceQuality,
    /// Where the face is, in pixels of the upright photo.
    pub face: Rect,
    /// Another person who looks alike enough to be mistaken.
    pub lookalike: Option<Lookalike>,
}

/// Another person who looks alike enough to be mistaken.
#[derive(Clone, Debug)]
pub struct Lookalike {
    /// The person, and how alike.
    pub candidate: Candidate,
    /// The person's name.
    pub name: String,
    /// The similarity from which persons are named.
    pub limit: f32,
    /// The similarity from which a door takes two faces for one.
    pub same_from: f32,
}

impl Lookalike {
    /// Whether it may well be the same person, enrolled twice: a door would take the one for the other.
    pub fn is_likely_same(&self) -> bool {
        self.candidate.similarity >= self.same_from
    }
}

/// Why a photo could not be looked at, through no fault of its own.
#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    /// The models are busy, still loading, or broken.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// The person has not consented, or not to what is wanted now.
    #[error(transparent)]
    Consent(#[from] ConsentMissing),
    /// The store failed, or the person is gone.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Enrollment {
    /// Whether templates of `person` may be made: the one question that every path to a template asks, by photo or by
    /// list, before it looks at a face.
    ///
    /// # Errors
    /// [`EnrollError::Consent`] says what is missing.
    pub async fn consented(&self, person: PersonId) -> Result<(), EnrollError> {
        let least_version = self.store.consent_text().await?.least_version;
        Ok(may_enroll(&self.store.consents(person).await?, least_version)?)
    }

    /// Makes a template of a photo of `person`, who must have consented. Who looks alike is named if they are of the
    /// circle. With `insist` a face is taken that is not that of the person's other photos.
    ///
    /// # Errors
    /// [`EnrollError`]; a photo that is refused is `Ok(Err(problem))`.
    pub async fn take_photo(
        &self,
        person: PersonId,
        photo: Bytes,
        circle: &Circle,
        insist: bool,
    ) -> Result<Result<Accepted, PhotoProblem>, EnrollError> {
        self.consented(person).await?;
        let source_sha256 = Sha256::digest(&photo).into();
        let reading = match self.desk.read(photo).await? {
            Ok(reading) => reading,
            Err(problem) => return Ok(Err(problem)),
        };
        self.take_reading(person, reading, source_sha256, circle, insist).await
    }

    /// Makes a template of a face that was read already, of whatever has this digest; the person's consent is asked for
    /// once more. Otherwise as [`Enrollment::take_photo`].
    ///
    /// # Errors
    /// [`EnrollError`]; a face that is refused is `Ok(Err(problem))`.
    pub async fn take_reading(
        &self,
        person: PersonId,
        reading: Reading,
        source_sha256: [u8; 32],
        circle: &Circle,
        insist: bool,
    ) -> Result<Result<Accepted, PhotoProblem>, EnrollError> {
        self.consented(person).await?;
        let _turn = self.turns.of(person).await;
        let considered = self.consider(person, &reading, source_sha256, circle, insist).await?;
        let (quality, face) = (reading.quality, reading.face);
        Ok(match considered {
            Considered::Refused(problem) => Err(problem),
            Considered::Known { template, near, lookalike } => {
                let (revision, instead_of) = (None, Vec::new());
                Ok(Accepted { template, revision, near, instead_of, insisted: false, quality, face, lookalike })
            }
            Considered::Take { template, instead_of, insisted, lookalike } => {
                let id = template.id;
                let crop = self.crop_to_keep(reading.crop).await?;
                let rev = self.templates.put_template(&template, crop.as_ref(), &instead_of).await?;
                self.link.gallery_changed(rev);
                let revision = Some(rev);
                Ok(Accepted { template: id, revision, near: None, instead_of, insisted, quality, face, lookalike })
            }
        })
    }

    /// The picture of a face, if such pictures are kept here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn crop_to_keep(&self, crop: Option<FaceCrop>) -> Result<Option<FaceCrop>, StoreError> {
        let (policy, _) = CropPolicy::read(&*self.store).await?;
        Ok(crop.filter(|_| policy.keep))
    }

    /// Everyone of a circle who comes within `limit` (cosine) of the one face in a picture, the most alike first, at most
    /// `count`, beside what was read of the picture. Nothing of it is kept.
    ///
    /// # Errors
    /// [`EnrollError`]; a picture that is refused is `Ok(Err(problem))`.
    pub async fn look_up(
        &self,
        photo: Bytes,
        limit: f32,
        circle: &Circle,
        count: usize,
    ) -> Result<Result<(Reading, Vec<Lookalike>), PhotoProblem>, EnrollError> {
        let reading = match self.desk.read(photo).await? {
            Ok(reading) => reading,
            Err(problem) => return Ok(Err(problem)),
        };
        // Nobody is left out: no person has the id of nobody.
        let found =
            self.others(PersonId(Uuid::nil()), slice::from_ref(&reading.embedding), limit, circle, count).await?;
        Ok(Ok((reading, found)))
    }

    /// Others of a circle who could be mistaken for a person by the templates there are, the most alike first, at most
    /// `count`.
    ///
    /// # Errors
    /// [`EnrollError::Store`].
    pub async fn lookalikes_of(
        &self,
        id: PersonId,
        limit: f32,
        circle: &Circle,
        count: usize,
    ) -> Result<Vec<Lookalike>, EnrollError> {
        Ok(self.others(id, &self.faces_of(id).await?, limit, circle, count).await?)
    }

    /// A person's faces with the present pack.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn faces_of(&self, id: PersonId) -> Result<Vec<Embedding>, StoreError> {
        let templates = self.store.templates(id).await?.into_iter().filter(|template| template.pack == self.pack);
        templates.map(|template| embedding(&template)).collect()
    }

    /// Which sides of a person's face are enrolled.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn coverage(&self, person: PersonId) -> Result<Coverage, StoreError> {
        let templates = self.store.templates(person).await?;
        Ok(Coverage::of(templates.iter().filter(|template| template.pack == self.pack).map(|template| template.angle)))
    }

    /// Who of a circle, `person` left out, comes within `limit` (cosine) of any of these faces, the most alike first, at
    /// most `count`. Every path that enrolls asks this: is this somebody we have?
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn others(
        &self,
        person: PersonId,
        faces: &[Embedding],
        limit: f32,
        circle: &Circle,
        count: usize,
    ) -> Result<Vec<Lookalike>, StoreError> {
        // Who is to be passed over must not take the place of who is to be named.
        let asked = if matches!(circle, Circle::Everything) { count } else { count.max(MOST_PASSED_OVER) };
        let found = self.lookalikes.nearest_others(&*self.store, person, faces, limit, asked).await?;
        let same_from = if found.is_empty() { limit } else { self.recognition.rule().await?.threshold };
        self.named(found, (limit, same_from), circle, count).await
    }

    /// Those of whom was found who may be named, by their names, at most `count`; `limit` is what it was searched by, and
    /// from `same_from` on a door takes two faces for one.
    async fn named(
        &self,
        found: Vec<Candidate>,
        (limit, same_from): (f32, f32),
        circle: &Circle,
        count: usize,
    ) -> Result<Vec<Lookalike>, StoreError> {
        let mut named = Vec::new();
        for candidate in found {
            // Gone between the search and now: nobody to be mistaken for any more.
            if named.len() == count {
                break;
            }
            let other = self.store.person(candidate.person).await?;
            if let Some(other) = other.filter(|other| circle.admits(&other.groups)) {
                named.push(Lookalike { candidate, name: other.name, limit, same_from });
            }
        }
        Ok(named)
    }
}

/// A template's face.
fn embedding(template: &Template) -> Result<Embedding, StoreError> {
    Embedding::from_raw(template.embedding.clone())
        .map_err(|e| StoreError::Corrupt { what: "template", reason: e.to_string() })
}
