//! `[limits]`: how much may be asked.

use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};

/// How much may be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Any request, per address.
    pub requests_per_second: u32,
    /// Any request, per account.
    pub account_requests_per_second: u32,
    /// Any request, per API key.
    pub key_requests_per_second: u32,
    /// Log-ins, per address.
    pub logins_per_minute: u32,
    /// Claims, per address.
    pub claims_per_minute: u32,
    /// Nonces and renewals, per address.
    pub renewals_per_minute: u32,
    /// Nonces and renewals, per device.
    pub device_renewals_per_minute: u32,
    /// Photos, per account.
    pub photos_per_minute: u32,
    /// Frames of guided captures, per account.
    pub frames_per_minute: u32,
    /// Guided captures, and clips that wait for approval, at once.
    pub captures: usize,
    /// Pictures looked up, per account.
    pub recognize_per_minute: u32,
    /// Exports, per account.
    pub exports_per_hour: u32,
    /// Largest photo.
    pub photo_max_megabytes: usize,
    /// Photos in one request.
    pub photos_per_request: usize,
    /// Photos in one batch.
    pub photos_per_batch: usize,
    /// Batches and archives, per account.
    pub uploads_per_hour: u32,
    /// Largest archive.
    pub import_max_megabytes: u64,
    /// Live connections at once.
    pub live_connections: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            requests_per_second: 50,
            account_requests_per_second: 50,
            key_requests_per_second: 50,
            logins_per_minute: 10,
            claims_per_minute: 10,
            renewals_per_minute: 600,
            device_renewals_per_minute: 30,
            photos_per_minute: 120,
            frames_per_minute: 1200,
            captures: 16,
            recognize_per_minute: 60,
            exports_per_hour: 30,
            photo_max_megabytes: 20,
            photos_per_request: 20,
            photos_per_batch: 200,
            uploads_per_hour: 120,
            import_max_megabytes: 8_192,
            live_connections: 1000,
        }
    }
}

impl LimitsConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let rates = [
            ("limits.requests_per_second", self.requests_per_second),
            ("limits.account_requests_per_second", self.account_requests_per_second),
            ("limits.key_requests_per_second", self.key_requests_per_second),
            ("limits.device_renewals_per_minute", self.device_renewals_per_minute),
            ("limits.recognize_per_minute", self.recognize_per_minute),
            ("limits.exports_per_hour", self.exports_per_hour),
            ("limits.logins_per_minute", self.logins_per_minute),
            ("limits.claims_per_minute", self.claims_per_minute),
            ("limits.renewals_per_minute", self.renewals_per_minute),
            ("limits.photos_per_minute", self.photos_per_minute),
            ("limits.frames_per_minute", self.frames_per_minute),
            ("limits.uploads_per_hour", self.uploads_per_hour),
        ];
        if let Some((key, value)) = rates.into_iter().find(|(_, value)| !(1..=1_000_000).contains(value)) {
            return Err(not_allowed(key, value, "must be 1 to 1000000"));
        }
        let counts = [
            ("limits.photo_max_megabytes", self.photo_max_megabytes),
            ("limits.photos_per_request", self.photos_per_request),
            ("limits.captures", self.captures),
        ];
        if let Some((key, value)) = counts.into_iter().find(|(_, value)| !(1..=100).contains(value)) {
            return Err(not_allowed(key, value, "must be 1 to 100"));
        }
        if !(1..=10_000).contains(&self.photos_per_batch) {
            return Err(not_allowed("limits.photos_per_batch", self.photos_per_batch, "must be 1 to 10000"));
        }
        if !(1..=1_000_000).contains(&self.import_max_megabytes) {
            return Err(not_allowed("limits.import_max_megabytes", self.import_max_megabytes, "must be 1 to 1000000"));
        }
        if !(1..=100_000).contains(&self.live_connections) {
            return Err(not_allowed("limits.live_connections", self.live_connections, "must be 1 to 100000"));
        }
        Ok(())
    }

    /// Largest archive, bytes.
    pub const fn import_max_bytes(&self) -> u64 {
        self.import_max_megabytes * 1024 * 1024
    }

    /// Largest photo, bytes.
    pub const fn photo_max_bytes(&self) -> usize {
        self.photo_max_megabytes * 1024 * 1024
    }
}
