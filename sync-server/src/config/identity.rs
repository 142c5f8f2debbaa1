//! `[identity]`: how long tokens and codes live.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};

/// Lives of tokens and codes, in minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// Device tokens.
    pub device_token_minutes: u32,
    /// Access tokens of people.
    pub access_token_minutes: u32,
    /// Claim codes.
    pub claim_code_minutes: u32,
    /// Where the list of revoked certificates (CRL, PEM) is written; empty for `tls/revoked.crl` in the data directory.
    pub revocation_list_file: String,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            device_token_minutes: 720,
            access_token_minutes: 15,
            claim_code_minutes: 30,
            revocation_list_file: String::new(),
        }
    }
}

impl IdentityConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let within = |key, value: u32, range: std::ops::RangeInclusive<u32>, allowed| {
            if range.contains(&value) { Ok(()) } else { Err(not_allowed(key, value, allowed)) }
        };
        let (device, access, code) = (self.device_token_minutes, self.access_token_minutes, self.claim_code_minutes);
        within("identity.device_token_minutes", device, 5..=1440, "must be 5 to 1440 (a day)")?;
        within("identity.access_token_minutes", access, 1..=1440, "must be 1 to 1440 (a day)")?;
        within("identity.claim_code_minutes", code, 1..=1440, "must be 1 to 1440 (a day)")
    }

    /// Where the list of revoked certificates is written.
    pub fn revocation_list(&self, data_dir: &Path) -> PathBuf {
        match self.revocation_list_file.as_str() {
            "" => data_dir.join("tls").join("revoked.crl"),
            path => PathBuf::from(path),
        }
    }

    /// Life of a device token.
    pub const fn device_token_life(&self) -> Duration {
        minutes(self.device_token_minutes)
    }

    /// Life of an access token.
    pub const fn access_token_life(&self) -> Duration {
        minutes(self.access_token_minutes)
    }

    /// Life of a claim code.
    pub const fn claim_code_life(&self) -> Duration {
        minutes(self.claim_code_minutes)
    }
}

const fn minutes(count: u32) -> Duration {
    Duration::from_secs(count as u64 * 60)
}
