//! What becomes of devices beyond the claim.

use std::collections::HashMap;

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, StreamId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::DeviceRoot;

use super::StoreError;
use crate::domain::device::Device;
use crate::domain::device_life::{DeviceCertificate, DeviceLife, FormerPosting, RevokedCertificate};

/// Devices' lives beyond the claim.
#[async_trait]
pub trait LifeStore: Send + Sync {
    /// What is known of a device's life; nothing for a device that is not there.
    async fn life(&self, id: DeviceId) -> Result<DeviceLife, StoreError>;
    /// The same of every device.
    async fn lives(&self) -> Result<HashMap<DeviceId, DeviceLife>, StoreError>;
    /// Where a device was before, the latest first.
    async fn former_postings(&self, id: DeviceId) -> Result<Vec<FormerPosting>, StoreError>;
    /// In one transaction: revokes `old`, gives it another name, and adds `successor` at its door, with its name and
    /// settings. `None` if there is no such device; [`StoreError::Conflict`] if it was replaced already.
    async fn replace_device(
        &self,
        old: DeviceId,
        successor: DeviceId,
        now: UnixMillis,
    ) -> Result<Option<Device>, StoreError>;
    /// The highest number stored of a stream, 0 if it was never seen.
    async fn highest_seq(&self, device: DeviceId, stream: StreamId) -> Result<u64, StoreError>;
    /// Remembers a certificate given. Of those the device had before, `keep` stay good, the latest.
    async fn add_certificate(&self, certificate: &DeviceCertificate, keep: u32) -> Result<(), StoreError>;
    /// Certificates that are no longer good and have not ended at `now`: superseded ones, and those of revoked devices.
    async fn revoked_certificates(&self, now: UnixMillis) -> Result<Vec<RevokedCertificate>, StoreError>;
    /// Places among the topics where nobody is any more: of revoked devices, and where devices were before they moved.
    async fn departed(&self) -> Result<Vec<DeviceRoot>, StoreError>;
}
