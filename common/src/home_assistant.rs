//! The topics of Home Assistant's discovery by MQTT. They lie outside of our root because Home Assistant chooses them.

use crate::ids::DeviceId;

/// What Home Assistant's discovery topics begin with.
pub const PREFIX: &str = "homeassistant";
/// Where Home Assistant says that it has started (`online`), or ended.
pub const BIRTH_TOPIC: &str = "homeassistant/status";

/// Where a device describes itself and its entities, retained; an empty message there removes it.
#[must_use]
pub fn discovery_topic(device: DeviceId) -> String {
    format!("{PREFIX}/device/{}/config", object_id(device))
}

/// What Home Assistant calls a device; its topic levels take no dashes everywhere.
#[must_use]
pub fn object_id(device: DeviceId) -> String {
    format!("ostiary_{}", device.0.simple())
}

/// Whether `topic` is one that some device describes itself on.
#[must_use]
pub fn is_discovery_topic(topic: &str) -> bool {
    let device = || topic.strip_prefix("homeassistant/device/ostiary_")?.strip_suffix("/config");
    device().is_some_and(|id| id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_one_topic_and_it_is_told_from_others() {
        let device = DeviceId::generate();
        assert!(is_discovery_topic(&discovery_topic(device)));
        for other in ["homeassistant/device/ostiary_x/config", "homeassistant/device/lamp/config", BIRTH_TOPIC, ""] {
            assert!(!is_discovery_topic(other), "{other}");
        }
    }
}
