//! Many photos of one person, as a job: an item for each.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ostiary_common::ids::PersonId;
use ostiary_models::face_crop::FaceCrop;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::asked::{Circles, JobSaid};
use super::consider::Considered;
use super::desk::DeskError;
use super::problem::PhotoProblem;
use super::reader::Reading;
use super::{EnrollError, Enrollment, Lookalike};
use crate::domain::access::Circle;
use crate::domain::consent::ConsentMissing;
use crate::domain::job::{ClaimedItem, Effect, JobId, JobKind};
use crate::jobs::Jobs;
use crate::jobs::sharing::NotHere;
use crate::jobs::spool::SpoolError;
use crate::jobs::under_way::UnderWay;
use crate::jobs::work::{Finished, Work, WorkError};

/// What was asked of a job of photos.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct PhotosPlan {
    /// Take faces that are not those of the person's other photos.
    #[serde(default)]
    pub insist: bool,
    /// Where from it was asked, for the audit log.
    #[serde(default)]
    pub source: String,
}

/// A photo of a job.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PhotoTask {
    /// What the file was called.
    pub label: String,
}

/// What became of a photo of a job.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct PhotoOutcome {
    /// What the file was called.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// What happened and what to do, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The template made, or the one that tells the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Overall quality, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<f32>,
    /// The side of the face.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angle: Option<ostiary_common::wire::Angle>,
    /// How alike somebody else is, and who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookalike: Option<(String, f32)>,
    /// Whether that may well be the same person, enrolled twice: a door would take the one for the other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub likely_same: bool,
}

/// Does photos of jobs.
pub struct PhotoWork {
    /// Makes templates.
    pub enrollment: Arc<Enrollment>,
    /// What was uploaded.
    pub jobs: Arc<Jobs>,
    /// What who asked may now.
    pub circles: Circles,
}

/// A photo of a job on its way to a template.
pub struct JobPhoto<'a> {
    /// Of whom.
    pub person: PersonId,
    /// The item.
    pub item: &'a ClaimedItem,
    /// Items being done here, of which those before it count first.
    pub under_way: &'a UnderWay,
    /// What the file was called.
    pub label: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// Whom who asked may see.
    pub circle: &'a Circle,
    /// Take another face than the person's.
    pub insist: bool,
    /// Where from it was asked.
    pub source: &'a str,
    /// Who asked, as the audit log names them.
    pub actor: String,
    /// Say what would become of it and change nothing.
    pub dry_run: bool,
}

#[async_trait]
impl Work for PhotoWork {
    fn kind(&self) -> JobKind {
        JobKind::Photos
    }

    async fn work(&self, item: &ClaimedItem) -> Result<Finished, WorkError> {
        let plan: PhotosPlan = parsed(&item.plan)?;
        let task: PhotoTask = parsed(&item.task)?;
        let (person, circle, actor) = match self.circles.admitted(&self.enrollment, item).await? {
            Ok(admitted) => admitted,
            Err((reason, detail)) => {
                let outcome = PhotoOutcome { label: task.label, detail, ..PhotoOutcome::default() };
                return Ok(Finished::refused(reason, json(&outcome)));
            }
        };
        let bytes = spooled(&self.jobs, item).await?;
        let photo = JobPhoto {
            person,
            item,
            under_way: &self.jobs.under_way,
            label: task.label.clone(),
            bytes,
            circle: &circle,
            insist: plan.insist,
            source: &plan.source,
            actor,
            dry_run: false,
        };
        self.enrollment.take_later(photo).await
    }
}

impl Enrollment {
    /// What of a person's consent is missing, if anything is.
    ///
    /// # Errors
    /// [`WorkError::Store`].
    pub async fn consent_missing(&self, person: PersonId) -> Result<Option<ConsentMissing>, WorkError> {
        match self.consented(person).await {
            Ok(()) => Ok(None),
            Err(EnrollError::Consent(missing)) => Ok(Some(missing)),
            Err(EnrollError::Store(error)) => Err(error.into()),
            Err(EnrollError::Desk(error)) => Err(WorkError::Failed(error.to_string())),
        }
    }

