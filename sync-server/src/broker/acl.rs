//! Who may publish and read what. Pure: no broker, no clock.

use ostiary_common::claims::{AclAction, AclPermission, DeviceClaims};
use ostiary_common::home_assistant;
use ostiary_common::topics::{Channel, DeviceRoot, PREFIX};
use ostiary_common::wire::monitor::MAX_JSON_BYTES;

/// Channels a monitor may read, for every device at once if it likes.
const MONITORED: [&str; 4] = ["status", "info", "health", "seen"];

/// Somebody the broker let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A device, kept to the topics of its token.
    Device(DeviceGrant),
    /// The server's own client: everything below the root of all topics.
    Link,
    /// A person or another system that only looks.
    Monitor,
}

/// What one device may do: what its token says, as far as it lies below the device's own root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceGrant {
    root: DeviceRoot,
    publish: Vec<String>,
    subscribe: Vec<String>,
}

/// Why something is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Not one of its topics.
    #[error("this topic is not for this client")]
    Topic,
    /// Wildcards are not for devices; a device names exactly what it reads.
    #[error("this topic filter is not for this client")]
    Filter,
    /// A message of this kind is never kept.
    #[error("messages on this topic must not be retained")]
    Retain,
    /// Kept messages are small.
    #[error("a retained message has at most {MAX_JSON_BYTES} bytes")]
    RetainedTooLarge,
    /// Monitors only look.
    #[error("monitors do not publish")]
    ReadOnly,
}

impl DeviceGrant {
    /// What `claims` allow. Rules about foreign topics are void, whoever signed them; a deny wins.
    pub fn of(claims: &DeviceClaims) -> Self {
        let root = DeviceRoot { site: claims.site, device: claims.sub };
        let granted = |action, own: Vec<String>| {
            let ruled = |permission, topic: &String| {
                let mut rules = claims.acl.iter();
                rules.any(|r| r.action == action && r.permission == permission && r.topic == *topic)
            };
            own.into_iter()
                .filter(|topic| ruled(AclPermission::Allow, topic) && !ruled(AclPermission::Deny, topic))
                .collect()
        };
        Self {
            root,
            publish: granted(AclAction::Publish, root.published_by_device()),
            subscribe: granted(AclAction::Subscribe, root.subscribed_by_device()),
        }
    }
}

impl Principal {
    /// Whether a message may be sent, now or as a will.
    ///
    /// # Errors
    /// [`Denied`] if not.
    pub fn may_publish(&self, topic: &str, retain: bool, size_bytes: usize) -> Result<(), Denied> {
        match self {
            Self::Device(grant) if grant.publish.iter().any(|own| own == topic) => {
                may_retain(topic, retain, size_bytes)
            }
            Self::Device(_) => Err(Denied::Topic),
            Self::Link if below_prefix(topic) => Ok(()),
            Self::Link if home_assistant::is_discovery_topic(topic) => Ok(()),
            Self::Link => Err(Denied::Topic),
            // Home Assistant reads as a monitor, and says there when it starts and ends.
            Self::Monitor if topic == home_assistant::BIRTH_TOPIC => Ok(()),
            Self::Monitor => Err(Denied::ReadOnly),
        }
    }

    /// Whether a topic filter may be subscribed to.
    ///
    /// # Errors
    /// [`Denied`] if not.
    pub fn may_subscribe(&self, filter: &str) -> Result<(), Denied> {
        let allowed = match self {
            Self::Device(grant) => grant.subscribe.iter().any(|own| own == filter),
            Self::Link => below_prefix(filter),
            Self::Monitor => is_monitor_filter(filter) || is_home_assistant_filter(filter),
        };
        if allowed { Ok(()) } else { Err(Denied::Filter) }
    }

    /// The name in the audit log.
    pub fn actor(&self) -> String {
        match self {
            Self::Device(grant) => format!("device:{}", grant.root.device),
            Self::Link => "server".to_owned(),
            Self::Monitor => "monitor".to_owned(),
        }
    }
}

/// Only what describes a device's state is kept, so that what the broker holds is bounded per device.
fn may_retain(topic: &str, retain: bool, size_bytes: usize) -> Result<(), Denied> {
    let kept = matches!(
        DeviceRoot::parse(topic),
        Some((_, Channel::Status | Channel::Info | Channel::Health | Channel::ConfigReported))
    );
    let kept = kept || home_assistant::is_discovery_topic(topic);
    match retain {
        false => Ok(()),
        true if !kept => Err(Denied::Retain),
        true if size_bytes > MAX_JSON_BYTES => Err(Denied::RetainedTooLarge),
        true => Ok(()),
    }
}

fn below_prefix(topic: &str) -> bool {
    topic.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with('/'))
}

/// What lies below Home Assistant's own prefix: descriptions of devices, no person and no event.
fn is_home_assistant_filter(filter: &str) -> bool {
    filter.strip_prefix(home_assistant::PREFIX).is_some_and(|rest| rest.starts_with('/'))
}

