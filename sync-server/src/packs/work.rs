//! Makes a pack's templates of kept pictures, as a job: an item for each picture, and one that compares in the end.
//!
//! What an item makes commits with its end; a server that is killed does no picture twice, and none is left out.

use std::sync::Arc;

use async_trait::async_trait;
use ostiary_common::ids::{EventId, PackId, PersonId, TemplateId};
use ostiary_models::embed::Embedding;
use ostiary_models::face_crop::FaceCrop;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::bench::{BenchError, PackBench};
use super::compare::{Comparison, MOST_PROBES, PackFigures, Side, figures};
use super::files::PackFilesError;
use crate::domain::access::Reach;
use crate::domain::event::EventKind;
use crate::domain::job::{ClaimedItem, Effect, JobId, JobKind, NewItem};
use crate::domain::judgement::{Judgement, Verdict};
use crate::domain::model_pack::{PackRefusal, PackState};
use crate::domain::person::Template;
use crate::enroll::batch::{json as to_json, parsed};
use crate::enroll::desk::DeskError;
use crate::enroll::problem::PhotoProblem;
use crate::jobs::Jobs;
use crate::jobs::filling::{FillError, Order};
use crate::jobs::work::{Finished, Work, WorkError};
use crate::ports::face_crops::{CropPlace, FaceCropStore};
use crate::ports::judgements::JudgementFilter;
use crate::ports::model_packs::ModelPackStore;
use crate::ports::{Clock, Store, StoreError};

/// Enrolled faces a comparison looks at, at most.
const MOST_FACES: u32 = 6_000;
/// Judged visits it looks at, at most.
const MOST_VISITS: usize = 500;
/// Judgements looked through for them.
const MOST_JUDGEMENTS: u32 = 20_000;
/// Pictures read of the store at once.
const PAGE: u32 = 500;
/// How long an item waits before models are asked again that are loading, or busy.
const WAIT_FOR_MODELS: std::time::Duration = std::time::Duration::from_millis(500);
/// Faces of the enrolled looked at once more by the pack in force, to measure its time.
const TIMED: usize = 30;

/// What was asked of a job of a pack.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PackPlan {
    /// Which pack.
    pub pack: PackId,
}

/// One item.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PackTask {
    /// Make a template of a picture.
    Face {
        /// Whose.
        person: PersonId,
        /// Of which photo, 64 hexadecimal digits.
        photo: String,
    },
    /// Compare the pack with the one in force.
    Compare,
}

/// Makes and compares templates.
pub struct PackWork {
    /// What is known.
    pub store: Arc<dyn Store>,
    /// Kept pictures.
    pub crops: Arc<dyn FaceCropStore>,
    /// Packs.
    pub packs: Arc<dyn ModelPackStore>,
    /// Their models.
    pub bench: Arc<PackBench>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Queues a job that makes a pack's templates and compares it; who asks for it is `account`.
///
/// # Errors
/// [`FillError`].
pub async fn queue(
    jobs: &Arc<Jobs>,
    packs: &dyn ModelPackStore,
    pack: &PackId,
    account: Option<ostiary_common::ids::UserId>,
) -> Result<JobId, FillError> {
    let plan = to_json(&PackPlan { pack: pack.clone() });
    let mut filling = jobs.begin(Order { kind: JobKind::Packs, account, person: None, uploads: false, plan }).await?;
    let id = filling.id();
    // Said before the job can end, so that nothing takes the pack for one without a job.
    let now = jobs.clock.now();
    let from = [PackState::Installed, PackState::Comparing];
    if !packs.put_pack_state(pack, &from, PackState::Shadow, Some(id), now).await? {
        return Err(StoreError::Conflict("pack state").into());
    }
    let mut after = None;
    loop {
        let page = packs.pack_waiting(pack, after, PAGE).await?;
        for place in &page {
            let task = PackTask::Face { person: place.person, photo: hex::encode(place.source_sha256) };
            filling.add(NewItem { phase: 0, parent: None, task: to_json(&task) }).await?;
        }
        after = page.last().copied();
        if page.len() < PAGE as usize {
            break;
        }
    }
    filling.add(NewItem { phase: 1, parent: None, task: to_json(&PackTask::Compare) }).await?;
    filling.release().await
}

#[async_trait]
impl Work for PackWork {
    fn kind(&self) -> JobKind {
        JobKind::Packs
    }

