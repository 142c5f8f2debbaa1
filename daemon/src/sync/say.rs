//! What goes out: messages in their envelopes, in the order they are to be published.

use std::time::Duration;

use ostiary_common::envelope::{Body, Envelope, WIRE_VERSION};
use ostiary_common::topics::Channel;
use ostiary_common::wire::monitor::{self, Health, State, Status};
use ostiary_common::wire::{GalleryAck, HoldingProof, holding_statement};

use super::core::{DeviceCore, Turn};
use super::{Action, Disk, Outgoing};

/// How often the device says that it is there, with the health report that is due then.
const STATUS_INTERVAL: Duration = Duration::from_secs(600);

impl<D: Disk> DeviceCore<D> {
    /// The device's figures, as a message.
    #[must_use]
    pub fn health(&self, health: &Health, expiry: Duration) -> Outgoing {
        let topic = self.parts.root.topic(&Channel::Health);
        Outgoing { topic, payload: monitor::to_json(health), retain: true, reliable: false, expiry: Some(expiry) }
    }

    /// Publishes a machine message.
    pub(super) fn say<B: Body>(&mut self, channel: &Channel, body: B, turn: &mut Turn<'_>) {
        self.say_sized(channel, body, turn);
    }

    /// Publishes a machine message; returns its size.
    pub(super) fn say_sized<B: Body>(&mut self, channel: &Channel, body: B, turn: &mut Turn<'_>) -> u64 {
        let Some(payload) = self.encode(body, turn) else { return 0 };
        let size = payload.len() as u64;
        self.push(channel, payload, false, turn);
        size
    }

    /// Says what is held, signed.
    pub(super) fn say_held(&mut self, mut ack: GalleryAck, turn: &mut Turn<'_>) {
        let at = turn.now.wall;
        let statement = holding_statement(self.parts.root.device, ack.rev, &ack.digest, at);
        let signature = self.parts.signer.as_ref().and_then(|signer| signer.sign(&statement));
        ack.proof = signature.map(|signature| HoldingProof { at, signature: signature.into() });
        self.say(&Channel::GalleryAck, ack, turn);
    }

    /// Says what is in force, if that is owed.
    pub(super) fn report_config(&mut self, turn: &mut Turn<'_>) {
        if !self.connected {
            return;
        }
        let Some(error) = self.report_owed.take() else { return };
        let in_force = self.parts.in_force.clone();
        let report = crate::domain::desired::report(self.config_version.unwrap_or(0), error, in_force);
        if let Some(payload) = self.encode(report, turn) {
            self.push(&Channel::ConfigReported, payload, true, turn);
        }
    }

    /// Says that the device is there, and when it says so again: a broker may lose it, or say the will of a connection
    /// before after it.
    pub(super) fn say_online(&mut self, turn: &mut Turn<'_>) {
        self.next_status = turn.now.monotonic + STATUS_INTERVAL;
        let status = Status { since: self.online_since, ..self.status(State::Online, self.session, turn.now) };
        self.say_json(&Channel::Status, &status, turn);
    }

    /// Says how the device is.
    pub(super) fn say_status(&mut self, state: State, turn: &mut Turn<'_>) {
        let status = self.status(state, self.session, turn.now);
        self.say_json(&Channel::Status, &status, turn);
    }

    /// Publishes a monitoring message that is kept by the broker.
    pub(super) fn say_json<T: serde::Serialize>(&mut self, channel: &Channel, message: &T, turn: &mut Turn<'_>) {
        self.push(channel, monitor::to_json(message), true, turn);
    }

    fn encode<B: Body>(&mut self, body: B, turn: &mut Turn<'_>) -> Option<Vec<u8>> {
        self.seq += 1;
        let envelope = Envelope {
            v: WIRE_VERSION,
            msg_id: turn.dice.msg_id(turn.now.wall),
            device: self.parts.root.device,
            session: self.session,
            seq: self.seq,
            sent_at: turn.now.wall,
            body,
        };
        envelope.encode().map_err(|error| turn.actions.push(Action::Refused(error.to_string()))).ok()
    }

    fn push(&self, channel: &Channel, payload: Vec<u8>, retain: bool, turn: &mut Turn<'_>) {
        if self.connected {
            let topic = self.parts.root.topic(channel);
            turn.actions.push(Action::Publish(Outgoing { topic, payload, retain, reliable: true, expiry: None }));
        }
    }
}
