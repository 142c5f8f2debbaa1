//! The board's temperature, as the kernel has it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where the kernel shows it.
const ZONES: &str = "/sys/class/thermal";
/// Between two readings.
const EVERY: Duration = Duration::from_secs(5);
/// Boards slow themselves down about here, if they do not say where.
const USUAL_LIMIT_C: f32 = 80.0;

/// Reads the hottest zone now and then.
pub struct Thermometer {
    zones: Vec<Zone>,
    read: Option<Instant>,
}

struct Zone {
    temperature: PathBuf,
    limit: f32,
}

impl Thermometer {
    /// Looks for the zones of this board.
    pub fn new() -> Self {
        Self::within(Path::new(ZONES))
    }

    fn within(dir: &Path) -> Self {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
        Self { zones: entries.filter_map(|path| Zone::find(&path)).collect(), read: None }
    }

    /// Temperature and limit of the zone that is nearest to its limit, degrees Celsius; `None` if it is not yet
    /// time to read them again or there are none.
    pub fn read(&mut self, now: Instant) -> Option<(f32, f32)> {
        if self.zones.is_empty() || self.read.is_some_and(|last| now.duration_since(last) < EVERY) {
            return None;
        }
        self.read = Some(now);
        let readings = self.zones.iter().filter_map(|zone| Some((celsius(&zone.temperature)?, zone.limit)));
        readings.min_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)))
    }
}

impl Zone {
    /// A zone, and the temperature from which the kernel takes steps: its lowest passive trip point.
    fn find(dir: &Path) -> Option<Self> {
        let temperature = dir.join("temp");
        celsius(&temperature)?;
        let trips = (0..8).filter(|n| {
            fs::read_to_string(dir.join(format!("trip_point_{n}_type"))).is_ok_and(|kind| kind.trim() == "passive")
        });
        let limits = trips.filter_map(|n| celsius(&dir.join(format!("trip_point_{n}_temp"))));
        let limit = limits.filter(|limit| *limit > 40.0).fold(f32::INFINITY, f32::min);
        Some(Self { temperature, limit: if limit.is_finite() { limit } else { USUAL_LIMIT_C } })
    }
}

/// Thousandths of a degree, as the kernel writes them.
fn celsius(path: &Path) -> Option<f32> {
    let milli: f32 = fs::read_to_string(path).ok()?.trim().parse().ok()?;
    Some(milli / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_nearest_to_its_limit_counts_and_not_too_often() {
        let dir = tempfile::tempdir().unwrap();
        let zone = |name: &str, files: &[(&str, &str)]| {
            let zone = dir.path().join(name);
            fs::create_dir(&zone).unwrap();
            files.iter().for_each(|(file, text)| fs::write(zone.join(file), text).unwrap());
        };
        zone("thermal_zone0", &[("temp", "61000\n")]);
        zone(
            "thermal_zone1",
            &[("temp", "55000\n"), ("trip_point_0_type", "passive\n"), ("trip_point_0_temp", "70000")],
        );
        zone("cooling_device0", &[("type", "fan")]);
        let (mut thermometer, now) = (Thermometer::within(dir.path()), Instant::now());
        assert_eq!(thermometer.read(now), Some((55.0, 70.0)));
        assert_eq!(thermometer.read(now), None);
        assert!(thermometer.read(now + EVERY).is_some());
        assert_eq!(Thermometer::within(Path::new("/nowhere")).read(now), None);
    }
}
