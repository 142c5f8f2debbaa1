//! An active challenge for enrollment: the person is asked to turn, nod or come closer, and must be seen doing
//! it, as the same person, in time. A still copy cannot; a recording does not know what will be asked.
//!
//! Pure: the caller draws the steps at random, gives each look, and shows [`Progress::hint`].

use std::time::Duration;

use crate::quality::HeadPose;

/// What is asked for. Left and right are the person's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Turn the head to the left.
    TurnLeft,
    /// Turn the head to the right.
    TurnRight,
    /// Lower the head and raise it again.
    Nod,
    /// Come closer.
    Closer,
}

/// What a challenge goes by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChallengeRules {
    /// A turn, from where the head was at the step's beginning, in degrees.
    pub turn_deg: f32,
    /// A nod, in degrees.
    pub nod_deg: f32,
    /// Width of the face over its width at the step's beginning.
    pub closer: f32,
    /// How frontal a head must be before a step begins, in degrees of yaw and pitch.
    pub frontal_deg: f32,
    /// Least similarity (cosine) of a look to the first one.
    pub same_person: f32,
    /// Time for each step.
    pub step_time: Duration,
    /// The longest time without a face.
    pub absence: Duration,
}

impl Default for ChallengeRules {
    fn default() -> Self {
        Self {
            turn_deg: 18.0,
            nod_deg: 12.0,
            closer: 1.25,
            frontal_deg: 12.0,
            same_person: 0.85,
            step_time: Duration::from_secs(8),
            absence: Duration::from_millis(700),
        }
    }
}

/// One look at the person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// The frame's time.
    pub at: Duration,
    /// Where the head is turned to.
    pub head: HeadPose,
    /// Width of the face in camera pixels.
    pub face_px: f32,
    /// Similarity (cosine) to the first look, where this look was embedded.
    pub similarity: Option<f32>,
}

/// Why a challenge failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A step was not done in time.
    TooSlow,
    /// The face was gone.
    Lost,
    /// Somebody else came into the picture.
    AnotherPerson,
    /// The head turned the other way than asked: a recording, or a misunderstanding.
    WrongWay,
    /// Done, but no look was compared with the first: who did it is not known.
    Unproven,
}

/// Where a challenge stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The person must look straight into the camera before the step begins.
    Straight(Step),
    /// The step is asked for.
    Asked(Step),
    /// All steps were done by the same person.
    Passed,
    /// It is over.
    Failed(Failure),
}

impl Progress {
    /// What to tell the person.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Straight(_) => "Look straight into the camera.",
            Self::Asked(Step::TurnLeft) => "Turn your head to the left.",
            Self::Asked(Step::TurnRight) => "Turn your head to the right.",
            Self::Asked(Step::Nod) => "Nod once.",
            Self::Asked(Step::Closer) => "Come closer.",
            Self::Passed => "Thank you.",
            Self::Failed(Failure::TooSlow | Failure::WrongWay) => "That did not work: let us try again.",
            Self::Failed(Failure::Lost) => "Stay in the picture, please.",
            Self::Failed(Failure::AnotherPerson | Failure::Unproven) => "One person only, please.",
        }
    }
}

/// The state of one challenge.
#[derive(Clone, Debug)]
pub struct Challenge {
    rules: ChallengeRules,
    /// Steps to come, the next one last.
    steps: Vec<Step>,
    stage: Stage,
    since: Duration,
    last_seen: Duration,
    compared: bool,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Waiting for a frontal look.
    Straight(Step),
    /// The step began with this look; a nod has two halves.
    Asked {
        step: Step,
        began: Look,
        lowered: bool,
    },
    Over(Progress),
}

impl Challenge {
    /// A challenge of these steps, in order, that begins at `now`; passed at once if there are none.
    #[must_use]
    pub fn new(rules: ChallengeRules, steps: &[Step], now: Duration) -> Self {
        let mut steps: Vec<Step> = steps.iter().rev().copied().collect();
        let stage = steps.pop().map_or(Stage::Over(Progress::Passed), Stage::Straight);
        Self { rules, steps, stage, since: now, last_seen: now, compared: false }
    }

