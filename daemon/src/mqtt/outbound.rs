//! What goes out: messages in their envelopes, in the order they are to be published.

use std::time::Duration;

use ostiary_common::envelope::{Body, Envelope, WIRE_VERSION};
use ostiary_common::ids::MsgId;
use ostiary_common::topics::Channel;
use ostiary_common::wire::monitor::{self, State, Status};

use super::driver::Driver;

/// A message to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
    /// Kept by the broker.
    pub retain: bool,
    /// At least once, or at most once.
    pub reliable: bool,
    /// How long the broker keeps it.
    pub expiry: Option<Duration>,
}

impl Driver {
    /// Publishes what is in force.
    pub(super) fn report_config(&mut self, error: Option<String>) {
        let in_force = self.parts.shared.settings.load().report();
        let report = crate::domain::desired::report(self.config_version.unwrap_or(0), error, in_force);
        let payload = self.encode(report);
        self.push(&Channel::ConfigReported, payload, true, true, None);
    }

    /// Publishes a machine message.
    pub(super) fn publish<B: Body>(&mut self, channel: &Channel, body: B) {
        let payload = self.encode(body);
        self.push(channel, payload, false, true, None);
    }

    /// Publishes a monitoring message that is kept by the broker.
    pub(super) fn publish_json<T: serde::Serialize>(&mut self, channel: &Channel, message: &T) {
        self.push(channel, Some(monitor::to_json(message)), true, true, None);
    }

    /// Says how the device is.
    pub(super) fn say_status(&mut self, state: State) {
        let status = self.status(state, self.session);
        self.publish_json(&Channel::Status, &status);
    }

    /// A status of the session; also what the will says.
    pub fn status(&self, state: State, session: u64) -> Status {
        let since = self.parts.shared.clock.wall();
        Status { state, session, since, version: env!("CARGO_PKG_VERSION").to_owned() }
    }

    /// Publishes the figures, and when they are due next.
    pub(super) fn publish_health(&mut self, now: Duration) {
        let interval = self.parts.shared.settings.load().health_interval;
        self.next_health = now + interval;
        let health = crate::health::snapshot(&self.parts.shared);
        let payload = Some(monitor::to_json(&health));
        self.push(&Channel::Health, payload, true, false, Some(interval * 3));
    }

    fn encode<B: Body>(&mut self, body: B) -> Option<Vec<u8>> {
        self.seq += 1;
        let envelope = Envelope {
            v: WIRE_VERSION,
            msg_id: MsgId::generate(),
            device: self.parts.root.device,
            session: self.session,
            seq: self.seq,
            sent_at: self.parts.shared.clock.wall(),
            body,
        };
        envelope.encode().inspect_err(|error| tracing::error!(%error, "cannot encode a message")).ok()
    }

    fn push(
        &mut self,
        channel: &Channel,
        payload: Option<Vec<u8>>,
        retain: bool,
        reliable: bool,
        expiry: Option<Duration>,
    ) {
        let Some(payload) = payload.filter(|_| self.connected) else { return };
        let topic = self.parts.root.topic(channel);
        self.outgoing.push_back(Outgoing { topic, payload, retain, reliable, expiry });
    }
}