    async fn work(&self, item: &ClaimedItem) -> Result<Finished, WorkError> {
        let plan: PackPlan = parsed(&item.plan)?;
        match parsed(&item.task)? {
            PackTask::Face { person, photo } => {
                let photo = hex::decode(&photo).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
                let photo = photo.ok_or_else(|| WorkError::Hopeless("the picture is not named".to_owned()))?;
                self.face(&plan.pack, CropPlace { person, source_sha256: photo }).await
            }
            PackTask::Compare => self.compare(&plan.pack).await,
        }
    }
}

/// What became of a picture.
pub enum Remade {
    /// A template.
    Template(Box<Template>),
    /// None, for this reason.
    Refused(PackRefusal),
    /// The picture is gone.
    Gone,
}

impl PackWork {
    /// Looks at a kept picture with a pack.
    ///
    /// # Errors
    /// [`WorkError`].
    pub async fn remake(&self, pack: &PackId, place: CropPlace) -> Result<Remade, WorkError> {
        let Some(crop) = self.crops.face_crop(place).await? else { return Ok(Remade::Gone) };
        Ok(match self.recall(pack, crop).await? {
            Err(problem) => {
                Remade::Refused(PackRefusal { place, reason: problem.slug().to_owned(), at: self.clock.now() })
            }
            Ok((reading, _)) => Remade::Template(Box::new(Template {
                id: TemplateId::generate(),
                person: place.person,
                version: 1,
                pack: pack.clone(),
                angle: reading.quality.angle(),
                quality: reading.quality.overall,
                embedding: reading.embedding.as_slice().to_vec(),
                source_sha256: place.source_sha256,
                created_at: self.clock.now(),
            })),
        })
    }

    async fn recall(
        &self,
        pack: &PackId,
        crop: FaceCrop,
    ) -> Result<Result<(crate::enroll::reader::Reading, std::time::Duration), PhotoProblem>, WorkError> {
        match self.bench.recall(pack, crop).await {
            Ok(looked) => Ok(looked),
            Err(BenchError::Files(PackFilesError::Store(error))) => Err(error.into()),
            Err(BenchError::Files(error @ PackFilesError::NotHere(_))) => Err(WorkError::Hopeless(error.to_string())),
            Err(BenchError::Files(error)) => Err(WorkError::Failed(error.to_string())),
            Err(BenchError::Desk(error @ DeskError::Failed(_))) => Err(WorkError::Failed(error.to_string())),
            Err(BenchError::Desk(error)) => {
                tokio::time::sleep(WAIT_FOR_MODELS).await;
                Err(WorkError::NotNow(error.to_string()))
            }
        }
    }

    async fn face(&self, pack: &PackId, place: CropPlace) -> Result<Finished, WorkError> {
        let outcome = |reason: &str| to_json(&json!({ "person": place.person.to_string(), "reason": reason }));
        Ok(match self.remake(pack, place).await? {
            Remade::Gone => Finished::refused("picture-gone", outcome("picture-gone")),
            Remade::Template(template) => {
                Finished::done("embedded", outcome("embedded"), vec![Effect::Shadow(template)])
            }
            Remade::Refused(refusal) => {
                let mut finished = Finished::refused(&refusal.reason, outcome(&refusal.reason));
                finished.settlement.effects.push(Effect::ShadowRefused { pack: pack.clone(), refusal });
                finished
            }
        })
    }

