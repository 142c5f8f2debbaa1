//! What the kernel says of the board. What a board does not have is left out.

use std::collections::BTreeMap;
use std::path::Path;

/// Where Raspberry Pi boards say whether they slow themselves down.
const THROTTLED: &str = "/sys/devices/platform/soc/soc:firmware/get_throttled";
/// Bits of it that speak of now: too little voltage, clock capped, slowed down, too hot.
const THROTTLED_NOW: u64 = 0xF;

/// One look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Probe {
    /// The processor, °C.
    pub celsius: Option<f64>,
    /// The board slows itself down now.
    pub is_throttled: bool,
    /// Free space for the state directory, bytes.
    pub disk_free: Option<u64>,
    disk_total: Option<u64>,
    memory_available: Option<u64>,
    load: Option<f64>,
    wifi_dbm: Option<f64>,
}

impl Probe {
    /// Looks now.
    pub fn take(state_dir: &Path) -> Self {
        let disk = rustix::fs::statvfs(state_dir).ok();
        Self {
            celsius: crate::health::cpu_temperature(),
            is_throttled: text(THROTTLED).and_then(|text| throttled(&text)).unwrap_or(false),
            disk_free: disk.as_ref().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
            disk_total: disk.as_ref().map(|disk| disk.f_blocks.saturating_mul(disk.f_frsize)),
            memory_available: text("/proc/meminfo").and_then(|text| available(&text)),
            load: text("/proc/loadavg").and_then(|text| text.split_whitespace().next()?.parse().ok()),
            wifi_dbm: text("/proc/net/wireless").and_then(|text| signal(&text)),
        }
    }

    /// As figures.
    pub fn figures(&self, figures: &mut BTreeMap<String, f64>) {
        let bytes = |value: Option<u64>| value.map(|value| value as f64);
        let known = [
            ("ostiary_board_throttled", Some(f64::from(u8::from(self.is_throttled)))),
            ("ostiary_disk_free_bytes", bytes(self.disk_free)),
            ("ostiary_disk_size_bytes", bytes(self.disk_total)),
            ("ostiary_memory_available_bytes", bytes(self.memory_available)),
            ("ostiary_load_1m", self.load),
            ("ostiary_wifi_signal_dbm", self.wifi_dbm),
        ];
        figures.extend(known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
}

fn text(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// `50005` in hexadecimal, with or without `0x`.
fn throttled(text: &str) -> Option<bool> {
    let bits = u64::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()?;
    Some(bits & THROTTLED_NOW != 0)
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// The signal of the first wireless interface: `wlan0: 0000   54.  -56.  -256 …`.
fn signal(wireless: &str) -> Option<f64> {
    let line = wireless.lines().find(|line| line.split_whitespace().next().is_some_and(|name| name.ends_with(':')))?;
    line.split_whitespace().nth(3)?.trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kernels_write() {
        assert_eq!(throttled("50005\n"), Some(true));
        assert_eq!(throttled("0x50000"), Some(false), "it was hot once, not now");
        assert_eq!(throttled(""), None);
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:     1024 kB\n"), Some(1 << 20));
        let head = "Inter-| sta-|   Quality\n face | tus | link level noise\n";
        assert_eq!(signal(&format!("{head} wlan0: 0000   54.  -56.  -256        0\n")), Some(-56.0));
        assert_eq!(signal(head), None);
        let probe = Probe::take(Path::new("/"));
        let mut figures = BTreeMap::new();
        probe.figures(&mut figures);
        assert!(figures["ostiary_disk_size_bytes"] > 0.0 && figures.contains_key("ostiary_load_1m"), "{figures:?}");
    }
}
