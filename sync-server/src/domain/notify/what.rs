//! The kinds of things people are told of.

use crate::domain::access::Permission;

/// What somebody is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// A face of nobody in the gallery, at a door.
    Unknown,
    /// Somebody of the gallery, at a door.
    Seen,
    /// Somebody who was not seen by a time of day.
    Absent,
    /// A picture, a screen or a mask, at a door.
    Spoof,
    /// A device went without a word.
    DeviceLost,
    /// It is back.
    DeviceRecovered,
    /// A camera gives no pictures, or nothing can be seen on them.
    CameraTrouble,
    /// It sees again.
    CameraRecovered,
    /// Something else is wrong with a device: it is hot, its clock is not set, its memory grows.
    DeviceTrouble,
    /// A job ended well.
    JobDone,
    /// A job failed.
    JobFailed,
    /// A disk of the server is running full.
    Disk,
    /// A certificate ends soon.
    Certificate,
    /// Recognition got worse than it is to be.
    Accuracy,
    /// Somebody logged in from where they never did before.
    NewPlace,
    /// Another part of the server does not work as it should.
    Server,
    /// Somebody was named in a conversation.
    Mention,
}

impl What {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::Unknown,
        Self::Seen,
        Self::Absent,
        Self::Spoof,
        Self::DeviceLost,
        Self::DeviceRecovered,
        Self::CameraTrouble,
        Self::CameraRecovered,
        Self::DeviceTrouble,
        Self::JobDone,
        Self::JobFailed,
        Self::Disk,
        Self::Certificate,
        Self::Accuracy,
        Self::NewPlace,
        Self::Server,
        Self::Mention,
    ];

    /// The kind's name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Seen => "seen",
            Self::Absent => "absent",
            Self::Spoof => "spoof_suspected",
            Self::DeviceLost => "device_lost",
            Self::DeviceRecovered => "device_recovered",
            Self::CameraTrouble => "camera_trouble",
            Self::CameraRecovered => "camera_recovered",
            Self::DeviceTrouble => "device_trouble",
            Self::JobDone => "job_done",
            Self::JobFailed => "job_failed",
            Self::Disk => "disk",
            Self::Certificate => "certificate",
            Self::Accuracy => "accuracy",
            Self::NewPlace => "new_place",
            Self::Server => "server",
            Self::Mention => "mention",
        }
    }

    /// The kind in words, as a message begins.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown visitor",
            Self::Seen => "Person seen",
            Self::Absent => "Person not seen",
            Self::Spoof => "Suspected spoof",
            Self::DeviceLost => "Device lost",
            Self::DeviceRecovered => "Device back",
            Self::CameraTrouble => "Camera sees nothing",
            Self::CameraRecovered => "Camera sees again",
            Self::DeviceTrouble => "Device in trouble",
            Self::JobDone => "Job done",
            Self::JobFailed => "Job failed",
            Self::Disk => "Disk running full",
            Self::Certificate => "Certificate ends soon",
            Self::Accuracy => "Recognition got worse",
            Self::NewPlace => "Log-in from a new place",
            Self::Server => "Server in trouble",
            Self::Mention => "You were mentioned",
        }
    }

    /// Reads a kind's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.as_str() == text)
    }

    /// What one must be permitted, at the place it happened, to be told of it.
    #[must_use]
    pub const fn needs(self) -> Permission {
        match self {
            Self::Unknown | Self::Spoof | Self::Mention => Permission::EventsRead,
            Self::Seen | Self::Absent => Permission::PersonsRead,
            Self::DeviceLost
            | Self::DeviceRecovered
            | Self::CameraTrouble
            | Self::CameraRecovered
            | Self::DeviceTrouble => Permission::DevicesRead,
            Self::JobDone | Self::JobFailed => Permission::PersonsManage,
            Self::Disk | Self::Certificate | Self::Accuracy | Self::Server => Permission::HealthRead,
            Self::NewPlace => Permission::UsersRead,
        }
    }

    /// Whether it tells who somebody is, so that a picture or a name may come with it.
    #[must_use]
    pub const fn is_about_persons(self) -> bool {
        matches!(self, Self::Seen | Self::Absent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for what in What::ALL {
            assert_eq!(What::parse(what.as_str()), Some(what));
        }
        assert_eq!(What::parse("everything"), None);
    }
}
