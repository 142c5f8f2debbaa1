//! Somebody being enrolled at a door: what was asked, and how far it is.
//!
//! ```text
//! sent --progress--> running --result--> done | failed
//!   |                   |
//!   +--- time is over --+--> expired --result, late--> done | failed
//!   +--- asked to ------+--> cancelled
//! ```

use std::time::Duration;

use ostiary_common::ids::{DeviceId, EnrollmentId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::EnrollState;

/// How long after the end of its time a device may still say how a session ended, before that is taken for lost. What
/// it says later is taken all the same: it may have been without network.
pub const GRACE: Duration = Duration::from_secs(15);
/// How long what became of enrollments is kept.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// How far an enrollment at a door is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DoorState {
    /// The device was asked.
    Sent,
    /// Somebody is guided.
    Running,
    /// Templates were made.
    Done,
    /// Nothing was made of it; the detail says why.
    Failed,
    /// It was stopped.
    Cancelled,
    /// The device has not said how it ended.
    Expired,
}

impl DoorState {
    /// Every state.
    pub const ALL: [Self; 6] = [Self::Sent, Self::Running, Self::Done, Self::Failed, Self::Cancelled, Self::Expired];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether a session may be under way.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Sent | Self::Running)
    }

    /// Whether what a device says of its end still counts.
    #[must_use]
    pub const fn takes_result(self) -> bool {
        matches!(self, Self::Sent | Self::Running | Self::Expired)
    }
}

/// Somebody being enrolled at a door.
#[derive(Clone, Debug, PartialEq)]
pub struct DoorEnrollment {
    /// Its id.
    pub id: EnrollmentId,
    /// By which device.
    pub device: DeviceId,
    /// Who.
    pub person: PersonId,
    /// Who asked for it, as the audit log names them.
    pub asked_by: String,
    /// When.
    pub asked_at: UnixMillis,
    /// Not begun any more after this.
    pub not_after: UnixMillis,
    /// Taken for lost after this.
    pub ends_by: UnixMillis,
    /// How far it is.
    pub state: DoorState,
    /// What is to be said of that: a stable word, or nothing.
    pub detail: String,
    /// Templates that were made.
    pub templates: u32,
    /// When the state changed last.
    pub changed_at: UnixMillis,
}

/// What a session's end is to be said of, where no templates can be made of it: a stable word.
#[must_use]
pub const fn failure(state: EnrollState) -> Option<&'static str> {
    match state {
        // What was taken in time may be used.
        EnrollState::Complete | EnrollState::TimedOut => None,
        EnrollState::AnotherFace => Some("another-face"),
        EnrollState::SpoofSuspected => Some("spoof-suspected"),
        EnrollState::Refused => Some("refused"),
        EnrollState::Cancelled => Some("cancelled"),
        EnrollState::Running | EnrollState::Other => Some("unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_ends_are_final() {
        for state in DoorState::ALL {
            assert_eq!(DoorState::parse(state.as_str()), Some(state));
            assert!(!state.is_open() || state.takes_result());
        }
        assert_eq!(DoorState::parse("gone"), None);
        let taking: Vec<_> = DoorState::ALL.into_iter().filter(|state| state.takes_result()).collect();
        assert_eq!(taking, [DoorState::Sent, DoorState::Running, DoorState::Expired]);
    }
}
