//! Enrolling at a door: what is kept of it, what devices say of it, and what they are told.

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, EnrollmentId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::DeviceRoot;
use ostiary_common::wire::{EnrollAck, EnrollCancel, EnrollProgress, EnrollResult, EnrollStart};
use tokio::sync::mpsc;

use super::StoreError;
use crate::domain::enrollment::{DoorEnrollment, DoorState};

/// A change of an enrollment's state.
#[derive(Clone, Debug)]
pub struct StateChange {
    /// Which.
    pub id: EnrollmentId,
    /// Only from these states.
    pub from: &'static [DoorState],
    /// To this one.
    pub to: DoorState,
    /// What is to be said of it.
    pub detail: String,
    /// Templates that were made.
    pub templates: u32,
    /// When.
    pub now: UnixMillis,
}

/// What is kept of enrollments at doors.
#[async_trait]
pub trait EnrollmentStore: Send + Sync {
    /// Adds one, and forgets those of long before it.
    async fn add_enrollment(&self, enrollment: &DoorEnrollment) -> Result<(), StoreError>;
    /// One.
    async fn enrollment(&self, id: EnrollmentId) -> Result<Option<DoorEnrollment>, StoreError>;
    /// A device's, the newest first, at most `limit`.
    async fn enrollments(&self, device: DeviceId, limit: u32) -> Result<Vec<DoorEnrollment>, StoreError>;
    /// Changes the state; `false` if it was in none of those it may be changed from, or is not there.
    async fn put_enrollment_state(&self, change: &StateChange) -> Result<bool, StoreError>;
    /// Takes those for lost whose time is over, and returns their ids.
    async fn expire_enrollments(&self, now: UnixMillis) -> Result<Vec<EnrollmentId>, StoreError>;
}

/// What a device says of an enrollment.
#[derive(Clone, Debug)]
pub enum DoorWord {
    /// How it goes.
    Progress(DeviceRoot, EnrollProgress),
    /// How it ended; `session` is the last one heard of the device.
    Result(DeviceRoot, u64, EnrollResult),
}

/// Where devices' words are handed over. Full means that they come faster than they are dealt with: progress is dropped,
/// results come again.
pub type DoorEar = mpsc::Sender<DoorWord>;

/// What a device is told.
#[derive(Clone, Debug)]
pub enum EnrollSay {
    /// Begin.
    Start(EnrollStart),
    /// Stop.
    Cancel(EnrollCancel),
    /// What came is dealt with.
    Ack(EnrollAck),
}

/// Something to be told to a device.
#[derive(Clone, Debug)]
pub struct EnrollOrder {
    /// To whom.
    pub root: DeviceRoot,
    /// The last session heard of it.
    pub session: u64,
    /// What.
    pub say: EnrollSay,
}
