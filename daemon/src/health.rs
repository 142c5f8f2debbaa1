//! Figures about the device itself, as published on `health`.

use ostiary_common::wire::monitor::Health;

use crate::domain::trust::age_of;
use crate::shared::Shared;
use crate::telemetry::{disk_written_bytes, memory_bytes};

/// The figures now.
#[must_use]
pub fn snapshot(shared: &Shared) -> Health {
    let telemetry = &shared.telemetry;
    let gallery = shared.gallery.load();
    let outbox = &shared.cache.outbox;
    telemetry.outbox_events.set(outbox.len() as u64);
    telemetry.outbox_bytes.set(outbox.size_bytes());
    telemetry.outbox_written.set(outbox.written_bytes());
    telemetry.disk_written.set(disk_written_bytes().unwrap_or(0));
    telemetry.gallery_rev.set(gallery.rev.0);
    telemetry.gallery_persons.set(gallery.index.persons() as u64);
    telemetry.gallery_templates.set(gallery.index.len() as u64);
    let mut metrics = telemetry.snapshot();
    metrics.extend(shared.board.vitals.load().figures.clone());
    metrics.insert("ostiary_uptime_seconds".into(), shared.clock.elapsed().as_secs_f64().round());
    metrics.insert("ostiary_clock_synced".into(), f64::from(u8::from(shared.clock.is_synced())));
    metrics.insert("ostiary_gallery_trusted".into(), f64::from(u8::from(shared.may_match())));
    let age = age_of(**shared.proven.load(), &shared.clock.now(0, 0));
    metrics.extend(age.map(|age| ("ostiary_gallery_proven_age_seconds".to_owned(), age.as_secs_f64().round())));
    if let Some((resident, peak)) = memory_bytes() {
        #[expect(clippy::cast_precision_loss, reason = "memory stays far below 2^52 bytes")]
        metrics.extend([
            ("process_resident_memory_bytes".to_owned(), resident as f64),
            ("process_peak_memory_bytes".to_owned(), peak as f64),
        ]);
    }
    if let Some(celsius) = cpu_temperature() {
        metrics.insert("ostiary_cpu_temperature_celsius".into(), celsius);
    }
    Health { metrics }
}

/// °C of the first thermal zone, which on the boards in question is the processor.
pub fn cpu_temperature() -> Option<f64> {
    let text = std::fs::read_to_string("/sys/class/thermal/thermal_zone0/temp").ok()?;
    text.trim().parse::<f64>().ok().map(|milli| milli / 1000.0)
}
