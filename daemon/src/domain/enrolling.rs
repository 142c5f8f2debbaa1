//! Enrollments at this door: one at a time, begun once by id, its result kept until the server has dealt with it.

use std::collections::VecDeque;
use std::time::Duration;

use ostiary_common::ids::EnrollmentId;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{EnrollCancel, EnrollProgress, EnrollResult, EnrollStart, EnrollState};

/// Longest session, seconds, whatever is asked for.
const MOST_TIME_S: u32 = 180;
/// How long after a session's time the camera may still say how it ended.
const GRACE: Duration = Duration::from_secs(5);
/// Between attempts to hand over a result.
const AGAIN_AFTER: Duration = Duration::from_secs(20);
/// Ids remembered, so that a start that comes twice begins nothing.
const REMEMBERED: usize = 16;

/// What whoever watches says of a session.
#[derive(Clone, Debug, PartialEq)]
pub enum GuideWord {
    /// How it goes.
    Progress(EnrollProgress),
    /// How it ended.
    Result(EnrollResult),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum EnrollStep {
    /// Guide whoever comes before the camera.
    Guide(EnrollStart),
    /// Stop guiding.
    Stop(EnrollmentId),
    /// Tell how it goes, if that can be done now.
    Tell(EnrollProgress),
    /// Keep a result, then hand it over; [`Enrolling::kept`] is called with it.
    Keep(EnrollResult),
    /// Hand over a result.
    HandOver(EnrollResult),
    /// The result is dealt with: forget it.
    Forget,
}

/// Enrollments at this door.
#[derive(Debug, Default)]
pub struct Enrolling {
    running: Option<Running>,
    waiting: Option<EnrollResult>,
    known: VecDeque<EnrollmentId>,
    next: Option<Duration>,
    connected: bool,
}

#[derive(Debug)]
struct Running {
    id: EnrollmentId,
    ends: Duration,
}

impl Enrolling {
    /// Begins with a result that was kept.
    #[must_use]
    pub fn new(waiting: Option<EnrollResult>) -> Self {
        let known = waiting.iter().map(|result| result.id).collect();
        Self { waiting, known, ..Self::default() }
    }

    /// The server asks for a session. `time` is what is known of the server's time.
    pub fn start(&mut self, start: EnrollStart, now: Duration, time: Option<UnixMillis>) -> Option<EnrollStep> {
        if let Some(waiting) = self.waiting.as_ref().filter(|result| result.id == start.id) {
            return Some(EnrollStep::HandOver(waiting.clone()));
        }
        if self.known.contains(&start.id) {
            return None;
        }
        let at = time.unwrap_or(UnixMillis(0));
        if time.is_some_and(|time| time > start.not_after) {
            return Some(refused(start.id, at, "it came too late"));
        }
        if self.running.is_some() {
            return Some(refused(start.id, at, "another enrollment is under way at this door"));
        }
        if self.waiting.is_some() {
            return Some(refused(start.id, at, "the result of the enrollment before is not handed over yet"));
        }
        let start = EnrollStart { time_limit_s: start.time_limit_s.clamp(1, MOST_TIME_S), ..start };
        let ends = now + Duration::from_secs(u64::from(start.time_limit_s)) + GRACE;
        self.running = Some(Running { id: start.id, ends });
        self.remember(start.id);
        Some(EnrollStep::Guide(start))
    }

    /// The server has changed its mind.
    pub fn cancel(&mut self, cancel: &EnrollCancel) -> Option<EnrollStep> {
        let running = self.running.take_if(|running| running.id == cancel.id)?;
        Some(EnrollStep::Stop(running.id))
    }

    /// Whoever watches says something of a session.
    pub fn guided(&mut self, word: GuideWord) -> Option<EnrollStep> {
        let is_running = |id: EnrollmentId| self.running.as_ref().is_some_and(|running| running.id == id);
        match word {
            GuideWord::Progress(progress) => {
                (is_running(progress.id) && self.connected).then_some(EnrollStep::Tell(progress))
            }
            GuideWord::Result(result) => is_running(result.id).then_some(EnrollStep::Keep(result)),
        }
    }

    /// A result was kept, on disk or, if that refuses, in memory alone.
    pub fn kept(&mut self, result: EnrollResult, now: Duration) {
        self.running = None;
        self.waiting = Some(result);
        self.next = Some(now);
    }

    /// The server has dealt with a result.
    pub fn acknowledged(&mut self, id: EnrollmentId) -> Option<EnrollStep> {
        self.waiting.take_if(|result| result.id == id)?;
        self.next = None;
        Some(EnrollStep::Forget)
    }

    /// A connection stands.
    pub fn connected(&mut self, now: Duration) {
        self.connected = true;
        self.next = self.waiting.is_some().then_some(now);
    }

    /// The connection is gone.
    pub const fn disconnected(&mut self) {
        self.connected = false;
        self.next = None;
    }

    /// What is due at `now`.
    pub fn due(&mut self, now: Duration, wall: UnixMillis) -> Option<EnrollStep> {
        if let Some(running) = self.running.take_if(|running| now >= running.ends) {
            let result = ended(running.id, EnrollState::TimedOut, wall, "the camera said nothing of it in time");
            self.running = Some(running);
            return Some(EnrollStep::Keep(result));
        }
        let waiting = self.waiting.as_ref().filter(|_| self.connected && self.next.is_some_and(|next| now >= next))?;
        self.next = Some(now + AGAIN_AFTER);
        Some(EnrollStep::HandOver(waiting.clone()))
    }

