//! MQTT topics: the one place that writes and reads them.
//!
//! Every topic lies below `ostiary/v1/<site>/<device>/`, but for the two by which Home Assistant learns of a device
//! ([`home_assistant`]).

use std::fmt;

use crate::home_assistant;
use crate::ids::{DeviceId, SiteId};

/// First levels of every topic.
pub const PREFIX: &str = "ostiary/v1";

/// The place below which all topics of one device lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceRoot {
    /// The site.
    pub site: SiteId,
    /// The device.
    pub device: DeviceId,
}

/// What a message below a device's root is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// JSON, retained: online, stopped, or lost (the will).
    Status,
    /// JSON, retained: hardware, software, camera, model pack.
    Info,
    /// JSON, retained with expiry: figures named as the Prometheus metrics are.
    Health,
    /// CBOR from the device: 1..n events.
    Events,
    /// CBOR from the server: stored up to here.
    EventsAck,
    /// CBOR from the device: "I have this".
    GalleryRequest,
    /// CBOR from the server: changes or a part of a snapshot.
    GalleryChunk,
    /// CBOR from the device: "I hold this now".
    GalleryAck,
    /// CBOR from the server: something changed.
    GalleryNotice,
    /// CBOR from the server, retained: settings wanted.
    ConfigDesired,
    /// CBOR from the device, retained: settings in force.
    ConfigReported,
    /// CBOR from the server: do this once.
    Command(CommandKind),
    /// CBOR from the device: done, or why not.
    CommandResult(CommandKind),
    /// CBOR from the server: guide somebody before the camera.
    EnrollStart,
    /// CBOR from the server: stop guiding.
    EnrollCancel,
    /// CBOR from the device: how guiding goes.
    EnrollProgress,
    /// CBOR from the device: what was taken.
    EnrollResult,
    /// CBOR from the server: what was taken is dealt with.
    EnrollAck,
    /// JSON from the server: committed events with names, for people and other systems.
    Seen,
}

/// The kinds of command a device knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandKind {
    /// Ask for the gallery again from the start.
    Resync,
    /// Blink or log, so that a person finds the camera.
    Identify,
    /// End the program; systemd starts it again.
    Restart,
    /// Forget everything: identity, keys, gallery, events; the program ends.
    Reset,
    /// Answer with a picture of what the camera sees, if the device's configuration allows that.
    Snapshot,
    /// Answer with how every part of the device is.
    SelfTest,
    /// Check the configuration file and go on by it.
    Reload,
    /// Answer with what helps to find a fault; no biometrics, no names, no secrets.
    Diagnostics,
    /// Log at another level for some minutes.
    LogLevel,
}

impl CommandKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Resync,
        Self::Identify,
        Self::Restart,
        Self::Reset,
        Self::Snapshot,
        Self::SelfTest,
        Self::Reload,
        Self::Diagnostics,
        Self::LogLevel,
    ];

    /// The kind's level in a topic.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resync => "resync",
            Self::Identify => "identify",
            Self::Restart => "restart",
            Self::Reset => "reset",
            Self::Snapshot => "snapshot",
            Self::SelfTest => "self-test",
            Self::Reload => "reload",
            Self::Diagnostics => "diagnostics",
            Self::LogLevel => "log-level",
        }
    }
}

/// Channels a device publishes, but for command results.
const FROM_DEVICE: [Channel; 9] = [
    Channel::Status,
    Channel::Info,
    Channel::Health,
    Channel::Events,
    Channel::GalleryRequest,
    Channel::GalleryAck,
    Channel::ConfigReported,
    Channel::EnrollProgress,
    Channel::EnrollResult,
];

/// Channels a device reads, but for commands.
const TO_DEVICE: [Channel; 7] = [
    Channel::EventsAck,
    Channel::GalleryChunk,
    Channel::GalleryNotice,
    Channel::ConfigDesired,
    Channel::EnrollStart,
    Channel::EnrollCancel,
    Channel::EnrollAck,
];

impl Channel {
    fn suffix(&self) -> String {
        match self {
            Self::Status => "status".into(),
            Self::Info => "info".into(),
            Self::Health => "health".into(),
            Self::Events => "events".into(),
            Self::EventsAck => "events/ack".into(),
            Self::GalleryRequest => "gallery/request".into(),
            Self::GalleryChunk => "gallery/chunk".into(),
            Self::GalleryAck => "gallery/ack".into(),
            Self::GalleryNotice => "gallery/notice".into(),
            Self::ConfigDesired => "config/desired".into(),
            Self::ConfigReported => "config/reported".into(),
            Self::Command(kind) => format!("cmd/{}", kind.as_str()),
            Self::CommandResult(kind) => format!("cmd/{}/result", kind.as_str()),
            Self::EnrollStart => "enroll/start".into(),
            Self::EnrollCancel => "enroll/cancel".into(),
            Self::EnrollProgress => "enroll/progress".into(),
            Self::EnrollResult => "enroll/result".into(),
            Self::EnrollAck => "enroll/ack".into(),
            Self::Seen => "seen".into(),
        }
    }