    /// Reads a photo of a job and says what is to become of it.
    ///
    /// # Errors
    /// [`WorkError`].
    pub async fn take_later(&self, photo: JobPhoto<'_>) -> Result<Finished, WorkError> {
        let source_sha256 = Sha256::digest(&photo.bytes).into();
        let reading = match self.desk.read_later(photo.bytes.clone()).await {
            Ok(Ok(reading)) => reading,
            Ok(Err(problem)) => return Ok(refusal(photo.label, &problem)),
            Err(error @ DeskError::Failed(_)) => return Err(WorkError::Failed(error.to_string())),
            // Nobody's fault, and not for ever.
            Err(error) => {
                tokio::time::sleep(WAIT_FOR_MODELS).await;
                return Err(WorkError::NotNow(error.to_string()));
            }
        };
        photo.under_way.those_before(photo.item).await;
        let turn = self.turns.of(photo.person).await;
        let considered = self.consider(photo.person, &reading, source_sha256, photo.circle, photo.insist).await?;
        let crop = self.crop_to_keep(reading.crop.clone()).await?;
        Ok(self.finished(&photo, &reading, considered, crop).holding(turn))
    }

    fn finished(
        &self,
        photo: &JobPhoto<'_>,
        reading: &Reading,
        considered: Considered,
        crop: Option<FaceCrop>,
    ) -> Finished {
        let mut outcome = PhotoOutcome {
            label: photo.label.clone(),
            quality: Some(reading.quality.overall),
            angle: Some(reading.quality.angle()),
            ..PhotoOutcome::default()
        };
        match considered {
            Considered::Refused(problem) => refusal(photo.label.clone(), &problem),
            Considered::Known { template, near, lookalike } => {
                outcome.template = Some(template.to_string());
                outcome.name(lookalike.as_ref());
                outcome.detail = "A template tells the same already.".to_owned();
                let reason = if near.is_some() { "near-duplicate" } else { "duplicate" };
                Finished::done(reason, json(&outcome), Vec::new())
            }
            Considered::Take { template, instead_of, insisted, lookalike } => {
                outcome.template = Some(template.id.to_string());
                outcome.name(lookalike.as_ref());
                if photo.dry_run {
                    outcome.template = None;
                    return Finished::done("would-add", json(&outcome), Vec::new());
                }
                let said = JobSaid { job: photo.item.lease.job, actor: &photo.actor, source: photo.source };
                let note = said.note(self.clock.now(), &template, insisted);
                let effects = vec![Effect::Template { add: template, crop, instead_of }, Effect::Note(Box::new(note))];
                Finished::done(if insisted { "insisted" } else { "added" }, json(&outcome), effects)
            }
        }
    }
}

impl PhotoOutcome {
    /// Names who looks alike, if anybody does.
    pub fn name(&mut self, other: Option<&Lookalike>) {
        self.lookalike = other.map(|other| (other.candidate.person.to_string(), other.candidate.similarity));
        self.likely_same = other.is_some_and(Lookalike::is_likely_same);
    }
}

/// How long a photo waits before models are asked again that are loading, or not there.
pub const WAIT_FOR_MODELS: std::time::Duration = std::time::Duration::from_millis(500);

fn refusal(label: String, problem: &PhotoProblem) -> Finished {
    let quality = match problem {
        PhotoProblem::QualityTooLow { quality, .. } => Some(quality.overall),
        _ => None,
    };
    let outcome = PhotoOutcome { label, detail: problem.detail(), quality, ..PhotoOutcome::default() };
    Finished::refused(problem.slug(), json(&outcome))
}

/// The bytes uploaded for an item.
async fn spooled(jobs: &Jobs, item: &ClaimedItem) -> Result<Bytes, WorkError> {
    let lease = item.lease;
    let gone = || WorkError::Hopeless("the job is not there any more".to_owned());
    let key = jobs.store.job_key(lease.job).await?.ok_or_else(gone)?;
    brought(jobs, lease.job, lease.n).await?;
    let read = jobs.spool.read(lease.job, lease.n, Arc::new(key)).await;
    read.map(Bytes::from).map_err(|error: SpoolError| WorkError::Failed(error.to_string()))
}

/// Sees to it that what was uploaded for an item can be read here.
///
/// # Errors
/// [`WorkError`].
pub async fn brought(jobs: &Jobs, job: JobId, n: u64) -> Result<(), WorkError> {
    jobs.bring(job, n).await.map_err(|error| match error {
        NotHere::Store(error) => error.into(),
        NotHere::Spool(error) => WorkError::Failed(error.to_string()),
        NotHere::Gone => WorkError::Hopeless(error.to_string()),
    })
}

/// Reads what a job was asked, or an item.
///
/// # Errors
/// [`WorkError::Hopeless`] if another program wrote it.
pub fn parsed<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T, WorkError> {
    serde_json::from_slice(json).map_err(|error| WorkError::Hopeless(format!("the job cannot be read: {error}")))
}

/// Writes what became of an item.
///
/// # Panics
/// Never: outcomes have a JSON form.
pub fn json<T: Serialize>(outcome: &T) -> Vec<u8> {
    serde_json::to_vec(outcome).expect("an outcome has a JSON form")
}
