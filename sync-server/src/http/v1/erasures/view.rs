//! An erasure as the API shows it.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::erasure::{Erasure, ErasureDevice};

/// The removal of a person for good.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureView {
    /// Id.
    id: Uuid,
    /// The person: an id that stands for nobody any more.
    person: Uuid,
    /// `asked`; `expired`: the person's validity ended; or `withdrawn`: the consent was.
    #[schema(value_type = String)]
    reason: &'static str,
    /// A device that holds this gallery revision or a later one holds the person no more.
    revision: u64,
    /// When name, templates and key were deleted.
    key_destroyed_at: String,
    /// When events no longer told the person, and the database's log held no copy of the key any more.
    cleared_at: Option<String>,
    /// When nobody was outstanding any more.
    completed_at: Option<String>,
    /// How many events told of the person.
    events: u64,
    /// Devices that were claimed when the person was removed.
    devices: u64,
    /// Those that confirmed.
    confirmed: u64,
    /// Those not heard of since.
    waiting: u64,
    /// Those shut out before they confirmed.
    revoked: u64,
}

/// An erasure, device by device.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureDetail {
    /// The erasure.
    #[serde(flatten)]
    erasure: ErasureView,
    /// The devices, by name.
    device_states: Vec<DeviceStateView>,
}

/// How one device stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceStateView {
    /// The device.
    device: Uuid,
    /// Its name.
    name: String,
    /// `confirmed` with a signature, `unsigned` by an older daemon, `replaced` by a new unit that confirmed, `waiting`,
    /// or `revoked` before it confirmed.
    #[schema(value_type = String)]
    state: &'static str,
    /// When it confirmed.
    confirmed_at: Option<String>,
    /// The revision it held then.
    held_revision: Option<u64>,
}

impl From<&Erasure> for ErasureView {
    fn from(erasure: &Erasure) -> Self {
        let counts = erasure.counts;
        Self {
            id: erasure.id.0,
            person: erasure.person.0,
            reason: erasure.reason.as_str(),
            revision: erasure.rev.0,
            key_destroyed_at: erasure.at.to_rfc3339(),
            cleared_at: erasure.cleared_at.map(|at| at.to_rfc3339()),
            completed_at: erasure.completed_at.map(|at| at.to_rfc3339()),
            events: erasure.events,
            devices: counts.devices,
            confirmed: counts.confirmed,
            waiting: counts.waiting,
            revoked: counts.revoked,
        }
    }
}

impl ErasureDetail {
    /// An erasure with its devices.
    pub fn new(erasure: &Erasure, devices: Vec<ErasureDevice>) -> Self {
        Self { erasure: erasure.into(), device_states: devices.into_iter().map(DeviceStateView::from).collect() }
    }
}

impl From<ErasureDevice> for DeviceStateView {
    fn from(from: ErasureDevice) -> Self {
        let said = from.confirmation.as_ref();
        Self {
            device: from.device.0,
            state: from.state.as_str(),
            confirmed_at: said.map(|said| said.at.to_rfc3339()),
            held_revision: said.map(|said| said.rev.0),
            name: from.name,
        }
    }
}
