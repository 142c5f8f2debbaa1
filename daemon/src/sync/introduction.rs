//! What Home Assistant is told of a device: one message that describes it and its entities. It is kept by the broker,
//! sent with every connection, and again, a little later, when Home Assistant says that it has started. Entities read the
//! topics everybody reads (`status`, `health`, `seen`); nothing of a person stands here.

use std::time::Duration;

use ostiary_common::home_assistant::{BIRTH_TOPIC, discovery_topic, object_id};
use ostiary_common::ids::{DeviceId, SiteId};
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::monitor::Info;
use serde_json::{Map, Value, json};

use super::core::{DeviceCore, Turn};
use super::{Action, Disk, Outgoing};

/// After Home Assistant has started every device answers within this time, not all at once.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Health stops being true after so many of its intervals, as at the broker.
const HEALTH_LASTS: u32 = 3;

/// How the device introduces itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// What people call it.
    pub name: String,
    /// Whether it is to be known; if not, what was told before is taken back.
    pub wanted: bool,
}

/// A figure of `health` as an entity.
struct Figure {
    key: &'static str,
    name: &'static str,
    platform: &'static str,
    /// Kind, unit, kind of state, as Home Assistant names them; empty for none.
    class: &'static str,
    unit: &'static str,
    state: &'static str,
}

const fn sensor(
    key: &'static str,
    name: &'static str,
    class: &'static str,
    unit: &'static str,
    state: &'static str,
) -> Figure {
    Figure { key, name, platform: "sensor", class, unit, state }
}

const fn alarm(key: &'static str, name: &'static str, class: &'static str) -> Figure {
    Figure { key, name, platform: "binary_sensor", class, unit: "", state: "" }
}

const FIGURES: [Figure; 16] = [
    alarm("ostiary_alarm_camera_lost", "Camera", "problem"),
    alarm("ostiary_alarm_camera_dark", "Camera covered", "tamper"),
    alarm("ostiary_alarm_camera_blurred", "Lens blurred", "problem"),
    alarm("ostiary_alarm_hot", "Overheating", "heat"),
    alarm("ostiary_alarm_disk", "Storage", "problem"),
    alarm("ostiary_alarm_clock", "Clock", "problem"),
    sensor("ostiary_frames_per_second", "Frame rate", "", "fps", "measurement"),
    sensor("ostiary_cpu_temperature_celsius", "Temperature", "temperature", "°C", "measurement"),
    sensor("ostiary_cpu_percent", "Processor", "", "%", "measurement"),
    sensor("process_resident_memory_bytes", "Memory", "data_size", "B", "measurement"),
    sensor("ostiary_disk_free_bytes", "Free storage", "data_size", "B", "measurement"),
    sensor("ostiary_outbox_events", "Events waiting", "", "", "measurement"),
    sensor("ostiary_gallery_persons", "Persons known", "", "", "measurement"),
    sensor("ostiary_gallery_revision", "Gallery revision", "", "", ""),
    sensor("ostiary_uptime_seconds", "Uptime", "duration", "s", "total_increasing"),
    sensor("ostiary_certificate_days_left", "Certificate", "duration", "d", "measurement"),
];

/// The message that describes the device at `root`; `health_s` is the interval of its health reports.
#[must_use]
pub fn description(root: &DeviceRoot, info: &Info, name: &str, health_s: u32) -> Vec<u8> {
    let id = object_id(root.device);
    let mut components = Map::new();
    components.insert("visit".into(), visit(root, &id));
    components.insert("connected".into(), connected(root, &id));
    for figure in &FIGURES {
        let short = figure.key.trim_start_matches("ostiary_").trim_start_matches("process_");
        components.insert(short.to_owned(), entity(figure, root, &format!("{id}_{short}"), health_s));
    }
    let whole = json!({
        "device": {
            "identifiers": [id],
            "name": name,
            "manufacturer": "Ostiary",
            "model": info.hardware,
            "sw_version": info.version,
        },
        "origin": {"name": "ostiaryd", "sw_version": info.version, "support_url": "https://github.com/ostiary/ostiary"},
        "components": components,
    });
    whole.to_string().into_bytes()
}

/// What is said of a made-up device: for those who check it.
#[must_use]
pub fn sample_description() -> Vec<u8> {
    let root = DeviceRoot { site: SiteId::generate(), device: DeviceId::generate() };
    let info = Info { version: "1.0.0".into(), hardware: "a board".into(), ..Info::default() };
    description(&root, &info, "Front door", 60)
}

