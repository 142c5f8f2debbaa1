//! What the HTTP side asks of the side that talks to devices.

use ostiary_common::ids::DeviceId;
use ostiary_common::topics::{CommandKind, DeviceRoot};
use ostiary_common::wire::{Command, Revision};

use super::door_enrollment::EnrollOrder;

/// A command on its way to a device.
#[derive(Clone, Debug)]
pub struct CommandOrder {
    /// To whom.
    pub root: DeviceRoot,
    /// The last session heard of it.
    pub session: u64,
    /// What to do.
    pub kind: CommandKind,
    /// Its id, and until when.
    pub command: Command,
}

/// What the HTTP side asks of the side that talks to devices. None of it blocks.
pub trait DeviceLink: Send + Sync {
    /// The gallery has a new revision: tell devices to come and get it.
    fn gallery_changed(&self, rev: Revision);
    /// A device's desired configuration has a new version.
    fn config_changed(&self, device: DeviceId);
    /// End a device's session: it is revoked, has moved, or another board has taken its place.
    fn kick(&self, device: DeviceId);
    /// Nobody is at this place among the topics any more: what brokers keep there is cleared.
    fn departed(&self, root: DeviceRoot);
    /// Sends a command; `false` if too many wait already.
    fn command(&self, order: CommandOrder) -> bool;
    /// Tells a device of an enrollment; `false` if too much waits already.
    fn enroll(&self, order: EnrollOrder) -> bool;
}
