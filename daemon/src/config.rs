//! Configuration: defaults < file < environment (`OSTIARYD_<SECTION>__<KEY>`) < flags.
//!
//! Start reading at [`Config`]; each section stands in a file of its own, with defaults and rules.

mod cache;
mod camera;
mod inference;
mod liveness;
mod load;
mod recognition;
mod sections;
mod service;
mod template;

use serde::{Deserialize, Serialize};

pub use cache::OutboxSection;
pub use camera::{CameraSection, DropPolicy, ExposureMode, ReplaySection, ReplaySpeed, SourceKind};
pub use inference::InferenceSection;
pub use liveness::LivenessSection;
pub use load::{ConfigError, DEFAULT_PATH, load};
pub use recognition::RecognitionSection;
pub use sections::{DeviceSection, HealthSection, LogFormat, LogSection, ModelsSection, MqttSection};
pub use service::{CommandsSection, HomeAssistantSection, SnapshotPolicy};
pub use template::TEMPLATE;

/// Everything that can be set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the device keeps what it knows.
    pub device: DeviceSection,
    /// Where frames come from.
    pub camera: CameraSection,
    /// Recorded frames instead of a camera.
    pub replay: ReplaySection,
    /// The model pack.
    pub models: ModelsSection,
    /// How the nets are computed.
    pub inference: InferenceSection,
    /// When a face is a match.
    pub recognition: RecognitionSection,
    /// What is done with what does not look live.
    pub liveness: LivenessSection,
    /// The connection to the broker.
    pub mqtt: MqttSection,
    /// What waits on disk for the server.
    pub outbox: OutboxSection,
    /// Reports about the device itself.
    pub health: HealthSection,
    /// What may be asked of the device by command.
    pub commands: CommandsSection,
    /// What Home Assistant is told.
    pub home_assistant: HomeAssistantSection,
    /// The log.
    pub log: LogSection,
    /// The file this came from, if there is one.
    #[serde(skip)]
    pub origin: Option<std::path::PathBuf>,
}

/// A value that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, as in the file: `section.key`.
    pub key: &'static str,
    /// What stands there.
    pub value: String,
    /// What may stand there.
    pub allowed: &'static str,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} = {}: allowed is {}", self.key, self.value, self.allowed)
    }
}

impl Config {
    /// Every value that is not allowed; empty if the configuration can be used.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        self.device.check(&mut found);
        self.camera.check(&mut found);
        self.replay.check(self.camera.source, &mut found);
        self.models.check(&mut found);
        self.recognition.check(&mut found);
        self.liveness.check(&mut found);
        self.mqtt.check(&mut found);
        self.outbox.check(&mut found);
        self.health.check(&mut found);
        self.home_assistant.check(&mut found);
        self.log.check(&mut found);
        found
    }
}

/// Notes a problem unless `fits`.
fn rule(found: &mut Vec<Problem>, fits: bool, key: &'static str, value: impl ToString, allowed: &'static str) {
    if !fits {
        found.push(Problem { key, value: value.to_string(), allowed });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_allowed() {
        assert_eq!(Config::default().problems(), []);
    }

    #[test]
    fn every_bad_value_is_named_with_its_key_and_what_is_allowed() {
        let check = |change: fn(&mut Config), key: &str| {
            let mut config = Config::default();
            change(&mut config);
            let problems = config.problems();
            assert!(problems.iter().any(|p| p.key == key && !p.allowed.is_empty()), "{key}: {problems:?}");
        };
        check(|c| c.camera.width = 0, "camera.width");
        check(|c| c.camera.height = 9000, "camera.height");
        check(|c| c.camera.fps = 0, "camera.fps");
        check(|c| c.camera.source = SourceKind::Replay, "replay.path");
        check(|c| c.models.threads = 65, "models.threads");
        check(|c| c.recognition.match_threshold = Some(1.5), "recognition.match_threshold");
        check(|c| c.recognition.min_agreeing = 0, "recognition.min_agreeing");
        check(|c| c.recognition.max_embeddings = 2, "recognition.max_embeddings");
        check(|c| c.mqtt.keep_alive_s = 1, "mqtt.keep_alive_s");
        check(|c| c.mqtt.broker_url = Some("http://x".into()), "mqtt.broker_url");
        check(|c| c.outbox.max_bytes = 1, "outbox.max_bytes");
        check(|c| c.outbox.max_media_bytes = u64::MAX, "outbox.max_media_bytes");
        check(|c| c.health.interval_s = 0, "health.interval_s");
        check(|c| c.log.level = "loud".into(), "log.level");
    }
}