    /// Where it stands.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        match self.stage {
            Stage::Straight(step) => Progress::Straight(step),
            Stage::Asked { step, .. } => Progress::Asked(step),
            Stage::Over(progress) => progress,
        }
    }

    /// Takes in that time passed without a look.
    pub fn waited(&mut self, now: Duration) -> Progress {
        if !matches!(self.stage, Stage::Over(_)) {
            if now.saturating_sub(self.last_seen) > self.rules.absence {
                self.fail(Failure::Lost);
            } else if now.saturating_sub(self.since) > self.rules.step_time {
                self.fail(Failure::TooSlow);
            }
        }
        self.progress()
    }

    /// Takes in a look.
    pub fn saw(&mut self, look: &Look) -> Progress {
        self.waited(look.at);
        self.last_seen = self.last_seen.max(look.at);
        if let Some(similarity) = look.similarity {
            self.compared = true;
            if similarity < self.rules.same_person && !matches!(self.stage, Stage::Over(_)) {
                self.fail(Failure::AnotherPerson);
            }
        }
        match self.stage {
            Stage::Straight(step) if self.is_frontal(look) => {
                self.begin(Stage::Asked { step, began: *look, lowered: false }, look.at);
            }
            Stage::Asked { step, began, lowered } => self.asked(step, began, lowered, look),
            Stage::Straight(_) | Stage::Over(_) => {}
        }
        self.progress()
    }

    fn asked(&mut self, step: Step, began: Look, lowered: bool, look: &Look) {
        let left = look.head.yaw - began.head.yaw;
        let down = look.head.pitch - began.head.pitch;
        let rules = &self.rules;
        match step {
            Step::TurnLeft if left >= rules.turn_deg => self.done(look.at),
            Step::TurnRight if left <= -rules.turn_deg => self.done(look.at),
            Step::TurnLeft if left <= -rules.turn_deg => self.fail(Failure::WrongWay),
            Step::TurnRight if left >= rules.turn_deg => self.fail(Failure::WrongWay),
            Step::Nod if lowered && down <= rules.nod_deg / 2.0 => self.done(look.at),
            Step::Nod if !lowered && down >= rules.nod_deg => self.stage = Stage::Asked { step, began, lowered: true },
            Step::Closer if look.face_px >= began.face_px * rules.closer => self.done(look.at),
            Step::TurnLeft | Step::TurnRight | Step::Nod | Step::Closer => {}
        }
    }

    fn is_frontal(&self, look: &Look) -> bool {
        look.head.yaw.abs() <= self.rules.frontal_deg && look.head.pitch.abs() <= self.rules.frontal_deg
    }

    fn done(&mut self, now: Duration) {
        match self.steps.pop() {
            Some(step) => self.begin(Stage::Straight(step), now),
            None if self.compared => self.stage = Stage::Over(Progress::Passed),
            None => self.fail(Failure::Unproven),
        }
    }

    const fn begin(&mut self, stage: Stage, now: Duration) {
        self.stage = stage;
        self.since = now;
    }

    const fn fail(&mut self, failure: Failure) {
        self.stage = Stage::Over(Progress::Failed(failure));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A look every 200 ms: yaw, pitch, width, similarity.
    type Seen = (f32, f32, f32, f32);
    const STRAIGHT: Seen = (1.0, 2.0, 100.0, 0.97);

    fn run(steps: &[Step], looks: &[Seen]) -> Progress {
        let mut challenge = Challenge::new(ChallengeRules::default(), steps, Duration::ZERO);
        for (index, (yaw, pitch, face_px, similarity)) in looks.iter().enumerate() {
            let head = HeadPose { yaw: *yaw, pitch: *pitch, roll: 0.0 };
            let at = Duration::from_millis(200 * index as u64);
            challenge.saw(&Look { at, head, face_px: *face_px, similarity: Some(*similarity) });
        }
        challenge.progress()
    }

    #[test]
    fn every_step_is_seen_done() {
        let check = |steps: &[Step], looks: &[Seen], expected: Progress| {
            assert_eq!(run(steps, looks), expected, "{steps:?} {looks:?}");
        };
        let (left, right) = ((25.0, 2.0, 100.0, 0.9), (-25.0, 2.0, 100.0, 0.9));
        let (down, near) = ((1.0, 20.0, 100.0, 0.93), (1.0, 2.0, 130.0, 0.97));
        check(&[], &[], Progress::Passed);
        check(&[Step::TurnLeft], &[STRAIGHT, left], Progress::Passed);
        check(&[Step::TurnLeft], &[left, left], Progress::Straight(Step::TurnLeft));
        check(&[Step::TurnLeft], &[STRAIGHT, STRAIGHT], Progress::Asked(Step::TurnLeft));
        check(&[Step::TurnRight], &[STRAIGHT, left], Progress::Failed(Failure::WrongWay));
        check(&[Step::TurnRight, Step::Nod], &[STRAIGHT, right], Progress::Straight(Step::Nod));
        check(&[Step::TurnRight, Step::Nod], &[STRAIGHT, right, STRAIGHT, down, STRAIGHT], Progress::Passed);
        check(&[Step::Nod], &[STRAIGHT, down, down], Progress::Asked(Step::Nod));
        check(&[Step::Closer], &[STRAIGHT, near], Progress::Passed);
    }

    #[test]
    fn a_still_copy_another_person_and_an_absence_fail() {
        let still = vec![STRAIGHT; 60];
        assert_eq!(run(&[Step::TurnLeft], &still), Progress::Failed(Failure::TooSlow));
        let other = [STRAIGHT, (25.0, 2.0, 100.0, 0.6)];
        assert_eq!(run(&[Step::TurnLeft], &other), Progress::Failed(Failure::AnotherPerson));
        let mut gone = Challenge::new(ChallengeRules::default(), &[Step::Closer], Duration::ZERO);
        assert_eq!(gone.waited(Duration::from_millis(600)), Progress::Straight(Step::Closer));
        assert_eq!(gone.waited(Duration::from_millis(800)), Progress::Failed(Failure::Lost));
    }

    #[test]
    fn nobody_passes_without_having_been_compared() {
        let mut challenge = Challenge::new(ChallengeRules::default(), &[Step::TurnLeft], Duration::ZERO);
        for (at, yaw) in [(0, 0.0), (200, 25.0)] {
            let head = HeadPose { yaw, pitch: 0.0, roll: 0.0 };
            challenge.saw(&Look { at: Duration::from_millis(at), head, face_px: 100.0, similarity: None });
        }
        assert_eq!(challenge.progress(), Progress::Failed(Failure::Unproven));
    }

    #[test]
    fn a_finished_challenge_stays_as_it_is() {
        let mut passed = vec![STRAIGHT, (25.0, 2.0, 100.0, 0.9)];
        passed.extend(vec![(0.0, 0.0, 100.0, 0.1); 60]);
        assert_eq!(run(&[Step::TurnLeft], &passed), Progress::Passed);
    }
}
