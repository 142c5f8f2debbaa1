//! Guiding somebody who is enrolled at this door: the same frames, the same nets, another question.
//!
//! While a session lasts nobody is matched here: the frames are for the one who is to be enrolled, and a stranger at the
//! door is not to be reported as unknown because he is being enrolled.

use std::time::Duration;

use ostiary_common::wire::{
    EnrollProgress, EnrollResult, EnrollShot, EnrollStart, EnrollState, LivenessPolicy, LivenessReport,
    MAX_ENROLL_SHOT_BYTES,
};
use ostiary_models::detect::DetectedFace;
use ostiary_models::frame::RgbImage;
use ostiary_models::guided::{Advice, Glance, Guide, GuideRules, Seen, Shot, State, only_face};

use super::crop;
use crate::ports::{FaceFinder, FinderError, Frame};
use crate::shared::Shared;

/// Between two looks: ten a second are plenty, and leave a board its breath.
const LOOK_EVERY: Duration = Duration::from_millis(90);
/// Between two words on how it goes, unless something happened.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// The longest side of a look's picture, pixels.
const SHOT_SIDE: u32 = 640;
/// How much of the surroundings it shows, in sizes of the face: enough to be found again.
const SHOT_ROOM: f32 = 2.0;

/// The session under way, if any.
#[derive(Default)]
pub struct Guided {
    session: Option<Session>,
}

struct Session {
    start: EnrollStart,
    guide: Guide<RgbImage>,
    looked: Option<Duration>,
    told: Option<Duration>,
}

impl Guided {
    /// Whether frames are for somebody to be enrolled now; begins and ends sessions as they are wanted.
    pub fn is_on(&mut self, at: Duration, shared: &Shared) -> bool {
        let wanted = shared.guiding.wanted_id();
        if self.session.as_ref().map(|session| session.start.id) != wanted {
            self.session = shared.guiding.wanted().map(|start| {
                tracing::info!(enrollment.id = %start.id, "enrollment {} begins", start.id);
                let guide = Guide::new(rules(&start, shared), at);
                Session { start, guide, looked: None, told: None }
            });
        }
        self.session.is_some()
    }

    /// Looks at a frame, if it is time to.
    pub fn look<F: FaceFinder>(&mut self, frame: &Frame, finder: &mut F, shared: &Shared) {
        let Some(session) = &mut self.session else { return };
        if session.looked.is_some_and(|then| frame.at.saturating_sub(then) < LOOK_EVERY) {
            return;
        }
        session.looked = Some(frame.at);
        let Ok(picture) = frame.picture.to_rgb() else {
            shared.telemetry.frames_bad.add_one();
            return;
        };
        let seen = match see(&picture, session.guide.rules(), finder) {
            Ok(seen) => seen,
            Err(error) => {
                shared.telemetry.inference_failures.add_one();
                tracing::debug!(%error, "inference failed: {error}");
                return;
            }
        };
        shared.telemetry.frames_processed.add_one();
        let advice = session.guide.take(frame.at, seen);
        session.tell(frame.at, &advice, shared);
        if advice.state != State::Open
            && let Some(session) = self.session.take()
        {
            session.end(&advice, shared);
        }
    }
}

impl Session {
    fn tell(&mut self, at: Duration, advice: &Advice, shared: &Shared) {
        let is_news = advice.taken.is_some() || advice.state != State::Open;
        if !is_news && self.told.is_some_and(|then| at.saturating_sub(then) < TELL_EVERY) {
            return;
        }
        self.told = Some(at);
        shared.guiding.say(EnrollProgress {
            id: self.start.id,
            state: state(advice.state),
            wanted: advice.wanted,
            taken: self.guide.shots().iter().map(|shot| shot.angle).collect(),
            problem: advice.problem.map(|problem| problem.as_str().to_owned()),
            hint: advice.hint.to_owned(),
            held: advice.held,
            quality: advice.quality.map(|quality| quality.summary()),
        });
        // The conversation wakes up by this.
        shared.outbox_changed.notify_one();
    }

    fn end(self, advice: &Advice, shared: &Shared) {
        let Self { start, guide, .. } = self;
        let rules = guide.rules().clone();
        let shots: Vec<EnrollShot> = guide.into_shots().iter().filter_map(shot).collect();
        tracing::info!(
            enrollment.id = %start.id,
            shots = shots.len(),
            "enrollment {} ends: {}",
            start.id,
            advice.state.as_str()
        );
        let policy = if rules.refuses_spoofs { LivenessPolicy::Block } else { LivenessPolicy::Report };
        let liveness = advice.liveness.filter(|live| live.enough).map(|live| LivenessReport {
            score: live.score,
            threshold: live.threshold,
            policy,
            cue: live.cue,
        });
        shared.guiding.end(EnrollResult {
            id: start.id,
            state: state(advice.state),
            detail: advice.hint.to_owned(),
            ended_at: shared.clock.now(0, 0).wall,
            shots,
            liveness,
        });
        shared.outbox_changed.notify_one();
    }
}

fn rules(start: &EnrollStart, shared: &Shared) -> GuideRules {
    let defaults = &shared.pack_defaults;
    let settings = shared.settings.load();
    let policy = settings.rules.policy;
    let mut rules = GuideRules {
        time_limit: Duration::from_secs(u64::from(start.time_limit_s)),
        // A camera gives frames all the time; that nobody stands there is not told by their absence.
        idle_limit: Duration::from_secs(u64::from(start.time_limit_s)),
        liveness: (policy != LivenessPolicy::Off).then_some(settings.rules.liveness),
        refuses_spoofs: policy == LivenessPolicy::Block,
        ..GuideRules::new(defaults.enroll_gate, defaults.decision)
    };
    if !start.angles.is_empty() {
        rules.angles.clone_from(&start.angles);
    }
    rules
}

fn see<F: FaceFinder>(picture: &RgbImage, rules: &GuideRules, finder: &mut F) -> Result<Seen<RgbImage>, FinderError> {
    let view = picture.view();
    let clear = finder.clear_score();
    let faces: Vec<DetectedFace> = finder.find(view)?.into_iter().filter(|face| face.score >= clear).collect();
    let face = match only_face(&faces) {
        Ok(face) => face,
        Err(count) => return Ok(Seen::no_single_face(count)),
    };
    let look = finder.look(view, &face, rules.liveness.is_some())?;
    let embedding = rules.wants_embedding(&look.quality).then(|| finder.embed(&look)).transpose()?;
    let keep = crop::cut_to(&view, &look.face.bbox, SHOT_ROOM, SHOT_SIDE);
    let glance = Glance { face: look.face, quality: look.quality, cues: look.cues, chip: look.chip, embedding, keep };
    Ok(Seen::One(Box::new(glance)))
}

fn shot(shot: &Shot<RgbImage>) -> Option<EnrollShot> {
    let jpeg = crate::convert::encode_jpeg(&shot.keep, MAX_ENROLL_SHOT_BYTES)?;
    Some(EnrollShot { angle: shot.angle, quality: shot.quality.summary(), jpeg: jpeg.into() })
}

const fn state(state: State) -> EnrollState {
    match state {
        State::Open => EnrollState::Running,
        State::Complete => EnrollState::Complete,
        State::AnotherFace => EnrollState::AnotherFace,
        State::SpoofSuspected => EnrollState::SpoofSuspected,
        State::TimedOut => EnrollState::TimedOut,
    }
}
