//! A clip as a job of one item: looked through after the answer, and its best looks made templates in one commit.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use ostiary_common::ids::PersonId;
use ostiary_common::wire::Angle;
use ostiary_models::guided::Picked;
use serde::{Deserialize, Serialize};

use super::{ClipError, Clips, Turn};
use crate::capture::Taken;
use crate::domain::access::Circle;
use crate::domain::job::{ClaimedItem, Effect, JobKind};
use crate::domain::person::Template;
use crate::enroll::Enrollment;
use crate::enroll::asked::{Circles, JobSaid};
use crate::enroll::batch::{PhotoOutcome, WAIT_FOR_MODELS, brought, json, parsed};
use crate::enroll::consider::Considered;
use crate::enroll::desk::DeskError;
use crate::enroll::reader::Reading;
use crate::jobs::Jobs;
use crate::jobs::work::{Finished, Work, WorkError};

/// What was asked of a job of a clip.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct ClipPlan {
    /// Where from it was asked, for the audit log.
    #[serde(default)]
    pub source: String,
}

/// What became of a clip.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct ClipOutcome {
    /// What happened and what to do, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// What became of each look that was picked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<PhotoOutcome>,
    /// Angles of which the clip shows no good look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<Angle>,
}

/// Does clips of jobs.
pub struct ClipWork {
    /// Takes clips apart.
    pub clips: Arc<Clips>,
    /// Makes templates.
    pub enrollment: Arc<Enrollment>,
    /// What was uploaded.
    pub jobs: Arc<Jobs>,
    /// What who asked may now.
    pub circles: Circles,
}

#[async_trait]
impl Work for ClipWork {
    fn kind(&self) -> JobKind {
        JobKind::Clip
    }

    async fn work(&self, item: &ClaimedItem) -> Result<Finished, WorkError> {
        let plan: ClipPlan = parsed(&item.plan)?;
        let (person, circle, actor) = match self.circles.admitted(&self.enrollment, item).await? {
            Ok(admitted) => admitted,
            Err((reason, detail)) => return Ok(refused(reason, detail)),
        };
        let turn = match self.clips.turn() {
            Ok(turn) => turn,
            Err(error) => return Err(not_looked(error).await),
        };
        self.open(item, &turn).await?;
        let picked = match self.clips.look_through(&turn).await {
            Ok(Ok(picked)) => picked,
            Ok(Err(problem)) => return Ok(refused(problem.slug(), problem.detail())),
            Err(error) => return Err(not_looked(error).await),
        };
        drop(turn);
        let readings = match self.readings(&picked).await {
            Ok(readings) => readings,
            Err(error) => return Err(not_looked(error.into()).await),
        };
        let said = JobSaid { job: item.lease.job, actor: &actor, source: &plan.source };
        self.enroll(person, readings, &circle, said).await
    }
}

impl ClipWork {
    /// Takes the clip out of the spool, to where the decoder may read it.
    async fn open(&self, item: &ClaimedItem, turn: &Turn<'_>) -> Result<(), WorkError> {
        let (job, n) = (item.lease.job, item.lease.n);
        let gone = || WorkError::Hopeless("the job is not there any more".to_owned());
        let key = Arc::new(self.jobs.store.job_key(job).await?.ok_or_else(gone)?);
        brought(&self.jobs, job, n).await?;
        let (spool, to) = (self.jobs.spool.clone(), turn.path().to_owned());
        let copy = tokio::task::spawn_blocking(move || {
            let mut from = spool.open_file(job, n, key).map_err(io::Error::other)?;
            io::copy(&mut from, &mut std::fs::File::create(to)?)
        });
        let copied = copy.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        copied.map(drop).map_err(|error| WorkError::Failed(format!("the clip could not be read back: {error}")))
    }

    async fn readings(&self, picked: &Picked<Taken>) -> Result<Vec<(Reading, [u8; 32])>, DeskError> {
        let mut readings = Vec::with_capacity(picked.shots.len());
        for shot in &picked.shots {
            readings.push((self.clips.still(shot).await?, shot.keep.sha256));
        }
        Ok(readings)
    }

    /// What is to become of the looks, all in one commit: each is judged as if those before it were templates already.
    async fn enroll(
        &self,
        person: PersonId,
        readings: Vec<(Reading, [u8; 32])>,
        circle: &Circle,
        said: JobSaid<'_>,
    ) -> Result<Finished, WorkError> {
        let turn = self.enrollment.turns.of(person).await;
        let (mut effects, mut added, mut looks): (_, Vec<Template>, _) = (Vec::new(), Vec::new(), Vec::new());
        for (reading, source) in &readings {
            let considered = self.enrollment.consider_beside(&added, person, reading, *source, circle, false).await?;
            let mut look = PhotoOutcome {
                quality: Some(reading.quality.overall),
                angle: Some(reading.quality.angle()),
                ..PhotoOutcome::default()
            };
            match considered {
                Considered::Take { template, instead_of, insisted, lookalike } => {
                    look.template = Some(template.id.to_string());
                    look.name(lookalike.as_ref());
                    added.retain(|earlier| !instead_of.contains(&earlier.id));
                    added.push((*template).clone());
                    effects.push(Effect::Note(Box::new(said.note(self.jobs.clock.now(), &template, insisted))));
                    let crop = self.enrollment.crop_to_keep(reading.crop.clone()).await?;
                    effects.push(Effect::Template { add: template, crop, instead_of });
                }
                Considered::Known { template, lookalike, .. } => {
                    look.template = Some(template.to_string());
                    look.detail = "A template tells the same already.".to_owned();
                    look.name(lookalike.as_ref());
                }
                Considered::Refused(problem) => look.detail = problem.detail(),
            }
            looks.push(look);
        }
        let seen: Vec<Angle> = looks.iter().filter_map(|look| look.angle).collect();
        let unseen = ostiary_models::guided::ANGLES.into_iter().filter(|angle| !seen.contains(angle)).collect();
        let (is_known, is_refused) = (added.is_empty(), looks.iter().all(|look| look.template.is_none()));
        let outcome = ClipOutcome { detail: String::new(), looks, unseen };
        Ok(match (is_refused, is_known) {
            (true, _) => Finished::refused("another-face", json(&outcome)),
            (false, true) => Finished::done("duplicate", json(&outcome), effects),
            (false, false) => Finished::done("added", json(&outcome), effects),
        }
        .holding(turn))
    }
}

fn refused(reason: &str, detail: String) -> Finished {
    Finished::refused(reason, json(&ClipOutcome { detail, ..ClipOutcome::default() }))
}

/// Why a clip was not looked at, and whether it is of use to come back.
async fn not_looked(error: ClipError) -> WorkError {
    let words = error.to_string();
    match error {
        ClipError::Busy | ClipError::Desk(DeskError::Busy | DeskError::Broken(_)) => {
            // Nobody's fault, and not for ever.
            tokio::time::sleep(WAIT_FOR_MODELS).await;
            WorkError::NotNow(words)
        }
        ClipError::NoDecoder(_) => WorkError::Hopeless(words),
        ClipError::Desk(_) | ClipError::Disk(_) | ClipError::Decoder(_) => WorkError::Failed(words),
    }
}
