//! Enrolling at a door: the camera is asked, says how it goes, and what it took becomes templates here.
//!
//! Who is enrolled only the server knows; the device guides whoever comes. What it sends is looked at anew, by the same
//! limits as a photo, and dealt with before the device is told that it may forget it: a server that is killed meanwhile
//! is sent it again, and a look that came before makes no second template.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ostiary_common::ids::{EnrollmentId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::DeviceRoot;
use ostiary_common::wire::{Angle, EnrollAck, EnrollCancel, EnrollProgress, EnrollResult, EnrollShot, EnrollStart};
use ostiary_models::embed::Embedding;
use ostiary_models::guided::{GuideRules, Seen};
use sha2::{Digest, Sha256};
use tokio::sync::{broadcast, mpsc};

use super::desk::{Desk, DeskError, Lane};
use super::problem::PhotoProblem;
use super::reader::{Reading, decode_frame};
use super::{Accepted, EnrollError, Enrollment};
use crate::domain::access::Circle;
use crate::domain::audit::{AuditEntry, AuditResult};
use crate::domain::device::Device;
use crate::domain::enrollment::{DoorEnrollment, DoorState, GRACE, failure};
use crate::ports::door_enrollment::{DoorWord, EnrollOrder, EnrollSay, EnrollmentStore, StateChange};
use crate::ports::{Clock, DeviceLink, Store, StoreError};
use crate::replicas::Leader;

/// Changes told to watchers and not read yet; who is slower reads the store.
const TOLD: usize = 256;
/// How often is looked whose time is over.
const EXPIRE_EVERY: Duration = Duration::from_secs(2);
/// The states in which what a device or an admin says of an end still counts.
const OPEN: &[DoorState] = &[DoorState::Sent, DoorState::Running, DoorState::Expired];

/// How an enrollment stands, with how it goes.
#[derive(Clone, Debug)]
pub struct DoorStanding {
    /// What is kept of it.
    pub enrollment: DoorEnrollment,
    /// What the device said last, while it is under way.
    pub progress: Option<EnrollProgress>,
}

/// What somebody is to be enrolled with.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which angles, in order.
    pub angles: Vec<Angle>,
    /// How long it may take from its beginning.
    pub time_limit: Duration,
    /// How long it may wait for its beginning.
    pub valid_for: Duration,
    /// Who asks, as the audit log names them.
    pub by: String,
}

/// Enrollments at doors.
pub struct DoorDesk {
    /// What is known of persons and devices.
    pub store: Arc<dyn Store>,
    /// What is kept of enrollments.
    pub kept: Arc<dyn EnrollmentStore>,
    /// Makes templates.
    pub enrollment: Arc<Enrollment>,
    /// What looks go by.
    pub rules: GuideRules,
    /// Takes those for lost whose time is over, for all servers.
    leader: Leader,
    live: Mutex<HashMap<EnrollmentId, EnrollProgress>>,
    told: broadcast::Sender<DoorStanding>,
}

/// Why looks of a door became no templates: a stable word.
type Unfit = &'static str;

impl DoorDesk {
    /// Over these parts.
    pub fn new(
        store: Arc<dyn Store>,
        kept: Arc<dyn EnrollmentStore>,
        enrollment: Arc<Enrollment>,
        rules: GuideRules,
        leader: Leader,
    ) -> Self {
        let (live, told) = (Mutex::default(), broadcast::channel(TOLD).0);
        Self { store, kept, enrollment, rules, leader, live, told }
    }

