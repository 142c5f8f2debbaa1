//! A device's life beyond its claim: moves, replacement, certificates, and how an old memory is recognised. Pure.

use ostiary_common::identity::Standing;
use ostiary_common::ids::{DeviceId, DoorId, SiteId};
use ostiary_common::time::UnixMillis;

use super::device::Device;

/// What is known of a device's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceLife {
    /// Since when it watches its door; `None` for since it was made.
    pub placed_at: Option<UnixMillis>,
    /// When it was revoked.
    pub revoked_at: Option<UnixMillis>,
    /// The device whose place it took.
    pub replaces: Option<DeviceId>,
    /// The device that took its place.
    pub replaced_by: Option<DeviceId>,
}

/// Where a device was until it was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormerPosting {
    /// Until then.
    pub until: UnixMillis,
    /// Its site then.
    pub site: SiteId,
    /// Its door then.
    pub door: DoorId,
}

/// A certificate's serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateSerial(pub [u8; 16]);

/// A client certificate a device was given.
#[derive(Clone, Copy, Debug)]
pub struct DeviceCertificate {
    /// Its serial number.
    pub serial: CertificateSerial,
    /// Whose.
    pub device: DeviceId,
    /// Given at.
    pub issued_at: UnixMillis,
    /// Not valid from here on.
    pub ends_at: UnixMillis,
}

/// A certificate that is no longer good though it has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedCertificate {
    /// Its serial number.
    pub serial: CertificateSerial,
    /// Since when.
    pub at: UnixMillis,
}

/// In what a device's memory is behind the server's of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// The server stored higher numbers of the stream than the device has given.
    Stream {
        /// The highest number stored.
        stored: u64,
        /// The last number the device knows of.
        known: u64,
    },
    /// The server has seen a later session.
    Session {
        /// The latest session seen.
        seen: u64,
        /// The last session the device knows of.
        known: u64,
    },
    /// The device said before that it holds a later gallery.
    Gallery {
        /// The revision it said.
        held: u64,
        /// The revision it holds.
        known: u64,
    },
}

impl std::fmt::Display for Behind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stream { stored, known } => write!(f, "events up to {stored} are stored, it has given {known}"),
            Self::Session { seen, known } => write!(f, "session {seen} was seen, it knows of {known}"),
            Self::Gallery { held, known } => write!(f, "it held revision {held}, now it holds {known}"),
        }
    }
}

/// Whether a device's memory is older than what the server has of it, as after an old image of its card was put back.
/// `stored`: the highest number stored of the stream it stands in.
///
/// A device that holds no gallery at all says nothing by that: it may have another model pack.
pub fn behind(device: &Device, standing: &Standing, stored: u64) -> Option<Behind> {
    let Standing { session, last_seq, gallery_rev, .. } = *standing;
    if stored > last_seq {
        return Some(Behind::Stream { stored, known: last_seq });
    }
    if device.presence.session > session {
        return Some(Behind::Session { seen: device.presence.session, known: session });
    }
    let held = device.held.map_or(0, |held| held.rev.0);
    (gallery_rev.0 > 0 && held > gallery_rev.0).then_some(Behind::Gallery { held, known: gallery_rev.0 })
}

/// What a replaced device is called from now on, so that its successor can have its name. At most as long as a name may
/// be.
pub fn name_when_replaced(name: &str, at: UnixMillis) -> String {
    let suffix = format!(" (replaced {})", at.to_rfc3339());
    let room = super::name::MAX_NAME_CHARS.saturating_sub(suffix.chars().count());
    let kept: String = name.chars().take(room).collect();
    format!("{kept}{suffix}")
}

#[cfg(test)]
mod tests {
    use ostiary_common::digest::GalleryDigest;
    use ostiary_common::ids::StreamId;
    use ostiary_common::wire::Revision;

    use super::super::device::{Door, HeldGallery};
    use super::*;

    fn device(session: u64, held: Option<u64>) -> Device {
        let door =
            Door { id: DoorId::generate(), site: SiteId::generate(), name: "x".into(), created_at: UnixMillis(0) };
        let mut device = Device::pending(DeviceId::generate(), "cam".into(), &door, UnixMillis(0));
        device.presence.session = session;
        device.held = held.map(|rev| HeldGallery {
            rev: Revision(rev),
            digest: GalleryDigest::default(),
            persons: 0,
            templates: 0,
            at: UnixMillis(0),
        });
        device
    }

    #[test]
    fn an_old_memory_is_recognised_and_a_new_or_present_one_is_not() {
        let check = |server: (u64, u64, Option<u64>), (last_seq, session, rev): (u64, u64, u64), expected| {
            let (stored, seen, held) = server;
            let standing = Standing { session, stream: StreamId::generate(), last_seq, gallery_rev: Revision(rev) };
            assert_eq!(behind(&device(seen, held), &standing, stored), expected, "{server:?} {standing:?}");
        };
        check((0, 0, None), (0, 0, 0), None);
        check((10, 4, Some(7)), (10, 4, 7), None);
        check((10, 4, Some(7)), (12, 5, 9), None);
        check((10, 4, Some(7)), (9, 4, 7), Some(Behind::Stream { stored: 10, known: 9 }));
        check((10, 4, Some(7)), (10, 3, 7), Some(Behind::Session { seen: 4, known: 3 }));
        check((10, 4, Some(7)), (10, 4, 6), Some(Behind::Gallery { held: 7, known: 6 }));
        check((10, 4, Some(7)), (10, 4, 0), None);
    }

    #[test]
    fn a_replaced_device_gives_up_its_name() {
        let at = UnixMillis(1_790_000_000_000);
        let check = |name: &str| {
            let renamed = name_when_replaced(name, at);
            assert!(renamed.chars().count() <= super::super::name::MAX_NAME_CHARS, "{renamed}");
            assert!(renamed.contains("(replaced 2026-"), "{renamed}");
            assert_ne!(renamed, name);
        };
        check("cam-1");
        check(&"ü".repeat(100));
    }
}
