//! What is told to the person in front of the camera, and to programs.

use std::time::Duration;

use ostiary_common::wire::{Angle, UnusableReason};

use crate::liveness::Liveness;
use crate::quality::FaceQuality;

/// How a capture stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Frames are wanted.
    Open,
    /// Every angle was taken.
    Complete,
    /// Somebody else came before the camera; nothing is to be made of what was taken.
    AnotherFace,
    /// What stands there does not look alive; nothing is to be made of what was taken.
    SpoofSuspected,
    /// Time is over.
    TimedOut,
}

impl State {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::AnotherFace => "another-face",
            Self::SpoofSuspected => "spoof-suspected",
            Self::TimedOut => "timed-out",
        }
    }

    /// Whether templates may be made of what was taken so far.
    #[must_use]
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Open | Self::Complete | Self::TimedOut)
    }
}

/// What keeps a frame from being taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Nobody is there.
    NoFace,
    /// More than one face could be meant.
    SeveralFaces,
    /// The look is not good enough.
    Quality(UnusableReason),
    /// The head is turned another way than asked.
    WrongAngle,
    /// The head moves.
    Moving,
    /// It is another face than before.
    AnotherFace,
    /// It does not look alive.
    SpoofSuspected,
}

impl Problem {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoFace => "no-face",
            Self::SeveralFaces => "several-faces",
            Self::WrongAngle => "wrong-angle",
            Self::Moving => "moving",
            Self::AnotherFace => "another-face",
            Self::SpoofSuspected => "spoof-suspected",
            Self::Quality(reason) => match reason {
                UnusableReason::TooSmall => "too-small",
                UnusableReason::TooDark => "too-dark",
                UnusableReason::TooBright => "too-bright",
                UnusableReason::Blurred => "blurred",
                UnusableReason::Occluded => "occluded",
                UnusableReason::TurnedAway => "turned-away",
                _ => "quality-too-low",
            },
        }
    }
}

/// The answer to a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// How the capture stands.
    pub state: State,
    /// The angle asked for next; `None` once there is none.
    pub wanted: Option<Angle>,
    /// The angle that was taken with this frame.
    pub taken: Option<Angle>,
    /// What keeps this frame from being taken.
    pub problem: Option<Problem>,
    /// What to tell the person.
    pub hint: &'static str,
    /// How much of the time a pose is to be held has passed, 0 to 1.
    pub held: f32,
    /// What was measured on the face, if there was one.
    pub quality: Option<FaceQuality>,
    /// How live it looks so far, if that is looked at.
    pub liveness: Option<Liveness>,
    /// Until when the capture goes on, on the time line of the frames.
    pub ends_at: Duration,
}

/// What to tell the person who is to show an angle.
pub(super) const fn ask(wanted: Angle) -> &'static str {
    match wanted {
        Angle::Frontal | Angle::Unknown => "Look straight at the camera.",
        Angle::Left => "Turn your head slowly to your left.",
        Angle::Right => "Turn your head slowly to your right.",
    }
}

/// What to tell the person when it is over.
pub(super) const fn farewell(state: State) -> &'static str {
    match state {
        State::Open => "",
        State::Complete => "Done, thank you.",
        State::AnotherFace => "Somebody else came before the camera. Begin again, one person only.",
        State::SpoofSuspected => "This does not look like a living face. Begin again without a picture or mask.",
        State::TimedOut => "The time is over. Begin again when you are ready.",
    }
}
