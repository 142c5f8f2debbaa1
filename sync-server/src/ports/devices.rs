//! Sites, doors and the devices that watch them.

use std::collections::HashMap;

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, DoorId, SiteId, TokenId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{ConfigReported, DeviceSettings, GalleryAck};

use super::StoreError;
use crate::domain::device::{ClaimCode, Device, DeviceStanding, Door, Site};

/// Sites, doors, devices.
#[async_trait]
pub trait DeviceStore: Send + Sync {
    /// Adds a site.
    async fn add_site(&self, site: &Site) -> Result<(), StoreError>;
    /// All sites, by name.
    async fn sites(&self) -> Result<Vec<Site>, StoreError>;
    /// Adds a door.
    async fn add_door(&self, door: &Door) -> Result<(), StoreError>;
    /// All doors, by name.
    async fn doors(&self) -> Result<Vec<Door>, StoreError>;
    /// One door.
    async fn door(&self, id: DoorId) -> Result<Option<Door>, StoreError>;
    /// One site.
    async fn site(&self, id: SiteId) -> Result<Option<Site>, StoreError>;
    /// Adds a device.
    async fn add_device(&self, device: &Device) -> Result<(), StoreError>;
    /// One device.
    async fn device(&self, id: DeviceId) -> Result<Option<Device>, StoreError>;
    /// How these devices stand; those there are not are left out.
    async fn device_standings(&self, ids: &[DeviceId]) -> Result<HashMap<DeviceId, DeviceStanding>, StoreError> {
        let mut standings = HashMap::with_capacity(ids.len());
        for id in ids {
            if let Some(device) = self.device(*id).await? {
                standings.insert(
                    *id,
                    DeviceStanding { site: device.site, state: device.state, session: device.presence.session },
                );
            }
        }
        Ok(standings)
    }
    /// All devices, by name.
    async fn devices(&self) -> Result<Vec<Device>, StoreError>;
    /// Puts a claim code in place of any the device had.
    async fn put_claim_code(&self, code: &ClaimCode) -> Result<(), StoreError>;
    /// In one transaction: uses up the code (once, not expired at `now`) and makes the device active with this
    /// key. `None` if there is no such code, or it is used or expired, or the device is revoked.
    async fn claim(&self, code_hash: &str, public_key_pem: &str, now: UnixMillis)
    -> Result<Option<Device>, StoreError>;
    /// Shuts a device out. `false` if there is no such device.
    async fn revoke_device(&self, id: DeviceId, now: UnixMillis) -> Result<bool, StoreError>;
    /// Remembers an assertion's id until `expires_at`; `false` if it was there already.
    async fn use_assertion(&self, jti: TokenId, expires_at: UnixMillis) -> Result<bool, StoreError>;
    /// Takes a state if its session is not older than the one known; `false` if it was stale.
    async fn put_presence(
        &self,
        id: DeviceId,
        state: &str,
        session: u64,
        version: &str,
        now: UnixMillis,
    ) -> Result<bool, StoreError>;
    /// Keeps `info` as last sent.
    async fn put_info(&self, id: DeviceId, json: &str, now: UnixMillis) -> Result<(), StoreError>;
    /// Keeps `health` as last sent.
    async fn put_health(&self, id: DeviceId, json: &str, now: UnixMillis) -> Result<(), StoreError>;
    /// Keeps what a device says it holds.
    async fn put_held(&self, id: DeviceId, ack: &GalleryAck, now: UnixMillis) -> Result<(), StoreError>;
    /// Keeps what a device says of its configuration: the version it looked at last, what is in force, and why
    /// a version was not taken.
    async fn put_config_reported(
        &self,
        id: DeviceId,
        reported: &ConfigReported,
        now: UnixMillis,
    ) -> Result<(), StoreError>;
    /// Sets the desired configuration and returns its new version; `None` if there is no such device.
    async fn put_config(&self, id: DeviceId, settings: &DeviceSettings) -> Result<Option<u64>, StoreError>;
    /// Lets a device watch another door, of its site or another; what it is to be told and whom it may know follow
    /// from the new door, with a new version and a new revision where that differs. Where it was is remembered. `false` if there is no such device or door, or the
    /// device is revoked.
    async fn move_device(&self, id: DeviceId, door: DoorId, now: UnixMillis) -> Result<bool, StoreError>;
}