    /// Asks a device to guide a person, who must have consented: the caller sees to that.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ask(&self, device: &Device, person: PersonId, asked: Asked) -> Result<DoorStanding, StoreError> {
        let now = self.clock().now();
        let (id, not_after) = (EnrollmentId::generate(), now.plus(asked.valid_for));
        let enrollment = DoorEnrollment {
            id,
            device: device.id,
            person,
            asked_by: asked.by,
            asked_at: now,
            not_after,
            ends_by: not_after.plus(asked.time_limit + GRACE),
            state: DoorState::Sent,
            detail: String::new(),
            templates: 0,
            changed_at: now,
        };
        self.kept.add_enrollment(&enrollment).await?;
        let time_limit_s = u32::try_from(asked.time_limit.as_secs()).unwrap_or(u32::MAX);
        let start = EnrollStart { id, not_after, time_limit_s, angles: asked.angles };
        self.say(device.root(), device.presence.session, EnrollSay::Start(start));
        Ok(self.tell(enrollment))
    }

    /// Stops an enrollment; `false` if it was over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cancel(&self, one: &DoorEnrollment) -> Result<bool, StoreError> {
        let was_open = self.put(one.id, OPEN, DoorState::Cancelled, "cancelled", 0).await?;
        if let Some(device) = self.store.device(one.device).await?.filter(|_| was_open) {
            let cancel = EnrollSay::Cancel(EnrollCancel { id: one.id });
            self.say(device.root(), device.presence.session, cancel);
        }
        Ok(was_open)
    }

    /// How an enrollment stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn standing(&self, id: EnrollmentId) -> Result<Option<DoorStanding>, StoreError> {
        Ok(self.kept.enrollment(id).await?.map(|enrollment| self.with_progress(enrollment)))
    }

    /// A device's enrollments, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of_device(&self, device: &Device, limit: u32) -> Result<Vec<DoorStanding>, StoreError> {
        let found = self.kept.enrollments(device.id, limit).await?;
        Ok(found.into_iter().map(|enrollment| self.with_progress(enrollment)).collect())
    }

    /// Every change from now on. One that is missed stands in the store.
    pub fn watch(&self) -> broadcast::Receiver<DoorStanding> {
        self.told.subscribe()
    }

    /// Deals with what devices say, until nobody says anything any more.
    pub async fn run(self: Arc<Self>, mut words: mpsc::Receiver<DoorWord>) {
        let mut tick = tokio::time::interval(EXPIRE_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let dealt = tokio::select! {
                word = words.recv() => match word {
                    Some(word) => self.hear(word).await,
                    None => return,
                },
                _ = tick.tick() => self.expire().await,
            };
            if let Err(error) = dealt {
                tracing::error!(%error, "an enrollment at a door could not be dealt with: {error}");
            }
        }
    }

    /// Deals with one word of a device. What fails here is not acknowledged, and comes again.
    ///
    /// # Errors
    /// [`EnrollError`].
    pub async fn hear(&self, word: DoorWord) -> Result<(), EnrollError> {
        match word {
            DoorWord::Progress(root, progress) => self.progress(root, progress).await,
            DoorWord::Result(root, session, result) => self.result(root, session, result).await,
        }
    }

    async fn progress(&self, root: DeviceRoot, progress: EnrollProgress) -> Result<(), EnrollError> {
        let Some(one) = self.of(root, progress.id).await?.filter(|one| one.state.is_open()) else { return Ok(()) };
        self.lock().insert(one.id, progress);
        if one.state == DoorState::Sent {
            self.put(one.id, &[DoorState::Sent], DoorState::Running, "", 0).await?;
        } else {
            self.tell(one);
        }
        Ok(())
    }

    async fn result(&self, root: DeviceRoot, session: u64, result: EnrollResult) -> Result<(), EnrollError> {
        let id = result.id;
        if let Some(one) = self.of(root, id).await?.filter(|one| one.state.takes_result()) {
            let (state, detail, templates) = match self.take(&one, &result).await? {
                Ok(templates) => (DoorState::Done, "", templates),
                Err("cancelled") => (DoorState::Cancelled, "cancelled", 0),
                Err(unfit) => (DoorState::Failed, unfit, 0),
            };
            tracing::info!(enrollment.id = %id, device.id = %root.device, templates, "enrollment {id} is {}", state.as_str());
            self.lock().remove(&id);
            self.put(id, OPEN, state, detail, templates).await?;
        }
        // One that is not known here, or over, need not be kept by the device either.
        self.say(root, session, EnrollSay::Ack(EnrollAck { id }));
        Ok(())
    }

    /// Makes templates of what a door took; how many, or why none.
    async fn take(&self, one: &DoorEnrollment, result: &EnrollResult) -> Result<Result<u32, Unfit>, EnrollError> {
        if let Some(why) = failure(result.state) {
            return Ok(Err(why));
        }
        match self.enrollment.consented(one.person).await {
            Ok(()) => {}
            Err(EnrollError::Consent(_)) => return Ok(Err("consent-missing")),
            Err(error) => return Err(error),
        }
        let mut readings: Vec<(Reading, [u8; 32])> = Vec::new();
        for shot in &result.shots {
            match self.read(shot).await? {
                Ok(reading) => readings.push((reading, Sha256::digest(&shot.jpeg).into())),
                Err(why) => tracing::debug!(why, "a look of a door is not good enough here"),
            }
        }
        let faces: Vec<&Embedding> = readings.iter().map(|(reading, _)| &reading.embedding).collect();
        if !is_one_face(&faces, self.rules.same_face) {
            return Ok(Err("another-face"));
        }
        if !readings.iter().any(|(reading, _)| reading.quality.angle() == Angle::Frontal) {
            return Ok(Err(if result.shots.is_empty() { "timed-out" } else { "quality-too-low" }));
        }
        let mut templates = 0;
        for (reading, source) in readings {
            let taken = self.enrollment.take_reading(one.person, reading, source, &Circle::Everything, false).await?;
            match taken {
                Ok(accepted) => {
                    self.note(one, &accepted).await?;
                    templates += 1;
                }
                Err(PhotoProblem::AnotherFace { .. }) => return Ok(Err("another-face")),
                Err(problem) => tracing::debug!(why = problem.slug(), "a look of a door is not needed here"),
            }
        }
        Ok(Ok(templates))
    }

    /// Looks at a picture of a door as at a frame; its face is embedded as one of a photo.
    async fn read(&self, shot: &EnrollShot) -> Result<Result<Reading, Unfit>, EnrollError> {
        let (jpeg, rules) = (shot.jpeg.clone(), GuideRules { liveness: None, ..self.rules.clone() });
        let read = self.desk().run(Lane::Photos, move |reader| {
            let Ok(picture) = decode_frame(&jpeg) else { return Ok(Err("image-unreadable")) };
            let glance = match reader.glance(&picture, &rules)? {
                Seen::Nobody => return Ok(Err("no-face")),
                Seen::Several(_) => return Ok(Err("several-faces")),
                Seen::One(glance) => glance,
            };
            if glance.embedding.is_none() {
                return Ok(Err("quality-too-low"));
            }
            let embedding = reader.embed(&glance.chip)?;
            Ok(Ok(Reading { face: glance.face.bbox, quality: glance.quality, embedding, crop: glance.keep }))
        });
        let read: Result<_, ostiary_models::engine::InferenceError> = read.await?;
        Ok(read.map_err(|error| DeskError::Failed(error.to_string()))?)
    }

    async fn note(&self, one: &DoorEnrollment, accepted: &Accepted) -> Result<(), StoreError> {
        let detail = format!("template:{} by enrollment:{}", accepted.template, one.id);
        self.store.audit(&self.line(one, "person.enroll", detail)).await?;
        if let Some(other) = &accepted.lookalike {
            let (candidate, limit) = (&other.candidate, other.limit);
            let detail =
                format!("person:{} at {:.4}, named from {limit:.4} on", candidate.person, candidate.similarity);
            self.store.audit(&self.line(one, "person.lookalike", detail)).await?;
        }
        Ok(())
    }

    fn line(&self, one: &DoorEnrollment, action: &str, detail: String) -> AuditEntry {
        AuditEntry {
            at: self.clock().now(),
            actor: one.asked_by.clone(),
            action: action.to_owned(),
            target: format!("person:{}", one.person),
            source: format!("device:{}", one.device),
            result: AuditResult::Ok,
            detail,
        }
    }

    /// Takes those for lost whose time is over, if this server leads; whichever does, it forgets here how they went.
    async fn expire(&self) -> Result<(), EnrollError> {
        let mut over = Vec::new();
        if self.leader.leads() {
            over = self.kept.expire_enrollments(self.clock().now()).await?;
        }
        let under_way: Vec<EnrollmentId> = self.lock().keys().filter(|id| !over.contains(id)).copied().collect();
        for id in over.iter().chain(&under_way) {
            let one = self.kept.enrollment(*id).await?;
            if one.as_ref().is_none_or(|one| !one.state.is_open()) {
                self.lock().remove(id);
                one.map(|one| self.tell(one));
            }
        }
        Ok(())
    }

    /// An enrollment that was asked of this very device.
    async fn of(&self, root: DeviceRoot, id: EnrollmentId) -> Result<Option<DoorEnrollment>, StoreError> {
        Ok(self.kept.enrollment(id).await?.filter(|one| one.device == root.device))
    }

    async fn put(
        &self,
        id: EnrollmentId,
        from: &'static [DoorState],
        to: DoorState,
        detail: &str,
        templates: u32,
    ) -> Result<bool, StoreError> {
        let (detail, now): (String, UnixMillis) = (detail.to_owned(), self.clock().now());
        let change = StateChange { id, from, to, detail, templates, now };
        let changed = self.kept.put_enrollment_state(&change).await?;
        if changed && !to.is_open() {
            self.lock().remove(&id);
        }
        if let Some(one) = self.kept.enrollment(id).await?.filter(|_| changed) {
            self.tell(one);
        }
        Ok(changed)
    }

    fn tell(&self, enrollment: DoorEnrollment) -> DoorStanding {
        let standing = self.with_progress(enrollment);
        // Nobody watching is no fault.
        let _ = self.told.send(standing.clone());
        standing
    }

    fn with_progress(&self, enrollment: DoorEnrollment) -> DoorStanding {
        let progress = self.lock().get(&enrollment.id).cloned();
        DoorStanding { enrollment, progress }
    }

    fn say(&self, root: DeviceRoot, session: u64, say: EnrollSay) {
        if !self.link().enroll(EnrollOrder { root, session, say }) {
            tracing::warn!(device.id = %root.device, "too much waits for the broker: {} is not told", root.device);
        }
    }

    fn clock(&self) -> &dyn Clock {
        &*self.enrollment.clock
    }

    fn link(&self) -> &dyn DeviceLink {
        &*self.enrollment.link
    }

    fn desk(&self) -> &Desk {
        &self.enrollment.desk
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<EnrollmentId, EnrollProgress>> {
        // A map is whole between two calls.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether each face resembles one before it; a side resembles the front less than its neighbour, so any of them will do.
fn is_one_face(faces: &[&Embedding], least: f32) -> bool {
    let resembles = |n: usize| faces[..n].iter().any(|before| before.similarity(faces[n]) >= least);
    (1..faces.len()).all(resembles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_look_must_resemble_one_before() {
        let face = |values: [f32; 3]| Embedding::from_raw(values.to_vec()).unwrap();
        let (front, side, other) = (face([1.0, 0.0, 0.0]), face([1.0, 0.3, 0.0]), face([0.0, 0.0, 1.0]));
        let check = |faces: &[&Embedding], expected| assert_eq!(is_one_face(faces, 0.9), expected);
        check(&[], true);
        check(&[&front], true);
        check(&[&front, &side], true);
        check(&[&front, &other], false);
        check(&[&front, &side, &other], false);
    }
}