    /// When something is due next.
    #[must_use]
    pub fn wake_at(&self) -> Option<Duration> {
        let ends = self.running.as_ref().map(|running| running.ends);
        ends.into_iter().chain(self.next).min()
    }

    fn remember(&mut self, id: EnrollmentId) {
        if self.known.len() == REMEMBERED {
            self.known.pop_front();
        }
        self.known.push_back(id);
    }
}

/// Said once: a refusal that is lost is made up for by the server's own time limit.
fn refused(id: EnrollmentId, at: UnixMillis, why: &str) -> EnrollStep {
    EnrollStep::HandOver(ended(id, EnrollState::Refused, at, why))
}

/// The result of a session of which nothing is to be made.
#[must_use]
pub fn ended(id: EnrollmentId, state: EnrollState, at: UnixMillis, detail: &str) -> EnrollResult {
    EnrollResult { id, state, detail: detail.to_owned(), ended_at: at, shots: Vec::new(), liveness: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> EnrollStart {
        let id = EnrollmentId::generate();
        EnrollStart { id, not_after: UnixMillis(1_000), time_limit_s: 30, angles: Vec::new() }
    }

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn done(id: EnrollmentId) -> EnrollResult {
        ended(id, EnrollState::Complete, UnixMillis(7), "")
    }

    fn why(step: Option<EnrollStep>) -> String {
        match step {
            Some(EnrollStep::HandOver(result)) if result.state == EnrollState::Refused => result.detail,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_session_is_begun_once_and_its_result_handed_over_until_it_is_dealt_with() {
        let mut door = Enrolling::new(None);
        door.connected(s(0));
        let asked = start();
        assert_eq!(door.start(asked.clone(), s(1), None), Some(EnrollStep::Guide(asked.clone())));
        assert_eq!(door.start(asked.clone(), s(2), None), None, "it came twice");
        assert_eq!(why(door.start(start(), s(2), None)), "another enrollment is under way at this door");
        let result = done(asked.id);
        assert_eq!(door.guided(GuideWord::Result(done(EnrollmentId::generate()))), None, "of another session");
        assert_eq!(door.guided(GuideWord::Result(result.clone())), Some(EnrollStep::Keep(result.clone())));
        door.kept(result.clone(), s(3));
        let handed = Some(EnrollStep::HandOver(result));
        assert_eq!(door.due(s(3), UnixMillis(0)), handed);
        assert_eq!(door.due(s(4), UnixMillis(0)), None);
        door.disconnected();
        assert_eq!(door.due(s(60), UnixMillis(0)), None, "nobody is there to take it");
        door.connected(s(61));
        assert_eq!(door.due(s(61), UnixMillis(0)), handed);
        assert_eq!(door.start(asked.clone(), s(62), None), handed, "the server asks again");
        assert_eq!(why(door.start(start(), s(62), None)), "the result of the enrollment before is not handed over yet");
        assert_eq!(door.acknowledged(EnrollmentId::generate()), None);
        assert_eq!(door.acknowledged(asked.id), Some(EnrollStep::Forget));
        assert_eq!(door.wake_at(), None);
        assert_eq!(door.start(asked, s(63), None), None, "done and dealt with");
        assert!(matches!(door.start(start(), s(63), None), Some(EnrollStep::Guide(_))));
    }

    #[test]
    fn too_late_is_refused_and_a_silent_camera_ends_in_time() {
        let mut door = Enrolling::new(None);
        assert_eq!(why(door.start(start(), s(0), Some(UnixMillis(1_001)))), "it came too late");
        let asked = start();
        door.start(asked.clone(), s(0), Some(UnixMillis(1_000))).unwrap();
        assert_eq!(door.wake_at(), Some(s(35)));
        assert_eq!(door.due(s(34), UnixMillis(5)), None);
        let Some(EnrollStep::Keep(result)) = door.due(s(35), UnixMillis(5)) else { panic!("it is over") };
        assert_eq!((result.state, result.id), (EnrollState::TimedOut, asked.id));
        door.kept(result, s(35));
        assert_eq!(door.guided(GuideWord::Result(done(asked.id))), None, "the late word of the camera");
    }

    #[test]
    fn a_result_outlives_a_restart_and_a_cancelled_session_leaves_none() {
        let kept = done(EnrollmentId::generate());
        let mut door = Enrolling::new(Some(kept.clone()));
        door.connected(s(1));
        assert_eq!(door.due(s(1), UnixMillis(0)), Some(EnrollStep::HandOver(kept)));
        let mut door = Enrolling::new(None);
        let asked = start();
        door.start(asked.clone(), s(0), None).unwrap();
        assert_eq!(door.cancel(&EnrollCancel { id: EnrollmentId::generate() }), None);
        assert_eq!(door.cancel(&EnrollCancel { id: asked.id }), Some(EnrollStep::Stop(asked.id)));
        assert_eq!(door.guided(GuideWord::Result(done(asked.id))), None);
        assert_eq!(door.wake_at(), None);
    }
}