    async fn compare(&self, candidate: &PackId) -> Result<Finished, WorkError> {
        let packs = self.packs.model_packs().await?;
        let in_force = packs.iter().find(|pack| pack.state == PackState::Active);
        let in_force = in_force.ok_or_else(|| WorkError::Hopeless("no pack is in force".to_owned()))?.id.clone();
        let (mut first, mut second) = self.enrolled(&in_force, candidate).await?;
        for (who, crop) in self.judged().await? {
            for (pack, side) in [(&in_force, &mut first), (candidate, &mut second)] {
                let looked = self.recall(pack, crop.clone()).await?;
                side.judged.push((
                    who,
                    looked.ok().map(|(reading, took)| {
                        side.took_ms.push(took.as_secs_f64() * 1e3);
                        reading.embedding
                    }),
                ));
            }
        }
        self.time(&in_force, &mut first).await?;
        self.time(candidate, &mut second).await?;
        let in_force = self.figures(&in_force, first).await?;
        let figures = self.figures(candidate, second).await?;
        let coverage = self.packs.pack_coverage(candidate).await?;
        let made_at = self.clock.now().to_rfc3339();
        let (refused, missing) = (coverage.refused, coverage.missing);
        let report = Comparison { made_at, in_force, candidate: figures, refused, missing };
        let report = String::from_utf8(to_json(&report)).expect("JSON is text");
        let effect = Effect::Compared { pack: candidate.clone(), report };
        Ok(Finished::done("compared", to_json(&json!({ "pack": candidate.as_str() })), vec![effect]))
    }

    /// Faces both packs have a template of.
    async fn enrolled(&self, first: &PackId, second: &PackId) -> Result<(Side, Side), WorkError> {
        let broken = |error: ostiary_models::embed::EmbeddingError| WorkError::Failed(error.to_string());
        let (mut one, mut other) = (Side::default(), Side::default());
        for face in self.packs.embedded_twice(first, second, MOST_FACES).await? {
            one.enrolled.push((face.person, Embedding::from_raw(face.first).map_err(broken)?));
            other.enrolled.push((face.person, Embedding::from_raw(face.second).map_err(broken)?));
        }
        Ok((one, other))
    }

    /// Pictures of visits of which people said who it was, as far as they are still kept.
    async fn judged(&self) -> Result<Vec<(Option<PersonId>, FaceCrop)>, WorkError> {
        let filter = JudgementFilter::default();
        let judgements = self.store.judgements_within(&Reach::Everything, &filter, MOST_JUDGEMENTS).await?;
        let told: Vec<(EventId, Option<PersonId>)> =
            judgements.iter().filter_map(|judgement| Some((judgement.event, truth(judgement)?))).collect();
        let mut visits = Vec::new();
        for (event, who) in told.into_iter().take(MOST_VISITS) {
            let jpeg = self.store.crop(event).await?;
            if let Some(crop) = jpeg.and_then(|jpeg| FaceCrop::of_jpeg(jpeg).ok().flatten()) {
                visits.push((who, crop));
            }
        }
        Ok(visits)
    }

    /// Has a pack look at some enrolled faces for the time it takes, if no visit did.
    async fn time(&self, pack: &PackId, side: &mut Side) -> Result<(), WorkError> {
        let persons: Vec<PersonId> = side.enrolled.iter().map(|(person, _)| *person).take(MOST_PROBES).collect();
        for person in persons {
            if side.took_ms.len() >= TIMED {
                break;
            }
            let Some((place, _)) = self.crops.face_crops_of(person).await?.into_iter().next() else { continue };
            let Some(crop) = self.crops.face_crop(place).await? else { continue };
            if let Ok((_, took)) = self.recall(pack, crop).await? {
                side.took_ms.push(took.as_secs_f64() * 1e3);
            }
        }
        Ok(())
    }

    async fn figures(&self, pack: &PackId, side: Side) -> Result<PackFigures, WorkError> {
        let loaded = self.bench.files.pack(pack).await.map_err(|error| WorkError::Failed(error.to_string()))?;
        let (id, rule) = (pack.as_str().to_owned(), loaded.thresholds().rule());
        // Seconds of arithmetic, for which no request shall wait.
        let judged = tokio::task::spawn_blocking(move || figures(&id, rule, &side)).await;
        judged.map_err(|error| WorkError::Failed(error.to_string()))
    }
}

/// Who it was, if that was said: `Some(None)` for a stranger.
fn truth(judgement: &Judgement) -> Option<Option<PersonId>> {
    match (judgement.kind, judgement.verdict) {
        (EventKind::Match, Verdict::Right) => Some(Some(judgement.named?)),
        (EventKind::Unknown, Verdict::Right) => Some(None),
        (_, Verdict::WrongPerson | Verdict::KnownAs) => Some(Some(judgement.person?)),
        _ => None,
    }
}
