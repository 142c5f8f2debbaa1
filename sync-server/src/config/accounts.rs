//! `[accounts]`: how people and programs come in, and how long they stay.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};
use crate::domain::account::session::Lasting;
use crate::identity::password::{HashCost, MIN_MEMORY_MIB, MIN_PASSES};

/// How people and programs come in, and how long they stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountsConfig {
    /// What links in messages begin with; empty for `https://<first public name>:<port>`.
    pub public_url: String,
    /// Whether anybody may register, to be approved by an admin.
    pub self_registration: bool,
    /// Life of an invitation.
    pub invitation_hours: u32,
    /// Life of a link for a new password.
    pub password_reset_minutes: u32,
    /// A session of a program or app ends when it was not used for so long.
    pub session_idle_days: u32,
    /// A session of a browser ends when it was not used for so long.
    pub browser_idle_minutes: u32,
    /// Any session ends after so long, however much it is used.
    pub session_max_days: u32,
    /// The longest life of an API key.
    pub api_key_max_days: u32,
    /// Age at which the key that signs tokens is replaced.
    pub token_key_days: u32,
    /// Argon2id: memory of one password hash.
    pub hash_memory_mib: u32,
    /// Argon2id: passes over that memory.
    pub hash_passes: u32,
    /// Argon2id: lanes.
    pub hash_lanes: u32,
    /// Password hashes computed at once; each takes its memory.
    pub hashes_at_once: u32,
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            public_url: String::new(),
            self_registration: false,
            invitation_hours: 72,
            password_reset_minutes: 30,
            session_idle_days: 14,
            browser_idle_minutes: 720,
            session_max_days: 60,
            api_key_max_days: 366,
            token_key_days: 90,
            hash_memory_mib: MIN_MEMORY_MIB,
            hash_passes: MIN_PASSES,
            hash_lanes: 1,
            hashes_at_once: 2,
        }
    }
}

impl AccountsConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let within = |key, value: u32, range: std::ops::RangeInclusive<u32>, allowed| {
            if range.contains(&value) { Ok(()) } else { Err(not_allowed(key, value, allowed)) }
        };
        within("accounts.invitation_hours", self.invitation_hours, 1..=720, "must be 1 to 720 (a month)")?;
        let reset = self.password_reset_minutes;
        within("accounts.password_reset_minutes", reset, 5..=1440, "must be 5 to 1440 (a day)")?;
        within("accounts.session_idle_days", self.session_idle_days, 1..=90, "must be 1 to 90")?;
        let browser = self.browser_idle_minutes;
        within("accounts.browser_idle_minutes", browser, 5..=20_160, "must be 5 to 20160 (two weeks)")?;
        within("accounts.session_max_days", self.session_max_days, 1..=365, "must be 1 to 365")?;
        within("accounts.api_key_max_days", self.api_key_max_days, 1..=3660, "must be 1 to 3660")?;
        within("accounts.token_key_days", self.token_key_days, 2..=3660, "must be 2 to 3660")?;
        let memory = self.hash_memory_mib;
        within("accounts.hash_memory_mib", memory, MIN_MEMORY_MIB..=4096, "must be 19 to 4096")?;
        within("accounts.hash_passes", self.hash_passes, MIN_PASSES..=100, "must be 2 to 100")?;
        within("accounts.hash_lanes", self.hash_lanes, 1..=16, "must be 1 to 16")?;
        within("accounts.hashes_at_once", self.hashes_at_once, 1..=64, "must be 1 to 64")?;
        let url = &self.public_url;
        if !url.is_empty() && (!url.starts_with("https://") || url.contains(['#', '?', ' ']) || url.ends_with('/')) {
            let allowed = "must be https://host[:port][/path] without a slash at its end, or empty";
            return Err(not_allowed("accounts.public_url", url, allowed));
        }
        Ok(())
    }

    /// What a password hash costs.
    pub const fn hash_cost(&self) -> HashCost {
        HashCost {
            memory_mib: self.hash_memory_mib,
            passes: self.hash_passes,
            lanes: self.hash_lanes,
            at_once: self.hashes_at_once,
        }
    }

    /// How long sessions of programs and apps last.
    pub const fn bearer(&self) -> Lasting {
        Lasting { idle: days(self.session_idle_days), at_most: days(self.session_max_days) }
    }

    /// How long sessions of browsers last.
    pub const fn browser(&self) -> Lasting {
        Lasting {
            idle: Duration::from_secs(self.browser_idle_minutes as u64 * 60),
            at_most: days(self.session_max_days),
        }
    }

    /// Life of an invitation.
    pub const fn invitation_life(&self) -> Duration {
        Duration::from_secs(self.invitation_hours as u64 * 3600)
    }

    /// Life of a link for a new password.
    pub const fn password_reset_life(&self) -> Duration {
        Duration::from_secs(self.password_reset_minutes as u64 * 60)
    }

    /// The longest life of an API key.
    pub const fn api_key_life(&self) -> Duration {
        days(self.api_key_max_days)
    }

    /// Age at which the key that signs tokens is replaced.
    pub const fn token_key_age(&self) -> Duration {
        days(self.token_key_days)
    }
}

const fn days(count: u32) -> Duration {
    Duration::from_secs(count as u64 * 86_400)
}
