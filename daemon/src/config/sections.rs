//! The short sections: `[device]`, `[models]`, `[mqtt]`, `[health]`, `[log]`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Problem, rule};

/// `[device]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceSection {
    /// Where identity and cache are kept; readable by the daemon's user only.
    pub state_dir: PathBuf,
    /// The file with the key that seals the cache; not set: the systemd credential `ostiaryd.key` if there is
    /// one, else `cache.key` in the state directory, made at the first start.
    pub key_file: Option<PathBuf>,
}

impl Default for DeviceSection {
    fn default() -> Self {
        Self { state_dir: "/var/lib/ostiaryd".into(), key_file: None }
    }
}

impl DeviceSection {
    pub(super) fn check(&self, found: &mut Vec<Problem>) {
        let given = !self.state_dir.as_os_str().is_empty();
        rule(found, given, "device.state_dir", "\"\"", "a directory");
    }
}

/// `[models]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelsSection {
    /// The model pack's directory.
    pub pack_dir: PathBuf,
    /// Inference threads; 0 for one less than the machine has cores, at least one.
    pub threads: usize,
    /// Files with the public keys (Ed25519, PEM) whose signatures under packs sent by the server are believed; none: the
    /// key the server names.
    pub pack_keys: Vec<PathBuf>,
}

impl Default for ModelsSection {
    fn default() -> Self {
        Self { pack_dir: "/usr/share/ostiary/packs/ostiary-default".into(), threads: 0, pack_keys: Vec::new() }
    }
}

impl ModelsSection {
    pub(super) fn check(&self, found: &mut Vec<Problem>) {
        rule(found, self.threads <= 64, "models.threads", self.threads, "0 to 64");
    }

    /// The number of inference threads on a machine with `cores` cores.
    #[must_use]
    pub fn thread_count(&self, cores: usize) -> usize {
        if self.threads == 0 { cores.saturating_sub(1).clamp(1, 4) } else { self.threads }
    }
}

/// `[mqtt]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MqttSection {
    /// `mqtts://host:port`; not set: the address given at the claim.
    pub broker_url: Option<String>,
    /// Seconds between signs of life.
    pub keep_alive_s: u64,
    /// Longest wait between attempts to connect, seconds.
    pub max_backoff_s: u64,
}

impl Default for MqttSection {
    fn default() -> Self {
        Self { broker_url: None, keep_alive_s: 20, max_backoff_s: 60 }
    }
}

impl MqttSection {
    pub(super) fn check(&self, found: &mut Vec<Problem>) {
        if let Some(url) = &self.broker_url {
            rule(found, url.starts_with("mqtts://"), "mqtt.broker_url", url, "mqtts://host:port");
        }
        let alive = (5..=600).contains(&self.keep_alive_s);
        rule(found, alive, "mqtt.keep_alive_s", self.keep_alive_s, "5 to 600 seconds");
        let wait = (1..=3600).contains(&self.max_backoff_s);
        rule(found, wait, "mqtt.max_backoff_s", self.max_backoff_s, "1 to 3600 seconds");
    }
}

/// `[health]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthSection {
    /// Seconds between health reports.
    pub interval_s: u32,
    /// Where `ostiaryd status` asks; not set: `status.sock` in the folder systemd makes (`/run/ostiaryd`), else in the
    /// state directory.
    pub socket: Option<PathBuf>,
    /// Memory beyond which the program starts again, with a report, bytes; 0 for no bound.
    pub max_memory_bytes: u64,
}

impl Default for HealthSection {
    fn default() -> Self {
        Self { interval_s: 60, socket: None, max_memory_bytes: 335_544_320 }
    }
}

impl HealthSection {
    pub(super) fn check(&self, found: &mut Vec<Problem>) {
        let fits = (1..=86_400).contains(&self.interval_s);
        rule(found, fits, "health.interval_s", self.interval_s, "1 to 86400 seconds");
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSection {
    /// `text` or `json`.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
}

impl Default for LogSection {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".into() }
    }
}

impl LogSection {
    pub(super) fn check(&self, found: &mut Vec<Problem>) {
        let fits = ["error", "warn", "info", "debug", "trace"].contains(&self.level.as_str());
        rule(found, fits, "log.level", &self.level, "error, warn, info, debug or trace");
    }
}