/// Visits as events. Home Assistant ignores what a broker kept when it comes to events, and `seen` is not kept.
fn visit(root: &DeviceRoot, id: &str) -> Value {
    let template = "{{ {'event_type': value_json.outcome, 'name': value_json.name | default(none), \
                    'person': value_json.person | default(none), 'door': value_json.door_name, \
                    'similarity': value_json.similarity | default(none), 'at': value_json.at} | tojson }}";
    json!({
        "platform": "event",
        "unique_id": format!("{id}_visit"),
        "name": "Visit",
        "icon": "mdi:face-recognition",
        "state_topic": root.topic(&Channel::Seen),
        "event_types": ["match", "unknown", "spoof_suspected", "unusable", "other"],
        "value_template": template,
        "availability": [availability(root)],
    })
}

/// Whether the device is there; it stays to say so when the others are unavailable.
fn connected(root: &DeviceRoot, id: &str) -> Value {
    json!({
        "platform": "binary_sensor",
        "unique_id": format!("{id}_connected"),
        "name": "Connected",
        "device_class": "connectivity",
        "entity_category": "diagnostic",
        "state_topic": root.topic(&Channel::Status),
        // `stopped` and `lost` alike: of a payload it does not know Home Assistant only complains.
        "value_template": "{{ 'ON' if value_json.state == 'online' else 'OFF' }}",
        "json_attributes_topic": root.topic(&Channel::Info),
    })
}

fn entity(figure: &Figure, root: &DeviceRoot, unique_id: &str, health_s: u32) -> Value {
    let Figure { key, name, platform, class, unit, state } = *figure;
    let mut entity = json!({
        "platform": platform,
        "unique_id": unique_id,
        "name": name,
        "entity_category": "diagnostic",
        "state_topic": root.topic(&Channel::Health),
        "expire_after": HEALTH_LASTS.saturating_mul(health_s.max(1)),
        "availability": [availability(root)],
    });
    let map = entity.as_object_mut().expect("an object was made above");
    if platform == "binary_sensor" {
        map.insert(
            "value_template".into(),
            format!("{{{{ 'ON' if value_json.{key} | default(0) else 'OFF' }}}}").into(),
        );
    } else {
        map.insert("value_template".into(), format!("{{{{ value_json.{key} | default(none) }}}}").into());
    }
    for (key, value) in [("device_class", class), ("unit_of_measurement", unit), ("state_class", state)] {
        if !value.is_empty() {
            map.insert(key.into(), value.into());
        }
    }
    entity
}

fn availability(root: &DeviceRoot) -> Value {
    json!({
        "topic": root.topic(&Channel::Status),
        "value_template": "{{ 'online' if value_json.state == 'online' else 'offline' }}",
    })
}

impl<D: Disk> DeviceCore<D> {
    /// Home Assistant said something: if it has started, it is told of the device again, a little later.
    pub(super) fn heard_birth(&mut self, topic: &[u8], payload: &[u8], turn: &mut Turn<'_>) -> bool {
        if topic != BIRTH_TOPIC.as_bytes() {
            return false;
        }
        if payload == b"online" && self.parts.introduction.is_some() {
            let wait = ANSWER_WITHIN.mul_f64(turn.dice.jitter());
            self.next_introduction.get_or_insert(turn.now.monotonic + wait);
        }
        true
    }

    /// Introduces the device if that is due.
    pub(super) fn introduce(&mut self, turn: &mut Turn<'_>) {
        if !self.connected || self.next_introduction.is_none_or(|at| turn.now.monotonic < at) {
            return;
        }
        self.next_introduction = None;
        let (root, interval) = (self.parts.root, self.parts.in_force.health_interval_s.unwrap_or(60));
        let payload = match &self.parts.introduction {
            None => return,
            Some(introduction) if introduction.wanted => {
                description(&root, &self.parts.info, &introduction.name, interval)
            }
            // An empty message takes back what was kept.
            Some(_) => Vec::new(),
        };
        let topic = discovery_topic(root.device);
        turn.actions.push(Action::Publish(Outgoing { topic, payload, retain: true, reliable: true, expiry: None }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostiary_common::wire::monitor::MAX_JSON_BYTES;

    #[test]
    fn every_entity_is_named_once_and_reads_the_devices_own_topics() {
        let root = DeviceRoot { site: SiteId::generate(), device: DeviceId::generate() };
        let bytes = description(&root, &Info::default(), "Front door", 60);
        assert!(bytes.len() < MAX_JSON_BYTES / 2, "{} bytes leave room for long names", bytes.len());
        let whole: Value = serde_json::from_slice(&bytes).unwrap();
        let entities = whole["components"].as_object().unwrap();
        assert_eq!(entities.len(), FIGURES.len() + 2);
        let mut ids: Vec<_> = entities.values().map(|entity| entity["unique_id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), entities.len());
        for entity in entities.values() {
            assert!(entity["state_topic"].as_str().unwrap().starts_with(&root.to_string()), "{entity}");
            assert!(["sensor", "binary_sensor", "event"].contains(&entity["platform"].as_str().unwrap()));
            assert!(entity.get("retain").is_none(), "an event is never kept: {entity}");
        }
    }
}
