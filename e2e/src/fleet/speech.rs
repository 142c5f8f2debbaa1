//! What a device of the fleet says, as bytes.

use std::collections::BTreeMap;

use ostiary_common::codec::CodecError;
use ostiary_common::envelope::{Body, Envelope, WIRE_VERSION};
use ostiary_common::ids::{DeviceId, MsgId};
use ostiary_common::wire::monitor::{Health, Info, State, Status, to_json};
use ostiary_common::wire::{ConfigReported, DeviceSettings};

use super::member::PACK;
use crate::device::now;

/// Counts a session's messages and puts each into its envelope.
#[derive(Debug)]
pub struct Speech {
    device: DeviceId,
    session: u64,
    seq: u64,
}

impl Speech {
    /// The speech of a new session.
    pub const fn new(device: DeviceId, session: u64) -> Self {
        Self { device, session, seq: 0 }
    }

    /// A machine message.
    ///
    /// # Errors
    /// [`CodecError`] if it is over its cap.
    pub fn envelope<B: Body>(&mut self, body: B) -> Result<Vec<u8>, CodecError> {
        self.seq += 1;
        let (device, session, seq) = (self.device, self.session, self.seq);
        Envelope { v: WIRE_VERSION, msg_id: MsgId::generate(), device, session, seq, sent_at: now(), body }.encode()
    }

    /// How the device is.
    pub fn status(&self, state: State) -> Vec<u8> {
        to_json(&Status { state, session: self.session, since: now(), version: version() })
    }
}

/// What the device is.
pub fn info() -> Vec<u8> {
    to_json(&Info {
        version: version(),
        hardware: "made up for a fleet".into(),
        system: "none".into(),
        camera: "none".into(),
        model_pack: PACK.into(),
        ..Info::default()
    })
}

/// The settings in force: none were ever sent.
pub fn config() -> ConfigReported {
    ConfigReported { version: 0, error: None, settings: DeviceSettings::default() }
}

/// As many figures as a daemon sends.
pub fn health(uptime_s: f64) -> Vec<u8> {
    let figure = |n: u32| (format!("ostiary_fleet_figure_{n}_total"), uptime_s * f64::from(n));
    to_json(&Health { metrics: (0..30).map(figure).collect::<BTreeMap<_, _>>() })
}

fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
