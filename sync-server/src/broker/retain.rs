//! Retained messages, in memory.
//!
//! Memory is enough: the server publishes what it wants kept again when it starts, and devices publish what
//! they are when they connect. Only the few state topics of a device are kept, each message small (see
//! [`acl`](super::acl)), so what stands here is bounded by the number of devices.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::monitor::{Status, from_json};
use rmqtt::retain::RetainStorage;
use rmqtt::types::{Retain, TopicFilter, TopicName};

/// Messages kept at most; beyond that new topics are not kept and counted. Five per device.
const MAX_MESSAGES: usize = 100_000;

struct Kept {
    retain: Retain,
    expires: Option<Instant>,
}

/// What the broker keeps for those who subscribe later.
#[derive(Default)]
pub(super) struct Retained {
    messages: RwLock<HashMap<String, Kept>>,
}

impl Retained {
    fn put(&self, topic: &str, retain: Retain, lives: Option<Duration>) {
        let mut messages = self.messages.write().unwrap_or_else(PoisonError::into_inner);
        if retain.publish.payload.is_empty() {
            messages.remove(topic);
            return;
        }
        if messages.get(topic).is_some_and(|kept| is_stale_status(topic, &kept.retain, &retain)) {
            return;
        }
        if messages.len() >= MAX_MESSAGES && !messages.contains_key(topic) {
            metrics::counter!("ostiary_server_mqtt_retained_dropped_total").increment(1);
            return;
        }
        // A life of zero is how the broker says "no expiry".
        let expires = lives.filter(|life| !life.is_zero()).map(|life| Instant::now() + life);
        messages.insert(topic.to_owned(), Kept { retain, expires });
    }

    fn matching(&self, filter: &str) -> Vec<(TopicName, Retain)> {
        let now = Instant::now();
        let messages = self.messages.read().unwrap_or_else(PoisonError::into_inner);
        let alive = |kept: &Kept| kept.expires.is_none_or(|at| at > now);
        if !filter.contains(['+', '#']) {
            let kept = messages.get(filter).filter(|kept| alive(kept));
            return kept.map(|kept| (filter.into(), kept.retain.clone())).into_iter().collect();
        }
        messages
            .iter()
            .filter(|(topic, kept)| alive(kept) && matches(filter, topic))
            .map(|(topic, kept)| (topic.as_str().into(), kept.retain.clone()))
            .collect()
    }

    /// Forgets what has expired.
    pub(super) fn forget_expired(&self) {
        let now = Instant::now();
        let mut messages = self.messages.write().unwrap_or_else(PoisonError::into_inner);
        messages.retain(|_, kept| kept.expires.is_none_or(|at| at > now));
        metrics::gauge!("ostiary_server_mqtt_retained").set(messages.len() as f64);
    }

    fn len(&self) -> usize {
        self.messages.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Whether `new` is the will of a session that has a successor already: it must not take the place of what the
/// successor said.
fn is_stale_status(topic: &str, kept: &Retain, new: &Retain) -> bool {
    let session = |retain: &Retain| from_json::<Status>(&retain.publish.payload).map(|status| status.session).ok();
    matches!(DeviceRoot::parse(topic), Some((_, Channel::Status)))
        && session(kept).zip(session(new)).is_some_and(|(kept, new)| new < kept)
}

/// MQTT's filter rules, without `$`-topics, which are never kept here.
fn matches(filter: &str, topic: &str) -> bool {
    let mut levels = topic.split('/');
    for pattern in filter.split('/') {
        match (pattern, levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (exact, Some(level)) if exact == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

/// The same store in the broker's hands and in ours.
pub(super) struct Shared(pub(super) std::sync::Arc<Retained>);

#[async_trait]
impl RetainStorage for Shared {
    fn enable(&self) -> bool {
        true
    }

    async fn set(&self, topic: &TopicName, retain: Retain, lives: Option<Duration>) -> rmqtt::Result<()> {
        self.0.put(topic, retain, lives);
        Ok(())
    }

    async fn get(&self, filter: &TopicFilter) -> rmqtt::Result<Vec<(TopicName, Retain)>> {
        Ok(self.0.matching(filter))
    }

    async fn count(&self) -> isize {
        isize::try_from(self.0.len()).unwrap_or(isize::MAX)
    }

    async fn max(&self) -> isize {
        isize::try_from(MAX_MESSAGES).unwrap_or(isize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use ostiary_common::ids::{DeviceId, SiteId};
    use ostiary_common::time::UnixMillis;
    use ostiary_common::wire::monitor::{State, to_json};
    use rmqtt::types::{CodecPublish, From, Id, Publish};

    use super::*;

    fn check_match(filter: &str, topic: &str, expected: bool) {
        assert_eq!(matches(filter, topic), expected, "{filter} {topic}");
    }

    #[test]
    fn filters() {
        check_match("a/b", "a/b", true);
        check_match("a/+", "a/b", true);
        check_match("a/+", "a/b/c", false);
        check_match("a/+/c", "a/b/c", true);
        check_match("a/#", "a/b/c", true);
        check_match("a/b/#", "a/b", true);
        check_match("a/b/c", "a/b", false);
        check_match("#", "a", true);
    }

    fn message(topic: &str, payload: Vec<u8>) -> Retain {
        let publish = CodecPublish {
            dup: false,
            retain: true,
            qos: rmqtt::codec::types::QoS::AtLeastOnce,
            topic: topic.into(),
            packet_id: None,
            payload: payload.into(),
            properties: None,
        };
        let publish =
            Publish { inner: Box::new(publish), target_clientid: None, delay_interval: None, create_time: None };
        Retain { msg_id: None, from: From::from_custom(Id::from(1, "test".into())), publish }
    }

    fn put(kept: &Retained, topic: &str, payload: &[u8], lives: Option<Duration>) {
        kept.put(topic, message(topic, payload.to_vec()), lives);
    }

    #[test]
    fn keeps_replaces_removes_and_expires() {
        let kept = Retained::default();
        put(&kept, "a/b", b"1", Some(Duration::ZERO));
        put(&kept, "a/b", b"2", None);
        put(&kept, "a/c", b"3", Some(Duration::from_nanos(1)));
        std::thread::sleep(Duration::from_millis(1));
        let found = kept.matching("a/+");
        assert_eq!(found.len(), 1);
        assert_eq!(&found[0].1.publish.payload[..], b"2");
        assert_eq!(kept.len(), 2);
        kept.forget_expired();
        assert_eq!(kept.len(), 1);
        put(&kept, "a/b", b"", None);
        assert_eq!(kept.len(), 0);
    }

    #[test]
    fn a_late_will_does_not_replace_what_its_successor_said() {
        let topic = DeviceRoot { site: SiteId::generate(), device: DeviceId::generate() }.topic(&Channel::Status);
        let status = |state, session| to_json(&Status { state, session, since: UnixMillis(0), version: "1".into() });
        let kept = Retained::default();
        put(&kept, &topic, &status(State::Online, 7), None);
        put(&kept, &topic, &status(State::Lost, 6), None);
        let state = |kept: &Retained| from_json::<Status>(&kept.matching(&topic)[0].1.publish.payload).unwrap().state;
        assert_eq!(state(&kept), State::Online);
        put(&kept, &topic, &status(State::Lost, 7), None);
        assert_eq!(state(&kept), State::Lost);
    }
}
