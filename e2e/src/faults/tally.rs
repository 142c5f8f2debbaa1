//! What was tried, counted by everybody who breaks something.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::plan::{Fault, Role};

/// Programs ended by SIGKILL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kills {
    /// The server.
    pub server: u64,
    /// A broker of its own.
    pub broker: u64,
    /// Devices.
    pub daemon: u64,
}

impl Kills {
    /// All of them.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.server + self.broker + self.daemon
    }
}

/// What was tried so far.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    /// Kills.
    pub kills: Kills,
    /// Everything else, by name.
    pub faults: BTreeMap<&'static str, u64>,
    /// Programs that ended by themselves, with what befell them just then.
    pub deaths: Vec<String>,
    /// Changes of who is enrolled.
    pub changes: u64,
}

/// Shared by everybody who breaks something.
#[derive(Debug)]
pub struct Tally {
    began: Instant,
    over: AtomicBool,
    tried: Mutex<Tried>,
}

impl Tally {
    /// Goes on from what was tried before.
    pub fn new(before: Tried) -> Self {
        Self { began: Instant::now(), over: AtomicBool::new(false), tried: Mutex::new(before) }
    }

    /// What was tried so far.
    pub fn tried(&self) -> MutexGuard<'_, Tried> {
        // Counting goes on even if one who counted has failed.
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a fault.
    pub fn count(&self, role: Role, fault: Fault) {
        let mut tried = self.tried();
        match (fault, role) {
            (Fault::Kill, Role::Server) => tried.kills.server += 1,
            (Fault::Kill, Role::Broker) => tried.kills.broker += 1,
            (Fault::Kill, Role::Device) => tried.kills.daemon += 1,
            _ => *tried.faults.entry(fault.name()).or_default() += 1,
        }
    }

    /// Notes that a program ended by itself.
    pub fn died(&self, who: &str, during: &str) {
        let at = self.began.elapsed().as_secs();
        eprintln!("[{at:5} s] {who} ended by itself ({during})");
        self.tried().deaths.push(format!("{who} at {at} s ({during})"));
    }

    /// Says that enough was tried.
    pub fn finish(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Whether enough was tried.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Sleeps; not to its end if enough was tried meanwhile.
    pub async fn sleep(&self, duration: Duration) {
        let end = Instant::now() + duration;
        while !self.is_over() && Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            tokio::time::sleep(left.min(Duration::from_millis(200))).await;
        }
    }
}
