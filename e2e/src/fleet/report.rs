//! What a campaign found.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// The figures of one campaign. Times are milliseconds unless the name says seconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FleetReport {
    /// Devices asked for.
    pub devices: u32,
    /// Devices connected after the ramp, and again in the end.
    pub connected: usize,
    /// From the first connection's begin until all devices were connected.
    pub connect_s: f64,
    /// And until the server had dealt with all that devices say when they connect.
    pub calm_s: f64,
    /// Events per second committed and acknowledged in the highest step that held.
    pub events_per_s: f64,
    /// 99 of 100 batches were acknowledged within this time in that step.
    pub ack_ms_p99: u64,
    /// And half of them within this.
    pub ack_ms_p50: u64,
    /// Events per second while every device sent what had waited during an outage.
    pub drain_per_s: f64,
    /// Rows per second of a plain batch insert into the same table.
    pub raw_per_s: f64,
    /// `events_per_s` as a share of `raw_per_s`.
    pub raw_ratio: f64,
    /// `drain_per_s` as a share of `raw_per_s`.
    pub drain_ratio: f64,
    /// From the answer to an enrollment until 99 of 100 devices held it.
    pub enroll_ms_p99: u64,
    /// Until all did.
    pub enroll_ms_max: u64,
    /// From the order to start the killed server again until all devices were back and nothing waited.
    pub storm_s: f64,
    /// Connections that failed or ended during the storm, by reason.
    pub storm_failures: BTreeMap<String, u64>,
    /// Errors the server logged in the whole campaign.
    pub server_errors: usize,
    /// Events made, and what became of them.
    pub events: u64,
    /// Not in the store.
    pub lost: u64,
    /// In the store twice.
    pub doubled: u64,
    /// Batches sent a second time.
    pub sent_again: u64,
    /// Galleries with another digest than they should have.
    pub wrong_galleries: u64,
    /// Every step of steady load.
    pub steps: Vec<Step>,
    /// The server's memory with all devices connected, MB.
    pub server_rss_mb: f64,
    /// Processor cores the server used in the highest step that held.
    pub server_cores: f64,
    /// Processor cores this program used in it.
    pub fleet_cores: f64,
}

/// One step of steady load.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Step {
    /// Events per second made.
    pub offered_per_s: f64,
    /// Events per second acknowledged.
    pub acked_per_s: f64,
    /// 99 of 100 batches were acknowledged within this time.
    pub ack_ms_p99: u64,
    /// Half of them.
    pub ack_ms_p50: u64,
    /// Events waiting on devices at the step's end.
    pub waiting: u64,
    /// Cores the server used.
    pub server_cores: f64,
    /// Cores the fleet used.
    pub fleet_cores: f64,
    /// Whether all that was made was acknowledged at that pace, 99 of 100 batches within a second.
    pub held: bool,
}

impl FleetReport {
    /// Whether every event made is stored exactly once, and every device came back.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.wrong_galleries == 0 && self.connected == self.devices as usize
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offered_per_s, acked_per_s, ack_ms_p50, ack_ms_p99, waiting, server_cores, fleet_cores, held } =
            self;
        let word = if *held { "holds" } else { "does not hold" };
        write!(
            f,
            "{offered_per_s:>8.0} events/s offered, {acked_per_s:>8.0} acknowledged, half within {ack_ms_p50} ms, 99 % within \
             {ack_ms_p99} ms, {waiting} waiting, server {server_cores:.2} cores, fleet {fleet_cores:.2}: {word}"
        )
    }
}

impl fmt::Display for FleetReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "devices connected   {} of {}, in {:.1} s", self.connected, self.devices, self.connect_s)?;
        writeln!(
            f,
            "events/s            {:.0}, 99 % acknowledged within {} ms (half within {} ms)",
            self.events_per_s, self.ack_ms_p99, self.ack_ms_p50
        )?;
        writeln!(f, "after an outage     {:.0} events/s", self.drain_per_s)?;
        writeln!(
            f,
            "plain batch insert  {:.0} rows/s; the fleet reaches {:.0} % of it, {:.0} % after an outage",
            self.raw_per_s,
            self.raw_ratio * 100.0,
            self.drain_ratio * 100.0
        )?;
        writeln!(
            f,
            "enrollment          on 99 % of devices within {} ms, on all within {} ms",
            self.enroll_ms_p99, self.enroll_ms_max
        )?;
        writeln!(f, "reconnect storm     {:.1} s, failures {:?}", self.storm_s, self.storm_failures)?;
        writeln!(
            f,
            "server              {:.0} MB, {:.2} cores; errors logged {}",
            self.server_rss_mb, self.server_cores, self.server_errors
        )?;
        write!(
            f,
            "events              {} made, {} lost, {} doubled, {} batches sent again",
            self.events, self.lost, self.doubled, self.sent_again
        )
    }
}