/// `ostiary/v1/<site or +>/<device or +>/<channel a monitor may read>`.
fn is_monitor_filter(filter: &str) -> bool {
    let Some(rest) = filter.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('/')) else { return false };
    let one_level = |level: &str| level == "+" || (!level.is_empty() && !level.contains(['+', '#']));
    match rest.split('/').collect::<Vec<_>>()[..] {
        [site, device, channel] => one_level(site) && one_level(device) && MONITORED.contains(&channel),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use ostiary_common::claims::{AUDIENCE_DEVICE, AclRule, device_acl};
    use ostiary_common::ids::{DeviceId, SiteId, TokenId};

    use super::*;

    fn root() -> DeviceRoot {
        DeviceRoot { site: SiteId::generate(), device: DeviceId::generate() }
    }

    fn claims(root: DeviceRoot, acl: Vec<AclRule>) -> DeviceClaims {
        DeviceClaims {
            iss: "test".into(),
            sub: root.device,
            aud: AUDIENCE_DEVICE.into(),
            site: root.site,
            jti: TokenId::generate(),
            iat: 0,
            nbf: 0,
            exp: 0,
            acl,
        }
    }

    fn device(root: DeviceRoot) -> Principal {
        Principal::Device(DeviceGrant::of(&claims(root, device_acl(&root))))
    }

    fn publish(who: &Principal, topic: &str, retain: bool, expected: Result<(), Denied>) {
        assert_eq!(who.may_publish(topic, retain, 100), expected, "{who:?} {topic}");
    }

    fn subscribe(who: &Principal, filter: &str, allowed: bool) {
        assert_eq!(who.may_subscribe(filter).is_ok(), allowed, "{who:?} {filter}");
    }

    #[test]
    fn devices_publish_their_own_topics_only() {
        let (own, other) = (root(), root());
        let who = device(own);
        publish(&who, &own.topic(&Channel::Events), false, Ok(()));
        publish(&who, &own.topic(&Channel::Status), true, Ok(()));
        publish(&who, &own.topic(&Channel::Events), true, Err(Denied::Retain));
        publish(&who, &own.topic(&Channel::EventsAck), false, Err(Denied::Topic));
        publish(&who, &own.topic(&Channel::Seen), false, Err(Denied::Topic));
        publish(&who, &own.topic(&Channel::ConfigDesired), true, Err(Denied::Topic));
        publish(&who, &other.topic(&Channel::Events), false, Err(Denied::Topic));
        publish(&who, &DeviceRoot { site: other.site, ..own }.topic(&Channel::Events), false, Err(Denied::Topic));
        publish(&who, &home_assistant::discovery_topic(own.device), true, Ok(()));
        publish(&who, &home_assistant::discovery_topic(other.device), true, Err(Denied::Topic));
        publish(&who, home_assistant::BIRTH_TOPIC, false, Err(Denied::Topic));
        publish(&who, "$SYS/brokers", false, Err(Denied::Topic));
        publish(&who, "", false, Err(Denied::Topic));
        let status = own.topic(&Channel::Status);
        assert_eq!(who.may_publish(&status, true, MAX_JSON_BYTES + 1), Err(Denied::RetainedTooLarge));
    }

    #[test]
    fn devices_subscribe_to_exactly_their_topics() {
        let (own, other) = (root(), root());
        let who = device(own);
        subscribe(&who, &own.topic(&Channel::GalleryChunk), true);
        subscribe(&who, home_assistant::BIRTH_TOPIC, true);
        subscribe(&who, "homeassistant/#", false);
        subscribe(&who, &own.topic(&Channel::Seen), false);
        subscribe(&who, &own.topic(&Channel::Events), false);
        subscribe(&who, &other.topic(&Channel::GalleryChunk), false);
        for wildcard in ["#", "+/+/+/+/events/ack", "$share/g/#", &format!("{own}/#"), &format!("{own}/+/ack")] {
            subscribe(&who, wildcard, false);
        }
    }

    #[test]
    fn a_token_cannot_reach_beyond_its_device_and_a_deny_wins() {
        let (own, other) = (root(), root());
        let events = own.topic(&Channel::Events);
        let mut acl = device_acl(&own);
        acl.extend(device_acl(&other));
        acl.push(AclRule { permission: AclPermission::Deny, action: AclAction::Publish, topic: events.clone() });
        let who = Principal::Device(DeviceGrant::of(&claims(own, acl)));
        publish(&who, &other.topic(&Channel::Events), false, Err(Denied::Topic));
        publish(&who, &events, false, Err(Denied::Topic));
        let narrow = Principal::Device(DeviceGrant::of(&claims(own, Vec::new())));
        publish(&narrow, &events, false, Err(Denied::Topic));
    }

    #[test]
    fn monitors_look_and_the_link_stays_below_the_root_of_all_topics() {
        let own = root();
        publish(&Principal::Monitor, &own.topic(&Channel::Seen), false, Err(Denied::ReadOnly));
        for (filter, allowed) in [
            ("ostiary/v1/+/+/seen", true),
            ("ostiary/v1/+/+/health", true),
            (own.topic(&Channel::Status).as_str(), true),
            ("ostiary/v1/+/+/events", false),
            ("ostiary/v1/+/+/gallery/chunk", false),
            ("ostiary/v1/#", false),
            ("ostiary/v1/+/#/seen", false),
            ("ostiary/v1//+/seen", false),
            ("#", false),
            ("$share/g/ostiary/v1/+/+/seen", false),
        ] {
            subscribe(&Principal::Monitor, filter, allowed);
        }
        publish(&Principal::Link, &own.topic(&Channel::EventsAck), false, Ok(()));
        publish(&Principal::Link, "ostiary/v10/x", false, Err(Denied::Topic));
        subscribe(&Principal::Link, "ostiary/v1/+/+/events", true);
        subscribe(&Principal::Link, "#", false);
    }
}
