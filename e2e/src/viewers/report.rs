//! What was found.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::ViewersArgs;
use super::crowd::Told;

/// Many before the wall: what they were told, how soon, and what it cost the server.
#[derive(Clone, Debug, Serialize)]
pub struct ViewersReport {
    /// People before the wall.
    pub viewers: u32,
    /// Visits stored.
    pub events: u64,
    /// Visits stored a second.
    pub events_per_s: f64,
    /// Visits told, over all viewers.
    pub told: u64,
    /// Visits that somebody was not told.
    pub missed: u64,
    /// Visits that somebody was told twice.
    pub doubled: u64,
    /// From the visit to a viewer, ms: half of them within, nine of ten, 99 of 100.
    pub told_ms: [u64; 3],
    /// Processor time of the server, seconds.
    pub cpu_s: f64,
    /// The same as processors kept busy.
    pub cores: f64,
    /// The same by visit, microseconds.
    pub cpu_us_per_event: f64,
    /// The same by visit told, microseconds.
    pub cpu_us_per_told: f64,
    /// Memory of the server at the end, MB.
    pub rss_mb: f64,
}

impl ViewersReport {
    pub(super) fn new(
        args: &ViewersArgs,
        events: u64,
        told: Told,
        (took, cpu_s, rss_mb): (Duration, f64, f64),
    ) -> Self {
        let wanted = events * u64::from(args.viewers);
        let each = |count: u64| if count == 0 { 0.0 } else { cpu_s * 1e6 / count as f64 };
        let within = |share| told.soon.at(share).unwrap_or_default();
        Self {
            viewers: args.viewers,
            events,
            events_per_s: events as f64 / took.as_secs_f64(),
            told: told.told,
            missed: wanted.saturating_sub(told.told - told.doubled),
            doubled: told.doubled,
            told_ms: [within(0.5), within(0.9), within(0.99)],
            cpu_s,
            cores: cpu_s / took.as_secs_f64(),
            cpu_us_per_event: each(events),
            cpu_us_per_told: each(told.told),
            rss_mb,
        }
    }

    /// Whether everybody was told everything once.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.missed == 0 && self.doubled == 0
    }
}

impl fmt::Display for ViewersReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [half, most, nearly] = self.told_ms;
        writeln!(f, "{} viewers, {} visits at {:.0} a second", self.viewers, self.events, self.events_per_s)?;
        writeln!(f, "told {}, missed {}, twice {}", self.told, self.missed, self.doubled)?;
        writeln!(f, "from the visit to a viewer: p50 {half} ms, p90 {most} ms, p99 {nearly} ms")?;
        write!(
            f,
            "the server: {:.2} cores, {:.0} us a visit, {:.1} us a visit told, {:.0} MB",
            self.cores, self.cpu_us_per_event, self.cpu_us_per_told, self.rss_mb
        )
    }
}
