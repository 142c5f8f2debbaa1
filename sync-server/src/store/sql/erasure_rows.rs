//! Rows of erasures and of the devices they wait for.

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{DeviceId, ErasureId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;

use super::columns;
use super::error::corrupt;
use crate::domain::device::DeviceState;
use crate::domain::erasure::{Confirmation, ConfirmationState, Erasure, ErasureCounts, ErasureDevice, ErasureReason};
use crate::ports::StoreError;

/// Erasures with how their devices stand. A device that is not active and has not confirmed is not waited for.
pub(super) const ERASURES: &str = "SELECT e.*,
    (SELECT count(*) FROM erasure_devices d WHERE d.erasure = e.id) AS devices,
    (SELECT count(*) FROM erasure_devices d WHERE d.erasure = e.id AND d.confirmed_at IS NOT NULL) AS confirmed,
    (SELECT count(*) FROM erasure_devices d JOIN devices v ON v.id = d.device
     WHERE d.erasure = e.id AND d.confirmed_at IS NULL AND v.state <> 'revoked') AS waiting
    FROM erasures e";

/// Devices of one erasure.
pub(super) const DEVICES: &str = "SELECT d.*, v.name, v.state FROM erasure_devices d JOIN devices v ON v.id = d.device
    WHERE d.erasure = $1 ORDER BY v.name, v.id";

#[derive(sqlx::FromRow)]
pub(super) struct ErasureRow {
    id: Vec<u8>,
    person: Vec<u8>,
    rev: i64,
    reason: String,
    at: i64,
    events: i64,
    cleared_at: Option<i64>,
    completed_at: Option<i64>,
    devices: i64,
    confirmed: i64,
    waiting: i64,
}

impl TryFrom<ErasureRow> for Erasure {
    type Error = StoreError;
    fn try_from(row: ErasureRow) -> Result<Self, StoreError> {
        let count = |column| columns::unsigned("count", column);
        let (devices, confirmed, waiting) = (count(row.devices)?, count(row.confirmed)?, count(row.waiting)?);
        let revoked = devices.saturating_sub(confirmed + waiting);
        Ok(Self {
            id: columns::id(ErasureId, &row.id)?,
            person: columns::id(PersonId, &row.person)?,
            rev: Revision(columns::unsigned("revision", row.rev)?),
            reason: ErasureReason::parse(&row.reason).ok_or_else(|| corrupt("erasure reason", &row.reason))?,
            at: UnixMillis(row.at),
            events: count(row.events)?,
            cleared_at: columns::time(row.cleared_at),
            completed_at: columns::time(row.completed_at),
            counts: ErasureCounts { devices, confirmed, waiting, revoked },
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct ErasureDeviceRow {
    device: Vec<u8>,
    name: String,
    state: String,
    key_then: Option<String>,
    confirmed_at: Option<i64>,
    rev: Option<i64>,
    digest: Option<Vec<u8>>,
    said_at: Option<i64>,
    signature: Option<Vec<u8>>,
    key_pem: Option<String>,
}

impl ErasureDeviceRow {
    fn confirmation(&self) -> Result<Option<Confirmation>, StoreError> {
        let (Some(at), Some(rev), Some(digest)) = (self.confirmed_at, self.rev, &self.digest) else { return Ok(None) };
        Ok(Some(Confirmation {
            rev: Revision(columns::unsigned("revision", rev)?),
            digest: GalleryDigest::from_bytes(columns::bytes32("digest", digest)?),
            at: UnixMillis(at),
            said_at: columns::time(self.said_at),
            signature: self.signature.clone(),
            key_pem: self.key_pem.clone(),
        }))
    }
}

impl TryFrom<ErasureDeviceRow> for ErasureDevice {
    type Error = StoreError;
    fn try_from(row: ErasureDeviceRow) -> Result<Self, StoreError> {
        let confirmation = row.confirmation()?;
        let in_service = row.state != DeviceState::Revoked.as_str();
        let state = ConfirmationState::of(confirmation.as_ref(), row.key_then.as_deref(), in_service);
        Ok(Self { device: columns::id(DeviceId, &row.device)?, name: row.name, state, confirmation })
    }
}
