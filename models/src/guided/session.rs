//! The session: what a frame leads to.

use std::time::Duration;

use ostiary_common::wire::Angle;

use super::advice::{Advice, Problem, State, ask, farewell};
use super::hold::Hold;
use super::same::SameFace;
use super::{Glance, GuideRules, Seen, Shot, fit};
use crate::embed::Embedding;
use crate::liveness::{Liveness, LivenessTrack};
use crate::quality::FaceQuality;

/// Looks in a row at another face, after which the session is over.
const MOST_STRANGE: u32 = 3;

/// A guided capture.
#[derive(Debug)]
pub struct Guide<P> {
    rules: GuideRules,
    began: Duration,
    last_frame: Duration,
    state: State,
    same: SameFace,
    strange: u32,
    hold: Option<Hold<P>>,
    liveness: Option<LivenessTrack>,
    shots: Vec<Shot<P>>,
}

/// What came of one look.
struct Outcome {
    problem: Option<Problem>,
    hint: &'static str,
    taken: Option<Angle>,
}

impl<P> Guide<P> {
    /// Begins at `at`, on the time line of the frames.
    #[must_use]
    pub fn new(rules: GuideRules, at: Duration) -> Self {
        let liveness = rules.liveness.as_ref().map(LivenessTrack::new);
        let (state, same) = (State::Open, SameFace::default());
        Self { rules, began: at, last_frame: at, state, same, strange: 0, hold: None, liveness, shots: Vec::new() }
    }

    /// Takes in what the frame of `at` shows.
    pub fn take(&mut self, at: Duration, seen: Seen<P>) -> Advice {
        self.tick(at);
        if self.state != State::Open {
            return self.over(None);
        }
        self.last_frame = self.last_frame.max(at);
        let (outcome, quality) = match seen {
            Seen::Nobody => {
                self.same.lose(at);
                (self.stop(Problem::NoFace, "Show your face to the camera."), None)
            }
            Seen::Several(_) => {
                self.same.mingle();
                (self.stop(Problem::SeveralFaces, "One person only, please."), None)
            }
            Seen::One(glance) => {
                let quality = glance.quality;
                (self.look(at, *glance), Some(quality))
            }
        };
        if self.state != State::Open {
            return Advice { problem: outcome.problem, taken: outcome.taken, ..self.over(quality) };
        }
        self.advice(outcome, quality)
    }

    /// Time passes without a frame.
    pub fn tick(&mut self, at: Duration) -> State {
        let idle = at.saturating_sub(self.last_frame) > self.rules.idle_limit;
        if self.state == State::Open && (at > self.ends_at() || idle) {
            self.state = State::TimedOut;
        }
        self.state
    }

    /// How it stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// What it goes by.
    #[must_use]
    pub const fn rules(&self) -> &GuideRules {
        &self.rules
    }

    /// The looks taken so far.
    #[must_use]
    pub fn shots(&self) -> &[Shot<P>] {
        &self.shots
    }

    /// Ends with the looks taken; none if nothing may be made of them.
    #[must_use]
    pub fn into_shots(self) -> Vec<Shot<P>> {
        if self.state.is_usable() { self.shots } else { Vec::new() }
    }

    /// How it stands, without a frame.
    #[must_use]
    pub fn advice_now(&self) -> Advice {
        if self.state != State::Open {
            return self.over(None);
        }
        let hint = self.wanted().map_or("", ask);
        self.advice(Outcome { problem: None, hint, taken: None }, None)
    }

    /// The angle asked for.
    #[must_use]
    pub fn wanted(&self) -> Option<Angle> {
        self.rules.angles.iter().copied().find(|angle| self.is_missing(*angle))
    }

    /// Until when it goes on, on the time line of the frames.
    #[must_use]
    pub fn ends_at(&self) -> Duration {
        self.began + self.rules.time_limit
    }

    fn is_missing(&self, angle: Angle) -> bool {
        self.rules.angles.contains(&angle) && self.shots.iter().all(|shot| shot.angle != angle)
    }