    fn from_suffix(suffix: &str) -> Option<Self> {
        let command = |name: &str| CommandKind::ALL.into_iter().find(|kind| kind.as_str() == name);
        Some(match suffix {
            "seen" => Self::Seen,
            _ => match suffix.strip_prefix("cmd/") {
                Some(rest) => match rest.strip_suffix("/result") {
                    Some(name) => Self::CommandResult(command(name)?),
                    None => Self::Command(command(rest)?),
                },
                None => FROM_DEVICE.into_iter().chain(TO_DEVICE).find(|channel| channel.suffix() == suffix)?,
            },
        })
    }
}

impl DeviceRoot {
    /// The full topic of a channel.
    #[must_use]
    pub fn topic(&self, channel: &Channel) -> String {
        format!("{self}/{}", channel.suffix())
    }

    /// Every topic a device may publish: its own, and where it describes itself to Home Assistant.
    #[must_use]
    pub fn published_by_device(&self) -> Vec<String> {
        let results = CommandKind::ALL.into_iter().map(Channel::CommandResult);
        let own = FROM_DEVICE.into_iter().chain(results).map(|channel| self.topic(&channel));
        own.chain([home_assistant::discovery_topic(self.device)]).collect()
    }

    /// Every topic a device may subscribe to: its own, and Home Assistant's word that it has started.
    #[must_use]
    pub fn subscribed_by_device(&self) -> Vec<String> {
        let commands = CommandKind::ALL.into_iter().map(Channel::Command);
        let own = TO_DEVICE.into_iter().chain(commands).map(|channel| self.topic(&channel));
        own.chain([home_assistant::BIRTH_TOPIC.to_owned()]).collect()
    }

    /// Reads a full topic. `None` for anything that is not exactly a known topic.
    #[must_use]
    pub fn parse(topic: &str) -> Option<(Self, Channel)> {
        let rest = topic.strip_prefix(PREFIX)?.strip_prefix('/')?;
        let (site, rest) = rest.split_once('/')?;
        let (device, suffix) = rest.split_once('/')?;
        let root = Self { site: canonical(site)?, device: canonical(device)? };
        Some((root, Channel::from_suffix(suffix)?))
    }
}

/// An id in its one canonical spelling; `{…}`, upper case and undashed forms are other topics to a broker.
fn canonical<I: std::str::FromStr + fmt::Display>(level: &str) -> Option<I> {
    let id = level.parse::<I>().ok()?;
    (id.to_string() == level).then_some(id)
}

/// The filters a server subscribes to in order to hear every device, as a shared group if `group` is given.
///
/// What brokers keep of a device's state is heard by every server nevertheless: brokers do not give it to who subscribes
/// as one of a group, and what changed while no server was there would be known to nobody.
#[must_use]
pub fn server_filters(group: Option<&str>) -> Vec<String> {
    let share = group.map(|name| format!("$share/{name}/")).unwrap_or_default();
    let is_kept = |channel: &Channel| matches!(channel, Channel::Status | Channel::Info | Channel::ConfigReported);
    FROM_DEVICE
        .iter()
        .map(|channel| (channel, if is_kept(channel) { "" } else { share.as_str() }))
        .map(|(channel, share)| format!("{share}{PREFIX}/+/+/{}", channel.suffix()))
        .chain(std::iter::once(format!("{share}{PREFIX}/+/+/cmd/+/result")))
        .collect()
}

impl fmt::Display for DeviceRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}/{}/{}", self.site, self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn root() -> DeviceRoot {
        DeviceRoot { site: SiteId::generate(), device: DeviceId::generate() }
    }

    #[test]
    fn every_topic_parses_back() {
        let root = root();
        let commands = CommandKind::ALL.into_iter().flat_map(|k| [Channel::Command(k), Channel::CommandResult(k)]);
        for channel in FROM_DEVICE.into_iter().chain(TO_DEVICE).chain(commands).chain([Channel::Seen]) {
            assert_eq!(DeviceRoot::parse(&root.topic(&channel)), Some((root, channel)));
        }
    }

    #[test]
    fn what_is_not_exactly_a_topic_is_refused() {
        let DeviceRoot { site, device } = root();
        for bad in [
            String::new(),
            "ostiary/v1".into(),
            format!("ostiary/v2/{site}/{device}/events"),
            format!("ostiary/v1/{site}/{device}"),
            format!("ostiary/v1/{site}/{device}/"),
            format!("ostiary/v1/{site}/{device}/events/"),
            format!("ostiary/v1/{site}/{device}/Events"),
            format!("ostiary/v1/{site}/{device}/cmd/format-disk"),
            format!("ostiary/v1/{site}/+/events"),
            format!("ostiary/v1/{site}/{}/events", device.to_string().to_uppercase()),
            format!("ostiary/v1/{site}/{}/events", device.0.simple()),
            format!("/ostiary/v1/{site}/{device}/events"),
        ] {
            assert_eq!(DeviceRoot::parse(&bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_safe_to_parse(topic in "\\PC{0,120}") {
            let _ = DeviceRoot::parse(&topic);
        }
    }
}
