//! Captures: guided sessions over a browser's camera, and clips whose looks wait for approval.
//!
//! A capture lives in memory, for minutes: what is in it are faces of somebody who may not be enrolled in the end, and
//! nothing of it is to be found later. How many there may be, how large and how long, is bounded. The machine that
//! guides is [`ostiary_models::guided`]; here frames get to it, and what was taken gets out. Start reading at
//! [`Captures::frame`].

mod held;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use ostiary_common::ids::{CaptureId, PersonId, UserId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Angle;
use ostiary_models::face_crop::FaceCrop;
use ostiary_models::guided::{Advice, Glance, Guide, GuideRules, Seen, Shot};
use sha2::{Digest, Sha256};

use crate::enroll::desk::{Desk, DeskError, Lane};
use crate::enroll::problem::PhotoProblem;
use crate::enroll::reader::{Reading, decode_frame};
use crate::ports::Clock;

use held::Work;
pub use held::{Held, Kind, Standing, Taken};

/// How long what was taken waits to be made templates, after the last frame could come.
const KEPT: Duration = Duration::from_secs(600);
/// Captures of one account at once.
const MOST_OF_ACCOUNT: usize = 4;

/// Why a capture cannot be gone on with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// As many as may be are under way.
    #[error("too many captures are under way; finish or cancel one, or try again in a minute")]
    TooMany,
    /// A frame of it is being looked at.
    #[error("a frame of this capture is being looked at; send the next one when it is answered")]
    InWork,
    /// It is over, as this says.
    #[error("this capture is over: {0}")]
    Over(&'static str),
    /// There is no such look.
    #[error("there is no look {0}")]
    NoSuchShot(usize),
    /// The models are busy, still loading, or broken.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

/// For whom and how a capture is begun.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Who is to be captured.
    pub person: PersonId,
    /// Who asked for it; nobody else gets to see it.
    pub account: UserId,
    /// Which angles; all three if none is named.
    pub angles: Vec<Angle>,
    /// How long it may take.
    pub time_limit: Duration,
}

/// What a frame led to.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What to tell the person.
    pub advice: Advice,
    /// How the capture stands.
    pub standing: Standing,
}

/// Every capture under way.
pub struct Captures {
    held: Mutex<HashMap<CaptureId, Arc<Held>>>,
    most: usize,
    desk: Arc<Desk>,
    clock: Arc<dyn Clock>,
    rules: GuideRules,
}

impl Captures {
    /// At most `most` at once, which go by `rules`.
    pub fn new(desk: Arc<Desk>, clock: Arc<dyn Clock>, rules: GuideRules, most: usize) -> Self {
        Self { held: Mutex::default(), most, desk, clock, rules }
    }

    /// What captures go by.
    pub const fn rules(&self) -> &GuideRules {
        &self.rules
    }

    /// Begins a guided session.
    ///
    /// # Errors
    /// [`CaptureError::TooMany`].
    pub fn begin(&self, wanted: Wanted) -> Result<Answer, CaptureError> {
        let now = self.clock.elapsed();
        let mut rules = GuideRules { time_limit: wanted.time_limit, ..self.rules.clone() };
        if !wanted.angles.is_empty() {
            rules.angles = wanted.angles;
        }
        let guide = Guide::new(rules, now);
        let advice = guide.advice_now();
        let held = self.held(
            wanted.person,
            wanted.account,
            Kind::Guided,
            guide.ends_at() + KEPT,
            Work::Guided(Box::new(guide)),
        );
        let standing = held.standing(now).ok_or(CaptureError::InWork)?;
        self.add(held)?;
        Ok(Answer { advice, standing })
    }

    /// Keeps what was picked of a clip, until it is approved.
    ///
    /// # Errors
    /// [`CaptureError::TooMany`].
    pub fn propose(
        &self,
        person: PersonId,
        account: UserId,
        shots: Vec<Shot<Taken>>,
    ) -> Result<Standing, CaptureError> {
        let now = self.clock.elapsed();
        let held = self.held(person, account, Kind::Clip, now + KEPT, Work::Picked(shots));
        let standing = held.standing(now).ok_or(CaptureError::InWork)?;
        self.add(held)?;
        Ok(standing)
    }

    /// A capture of an account.
    pub fn of(&self, id: CaptureId, account: UserId) -> Option<Arc<Held>> {
        self.lock().get(&id).filter(|held| held.account == account).cloned()
    }

    /// How a capture stands now, with what would be told to the person.
    ///
    /// # Errors
    /// [`CaptureError::InWork`].
    pub fn standing(&self, held: &Held) -> Result<Standing, CaptureError> {
        held.standing(self.clock.elapsed()).ok_or(CaptureError::InWork)
    }

