//! What a process has used of the machine, as Linux tells it.

use std::fs;

/// Clock ticks per second of `/proc`: fixed by the kernel's interface.
const TICKS_PER_S: f64 = 100.0;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Seconds of processor time.
    pub cpu_s: f64,
    /// Memory in use, MB.
    pub rss_mb: f64,
}

/// Asks the system about a process. Zeros if it is gone.
#[must_use]
pub fn of(pid: u32) -> Usage {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    Usage { cpu_s: cpu_s(&stat).unwrap_or_default(), rss_mb: rss_mb(&status).unwrap_or_default() }
}

/// Time in user and kernel mode: the 14th and 15th field, counted behind the name, which may hold spaces.
fn cpu_s(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let kernel: f64 = fields.next()?.parse().ok()?;
    Some((user + kernel) / TICKS_PER_S)
}

fn rss_mb(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_linux_says() {
        let stat = "42 (a (b) c) S 1 1 1 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 4 0 100 1000 100";
        assert_eq!(cpu_s(stat), Some(4.0));
        assert_eq!(cpu_s(""), None);
        assert_eq!(rss_mb("VmPeak:\t  10 kB\nVmRSS:\t    2048 kB\n"), Some(2.0));
        assert!(of(std::process::id()).rss_mb > 1.0);
    }
}