    fn look(&mut self, at: Duration, glance: Glance<P>) -> Outcome {
        self.same.follow(at, glance.face.bbox);
        if let Some(track) = &mut self.liveness {
            track.observe(at, &glance.face, glance.cues.clone());
        }
        if let Some(flaw) = fit::flaw(&glance.quality, &self.rules.gate) {
            return self.stop(Problem::Quality(flaw), glance.quality.hint(flaw));
        }
        let Some(embedding) = glance.embedding.clone() else {
            return self.stop(Problem::Quality(ostiary_common::wire::UnusableReason::Other), "Look at the camera.");
        };
        if !self.is_same(&glance.quality, &embedding) {
            return self.stop(Problem::AnotherFace, "One person only, please.");
        }
        let wanted = self.wanted().unwrap_or(Angle::Frontal);
        // A side may come before the one asked for, but nothing comes before the front, which says who it is.
        let shown = fit::shown(&glance.quality.head).filter(|angle| match wanted {
            Angle::Frontal => *angle == Angle::Frontal,
            _ => self.is_missing(*angle),
        });
        match shown {
            Some(angle) => self.hold(angle, at, glance, embedding),
            None => self.stop(Problem::WrongAngle, fit::way(&glance.quality.head, wanted)),
        }
    }

    /// Whether it is the face of this session; until something was taken, whoever stays there is.
    fn is_same(&mut self, quality: &FaceQuality, embedding: &Embedding) -> bool {
        if self.same.admits(&quality.head, embedding, &self.rules) {
            self.strange = 0;
            return true;
        }
        self.strange += 1;
        if self.strange >= MOST_STRANGE && self.shots.is_empty() {
            self.same.forget();
            self.strange = 0;
            if let Some(rules) = &self.rules.liveness {
                self.liveness = Some(LivenessTrack::new(rules));
            }
        } else if self.strange >= MOST_STRANGE {
            self.state = State::AnotherFace;
        }
        false
    }

    fn hold(&mut self, angle: Angle, at: Duration, glance: Glance<P>, embedding: Embedding) -> Outcome {
        let before = self.hold.take();
        let was_held = before.is_some();
        let hold = match before {
            Some(mut hold) if hold.continues(angle, at, &glance) => {
                hold.go_on(at, glance, embedding);
                hold
            }
            _ => {
                self.hold = Some(Hold::begin(angle, at, glance, embedding));
                let problem = was_held.then_some(Problem::Moving);
                return Outcome { problem, hint: "Hold still.", taken: None };
            }
        };
        if hold.share(&self.rules) < 1.0 {
            self.hold = Some(hold);
            return Outcome { problem: None, hint: "Hold still.", taken: None };
        }
        self.held(hold)
    }

    /// A pose was held long enough.
    fn held(&mut self, hold: Hold<P>) -> Outcome {
        if self.rules.refuses_spoofs && self.liveness().is_some_and(|live| live.is_suspected()) {
            self.state = State::SpoofSuspected;
            return Outcome { problem: Some(Problem::SpoofSuspected), hint: "", taken: None };
        }
        let shot = hold.into_best();
        let taken = Some(shot.angle);
        self.shots.push(shot);
        let Some(wanted) = self.wanted() else {
            self.state = State::Complete;
            return Outcome { problem: None, hint: "", taken };
        };
        Outcome { problem: None, hint: ask(wanted), taken }
    }

    /// Whatever was held is not any more.
    fn stop(&mut self, problem: Problem, hint: &'static str) -> Outcome {
        self.hold = None;
        Outcome { problem: Some(problem), hint, taken: None }
    }

    fn liveness(&self) -> Option<Liveness> {
        self.liveness.as_ref().map(LivenessTrack::verdict)
    }

    fn advice(&self, outcome: Outcome, quality: Option<FaceQuality>) -> Advice {
        let Outcome { problem, hint, taken } = outcome;
        let held = self.hold.as_ref().map_or(0.0, |hold| hold.share(&self.rules));
        let (state, wanted, liveness, ends_at) = (self.state, self.wanted(), self.liveness(), self.ends_at());
        Advice { state, wanted, taken, problem, hint, held, quality, liveness, ends_at }
    }

    fn over(&self, quality: Option<FaceQuality>) -> Advice {
        let outcome = Outcome { problem: None, hint: farewell(self.state), taken: None };
        Advice { wanted: None, ..self.advice(outcome, quality) }
    }
}