    /// Looks at a frame, which was taken just now.
    ///
    /// # Errors
    /// [`CaptureError`]; a frame that cannot be read is `Ok(Err(problem))` and changes nothing.
    pub async fn frame(&self, held: &Held, frame: Bytes) -> Result<Result<Answer, PhotoProblem>, CaptureError> {
        let at = self.clock.elapsed();
        let mut work = held.work.try_lock().map_err(|_| CaptureError::InWork)?;
        let Work::Guided(guide) = &mut *work else { return Err(CaptureError::Over("it is a clip's")) };
        let rules = guide.rules().clone();
        let seen = self.desk.run(Lane::Live, move |reader| {
            let picture = match decode_frame(&frame) {
                Ok(picture) => picture,
                Err(problem) => return Ok(Err(problem)),
            };
            let source = Sha256::digest(&frame).into();
            reader.glance(&picture, &rules).map(|seen| Ok(keeping(seen, source)))
        });
        let seen = match seen.await?.map_err(|error| DeskError::Failed(error.to_string()))? {
            Ok(seen) => seen,
            Err(problem) => return Ok(Err(problem)),
        };
        let advice = guide.take(at, seen);
        metrics::histogram!("ostiary_server_capture_frame_seconds").record(self.clock.elapsed().saturating_sub(at));
        let standing = held.standing_of(&work);
        Ok(Ok(Answer { advice, standing }))
    }

    /// Ends a capture and gives what was taken, read anew as stills: those of `chosen`, or all.
    ///
    /// # Errors
    /// [`CaptureError`]; then the capture goes on.
    pub async fn finish(
        &self,
        held: &Held,
        chosen: Option<&[usize]>,
    ) -> Result<Vec<(Reading, [u8; 32])>, CaptureError> {
        let mut work = held.work.try_lock().map_err(|_| CaptureError::InWork)?;
        let shots = held.usable(&mut work, self.clock.elapsed())?;
        let count = shots.len();
        let chosen = chosen.map_or_else(|| (0..count).collect(), <[usize]>::to_vec);
        let mut readings = Vec::with_capacity(chosen.len());
        for index in chosen {
            let shot = shots.get(index).ok_or(CaptureError::NoSuchShot(index))?;
            readings.push((still(&self.desk, shot).await?, shot.keep.sha256));
        }
        *work = Work::Over;
        self.lock().remove(&held.id);
        Ok(readings)
    }

    /// Ends a capture and forgets what was taken.
    pub fn cancel(&self, id: CaptureId) {
        self.lock().remove(&id);
    }

    /// Forgets captures of somebody who is gone.
    pub fn forget_person(&self, person: PersonId) {
        self.lock().retain(|_, held| held.person != person);
    }

    /// Whether nobody is in the middle of one.
    pub fn is_idle(&self) -> bool {
        self.sweep();
        self.lock().is_empty()
    }

    /// Forgets captures nobody finished. To be called every minute or so.
    pub fn sweep(&self) {
        let now = self.clock.elapsed();
        self.lock().retain(|_, held| held.forget_at > now);
    }

    fn held(&self, person: PersonId, account: UserId, kind: Kind, forget_at: Duration, work: Work) -> Held {
        let (id, began_at) = (CaptureId::generate(), self.clock.now());
        let ends_at: Option<UnixMillis> = match &work {
            Work::Guided(guide) => Some(began_at.plus(guide.rules().time_limit)),
            _ => None,
        };
        Held { id, person, account, kind, began_at, ends_at, forget_at, work: tokio::sync::Mutex::new(work) }
    }

    fn add(&self, held: Held) -> Result<(), CaptureError> {
        self.sweep();
        let mut all = self.lock();
        let of_account = all.values().filter(|other| other.account == held.account).count();
        if all.len() >= self.most || of_account >= MOST_OF_ACCOUNT {
            return Err(CaptureError::TooMany);
        }
        all.insert(held.id, Arc::new(held));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CaptureId, Arc<Held>>> {
        // A map is whole between two calls.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A look read as a photo is: embedded twice, as itself and in the mirror.
///
/// # Errors
/// [`DeskError`].
pub async fn still(desk: &Desk, shot: &Shot<Taken>) -> Result<Reading, DeskError> {
    let chip = shot.chip.clone();
    let embedded = desk.run(Lane::Photos, move |reader| reader.embed(&chip)).await?;
    let embedding = embedded.map_err(|error| DeskError::Failed(error.to_string()))?;
    Ok(Reading { face: shot.face.bbox, quality: shot.quality, embedding, crop: shot.keep.crop.clone() })
}

/// What is seen, with the digest of the frame it came from.
pub fn keeping(seen: Seen<Option<FaceCrop>>, sha256: [u8; 32]) -> Seen<Taken> {
    match seen {
        Seen::Nobody => Seen::Nobody,
        Seen::Several(count) => Seen::Several(count),
        Seen::One(glance) => {
            let Glance { face, quality, cues, chip, embedding, keep: crop } = *glance;
            Seen::One(Box::new(Glance { face, quality, cues, chip, embedding, keep: Taken { sha256, crop } }))
        }
    }
}
